"""Which panes are on the stage: those of the view, as the room and the open sheets allow.

In: the app and the size of the terminal. Out: panes, sheets and bars shown, hidden and sized.
`views.arrange` decides; this only does it.
"""

from typing import TYPE_CHECKING

from textual.geometry import Size

from gwtop.panels import Cell
from gwtop.tui.bars import Bar
from gwtop.tui.table import LiveTable
from gwtop.tui.views import MIN_COLUMNS, MIN_LINES, TALL_LINES, Layout, arrange

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

CSS = """
Screen { layout: vertical; }
#head { height: 2; }
#explain, #alert, #detail, #process, #linked, #help, #tiny { display: none; }
#explain, #alert, #foot { height: auto; }
#foot { height: 1; }
#body { height: 1fr; layout: vertical; }
#tables { height: 1fr; layout: vertical; }
#tables.wide { layout: horizontal; }
LiveTable, Lifelines, Plots { width: 1fr; height: 1fr; }
#tables.wide #processes { width: 50%; }
#detail, #process, #linked { height: 1fr; }
#detail.below, #process.below, #linked.below { height: 45%; }
#help, #tiny { height: 1fr; }
#chooser { display: none; height: 16; }
"""
"""Who stands above whom; what is shown at all is arranged here below."""


class Stage:
    def __init__(self, app: "Screen") -> None:
        self._app = app
        self.room = Size(80, 24)
        """The terminal's; `App.size` still is the old one while a resize is handled."""

        self.zoomed = False
        """An open detail has all the room."""

    def arrange(self) -> None:
        app = self._app
        helping = app.query_one("#help").display
        view = app.views[app.view - 1]
        width, height = self.room
        if self.zoomed and app.detail is not None:
            height = min(height, TALL_LINES - 1)
        layout = arrange(view, width, height, app.detail is not None, helping)
        self._arrange_panes(layout)
        for sheet in app.opening.sheets:
            sheet.set_class(layout.is_below, "below")
            sheet.display = layout.detail and sheet is app.sheet
        self._arrange_bars(layout.is_tiny)

    def _arrange_panes(self, layout: Layout) -> None:
        app = self._app
        app.query_one("#body").display = bool(layout.panes)
        for name, pane in app.panes.items():
            pane.display = name in layout.panes
        tables = app.query_one("#tables")
        n_tables = sum(isinstance(app.panes[name], LiveTable) for name in layout.panes)
        tables.set_class(layout.is_wide and n_tables > 1, "wide")
        tables.display = n_tables > 0
        app.panes["lifelines"].styles.height = layout.lifelines_lines or "1fr"

    def _arrange_bars(self, tiny: bool) -> None:
        app, (width, height) = self._app, self.room
        for name in ("head", "foot"):
            app.query_one(f"#{name}").display = not tiny
        app.drive.display = app.drive.driver is not None and not tiny
        small = app.query_one("#tiny", Bar)
        small.display = tiny
        small.say(((Cell(f"gwtop needs {MIN_COLUMNS}x{MIN_LINES}, this is {width}x{height}"),),))
        app.seeing.arrange(height, tiny)
