"""A paused screen that goes back and forth in time.

In: the app, its model's history. Out: the snapshot that is shown, and words for the head. Knows no
pane: they show what they are given, and a snapshot of an earlier moment is one like any other.
"""

from typing import TYPE_CHECKING

from gwtop.model import Snapshot
from gwtop.model.history import then, with_routes
from gwtop.nouns.times import SECOND_NS
from gwtop.panels import Cell
from gwtop.panels._text import idle_time, time_of_day

if TYPE_CHECKING:
    from gwtop.tui.app import Screen


class Past:
    def __init__(self, app: "Screen") -> None:
        self._app = app
        self._kept: Snapshot | None = None
        """As it was when the pause began, with all that can be stepped through."""

    def begin(self) -> Snapshot:
        """The pause begins: what is shown from now on."""
        model = self._app.model
        self._kept = model.snapshot().kept()
        return self._kept

    def end(self) -> None:
        self._kept = None

    def step(self, n_moments: int) -> Snapshot | None:
        """So many moments forth (or back) from what is shown; None: there is no further."""
        kept, at = self._kept, self._app.shown.now_at
        if kept is None or at is None:
            return None
        history = self._app.model.history
        if n_moments < 0:
            moment = history.before(at, -n_moments)
        else:
            moment = history.after(at, n_moments)
            if moment is None or moment.at >= (kept.now_at or 0):
                return kept
        return None if moment is None else then(moment, kept)

    def complete(self, shown: Snapshot) -> Snapshot:
        """What is shown, with what is costly to count again and is looked at now."""
        if self._kept is None or not self.is_back or shown.routes or not self._app.wants("routes"):
            return shown
        return with_routes(shown, self._kept)

    @property
    def is_back(self) -> bool:
        return self._kept is not None and self._app.shown is not self._kept

    def words(self) -> Cell:
        """For the head: "⏸ 14:03:22, 12 s ago"."""
        app, at = self._app, self._app.shown.now_at
        if at is None:
            return Cell("⏸ paused", "warn")
        now_at = app.model.now_at or at
        ago = f", {idle_time(now_at - at)} ago" if now_at - at >= SECOND_NS else ""
        return Cell(f"⏸ {time_of_day(at, app.look.utc_offset_s)}{ago}", "warn")
