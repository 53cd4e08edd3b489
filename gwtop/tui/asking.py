"""What the screen asks of a person: a filter, a search, which columns; and what becomes of it.

In: the app. Out: its request table filtered, moved, or with other columns. Knows no language.
"""

from typing import TYPE_CHECKING

from gwtop.model.filter import Filter
from gwtop.tui.chooser import Chooser

if TYPE_CHECKING:
    from gwtop.tui.app import Screen
    from gwtop.tui.filterbar import FilterBar, Purpose


class Asking:
    def __init__(self, app: "Screen") -> None:
        self._app = app
        self._bar: FilterBar | None = None

    @property
    def is_open(self) -> bool:
        """Whether something is being typed."""
        return self._bar is not None and bool(self._bar.display)

    async def ask(self, purpose: "Purpose") -> None:
        """A line to type a filter or a search in, for the requests."""
        requests = self._app.requests
        if not requests.display:
            self._app.action_view_named("Requests")
        if self._bar is None:
            from gwtop.tui.filterbar import FilterBar  # textual's input: 30 ms

            self._bar = FilterBar()
            await self._app.mount(self._bar, before="#foot")
        before = requests.picked.filter if purpose == "filter" else requests.wanted
        self._bar.ask(purpose, before, requests.known())

    def typed(self, purpose: "Purpose", filter: Filter) -> None:
        """So far; a filter shows at once."""
        if purpose == "filter":
            self._app.requests.choose(filter)

    def done(self, purpose: "Purpose", filter: Filter) -> None:
        requests = self._app.requests
        if purpose == "filter":
            requests.choose(filter)
        elif filter:
            requests.find(filter)
        self._app.screen.set_focus(requests)

    def columns(self) -> None:
        """Shows the list of columns, or puts it away."""
        app = self._app
        chooser = app.query_one(Chooser)
        chooser.display = not chooser.display and app.requests.display
        if chooser.display:
            app.screen.set_focus(chooser)
            chooser.say(app.requests.all_columns(), app.requests.hidden)
        else:
            app.focus_pane()

    def toggled(self, column: str) -> None:
        requests = self._app.requests
        requests.toggle_column(column)
        self._app.query_one(Chooser).say(requests.all_columns(), requests.hidden)
