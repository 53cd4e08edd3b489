"""The feed: lines that wait in an intake, decoded and applied to the model, a slice at a time.

In: an `Intake`. Out: a model that is up to date. Refuses to know when anything is painted.

What the model keeps is 200,000 rows that are never part of a cycle; left to itself the garbage
collector walks them all every few seconds, and a key waits 130 ms for it. So from time to time it
is told to leave alone what is there; what dies is freed as before, by its last reference.
"""

import gc
from typing import Protocol

from gwtop.errors import GwtopError
from gwtop.journal import Unknown, decode
from gwtop.model import Model

SLICE_LINES = 150
"""A few ms of work between two looks at the keys."""
FREEZE_LINES = 5_000
"""So many make some 50,000 objects: 5 ms to walk."""


class Lines(Protocol):
    """What is needed of an intake."""

    n_dropped: int
    ended: bool
    last_words: str | None

    @property
    def n_waiting(self) -> int: ...

    def start(self) -> None: ...

    def take(self, n_lines: int) -> list[bytes]: ...


class Feed:
    def __init__(self, intake: Lines, model: Model) -> None:
        self.intake = intake
        self.model = model
        self._n_bad_lines = 0
        self._n_warm = 0
        """Lines since the collector was told."""

    def next_slice(self) -> bool:
        """Applies what waits, up to a slice; whether more waits."""
        lines = self.intake.take(SLICE_LINES)
        for line in lines:
            try:
                fact = decode(line)
            except GwtopError:
                self._n_bad_lines += 1
                continue
            if not isinstance(fact, Unknown):
                self.model.apply(fact)
        self._n_warm += len(lines)
        if self._n_warm >= FREEZE_LINES:
            self._n_warm = 0
            gc.collect(1)  # cycles that are young, so that none is kept for good
            gc.freeze()
        self.model.n_unread = self._n_bad_lines + self.intake.n_dropped
        return self.intake.n_waiting > 0

    @property
    def has_ended(self) -> bool:
        """The other end is closed, and all it said is applied."""
        return self.intake.ended and not self.intake.n_waiting

    @property
    def was_cut_off(self) -> bool:
        return self.has_ended and self.model.summary is None
