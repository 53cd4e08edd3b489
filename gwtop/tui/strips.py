"""Cells into strips: cropped and padded by the cells a terminal will use, and styled.

In: panels' cells and rows. Out: `Strip`s of an exact width. The last gate before the terminal:
whatever text comes by here has its controls escaped, even if a panel forgot.

Colours are the terminal's own sixteen, so the screen fits a light theme as well as a dark one,
and NO_COLOR takes nothing away that shape, letter or weight does not say too.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.strip import Strip

from gwtop.panels import Cell, Column, Row, Style, escape
from gwtop.panels._base import MIDDLE
from gwtop.panels._crop import shortened

Mark: TypeAlias = Literal["", "reverse", "underline"]
"""The selected row of the pane that has the keys is reversed, of another one underlined."""
COLOURS: dict[Style, str] = {
    "": "default",
    "dim": "dim",
    "bold": "bold",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "accent": "cyan",
    "head": "bold reverse",
    "warn-block": "yellow reverse",
    "bad-block": "bold red reverse",
}


@lru_cache(maxsize=64)
def look_of(style: Style, mark: Mark = "") -> RichStyle:
    """The terminal's form of a style, in a row with that mark."""
    if style.endswith("-block"):
        return RichStyle.parse(COLOURS[style])
    if mark == "reverse":
        return RichStyle.parse("reverse bold") if style == "bad" else RichStyle.parse("reverse")
    return RichStyle.parse(f"{COLOURS[style]} {mark}")


def sized(text: str, width: int, align: str = "<") -> str:
    """Exactly `width` cells of it; what does not fit ends in "…"."""
    if width <= 0:
        return ""
    text = escape(text)
    n_cells = len(text) if text.isascii() else cell_len(text)
    if n_cells > width:
        return set_cell_size(text, width - 1) + "…"
    pad = " " * (width - n_cells)
    return pad + text if align == ">" else text + pad


def sized_cell(cell: Cell, width: int, align: str) -> str:
    """`sized`, with the cell's tail kept whole where there is room for more than it."""
    if cell.n_tail == MIDDLE:
        return sized(shortened(escape(cell.text), width), width, align)
    if cell.n_tail == 0 or width <= cell.n_tail + 2:
        return sized(cell.text, width, align)
    return (
        sized(cell.text[: -cell.n_tail].rstrip(), width - cell.n_tail) + cell.text[-cell.n_tail :]
    )


def line_strip(cells: Iterable[Cell], width: int, mark: Mark = "") -> Strip:
    """Cells one after the other, filled to the width; the one that crosses the edge is cropped."""
    segments: list[Segment] = []
    room = width
    for cell in cells:
        if room <= 0:
            break
        text = escape(cell.text)
        n_cells = len(text) if text.isascii() else cell_len(text)
        if n_cells > room:
            text = shortened(text, room) if cell.n_tail == MIDDLE else text
            text, n_cells = sized(text, room), room
        segments.append(Segment(text, look_of(cell.style, mark)))
        room -= n_cells
    if room > 0:
        segments.append(Segment(" " * room, look_of("", mark)))
    return Strip(segments, width)


def row_cells(
    row: Row, columns: Sequence[Column], widths: Sequence[int], mark: Mark = ""
) -> list[Segment]:
    """A row's cells in their columns, with a gap between; a width of 0 leaves a column out."""
    segments: list[Segment] = []
    gap = Segment(" ", look_of("", mark))
    for cell, column, width in zip(row.cells, columns, widths, strict=True):
        if width > 0:
            if segments:
                segments.append(gap)
            text = sized_cell(cell, width, column.align)
            segments.append(Segment(text, look_of(cell.style, mark)))
    return segments


def heads(columns: Sequence[Column]) -> Row:
    return Row(-1, tuple(Cell(column.name, "dim") for column in columns))


def boxed(inner: list[Segment], width: int, edge: Style, left: str = "│ ") -> Strip:
    """A line of a pane, between its borders."""
    used = sum(cell_len(segment.text) for segment in inner)
    side = look_of(edge)
    fill = [Segment(" " * max(0, width - 4 - used), look_of(""))]
    return Strip([Segment(left, side), *inner, *fill, Segment(" │", side)], width)


def border(
    left: Iterable[Cell], right: Sequence[Cell], width: int, edge: Style, top: bool
) -> Strip:
    """A horizontal border with words in it: "╭─ requests ───── following ─ 203 ─╮"."""
    first, last = ("╭─", "─╮") if top else ("╰─", "─╯")
    side = look_of(edge)
    tail: list[Segment] = []
    n_tail = sum(cell_len(escape(c.text)) for c in right) + (2 if right else 0)
    if right and n_tail + 8 <= width:
        tail = [Segment(" ", side), *(Segment(escape(c.text), look_of(c.style)) for c in right)]
        tail.append(Segment(" ", side))
    else:
        n_tail = 0
    head = _words(left, width - 4 - n_tail - 2)
    n_head = sum(cell_len(segment.text) for segment in head)
    line = Segment("─" * max(0, width - 4 - n_head - n_tail), side)
    return Strip([Segment(first, side), *head, line, *tail, Segment(last, side)], width)


def _words(cells: Iterable[Cell], room: int) -> list[Segment]:
    segments: list[Segment] = []
    for cell in cells:
        text = escape(cell.text)
        if room <= 0:
            break
        if cell_len(text) > room:
            text = sized(text, room)
        segments.append(Segment(text, look_of(cell.style)))
        room -= cell_len(text)
    return [Segment(" "), *segments, Segment(" ")] if segments else []
