"""Bytes as a person reads them: offset, hex, characters; a part of them pointed at.

In: bytes, what of them was not seen or is a secret, the part. Out: lines of cells. Refuses to know
what the part is.

The part is in brackets and in another style, so that it shows without colours too:

    0010  45 52 59[5f 53 54 52]49 4e 47 07 00 71 3d 75 77  ERY_STRING..q=uw

`--` is a byte that was not seen, `**` one that is not told.
"""

from collections.abc import Sequence
from typing import TypeAlias

from gwtop.panels._base import Cell, Line, Style

WIDE, NARROW = 16, 8
Runs: TypeAlias = Sequence[tuple[int, int]]
"""Offset and length of each."""


def n_columns(width: int) -> int:
    """Bytes a line holds in so many cells."""
    return WIDE if width >= columns_width(WIDE) else NARROW


def columns_width(n: int, n_digits: int = 4) -> int:
    return n_digits + 2 + 3 * n + 2 + n


def n_digits(size: int) -> int:
    return 4 if size <= 0x1_0000 else 6


class Bytes:
    """What lines are made of."""

    def __init__(self, data: bytes, gaps: Runs = (), masked: Runs = ()) -> None:
        self.data = data
        self.gaps = _set(gaps)
        self.masked = _set(masked)

    def shown(self, at: int) -> tuple[str, str, Style]:
        """Its two digits, its character, and their style."""
        byte = self.data[at]
        if at in self.gaps:
            return "--", " ", "bad"
        if at in self.masked:
            return "**", "*", "warn"
        return f"{byte:02x}", chr(byte) if 0x20 <= byte < 0x7F else ".", ""


def _set(runs: Runs) -> frozenset[int]:
    return frozenset(at for offset, length in runs for at in range(offset, offset + length))


def lines(bytes_: Bytes, n_columns: int, max_lines: int) -> list[Line]:
    """All of them, from the first on."""
    end = min(len(bytes_.data), max_lines * n_columns)
    return [line_of(bytes_, at, end, n_columns) for at in range(0, end, n_columns)]


def line_of(
    bytes_: Bytes,
    first: int,
    end: int,
    n_columns: int,
    part: tuple[int, int] = (0, 0),
    around: tuple[int, int] | None = None,
    base: int = 0,
) -> Line:
    """The line that begins at `first`; `end`: there is nothing from there on. `part`, `around`:
    offset and length of what is pointed at, and of what it is a part of (other bytes are dim);
    `base`: where the offsets that are shown begin."""
    stop = min(first + n_columns, end)
    low, high = part[0], part[0] + part[1]
    cells = [Cell(f"{first - base:0{n_digits(len(bytes_.data))}x} ", "dim")]
    characters: list[Cell] = []
    for at in range(first, stop):
        text, character, style = bytes_.shown(at)
        inside = low <= at < high
        if inside:
            style = "head"
        elif around is not None and not around[0] <= at < sum(around) and not style:
            style = "dim"
        opens = inside and at in (low, first)
        closes = at == high and low < high and at > first
        cells += [Cell("[" if opens else "]" if closes else " "), Cell(text, style)]
        characters.append(Cell(character, style))
    cells.append(Cell("]" if low < stop <= high else " "))
    cells.append(Cell(" " * (3 * (n_columns - (stop - first)) + 1)))
    return tuple(_joined(cells + characters))


def _joined(cells: list[Cell]) -> list[Cell]:
    """Neighbours of one style as one cell: a line is a dozen of them, and not fifty."""
    found: list[Cell] = []
    for cell in cells:
        if found and found[-1].style == cell.style:
            found[-1] = Cell(found[-1].text + cell.text, cell.style)
        else:
            found.append(cell)
    return found


def byte_at(x: int, n_columns: int, digits: int) -> int | None:
    """Which byte of its line stands in this cell of it. None: none does."""
    hex_from = digits + 1
    text_from = digits + 2 + 3 * n_columns + 1
    if hex_from <= x < hex_from + 3 * n_columns:
        return (x - hex_from) // 3
    if text_from <= x < text_from + n_columns:
        return x - text_from
    return None
