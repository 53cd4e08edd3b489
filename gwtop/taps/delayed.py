"""A tap whose records wait until a slower tap has told what happened before them.

In: a tap, how long. Out: the same records, later; their instants stay. It refuses to know what
they are.

Where front and back hop are seen by different taps (packets in front, the workers' calls behind),
the request behind must not be known before the one that it was made for: packets come a ring
block late (10 ms), calls at once. A request would be paired with an older one of its connection.
"""

from collections import deque
from collections.abc import Collection
from typing import Protocol

from gwtop import clock
from gwtop.nouns.records import Frames, Record, TapState
from gwtop.nouns.run import TakesCopy
from gwtop.nouns.times import MILLISECOND_NS, Nanos
from gwtop.taps import Tap

LAG_NS = 30 * MILLISECOND_NS  # a block of the ring, and that both are read by one busy loop


class CopyingTap(Tap, TakesCopy, Protocol):
    """Said outright: from Python 3.12 on `isinstance` does not see what `__getattr__` offers."""


class Delayed:
    def __init__(self, tap: CopyingTap) -> None:
        self._tap = tap
        self._waiting: deque[tuple[Nanos, Nanos, list[Record]]] = deque()
        """When they may go, in order; the instant of the oldest."""
        self._read_at: Nanos = 0
        """The last time. What was due by then goes now: the slower tap has been read meanwhile,
        also where their loop was held up for longer than we wait."""

    @property
    def name(self) -> str:
        return self._tap.name

    @property
    def state(self) -> TapState:
        return self._tap.state

    @property
    def behind_at(self) -> Nanos | None:
        """Nothing is settled beyond what has been handed on. On a busy machine what is read now may
        have happened long ago, and what was in front of it be over."""
        if self._waiting:
            return self._waiting[0][1]
        return self._tap.behind_at

    def fileno(self) -> int:
        return self._tap.fileno()

    def due_at(self) -> Nanos | None:
        times = [self._waiting[0][0]] if self._waiting else []
        due_at = self._tap.due_at()
        return min([*times, due_at]) if due_at is not None else min(times, default=None)

    def read(self, now: Nanos) -> list[Record]:
        self._keep(self._tap.read(now), now)
        ripe: list[Record] = []
        while self._waiting and self._waiting[0][0] <= self._read_at:
            ripe += self._waiting.popleft()[2]
        self._read_at = now
        return ripe

    def _keep(self, told: list[Record], now: Nanos) -> None:
        if told:
            instants = [record.at for record in told if not isinstance(record, Frames)]
            self._waiting.append((now + LAG_NS, min(instants, default=now), told))

    def retire(self, now: Nanos) -> list[Record]:
        """The end: whatever it has, at once."""
        rest = [record for _, _, records in self._waiting for record in records]
        self._waiting.clear()
        return [*rest, *self._tap.read(now)]

    def follow(self, pids: Collection[int]) -> None:
        self._tap.follow(pids)

    def close(self) -> None:
        self._tap.close()

    def set_copy(self, n_bytes: int) -> list[Record]:
        """What that ends comes behind what still waits."""
        self._keep(self._tap.set_copy(n_bytes), clock.now())
        return []
