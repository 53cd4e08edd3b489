"""A sheet: lines of words between borders that one can scroll: the detail, the help.

In: a title and lines of cells. Out: strips. Knows nothing of what they say.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from gwtop.panels import Cell, Line, Style
from gwtop.tui.pane import Pane
from gwtop.tui.strips import border, boxed, line_strip

WHEEL_LINES = 3


class Sheet(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_lines(-1)", "up"),
        Binding("down,j", "scroll_lines(1)", "down"),
        Binding("pageup,ctrl+b", "scroll_lines(-10)", "page up"),
        Binding("pagedown,ctrl+f", "scroll_lines(10)", "page down"),
        Binding("home,g", "scroll_lines(-100000)", "first"),
        Binding("end,G", "scroll_lines(100000)", "last"),
    ]

    def __init__(self, *, id: str, hint: str) -> None:
        super().__init__(id=id)
        self.hint = hint
        self.top = 0
        self._title: Line = ()
        self._lines: Sequence[Line] = ()

    @property
    def inner_width(self) -> int:
        return max(8, self.size.width - 4)

    def say(self, title: Line, lines: Sequence[Line]) -> None:
        self._title, self._lines = title, lines
        self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 3:
            return
        n_lines = height - 2
        self.top = max(0, min(self.top, len(self._lines) - n_lines))
        edge: Style = "accent" if self.has_focus else "dim"
        strips = [border(self._title, self._place(n_lines), width, edge, top=True)]
        for line in self._lines[self.top : self.top + n_lines]:
            inner = list(line_strip(line, width - 4))
            strips.append(boxed(inner, width, edge))
        strips += [boxed([], width, edge)] * (n_lines + 1 - len(strips))
        strips.append(border((), (Cell(self.hint, "dim"),), width, edge, top=False))
        self.put(strips)

    def _place(self, n_lines: int) -> tuple[Cell, ...]:
        if len(self._lines) <= n_lines:
            return ()
        last = min(self.top + n_lines, len(self._lines))
        return (Cell(f"{self.top + 1}–{last} of {len(self._lines)}", "dim"),)

    def action_scroll_lines(self, n_lines: int) -> None:
        self.top = max(0, self.top + n_lines)
        self.draw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll_lines(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll_lines(WHEEL_LINES)

    async def on_click(self, event: events.Click) -> None:
        if event.y == self.size.height - 1 and event.x >= self.size.width - len(self.hint) - 4:
            await self.app.run_action("leave")

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()
