"""A line of tabs: the chosen one in brackets, each a place to click.

In: tabs, the chosen one's name, the room there is. Out: cells; the name of the tab in a cell.
Knows nothing of what the tabs hold.
"""

from collections.abc import Sequence

from gwtop.panels import Cell, Line, Look, Style
from gwtop.panels._detail import Tab

GAP = 3


class TabLine:
    def __init__(self) -> None:
        self._places: list[tuple[int, int, str]] = []
        """First cell, end, name."""

    def line(self, tabs: Sequence[Tab], chosen: str, width: int, look: Look) -> Line:
        """With short names where the long ones have no room."""
        is_short = sum(len(_label(tab, False)) + GAP for tab in tabs) - 1 > width
        bar = "|" if look.ascii else "│"
        cells: list[Cell] = []
        self._places = []
        before, at = False, 0
        for tab in tabs:
            is_it = tab.name == chosen
            edge = ("]" if before else " ") + bar if cells else ""
            cells.append(Cell(edge + ("[" if is_it else " "), "dim"))
            at += len(edge) + 1
            label = _label(tab, is_short)
            style: Style = "bold" if is_it else "dim" if tab.is_empty else ""
            cells.append(Cell(label, style))
            self._places.append((at, at + len(label), tab.name))
            at += len(label)
            before = is_it
        return (*cells, Cell("]" if before else "", "dim"))

    def name_at(self, x: int) -> str | None:
        return next((name for begin, end, name in self._places if begin <= x < end), None)


def _label(tab: Tab, is_short: bool) -> str:
    return f"{tab.short if is_short else tab.name} {tab.told}".rstrip()
