"""Variables and header fields: those that have a text in them, or all.

In: pairs of a fact. Out: lines of cells. Refuses to know what a name means.
"""

from gwtop.nouns.facts import Pairs
from gwtop.panels._base import Cell, Line, Style
from gwtop.panels._safe import safe
from gwtop.panels._text import plural
from gwtop.panels._wrap import wrap

SHOWN_VALUE = 4_000
NAME_WIDTH = 24
NOT_TOLD = "not told: whoever made these facts was not asked for --details"
REDACTED = "[redacted]"


def narrowed(pairs: Pairs, text: str) -> Pairs:
    """Those whose name or value has it in it, whatever its case."""
    wanted = text.lower()
    return [
        (name, value)
        for name, value in pairs
        if wanted in safe(name).lower() or wanted in safe(value[:SHOWN_VALUE]).lower()
    ]


def lines(pairs: object, text: str, width: int) -> list[Line]:
    """`pairs`: of a fact, where they may be unset."""
    if not isinstance(pairs, list):
        return [(Cell(NOT_TOLD, "dim"),)]
    known: Pairs = pairs
    found = narrowed(known, text) if text else known
    if not found:
        words = f"none of {plural(len(known), 'field')} has that in it" if known else "none"
        return [(Cell(words, "dim"),)]
    longest = max(len(safe(name[:200])) for name, _ in found)
    label_width = min(max(longest, 12), max(NAME_WIDTH, width // 3))
    return [line for name, value in found for line in _pair(name, value, label_width, width)]


def _pair(name: str, value: str, label_width: int, width: int) -> list[Line]:
    label = safe(name[:200]) or '""'
    style: Style = "warn" if REDACTED in value else ""
    found: list[Line] = []
    if len(label) > label_width:
        found.append((Cell(label, "accent"),))
        label = ""
    for part in wrap(safe(value[:SHOWN_VALUE]), width - label_width - 2):
        found.append((Cell(label.ljust(label_width), "accent"), Cell("  "), Cell(part, style)))
        label = ""
    if len(value) > SHOWN_VALUE:
        more = f"… {len(value) - SHOWN_VALUE:,} bytes more"
        found.append((Cell(" " * label_width), Cell("  "), Cell(more, "dim")))
    return found
