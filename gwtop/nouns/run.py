"""A run: what the engine is given, as contracts. Types only.

The engine is one loop; what it loops over is handed to it, so that a test can hand it something
else: a sink that is slow, a tracker that fails, signals that nobody sent.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gwtop.nouns.anatomy import Anatomy
from gwtop.nouns.facts import Detail, Fact, ProcessDetail, Watched
from gwtop.nouns.records import Record
from gwtop.nouns.times import Nanos
from gwtop.nouns.wishes import BadWish, Wish


class Sink(Protocol):
    """Where facts go. It never blocks."""

    @property
    def closed(self) -> bool:
        """The reader has gone."""

    @property
    def queued_bytes(self) -> int: ...

    @property
    def is_full(self) -> bool:
        """A source that can wait should wait."""

    def fileno(self) -> int:
        """-1: nowhere that `poll` could tell anything about."""

    def put(self, facts: list[Fact]) -> None: ...

    def flush(self) -> None:
        """Writes as much as the reader takes at once."""

    def take_dropped(self) -> tuple[int, int]:
        """Requests and process events that were not given to a slow reader since the last call."""


class Tracking(Protocol):
    """What the engine needs of a tracker."""

    tell_connections: bool

    @property
    def satisfied(self) -> bool:
        """As many requests as the plan asked for have been told."""

    @property
    def tree_version(self) -> int:
        """Another number whenever `watched_pids` has changed."""

    def begin(self, at: Nanos) -> None: ...

    def ingest(self, record: Record) -> list[Fact]: ...

    def settle(self, at: Nanos) -> list[Fact]: ...

    def due_at(self) -> Nanos | None: ...

    def finish(self, at: Nanos) -> list[Fact]: ...

    def watched_pids(self) -> frozenset[int]: ...

    def watch(self) -> list[Watched]: ...

    def detail(self, id: int) -> Detail: ...

    def anatomy(self, seen: Anatomy) -> ProcessDetail: ...


class Signalled(Protocol):
    """The signals that end a program, as something to wait on."""

    @property
    def first(self) -> int | None: ...

    @property
    def n_seen(self) -> int: ...

    def fileno(self) -> int: ...

    def clear(self) -> None:
        """Makes the descriptor silent until the next signal."""


class WishSource(Protocol):
    @property
    def ended(self) -> bool: ...

    @property
    def ends_the_run(self) -> bool:
        """Whoever wishes here is our screen; without it nobody wants us."""

    def fileno(self) -> int: ...

    def read(self) -> list[Wish | BadWish]: ...


class Driven(Protocol):
    """A process that the run is about; the run is over soon after it has ended."""

    def fileno(self) -> int:
        """Readable when it has ended."""


class Report(Protocol):
    """The debug report."""

    def write(self, what: str, /, **values: object) -> None: ...

    def exception(self, error: BaseException) -> None: ...


@runtime_checkable
class TakesCopy(Protocol):
    """A tap that copies less than it sees, and can copy more or nothing."""

    def set_copy(self, n_bytes: int) -> list[Record]: ...


@runtime_checkable
class TakesPorts(Protocol):
    """A tap or a tracker that can watch other ports while it runs."""

    def set_ports(self, ports: Sequence[int]) -> None: ...


@runtime_checkable
class Retires(Protocol):
    """A tap that others depend on while it is open."""

    def retire(self, now: Nanos) -> list[Record]:
        """The end is near: gives back what others wait for. What it saw meanwhile."""


def _nothing_driven() -> Driven | None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Terms:
    """What a run is given besides what it watches."""

    signals: Signalled
    wishes: WishSource | None = None
    on_hello: Callable[[], Driven | None] = _nothing_driven
    """Called when every tap is open and `hello` is written: starts the load."""
    has_lost_its_subject: Callable[[], bool] = _never
    """Asked once a tick: has what we watch ended (a demo that died)?"""
    report: Report | None = None
    reread: Callable[[int], Detail | None] | None = None
    """Finds an exchange that is no longer kept in the file it came from. None: there is no file
    that could be read again."""
