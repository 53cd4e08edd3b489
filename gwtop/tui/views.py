"""Which views there are, and which panes stand where in the room there is.

In: the panels that were found, a view, the size of the terminal. Out: a `Layout`. Pure; knows the
panes by their names only.
"""

from collections.abc import Iterable
from typing import NamedTuple

from gwtop.panels import Panel

WIDE_COLUMNS = 120
TALL_LINES = 30
STACKED_LINES = 36
"""From here on processes, requests and lifelines fit above each other."""
MIN_COLUMNS, MIN_LINES = 40, 10
OVERVIEW = ("processes", "requests", "lifelines")


class View(NamedTuple):
    label: str
    short: str
    """What of the label is left where the room is short."""
    panes: tuple[str, ...]
    focus: str
    about: str


OTHERS = (
    (70, View("Plots", "Plot", ("plots",), "plots", "rate, latency, workers, queue, memory")),
    (90, View("Lifelines", "Life", ("lifelines",), "lifelines", "every process over time")),
)
"""Views that are no tables, with their places."""


def views(panels: Iterable[Panel]) -> tuple[View, ...]:
    """The overview, then the tables and the others, in the order of their tabs."""
    tables = [
        (
            p.ORDER,
            View(p.TITLE.capitalize(), _short(p.TITLE), (p.NAME,), p.NAME, "this table alone"),
        )
        for p in panels
    ]
    overview = View("Overview", "Over", OVERVIEW, "requests", "processes, requests and lifelines")
    return (overview, *(view for _, view in sorted([*tables, *OTHERS], key=lambda pair: pair[0])))


def _short(title: str) -> str:
    return title.capitalize()[:4]


class Layout(NamedTuple):
    is_tiny: bool
    """No room for anything but a line that says so."""
    panes: tuple[str, ...]
    """Shown; () where help or a detail takes the whole body."""
    is_wide: bool
    """Tables stand beside each other."""
    detail: bool
    is_below: bool
    """The detail stands under the panes, and not in their place."""
    lifelines_lines: int
    """0: all there are."""


def arrange(view: View, width: int, height: int, has_detail: bool, helping: bool) -> Layout:
    is_tiny = width < MIN_COLUMNS or height < MIN_LINES
    is_wide = width >= WIDE_COLUMNS
    detail = has_detail and not is_tiny and not helping
    is_below = detail and height >= TALL_LINES
    panes = view.panes
    if is_tiny or helping or (detail and not is_below):
        panes = ()
    elif len(panes) > 1 and (is_below or height < (TALL_LINES if is_wide else STACKED_LINES)):
        panes = tuple(name for name in panes if name != "lifelines")
    lines = min(18, max(8, (height - 4) * 3 // 10 + 2)) if len(view.panes) > 1 else 0
    return Layout(is_tiny, panes, is_wide, detail, is_below, lines)
