"""The pane of lifelines: zoom, scroll, follow, and what was clicked on.

In: snapshots, keys, clicks. Out: strips, and messages when a request or a process is opened.
Refuses to know how a life is drawn.

The caret is a cell on the chosen line: with it every request can be reached without a mouse.
"""

from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from gwtop.model import Snapshot
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos, nanos
from gwtop.panels import Cell, Line, Look, Style
from gwtop.panels._lifelines import (
    NAME_WIDTH,
    STEPS_NS,
    Life,
    Spot,
    Window,
    axis,
    ending,
    legend,
    lives,
    span_words,
    spot,
)
from gwtop.tui.pane import Pane
from gwtop.tui.strips import border, boxed, line_strip, look_of

FIRST_STEP = STEPS_NS.index(100 * MILLISECOND_NS)
_CHROME_LINES = 3
"""Two borders and the times."""
_LEFT = 2 + NAME_WIDTH
_SLOW_NS = SECOND_NS
"""Cells so wide are not drawn anew for every fact."""
HELP = (
    ("+ -", "finer, coarser"),
    ("← →", "back and forth in time; End: live"),
    ("↑ ↓", "another line"),
    (", .", "the block before, the block after, on that line"),
    ("Enter", "the request under the caret, or the process; so does a click"),
)


class Lifelines(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign", "zoom(-1)", "finer"),
        Binding("minus", "zoom(1)", "coarser"),
        Binding("left,h", "scroll_cells(-0.25)", "back"),
        Binding("right,l", "scroll_cells(0.25)", "forth"),
        Binding("pageup,ctrl+b", "scroll_cells(-1)", "a window back"),
        Binding("pagedown,ctrl+f", "scroll_cells(1)", "a window forth"),
        Binding("home,g", "home", "first"),
        Binding("end,G", "follow", "live"),
        Binding("up,k", "line(-1)", "up"),
        Binding("down,j", "line(1)", "down"),
        Binding("comma", "caret(-1)", "block before"),
        Binding("full_stop", "caret(1)", "block after"),
        Binding("enter", "open", "detail"),
    ]

    def __init__(self) -> None:
        super().__init__(id="lifelines")
        self.step = FIRST_STEP
        self.end_at: Nanos | None = None
        """What the last cell holds. None: now."""
        self.chosen: int | None = None
        """A line, counted from above."""
        self.caret_at: Nanos | None = None
        self._snapshot = Snapshot()
        self._look = Look()
        self._lives: list[Life] = []
        self._drawn: object = None

    @property
    def help(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        return "keys of the lifelines", HELP

    @property
    def shown(self) -> Window:
        end_at = self.end_at if self.end_at is not None else self._snapshot.now_at or 0
        return ending(end_at, max(1, self.size.width - _LEFT - 3), STEPS_NS[self.step])

    def show(self, snapshot: Snapshot, look: Look) -> None:
        self._snapshot, self._look = snapshot, look
        cell_ns = STEPS_NS[self.step]
        drawn = (snapshot.now_at or 0) // max(1, cell_ns // 8), self.size, self.end_at
        if cell_ns < _SLOW_NS or drawn != self._drawn:
            self._drawn = drawn
            self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < _LEFT + 8 or height < _CHROME_LINES + 1:
            return
        n_lines = height - _CHROME_LINES
        self._lives = lives(self._snapshot, self.shown, n_lines, self._look)
        if self.chosen is not None:
            self.chosen = min(self.chosen, len(self._lives) - 1)
        edge: Style = "accent" if self.has_focus else "dim"
        strips = [border(self._title(), self._place(), width, edge, top=True)]
        strips += [self._strip(n, life, width, edge) for n, life in enumerate(self._lives)]
        strips += [boxed([], width, edge)] * (n_lines + 1 - len(strips))
        times: Line = (Cell(" " * (NAME_WIDTH + 1)), *axis(self.shown, self._look))
        strips.append(boxed(list(line_strip(times, width - 4)), width, edge))
        strips.append(border(legend(self._look), (), width, edge, top=False))
        self.put(strips)

    def _title(self) -> Line:
        title: Style = "bold" if self.has_focus else ""
        return (Cell("lifelines", title), Cell(f" ─ {span_words(self.shown)}", "dim"))

    def _place(self) -> tuple[Cell, ...]:
        if self.end_at is None:
            return (Cell("following", "good"),)
        return (Cell("End: live", "warn"),)

    def _strip(self, n: int, life: Life, width: int, edge: Style) -> Strip:
        chosen = n == self.chosen
        name = life.name.text.ljust(NAME_WIDTH)
        mark = look_of(life.name.style, "reverse" if chosen and self.has_focus else "")
        cells = [Segment(cell.text, look_of(cell.style)) for cell in life.cells]
        if chosen and self.caret_at is not None:
            cells = _with_caret(cells, self.shown.place(self.caret_at))
        return boxed([Segment(name, mark), Segment(" ", look_of("")), *cells], width, edge)

    # Time

    def action_zoom(self, coarser: int) -> None:
        """Around the caret, if it is in sight; else around the last cell."""
        shown, caret_at = self.shown, self.caret_at
        self.step = min(max(self.step + coarser, 0), len(STEPS_NS) - 1)
        if caret_at is not None and self.end_at is not None:
            place, cell_ns = shown.place(caret_at), STEPS_NS[self.step]
            if 0 <= place < shown.n_cells:
                last = caret_at // cell_ns + shown.n_cells - 1 - place
                self.end_at = (last + 1) * cell_ns - 1
        self.draw()

    def action_scroll_cells(self, windows: float) -> None:
        shown, now_at = self.shown, self._snapshot.now_at
        if now_at is None:
            return
        moved = shown.to_at - 1 + round(shown.n_cells * windows) * shown.cell_ns
        self.end_at = None if moved >= now_at else max(moved, self._first_at())
        self.draw()

    def _first_at(self) -> Nanos:
        """Before this nobody watched."""
        rows, hello = self._snapshot.requests, self._snapshot.hello
        began = [row.at for row in rows.between(rows.first, rows.first + 1)]
        if hello is not None and hello.source == "live":
            began.append(nanos(hello.at))
        return min(began, default=0)

    def action_home(self) -> None:
        shown = self.shown
        rows = self._snapshot.requests
        for row in rows.between(rows.first, rows.first + 1):
            end_at = row.at + (shown.n_cells - 2) * shown.cell_ns
            self.end_at = None if end_at >= (self._snapshot.now_at or 0) else end_at
        self.draw()

    def action_follow(self) -> None:
        self.end_at, self.caret_at = None, None
        self.draw()
        self.post_message(self.Newest())

    # Lines and blocks

    def action_line(self, n_lines: int) -> None:
        if self._lives:
            at = 0 if self.chosen is None else self.chosen + n_lines
            self.chosen = min(max(at, 0), len(self._lives) - 1)
            self.draw()

    def action_caret(self, direction: int) -> None:
        """To the next cell of the line that shows a request."""
        if self.chosen is None:
            self.action_line(0)
        if self.chosen is None:
            return
        shown, life = self.shown, self._lives[self.chosen]
        at = shown.n_cells if self.caret_at is None else shown.place(self.caret_at)
        before = self._spot(life, at)
        while 0 <= (at := at + direction) < shown.n_cells:
            found = self._spot(life, at)
            if found is not None and found.number is not None and found != before:
                self.caret_at = (shown.first + at) * shown.cell_ns
                break
        if self.end_at is None and self.caret_at is not None:
            self.end_at = shown.to_at - 1  # what the caret is on must not run away
        self.draw()

    def _spot(self, life: Life, place: int) -> Spot | None:
        shown = self.shown
        if not 0 <= place < shown.n_cells:
            return None
        return spot(self._snapshot, life, (shown.first + place) * shown.cell_ns, shown.cell_ns)

    def chosen_process(self) -> int | None:
        """The key of the process on the chosen line."""
        at = self.chosen
        keys = self._lives[at].keys if at is not None and at < len(self._lives) else ()
        return keys[-1] if keys else None

    def action_open(self) -> None:
        if self.chosen is None or self.chosen >= len(self._lives):
            return
        life = self._lives[self.chosen]
        if self.caret_at is not None:
            self._open(self._spot(life, self.shown.place(self.caret_at)))
        elif life.keys:
            self._open(Spot(life.keys[-1], 0, None))

    def _open(self, found: Spot | None) -> None:
        if found is not None and found.number is not None:
            self.lead_to(self.Opened("requests", found.number))
        elif found is not None and found.key >= 0:
            self.lead_to(self.Opened("processes", found.key))

    def on_click(self, event: events.Click) -> None:
        line, place = event.y - 1, event.x - _LEFT - 1
        if event.y == 0:
            self.action_follow()
        if not 0 <= line < len(self._lives):
            return
        self.chosen, life = line, self._lives[line]
        if 0 <= place < self.shown.n_cells:
            shown = self.shown
            self.caret_at = (shown.first + place) * shown.cell_ns
            found = self._spot(life, place)
            if found is not None and found.number is not None and self.end_at is None:
                self.end_at = shown.to_at - 1  # what was clicked on must not run away
            self._open(found)
        elif life.keys:
            self.caret_at = None
            self._open(Spot(life.keys[-1], 0, None))
        self.draw()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        if event.ctrl:
            self.action_zoom(-1)
        else:
            self.action_scroll_cells(-0.1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        if event.ctrl:
            self.action_zoom(1)
        else:
            self.action_scroll_cells(0.1)

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()


def _with_caret(cells: list[Segment], place: int) -> list[Segment]:
    """The cell at `place` reversed."""
    found: list[Segment] = []
    first = 0
    for segment in cells:
        end = first + len(segment.text)
        if first <= place < end:
            here = place - first
            left, right = segment.text[:here], segment.text[here + 1 :]
            caret = Segment(segment.text[here].replace(" ", "·"), look_of("", "reverse"))
            found += [Segment(left, segment.style), caret, Segment(right, segment.style)]
        else:
            found.append(segment)
        first = end
    return found
