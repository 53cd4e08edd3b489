"""Pages side by side: the lines "Kind:", "Sits:" and so on of each, as the rows of one table.

In: pages' texts and a width. Out: lines of text. Knows no page.
"""

import re
from collections.abc import Iterable
from itertools import zip_longest
from textwrap import wrap

IS = "Is"
ROWS = ("Kind", "Sits", "Before", "Fixed", "Cost", "Wire", "Demo")
"""What the page of every word says, in this order."""
MIN_COLUMN = 20  # narrower columns break every line at every word
LABEL = max(map(len, ROWS)) + 2


def facets(page: str) -> dict[str, str]:
    """ "Kind" -> "wire protocol, binary" """
    named = "|".join(ROWS)
    found = re.findall(rf"^({named}):\s+(.+(?:\n +.+)*)", page, re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in found}


def title(page: str) -> str:
    """What stands behind the names in the first line."""
    return page.partition("\n")[0].partition(": ")[2]


def together(pages: dict[str, str]) -> list[str]:
    """The sentence, and the picture, in which all of these words occur; of whichever page has
    one."""
    sentences = [
        s
        for page in pages.values()
        for s in _sentences(page)
        if _has_all(s, pages) and "`" not in s
    ]
    pictures = [p for page in pages.values() for p in _pictures(page) if _has_all(p, pages)]
    sentences.sort(key=len)
    pictures.sort(key=lambda picture: -sum(_n_times(word, picture) for word in pages))
    return sentences[:1] + pictures[:1]


def _has_all(text: str, words: Iterable[str]) -> bool:
    return all(_n_times(word, text) for word in words)


def _n_times(word: str, text: str) -> int:
    return len(re.findall(rf"(?<![\w/]){re.escape(word)}(?!\w)", text))


def _sentences(page: str) -> list[str]:
    """Of the paragraphs, but for commands; the first line only says that the words differ."""
    found: list[str] = []
    for paragraph in page.split("\n\n")[1:]:
        if not paragraph.startswith((" ", *ROWS)) and "\n    " not in paragraph:
            found += re.split(r"(?<=[.:]) (?=[A-Z])", " ".join(paragraph.split()))
    return found


def _pictures(page: str) -> list[str]:
    blocks = page.split("\n\n")
    return [block for block in blocks if block.startswith("    ") and "-->" in block]


def side_by_side(pages: dict[str, str], width: int) -> list[str]:
    """A table with a column for each word. Where `width` is too small for it, one below another."""
    column = (width - LABEL) // len(pages) - 2
    if column < MIN_COLUMN:
        return _below(pages, width)
    told = [facets(page) for page in pages.values()]
    lines = _row("", list(pages), column) + _row("", ["-" * len(word) for word in pages], column)
    lines += ["", *_row(IS, [title(page) for page in pages.values()], column)]
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
        for name, text in {IS: title(page), **facets(page)}.items():
            lines += _row(name, [text], max(width - LABEL - 2, MIN_COLUMN))
        lines.append("")
    return lines[:-1]
