"""Painting: facts applied to the model, snapshots of it drawn by the panes.

In: the app, its feed and its panes. Out: `app.shown`, and panes that show it. Knows no pane by its
name.

Nothing is painted because a fact came. Ten times a second the waiting lines are applied, in
slices so that a key never waits long, and if anything changed one snapshot is taken and the panes
draw what of them is different.
"""

from typing import TYPE_CHECKING

from gwtop.panels import beside

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

DEAR = ("routes", "errors", "connections", "plots")
"""Panels that a snapshot is only made for while they are looked at."""


class Painting:
    def __init__(self, app: "Screen") -> None:
        self._app = app
        self._slice_asked = False
        self._shown_end = False

    def catch_up(self) -> None:
        """Applies a slice of what waits, and sees to the rest; paints if anything is new."""
        app = self._app
        self._next_slice()
        if not app.look_for_trouble() and not self._is_stale():
            return
        if app.paused and app.query("#head"):
            self._shown_end = app.feed.has_ended
            app.edges.paint()
            app.repaint_detail()
        else:
            self.paint()

    def _next_slice(self) -> None:
        if self._app.feed.next_slice() and not self._slice_asked:
            self._slice_asked = True
            self._app.call_later(self._later_slice)

    def _later_slice(self) -> None:
        self._slice_asked = False
        self._next_slice()

    def _is_stale(self) -> bool:
        app = self._app
        shown = app.shown.version, app.shown.n_unread, self._shown_end
        return shown != (app.model.version, app.model.n_unread, app.feed.has_ended)

    def paint(self) -> None:
        app = self._app
        app.shown = app.model.snapshot(**{name: app.wants(name) for name in DEAR})
        self.repaint()

    def repaint(self) -> None:
        """The same snapshot, perhaps in another room."""
        app = self._app
        if not app.query("#head"):
            return  # the screen is being taken away; what was on its way to it comes too late
        self._shown_end = app.feed.has_ended
        app.shown = app.past.complete(app.shown)
        app.look = beside(app.look, app.shown)
        app.edges.paint()
        app.seeing.paint()
        for pane in app.panes.values():
            if pane.display:
                pane.show(app.shown, app.look)
        app.repaint_detail()
