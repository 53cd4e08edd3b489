"""The bars above and below: plain lines, and a line of keys that can be clicked.

In: lines of cells; keys with their actions. Out: strips; a click on a key runs its action.
"""

from collections.abc import Sequence
from typing import NamedTuple

from textual import events

from gwtop.panels import Cell, Line, Style
from gwtop.tui.pane import Pane
from gwtop.tui.strips import line_strip

GAP = 2
CORNER_COLUMNS = 10


class Bar(Pane):
    """As many lines as it was given, from edge to edge."""

    def __init__(self, *, id: str, corner: str = "") -> None:
        super().__init__(id=id)
        self.corner = corner
        """The action of a click on the last words of the first line; "" for none."""

    async def on_click(self, event: events.Click) -> None:
        if self.corner and event.y == 0 and event.x >= self.size.width - CORNER_COLUMNS:
            await self.app.run_action(self.corner)

    def say(self, lines: Sequence[Line]) -> None:
        width = self.app.size.width  # a bar that was hidden until now has no size of its own yet
        self.put([line_strip(line, width) for line in lines])


class Key(NamedTuple):
    """A key at the foot of the screen."""

    key: str
    label: str
    action: str
    keep: int = 5
    """The lowest goes first when the room is short."""
    on: bool = False
    """The view that is shown."""
    short: str = ""
    """Said instead, where the room is short."""


class Spots:
    """Where on a line the keys stand, so that a click finds them."""

    def __init__(self) -> None:
        self._spots: list[tuple[int, int, str]] = []

    def lay(self, left: Sequence[Key], right: Sequence[Key], width: int) -> list[Cell]:
        """The line; what does not fit gets shorter, and then goes."""
        left, right = _fitted(list(left), list(right), width)
        self._spots = []
        cells: list[Cell] = [Cell(" ")]
        column = self._add(cells, left, 1)
        gap = max(0, width - column - sum(map(_width, right)) + GAP * bool(right))
        cells.append(Cell(" " * gap))
        self._add(cells, right, column + gap)
        return cells

    def _add(self, cells: list[Cell], keys: Sequence[Key], column: int) -> int:
        for key in keys:
            style: Style = "head" if key.on else ""
            label = f" {key.label}" if key.label else ""
            cells += [Cell(key.key, "head" if key.on else "accent"), Cell(label, style)]
            cells.append(Cell(" " * GAP))
            self._spots.append((column, column + _width(key) - GAP, key.action))
            column += _width(key)
        return column

    def at(self, column: int) -> str | None:
        """The action of the key that stands there."""
        return next((action for first, end, action in self._spots if first <= column < end), None)


class Foot(Pane):
    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._spots = Spots()

    def say(self, left: Sequence[Key], right: Sequence[Key]) -> None:
        width = self.app.size.width
        self.put([line_strip(self._spots.lay(left, right, width), width)])

    async def on_click(self, event: events.Click) -> None:
        action = self._spots.at(event.x)
        if action is not None:
            await self.app.run_action(action)


def _width(key: Key) -> int:
    return len(key.key) + bool(key.label) + len(key.label) + GAP


def _fitted(left: list[Key], right: list[Key], width: int) -> tuple[list[Key], list[Key]]:
    """First the labels get shorter (not of the view that is shown), then go; then keys go."""
    if _needs(left + right) > width:
        left = [k._replace(label=k.short) if k.short and not k.on else k for k in left]
    if _needs(left + right) > width:
        left = [k if k.on else k._replace(label="") for k in left]
    while _needs(left + right) > width and len(left) + len(right) > 1:
        lowest = min(left + right, key=lambda key: key.keep + key.on)
        (left if lowest in left else right).remove(lowest)
    return left, right


def _needs(keys: list[Key]) -> int:
    return 1 + sum(map(_width, keys)) - GAP
