"""The tap that could not be opened: it says so with its `TapState`, and nothing else.

In: the state. Out: no record. Refused and absent taps are taps, so that the engine asks nobody
whether it may ask.
"""

from collections.abc import Collection, Sequence

from gwtop.nouns.records import Record, TapState
from gwtop.nouns.times import Nanos


class Shut:
    def __init__(self, state: TapState) -> None:
        self.name = state.tap
        self.state = state
        self.behind_at: Nanos | None = None

    def fileno(self) -> int:
        return -1

    def due_at(self) -> Nanos | None:
        return None

    def read(self, now: Nanos) -> list[Record]:
        return []

    def follow(self, pids: Collection[int]) -> None:
        """Nothing to narrow."""

    def set_ports(self, ports: Sequence[int]) -> None:
        """No filter to swap."""

    def close(self) -> None:
        """Holds nothing."""
