"""A list of columns, each on or off.

In: columns, and which are put away. Out: messages when one is toggled. Knows no table.
"""

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from gwtop.panels import Cell, Column
from gwtop.tui.pane import Pane
from gwtop.tui.strips import border, boxed, line_strip


class Chooser(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up"),
        Binding("down,j", "move(1)", "down"),
        Binding("enter,space", "switch", "on or off"),
    ]

    class Toggled(Message):
        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    def __init__(self) -> None:
        super().__init__(id="chooser")
        self.at = 0
        self._columns: Sequence[Column] = ()
        self._hidden: Collection[str] = ()

    def say(self, columns: Sequence[Column], hidden: Collection[str]) -> None:
        self._columns, self._hidden = [c for c in columns if c.name], hidden
        self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 3:
            return
        strips = [border((Cell("columns", "bold"),), (), width, "accent", top=True)]
        for place, column in enumerate(self._columns[: height - 2]):
            sign = " " if column.name in self._hidden else "x"
            line = (Cell(f"[{sign}] {column.name:<8}", "accent"), Cell(column.meaning, "dim"))
            mark = line_strip(line, width - 4, "reverse" if place == self.at else "")
            strips.append(boxed(list(mark), width, "accent"))
        strips += [boxed([], width, "accent")] * (height - 1 - len(strips))
        hint = (Cell("Space: on or off   Esc: back", "dim"),)
        strips.append(border((), hint, width, "accent", top=False))
        self.put(strips)

    def action_move(self, n_lines: int) -> None:
        self.at = min(max(self.at + n_lines, 0), max(0, len(self._columns) - 1))
        self.draw()

    def action_switch(self) -> None:
        if self._columns:
            self.post_message(self.Toggled(self._columns[self.at].name))

    def on_click(self, event: events.Click) -> None:
        if 0 <= event.y - 1 < len(self._columns):
            self.at = event.y - 1
            self.action_switch()

    def on_resize(self) -> None:
        self.draw()
