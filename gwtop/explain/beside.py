"""Pages side by side: the lines "Kind:", "Sits:" and so on of each, as the rows of one table.

In: pages' texts and a width. Out: lines of text. Knows no page.
"""

import re
from itertools import zip_longest
from textwrap import wrap

ROWS = ("Kind", "Sits", "Before", "Fixed", "Cost", "Wire", "Demo")
"""What the page of every word says, in this order."""
MIN_COLUMN = 20  # narrower columns break every line at every word
LABEL = max(map(len, ROWS)) + 2


def facets(page: str) -> dict[str, str]:
    """ "Kind" -> "wire protocol, binary" """
    named = "|".join(ROWS)
    found = re.findall(rf"^({named}):\s+(.+(?:\n +.+)*)", page, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def side_by_side(pages: dict[str, str], width: int) -> list[str]:
    """A table with a column for each word. Where `width` is too small for it, one below another."""
    column = (width - LABEL) // len(pages) - 2
    if column < MIN_COLUMN:
        return _below(pages, width)
    told = [facets(page) for page in pages.values()]
    lines = _row("", list(pages), column) + _row("", ["-" * len(word) for word in pages], column)
    for name in ROWS:
        lines += ["", *_row(name, [facet.get(name, "") for facet in told], column)]
    return lines


def _row(name: str, texts: list[str], column: int) -> list[str]:
    cells = [wrap(text, column) for text in texts]
    lines = []
    for i, parts in enumerate(zip_longest(*cells, fillvalue="")):
        label = name if i == 0 else ""
        lines.append(f"{label:<{LABEL}}" + "  ".join(f"{part:<{column}}" for part in parts))
    return [line.rstrip() for line in lines]


def _below(pages: dict[str, str], width: int) -> list[str]:
    lines: list[str] = []
    for word, page in pages.items():
        lines += [word, "-" * len(word)]
        for name, text in facets(page).items():
            lines += _row(name, [text], max(width - LABEL - 2, MIN_COLUMN))
        lines.append("")
    return lines[:-1]
