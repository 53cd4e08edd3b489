"""The pane of time plots: six of them in a grid, drawn by plotext into text.

In: snapshots. Out: strips. Refuses to know what is plotted.

plotext has one figure for the whole process and speaks in escape sequences; here it draws each
series alone, without colour, on the same scale, and the pictures are laid over each other cell by
cell. So colours come from our own styles, and NO_COLOR and light themes hold here as elsewhere.
"""

import re
from itertools import groupby
from typing import Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.strip import Strip

from gwtop.model import Snapshot
from gwtop.panels import Cell, Line, Look, Style
from gwtop.panels._plots import SPANS_S, Plot, Series, plots
from gwtop.tui.pane import Pane
from gwtop.tui.strips import border, boxed, line_strip, look_of

MIN_PLOT_COLUMNS, MIN_PLOT_LINES = 34, 5
FIRST_SPAN = 1
_ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
_BRAILLE = range(0x2800, 0x2900)
HELP = (("+ -", "the last minute, two, five, ten"),)


class Plots(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "span(-1)", "shorter"),
        Binding("minus", "span(1)", "longer"),
    ]

    def __init__(self) -> None:
        super().__init__(id="plots")
        self.span = FIRST_SPAN
        self._snapshot = Snapshot()
        self._look = Look()
        self._drawn: object = None

    @property
    def help(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        return "keys of the plots", HELP

    def show(self, snapshot: Snapshot, look: Look) -> None:
        """A second that is over is what there is to draw, so nothing changes between two."""
        self._snapshot, self._look = snapshot, look
        drawn = snapshot.seconds, self.size, self.span
        if drawn != self._drawn:
            self._drawn = drawn
            self.draw()

    def action_span(self, longer: int) -> None:
        self.span = min(max(self.span + longer, 0), len(SPANS_S) - 1)
        self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < 12 or height < 6:
            return
        edge: Style = "accent" if self.has_focus else "dim"
        title = (Cell("plots", "bold" if self.has_focus else ""),)
        place = (Cell(f"last {SPANS_S[self.span]} s", "dim"),)
        strips = [border(title, place, width, edge, top=True)]
        for line in self._grid(width - 4, height - 2):
            strips.append(boxed(line, width, edge))
        strips += [boxed([], width, edge)] * (height - 1 - len(strips))
        strips.append(border((), (), width, edge, top=False))
        self.put(strips)

    def _grid(self, width: int, height: int) -> list[list[Segment]]:
        """As many plots as there is room for, in the order of their weight."""
        n_columns = max(1, min(3, width // MIN_PLOT_COLUMNS))
        if width < 160:
            n_columns = min(2, n_columns)
        found = plots(self._snapshot, SPANS_S[self.span])
        n_rows = min(-(-len(found) // n_columns), max(1, height // MIN_PLOT_LINES))
        each = (width - 2 * (n_columns - 1)) // n_columns, height // n_rows
        lines: list[list[Segment]] = []
        for row in range(n_rows):
            beside = found[row * n_columns : (row + 1) * n_columns]
            pictures = [_picture(plot, *each, SPANS_S[self.span]) for plot in beside]
            for parts in zip(*pictures, strict=True):
                joined: list[Segment] = []
                for part in parts:
                    joined += ([Segment("  ", look_of(""))] if joined else []) + list(part)
                lines.append(joined)
        return lines

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()


def _picture(plot: Plot, width: int, height: int, span_s: int) -> list[Strip]:
    """A line of words, and the lines of the plot under it."""
    words: list[Cell] = [Cell(plot.title, "bold")]
    for series in plot.series:
        words += [Cell(f"  {series.label} ", "dim"), Cell(series.newest.rjust(6), series.style)]
    cells: list[list[tuple[str, Style]]] = [[(" ", "")] * width for _ in range(height - 1)]
    for series in plot.series:
        for row, line in enumerate(_drawn(plot, series, width, height - 1, span_s)):
            for column, character in enumerate(line[:width]):
                cells[row][column] = _over(cells[row][column], character, series.style)
    return [line_strip(words, width), *(line_strip(_cells(row), width) for row in cells)]


def _over(below: tuple[str, Style], character: str, style: Style) -> tuple[str, Style]:
    """Dots are added up; else what was there first stays, and is not drawn over by nothing."""
    if ord(character) in _BRAILLE:
        dots = ord(below[0]) if ord(below[0]) in _BRAILLE else 0x2800
        return chr(dots | ord(character)), style
    return (character, "dim") if below[0] == " " and character != " " else below


def _cells(row: list[tuple[str, Style]]) -> Line:
    return tuple(
        Cell("".join(character for character, _ in group), style)
        for style, group in groupby(row, key=lambda cell: cell[1])
    )


def _drawn(plot: Plot, series: Series, width: int, height: int, span_s: int) -> list[str]:
    import plotext  # type: ignore[import-untyped]  # 60 ms

    figure: Any = plotext  # it has no types
    figure.clear_figure()
    figure.theme("clear")
    figure.plotsize(width, height)
    figure.xaxes(True, False)
    figure.yaxes(True, False)
    figure.xlim(-span_s, 0)
    figure.ylim(0, plot.top)
    figure.yticks([at for at, _ in plot.ticks], [text.rjust(6) for _, text in plot.ticks])
    figure.xticks([-span_s, -span_s / 2, 0], [f"-{span_s} s", f"-{span_s // 2} s", "now"])
    figure.scatter([-span_s], [-plot.top], marker=" ")  # an empty figure has no axes
    for at, values in _runs(series.values, span_s):
        draw = figure.plot if len(values) > 1 else figure.scatter
        draw([at + n for n in range(len(values))], values, marker="braille")
    return [line for line in _ESCAPES.sub("", figure.build()).split("\n") if line]


def _runs(values: tuple[float | None, ...], span_s: int) -> list[tuple[int, list[float]]]:
    """Stretches without a gap, each with its first second."""
    found: list[tuple[int, list[float]]] = []
    for place, value in enumerate(values):
        if value is None:
            continue
        if not found or found[-1][0] + len(found[-1][1]) != place - span_s:
            found.append((place - span_s, []))
        found[-1][1].append(value)
    return found
