"""The feed: lines that wait in an intake, decoded and applied to the model, a slice at a time.

In: an `Intake`. Out: a model that is up to date. Refuses to know when anything is painted.
"""

from typing import Protocol

from gwtop.errors import GwtopError
from gwtop.journal import Unknown, decode
from gwtop.model import Model

SLICE_LINES = 150
"""A few ms of work between two looks at the keys."""


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

    def next_slice(self) -> bool:
        """Applies what waits, up to a slice; whether more waits."""
        for line in self.intake.take(SLICE_LINES):
            try:
                fact = decode(line)
            except GwtopError:
                self._n_bad_lines += 1
                continue
            if not isinstance(fact, Unknown):
                self.model.apply(fact)
        self.model.n_unread = self._n_bad_lines + self.intake.n_dropped
        return self.intake.n_waiting > 0

    @property
    def has_ended(self) -> bool:
        """The other end is closed, and all it said is applied."""
        return self.intake.ended and not self.intake.n_waiting

    @property
    def was_cut_off(self) -> bool:
        return self.has_ended and self.model.summary is None
