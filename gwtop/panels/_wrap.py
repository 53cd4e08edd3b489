"""Long text in lines: by the cells it takes, or by its words. Refuses to know what it says."""

from unicodedata import east_asian_width

from gwtop.panels._base import Cell, Line
from gwtop.panels._crop import n_cells

MIN_WIDTH = 8


def wrap(text: str, width: int) -> list[str]:
    """Pieces of so many cells, wherever they end: nothing of it is left out or moved."""
    size = max(MIN_WIDTH, width)
    if text.isascii():
        return [text[i : i + size] for i in range(0, len(text), size)] or [""]
    pieces, begin, taken = [], 0, 0
    for at, character in enumerate(text):
        cells = 2 if east_asian_width(character) in "WF" else 1
        if taken + cells > size:
            pieces.append(text[begin:at])
            begin, taken = at, 0
        taken += cells
    return [*pieces, text[begin:]]


def by_words(text: str, width: int) -> list[str]:
    """Lines of whole words, as far as words fit into a line."""
    size = max(MIN_WIDTH, width)
    lines: list[str] = [""]
    for word in text.split():
        for piece in wrap(word, size):
            if lines[-1] and n_cells(lines[-1]) + 1 + n_cells(piece) > size:
                lines.append("")
            lines[-1] = f"{lines[-1]} {piece}".strip()
    return lines


def wrap_lines(lines: list[Line], width: int) -> list[Line]:
    """Lines of one cell that are too long go on in the next."""
    return [
        (Cell(part, line[0].style),) if len(line) == 1 else line
        for line in lines
        for part in (wrap(line[0].text, width) if len(line) == 1 else [""])
    ]
