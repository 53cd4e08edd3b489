"""What is open in full, and on which sheet: opened, gone along with a selection, left again.

In: the app; the panel and key of a row. Out: `app.detail`, and its sheet told what to say. Refuses
to know what a sheet says; `details` and the sheets do.
"""

from typing import TYPE_CHECKING

from gwtop.nouns.facts import Request
from gwtop.tui import details
from gwtop.tui.linked import Linked
from gwtop.tui.person import Person
from gwtop.tui.request_sheet import RequestSheet
from gwtop.tui.sheet import Sheet
from gwtop.tui.trail import Trail

if TYPE_CHECKING:
    from gwtop.tui.app import Screen


class Opening:
    def __init__(self, app: "Screen") -> None:
        self._app = app
        self._trail = Trail()
        self.person = Person()
        self.linked = Linked(id="linked")
        self.request_sheet = RequestSheet()
        self.plain = Sheet(id="detail")

    @property
    def sheets(self) -> tuple[Sheet | Linked | RequestSheet, ...]:
        return self.plain, self.person, self.linked, self.request_sheet

    @property
    def sheet(self) -> Sheet | Linked | RequestSheet:
        """Where what is open stands."""
        detail = self._app.detail
        if isinstance(detail, Request):
            return self.request_sheet
        if details.process_of(detail) is not None:
            return self.person
        return self.linked if details.is_linked(detail) else self.plain

    def repaint(self) -> None:
        app, detail = self._app, self._app.detail
        over = details.now_over(detail, app.model)
        if over is not None and not app.paused:
            detail = self._go_over(over)
        process = details.process_of(detail)
        if detail is None or not self.sheet.display:
            return
        if isinstance(detail, Request):
            self.request_sheet.tell(app, detail)
        elif process is not None:
            self.person.tell(app, process)
        elif details.is_linked(detail):
            told = details.linked(detail, app.shown, self.linked.inner_width, app.look)
            self.linked.tell_of(detail, *told)
        else:
            width = self.plain.inner_width
            self.plain.say(*details.told(detail, app.shown, width, app.look))

    def _go_over(self, fact: Request) -> Request:
        """What was open in flight is over: its sheet is the one of all requests."""
        app, before = self._app, self.sheet
        app.detail = fact
        app.stage.arrange()
        if app.focused is before or app.focused is None:
            app.screen.set_focus(self.sheet)
        return fact

    def needs(self, panel: str) -> bool:
        """Whether what is open is a row of this panel, whose table may be out of sight."""
        detail = self._app.detail
        return isinstance(detail, details.Pointed) and detail.panel == panel

    def open(self, panel: str, key: int, deeper: bool = False) -> None:
        """A row in full; once more: into its sheet."""
        app, before = self._app, self._app.detail
        chosen = details.chosen(panel, key, app.model)
        if chosen is None:
            return
        if chosen != before:
            self._trail.opened(before, deeper)
        app.detail = chosen
        if before is None:
            self.sheet.top = 0  # it may have been open before, and read to its end
        app.stage.arrange()
        if chosen == before or deeper or not app.query_one("#body").display:
            app.screen.set_focus(self.sheet)
        app.renew()

    def go_along(self, panel: str, key: int | None) -> None:
        """Another row is selected: an open detail goes with it."""
        app = self._app
        chosen = (
            None if app.detail is None or key is None else details.chosen(panel, key, app.model)
        )
        if chosen is not None:
            self._trail.opened(app.detail, False)
            app.detail = chosen
            app.stage.arrange()
            self.sheet.top = 0
            self.repaint()

    def back(self) -> None:
        """To what led here; else to the panes."""
        app = self._app
        app.detail = self._trail.back()
        app.stage.arrange()
        if app.detail is None:
            app.focus_pane()
        else:
            app.screen.set_focus(self.sheet)
        app.renew()
