"""Which panels there are: views of a snapshot as columns and rows of plain text.

In: the modules of this folder. Out: those that offer what `_base.Panel` asks for, and the words
that their readers (the screen, `--table`) need. Knows no panel by name.
"""

from importlib import import_module
from pkgutil import iter_modules

from gwtop.panels._base import PLAIN, Cell, Column, Line, Look, Panel, Row, Style, beside, fit
from gwtop.panels._safe import escape, safe

__all__ = [
    "PLAIN",
    "Cell",
    "Column",
    "Line",
    "Look",
    "Panel",
    "Row",
    "Style",
    "beside",
    "discover",
    "escape",
    "fit",
    "safe",
]


def discover() -> dict[str, Panel]:
    """The panels by name, in the order of their tabs. The only place that finds them."""
    found: list[Panel] = []
    for info in sorted(iter_modules(__path__), key=lambda info: info.name):
        if not info.name.startswith("_"):
            module: Panel = import_module(f"{__name__}.{info.name}")
            found.append(module)
    return {panel.NAME: panel for panel in sorted(found, key=lambda p: (p.ORDER, p.NAME))}
