"""A page laid out for a width: paragraphs are filled again, pictures and bytes stay as they are.

In: a page's text, a width. Out: lines of (words, style), in the styles of `gwtop.panels`. Knows no
page, only how pages are written: what begins with four blanks is a picture, a table or a message's
bytes; "Kind:" and its like are labels, and what goes on below them is set in.
"""

import re
from textwrap import wrap
from typing import Literal, TypeAlias

from gwtop.explain.beside import ROWS

Style: TypeAlias = Literal["", "dim", "bold", "accent"]
Words: TypeAlias = tuple[str, Style]
LABELLED = re.compile(rf"({'|'.join(ROWS)}|On the wire|Seen|Who|Do):\s+(.*)")
"""The lines of a word's page, and of a note's."""
BYTES = re.compile(r"(    (?:[0-9a-f]{2} )*[0-9a-f]{2}  )(.*)")
LABEL = 10
"""How far what follows a label is set in; \"On the wire:\" is longer, and stands out."""
MIN_WIDTH = 2 * LABEL
KEPT = "    "


def laid_out(text: str, width: int) -> list[tuple[Words, ...]]:
    head, *rest = text.rstrip().splitlines() or [""]
    lines: list[tuple[Words, ...]] = [((part, "bold"),) for part in _wrapped(head, width)]
    paragraph: list[str] = []
    for line in rest:
        is_set_in = line.startswith(" " * LABEL) and paragraph and LABELLED.match(paragraph[0])
        is_kept = line.startswith(KEPT) and not is_set_in
        if not line or is_kept or LABELLED.match(line):
            lines += _filled(paragraph, width)
            paragraph = []
        if not line:
            lines.append(())
        elif is_kept:
            lines.append(_kept(line))
        else:
            paragraph.append(line.strip())
    return lines + _filled(paragraph, width)


def _kept(line: str) -> tuple[Words, ...]:
    found = BYTES.match(line)
    return ((line, ""),) if found is None else ((found[1], "accent"), (found[2], ""))


def _filled(paragraph: list[str], width: int) -> list[tuple[Words, ...]]:
    found = LABELLED.match(paragraph[0]) if paragraph else None
    if found is None:
        return [((part, ""),) for part in _wrapped(" ".join(paragraph), width)]
    label = f"{found[1] + ':':<{LABEL - 1}} "
    text = " ".join([found[2], *paragraph[1:]])
    # Blanks in a row are no place to break a line at, once they are something else.
    first, *others = _wrapped(label.replace(" ", "~") + text, width, " " * LABEL)
    return [((label, "accent"), (first[len(label) :], "")), *(((line, ""),) for line in others)]


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    # No break at hyphens: "mod_wsgi-daemon" is to be copied.
    return wrap(text, max(width, MIN_WIDTH), subsequent_indent=indent, break_on_hyphens=False)
