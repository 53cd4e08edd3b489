"""The pane "what you are seeing": under the head, pointing at the newest request.

In: the app. Out: lines in a bar; how many depends on the room alone, so that nothing below moves.
A request is told for a second before the next one is: nobody reads faster.
"""

from typing import TYPE_CHECKING

from gwtop.nouns.facts import Request
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.panels._seeing import lines, process_of
from gwtop.tui.bars import Bar
from gwtop.tui.views import STACKED_LINES, TALL_LINES

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

LOOKED_AT = 20
"""Of the newest requests: one whose process is gone has a whole story."""


class Seeing:
    def __init__(self, app: "Screen") -> None:
        self._app = app
        self.is_wanted = bool(app.explain)
        """Always there for a demo, until it is put away; else when asked for."""
        self._fact: Request | None = None
        self._since: Nanos = 0
        self._n_lines = 2

    @property
    def _bar(self) -> Bar:
        return self._app.query_one("#explain", Bar)

    def toggle(self) -> None:
        self.is_wanted = not self.is_wanted
        self._app.stage.arrange()

    def arrange(self, height: int, is_tiny: bool) -> None:
        bar = self._bar
        bar.display = self.is_wanted and not is_tiny
        self._n_lines = 2 if height < TALL_LINES else 3 if height < STACKED_LINES else 4
        bar.styles.height = self._n_lines
        self.paint()

    def paint(self) -> None:
        app, bar = self._app, self._bar
        if not bar.display:
            return
        self._choose()
        width = app.size.width
        bar.say(lines(self._fact, app.shown, app.explain, width, self._n_lines))

    def _choose(self) -> None:
        """The newest with a whole story, if the one that is told has been read."""
        shown = self._app.shown
        now_at = shown.now_at or 0
        if self._fact is not None and 0 <= now_at - self._since < SECOND_NS:
            return
        first = max(shown.requests.first, shown.requests.end - LOOKED_AT)
        fallback: Request | None = None
        for number in range(shown.requests.end - 1, first - 1, -1):
            fact = self._app.model.requests.detail(number)
            if fact is None:
                continue
            fallback = fallback or fact
            process = process_of(fact, shown)
            if shown.model != "process-per-request" or (process and process.died_at is not None):
                fallback = fact
                break
        if fallback is not None and fallback != self._fact:
            self._fact, self._since = fallback, now_at
