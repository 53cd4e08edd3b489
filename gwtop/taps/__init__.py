"""Taps turn the machine into timed records. The contract; the taps are the files beside this one.

A live tap is a module of this folder that has `open_tap(plan, now) -> Tap | None` (None: this plan
does not ask for it). The engine finds them with `discover()`, sorted by name; nothing registers.
A tap that is refused is no error: it is a `TapState` with what it needs, and the others go on.
Taps never import wire, protocols, tracker, model, panels, outputs or tui.

Taps do not know each other, with one exception that is a function and no object: where process
events are not to be had (`births.unavailable()` says why), the census polls for births by itself.
The engine arranges nothing. A tap's module with `AT_HOME` is opened before the engine goes into
another network namespace (`netns`). A tap that can change what it captures while it runs has
`set_ports`.
"""

from collections.abc import Collection, Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Protocol

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Record, TapState
from gwtop.nouns.times import Nanos


class Tap(Protocol):
    name: str
    state: TapState
    behind_at: Nanos | None
    """When `read` left something waiting: the instant of the newest thing it did read. None:
    everything that was there has been read. Nothing is settled beyond it."""

    def fileno(self) -> int:
        """What `select` waits on; -1 when there is nothing to wait on (polls, refused taps)."""

    def due_at(self) -> Nanos | None:
        """When `read` wants to be called although nothing is readable. None: never."""

    def read(self, now: Nanos) -> list[Record]:
        """Everything that is there now; never blocks, bounded work per call."""

    def follow(self, pids: Collection[int]) -> None:
        """These processes are the watched tree now (the tap may narrow what it looks at)."""

    def close(self) -> None:
        """Gives everything back; may be called twice."""


class TapModule(Protocol):
    def open_tap(self, plan: Plan, now: Nanos) -> Tap | None: ...


def discover() -> Iterator[TapModule]:
    """The live taps, sorted by name."""
    for info in sorted(iter_modules(__path__), key=lambda info: info.name):
        module = import_module(f"{__name__}.{info.name}")
        if hasattr(module, "open_tap"):
            yield module
