"""What the screen asks of a person: a filter, a search, which columns; and what becomes of it.

In: the app. Out: one of its tables filtered, moved, or with other columns: the one that has the
keys, else the requests. Knows no language.
"""

from typing import TYPE_CHECKING

from textual.events import Key

from gwtop.model.filter import EVERYTHING, Filter
from gwtop.tui.chooser import Chooser
from gwtop.tui.table import LiveTable

if TYPE_CHECKING:
    from gwtop.tui.app import Screen
    from gwtop.tui.filterbar import FilterBar, Purpose


class Asking:
    def __init__(self, app: "Screen") -> None:
        self._app = app
        self._bar: FilterBar | None = None
        self._table: LiveTable | None = None
        """Which one it is about, once something was asked."""

    @property
    def is_open(self) -> bool:
        """Whether something is being typed."""
        return self._bar is not None and bool(self._bar.display)

    @property
    def has_keys(self) -> bool:
        """Whether what is typed goes there."""
        return self._bar is not None and self.is_open and self._app.focused is self._bar.input

    def took(self, event: Key) -> bool:
        """Whether it was a letter, or the end of the line."""
        return self._bar is not None and self._bar.took(event)

    async def ask(self, purpose: "Purpose") -> None:
        """A line to type a filter or a search in, or a name for the filter that is in use."""
        if purpose == "name" and not self._app.requests.chosen:
            self._app.habits.say("no filter of requests is in use: / sets one", "warning")
            return
        table = self._choose_table()
        if not table.display:
            self._app.action_view_named("Requests")
        if self._bar is None:
            from gwtop.tui.filterbar import FilterBar  # textual's input: 30 ms

            self._bar = FilterBar(self.done)
            await self._app.mount(self._bar, before="#foot")
        if purpose == "name":
            self._bar.saved = list(self._app.habits.config.filters)
            self._bar.ask(purpose, EVERYTHING, {}, False)
            return
        saved = self._app.habits.config.filters.values() if table.speaks_filters else ()
        self._bar.saved = list(saved)
        before = table.chosen if purpose == "filter" else table.arranged.wanted
        self._bar.ask(purpose, before, table.known(), table.speaks_filters)

    def _choose_table(self) -> LiveTable:
        focused = self._app.focused
        self._table = focused if isinstance(focused, LiveTable) else self._app.requests
        return self._table

    def typed(self, purpose: "Purpose", filter: Filter) -> None:
        """So far; a filter shows at once, unless the line is closed by now."""
        if purpose == "filter" and self.is_open:
            (self._table or self._app.requests).choose(filter)

    def done(self, purpose: "Purpose", filter: Filter) -> None:
        table = self._table or self._app.requests
        if purpose == "filter":
            table.choose(filter)
        elif purpose == "name":
            self._app.habits.save_filter(filter.text, self._app.requests.chosen.text)
        elif filter:
            table.find(filter)
        self._app.screen.set_focus(table)
        self._app.renew()

    def columns(self) -> None:
        """Shows the list of columns, or puts it away."""
        app = self._app
        chooser = app.query_one(Chooser)
        if chooser.display:
            chooser.display = False
            app.screen.set_focus(self._table)
            return
        table = self._choose_table()
        chooser.display = table.display
        if chooser.display:
            app.screen.set_focus(chooser)
            chooser.say(table.all_columns(), table.hidden)

    def toggled(self, column: str) -> None:
        table = self._table or self._app.requests
        table.toggle_column(column)
        self._app.query_one(Chooser).say(table.all_columns(), table.hidden)
