"""Text that is too long for its room: cut at its end, or in the middle where its end says more.

In: text that is safe, a room in cells. Out: text that fits. Knows no column.

Of a socket's path what comes last tells it from others, and the beginning says what it is at all.
"""

from unicodedata import combining, east_asian_width

MIN_HEAD = 6
""" "unix:/"."""


def n_cells(text: str) -> int:
    """How many cells of a terminal it takes."""
    return len(text) if text.isascii() else sum(map(_n_cells, text))


def _n_cells(character: str) -> int:
    if combining(character):
        return 0
    return 2 if east_asian_width(character) in "WF" else 1


def cropped(text: str, width: int) -> str:
    """Its beginning, and "…"."""
    if n_cells(text) <= width:
        return text
    return _first(text, width - 1) + "…" if width > 0 else ""


def shortened(text: str, width: int) -> str:
    """Both its ends with "…" between them; of a path the last part whole, as far as it fits."""
    if n_cells(text) <= width:
        return text
    name = text[text.rindex("/") :] if "/" in text else ""
    room = width - 1 - n_cells(name)
    if name and room >= MIN_HEAD:
        return f"{_first(text, room)}…{name}"
    if width < MIN_HEAD + 2:
        return cropped(text, width)
    head = _first(text, MIN_HEAD)
    return f"{head}…{_first(text[::-1], width - 1 - n_cells(head))[::-1]}"


def _first(text: str, width: int) -> str:
    taken = 0
    for at, character in enumerate(text):
        taken += _n_cells(character)
        if taken > width:
            return text[:at]
    return text
