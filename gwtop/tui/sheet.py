"""A sheet: lines of words between borders that one can scroll: a detail, the help.

In: a title and lines of cells. Out: strips; the app's actions, by the words at its foot. Knows
nothing of what they say.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType

from gwtop.panels import Cell, Line, Style
from gwtop.tui.pane import WHEEL_LINES, Pane
from gwtop.tui.strips import border, boxed, line_strip

GAP = 3
BACK = ("Esc: back", "leave")


class Sheet(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_lines(-1)", "up"),
        Binding("down,j", "scroll_lines(1)", "down"),
        Binding("pageup,ctrl+b", "scroll_lines(-10)", "page up"),
        Binding("pagedown,ctrl+f", "scroll_lines(10)", "page down"),
        Binding("home,g", "scroll_lines(-100000)", "first"),
        Binding("end,G", "scroll_lines(100000)", "last"),
    ]

    def __init__(self, *, id: str, buttons: Sequence[tuple[str, str]] = (BACK,)) -> None:
        super().__init__(id=id)
        self.buttons = buttons
        """Words at the foot, and the app's action behind each."""
        self.top = 0
        self.title: Line = ()
        self._lines: Sequence[Line] = ()

    @property
    def inner_width(self) -> int:
        return max(8, self.size.width - 4)

    @property
    def last(self) -> int:
        """The number of the last line that there is room for."""
        return self.top + self.size.height - 3

    def say(self, title: Line, lines: Sequence[Line]) -> None:
        self.title, self._lines = title, lines
        self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 3 or not self.title:
            return
        n_lines = height - 2
        self.top = max(0, min(self.top, len(self._lines) - n_lines))
        edge: Style = "accent" if self.has_focus else "dim"
        strips = [border(self.title, self._place(n_lines), width, edge, top=True)]
        for number in range(self.top, min(self.top + n_lines, len(self._lines))):
            strips.append(boxed(self.drawn(number, width - 4), width, edge))
        strips += [boxed([], width, edge)] * (n_lines + 1 - len(strips))
        words = (" " * GAP).join(label for label, _ in self.buttons)
        strips.append(border((), (Cell(words, "dim"),), width, edge, top=False))
        self.put(strips)

    def drawn(self, number: int, width: int) -> list[Segment]:
        return list(line_strip(self._lines[number], width))

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
        if event.y == self.size.height - 1:
            await self._press(event.x)

    async def _press(self, x: int) -> None:
        n_words = sum(len(label) for label, _ in self.buttons) + GAP * (len(self.buttons) - 1)
        at = self.size.width - 3 - n_words
        for label, action in self.buttons:
            if at <= x < at + len(label):
                await self.app.run_action(action)
            at += len(label) + GAP

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()
