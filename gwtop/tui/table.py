"""A live table: one panel's rows between borders, with a cursor, keys and the mouse.

In: snapshots, keys, clicks, words to filter by. Out: strips, and messages when a row is opened.
Knows no panel by name. Where one is in it is its `Cursor`'s to know, how one wants it `Arranged`'s.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from gwtop.model import Snapshot
from gwtop.model.filter import Filter
from gwtop.panels import Cell, Column, Look, Panel, Row, Style, fit, safe
from gwtop.panels._base import GAP
from gwtop.panels._sorting import Lazy
from gwtop.tui.arranged import Arranged, matcher
from gwtop.tui.cursor import Cursor, Listed, Made, Source
from gwtop.tui.pane import WHEEL_LINES, Pane
from gwtop.tui.strips import Mark, border, boxed, heads, look_of, row_cells, sized

HELP = (
    ("s S", "sort by the next column, or a click on its head; the other way round"),
    ("/  f", "only rows that hold some words (-word: that do not); find one; n N: the next"),
    ("c", "which columns"),
)
CHROME_LINES = 3
"""Two borders and the heads of the columns."""


class LiveTable(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up"),
        Binding("down,j", "move(1)", "down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down"),
        Binding("home,g", "home", "first"),
        Binding("end,G", "to_end", "newest"),
        Binding("enter", "open", "detail"),
        Binding("s", "sort", "sort"),
        Binding("S", "reverse", "other way"),
        Binding("n", "find_next(1)", "next"),
        Binding("N", "find_next(-1)", "before"),
    ]
    speaks_filters: ClassVar[bool] = False
    """It is filtered by the language of `gwtop.model.filter`, and not by words."""

    def __init__(self, panel: Panel, *, follows: bool = False, empty: str = "") -> None:
        super().__init__(id=panel.NAME)
        self.panel = panel
        self.cursor = Cursor(follows=follows)
        self.arranged = Arranged()
        self.empty = empty or getattr(panel, "EMPTY", "")
        """What is said when there is no row."""
        self._snapshot = Snapshot()
        self._look = Look()

    @property
    def help(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What the guide says of it."""
        meanings = tuple((c.name or "⚑", c.meaning) for c in self.panel.COLUMNS)
        return f"columns of {self.panel.TITLE}", (*HELP, *meanings)

    def show(self, snapshot: Snapshot, look: Look) -> None:
        self._snapshot, self._look = snapshot, look
        if self.size.height > 0:
            self.cursor.renew(self._source(), self.size.height - CHROME_LINES)
            self.draw()

    def draw(self) -> None:
        width, n_rows = self.size.width, self.cursor.height
        if width < 8 or self.size.height < 1:
            return
        columns = self._columns()
        widths = fit(columns, width - 4)
        edge: Style = "accent" if self.has_focus else "dim"
        strips = [self._top(width, edge)]
        strips.append(boxed(row_cells(heads(columns), columns, widths), width, edge))
        strips += self._rows(columns, widths, edge)
        blank = boxed([], width, edge)
        strips += [blank] * (n_rows + 2 - len(strips))
        strips.append(border((), (), width, edge, top=False))
        self.put(strips[: self.size.height])

    def _source(self) -> Source:
        snapshot, look, sort = self._snapshot, self._look, self.arranged.sort
        lazy: Callable[..., Lazy[Any]] | None = getattr(self.panel, "lazy", None)
        if lazy is not None and not self.arranged.filter:
            return Made(lazy(snapshot, look, sort))
        make: Callable[..., Sequence[Row]] = self.panel.rows
        rows = make(snapshot, look) if sort is None else make(snapshot, look, sort)
        return Listed(self.arranged.rows(rows))

    @property
    def sorts(self) -> Collection[str]:
        """The columns that it can be sorted by."""
        return getattr(self.panel, "SORTS", ())

    def all_columns(self) -> tuple[Column, ...]:
        choose = getattr(self.panel, "columns", None)
        return self.panel.COLUMNS if choose is None else choose(self._snapshot)

    def _columns(self) -> tuple[Column, ...]:
        return self.arranged.columns(self.all_columns())

    def _rows(self, columns: Sequence[Column], widths: Sequence[int], edge: Style) -> list[Strip]:
        visible = self.cursor.visible()
        empty = "no row holds these words" if self.arranged.filter else self._why_empty()
        if not visible and empty:
            words = [Segment(sized(empty, self.size.width - 4), look_of("dim"))]
            return [boxed([], self.size.width, edge), boxed(words, self.size.width, edge)]
        strips = []
        for row in visible:
            own: Mark = "reverse" if self.has_focus else "underline"
            mark: Mark = own if row.key == self.cursor.selected else ""
            cells = row_cells(row, columns, widths, mark)
            strips.append(boxed(cells, self.size.width, edge, self._left(row.key)))
        return strips

    def _why_empty(self) -> str:
        why: Callable[[Snapshot], str] | None = getattr(self.panel, "why_empty", None)
        return self.empty if why is None else why(self._snapshot)

    def _left(self, key: int) -> str:
        """What stands before a row."""
        return "│ "

    def _top(self, width: int, edge: Style) -> Strip:
        title: Style = "bold" if self.has_focus else ""
        return border((Cell(self.panel.TITLE, title),), self._place(), width, edge, top=True)

    def _place(self) -> tuple[Cell, ...]:
        """At the right of the title: how many, and where in them one is."""
        cursor, filtered = self.cursor, self.arranged.filter
        n_rows = cursor.source.end - cursor.source.first
        end = cursor.source.end - cursor.n_more
        if not cursor.follows or filtered or self.arranged.sort is not None:
            hidden = n_rows - cursor.height
            more = f"{cursor.top + 1}–{min(cursor.top + cursor.height, n_rows)} of "
            place = Cell(f"{more if hidden > 0 else ''}{n_rows:,}", "dim")
            shown = Cell(safe(filtered.text[:60]), "accent")
            about = self._about()
            return (shown, Cell(" ─ ", "dim"), *about, place) if filtered else (*about, place)
        total = f"{end:,}"
        if cursor.following:
            return (Cell("following", "good"), Cell(f" ─ {total}", "dim"))
        last = min(cursor.top + cursor.height, end)
        return (Cell("End: live", "warn"), Cell(f" ─ to {last:,} of {total}", "dim"))

    def _about(self) -> tuple[Cell, ...]:
        """What its rows are of, where that is not everything."""
        said: Callable[[Snapshot], str] | None = getattr(self.panel, "said", None)
        words = "" if said is None else said(self._snapshot)
        return (Cell(words, "warn"), Cell(" ─ ", "dim")) if words else ()

    def _moved(self) -> None:
        self.draw()
        self.post_message(self.Moved(self.panel.NAME, self.cursor.selected))

    def action_move(self, n_lines: int) -> None:
        self.cursor.move(n_lines)
        self._moved()

    def action_page(self, direction: int) -> None:
        self.cursor.move(direction * max(1, self.cursor.height - 1))
        self._moved()

    def action_home(self) -> None:
        self.cursor.home()
        self._moved()

    def action_to_end(self) -> None:
        self.cursor.to_end()
        self._moved()
        self.post_message(self.Newest())

    def action_open(self) -> None:
        if self.cursor.selected is None:
            self.cursor.move(-1 if self.cursor.follows else 0)
            self.draw()
        if self.cursor.selected is not None:
            self.lead_to(self.Opened(self.panel.NAME, self.cursor.selected))

    # How one wants it

    def _arrange_anew(self) -> None:
        """Other rows, or another order: what is selected stays selected, else from the first."""
        if self.cursor.selected is None:
            is_plain = self.arranged.sort is None and not self.arranged.filter
            self.cursor.following = self.cursor.follows and is_plain
            self.cursor.top = 0
        self.show(self._snapshot, self._look)

    def action_sort(self) -> None:
        """The next column that is shown; after the last, as they came."""
        columns = self.all_columns()
        widths = fit(self._columns(), self.size.width - 4)
        names = [c.name for c, width in zip(columns, widths, strict=True) if width]
        self._sort_next([name for name in names if name in self.sorts])

    def _sort_next(self, names: Sequence[str]) -> None:
        self.arranged.next(names)
        self._arrange_anew()

    def action_reverse(self) -> None:
        self.arranged.reverse()
        self._arrange_anew()

    def turn(self, column: str) -> None:
        """A click on its head."""
        self.arranged.turn(column)
        self._arrange_anew()

    @property
    def hidden(self) -> set[str]:
        """Columns that were put away."""
        return self.arranged.hidden

    def toggle_column(self, name: str) -> None:
        self.arranged.hidden ^= {name}
        self.draw()

    @property
    def chosen(self) -> Filter:
        """What its rows are filtered by."""
        return self.arranged.filter

    def choose(self, filter: Filter) -> None:
        self.arranged.filter = filter
        self._arrange_anew()

    def let_go(self) -> bool:
        """Undoes the sorting, else the filter; whether there was one."""
        was_arranged = self.arranged.let_go()
        if was_arranged:
            self._arrange_anew()
        return was_arranged

    def known(self) -> dict[str, list[str]]:
        """Values that were seen, to be offered."""
        return {}

    def find(self, wanted: Filter) -> None:
        self.arranged.wanted = wanted
        self.action_find_next(-1 if self.cursor.follows else 1)

    def action_find_next(self, direction: int) -> None:
        """From the selected row, once around."""
        source, wanted = self.cursor.source, self.arranged.wanted
        n_rows = source.end - source.first
        if not wanted or n_rows <= 0:
            return
        selected = self.cursor.selected
        at = None if selected is None else source.number_of(selected)
        if at is None:
            at = source.end if direction < 0 else source.first - 1
        holds = matcher(wanted)
        for row in self._around(source, at, direction, n_rows):
            if holds(row):
                self.cursor.select(row.key)
                break
        self._moved()

    def _around(self, source: Source, at: int, direction: int, n_rows: int) -> Iterator[Row]:
        for step in range(1, n_rows + 1):
            number = source.first + (at - source.first + direction * step) % n_rows
            yield from source.rows(number, number + 1)

    def _column_at(self, x: int) -> str:
        place = 0
        widths = fit(self._columns(), self.size.width - 4)
        for column, width in zip(self.all_columns(), widths, strict=True):
            if width and place <= x < place + width:
                return column.name
            place += width + GAP if width else 0
        return ""

    def on_click(self, event: events.Click) -> None:
        if event.y == 1:
            column = self._column_at(event.x - 2)
            if column in self.sorts:
                self.turn(column)
            return
        was = self.cursor.selected
        if event.y == 0 and self.cursor.follows:
            self.cursor.to_end()
        elif self.cursor.click(event.y - 2) and (self.cursor.selected == was or event.chain > 1):
            self.action_open()
        self._moved()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.cursor.scroll(-WHEEL_LINES)
        self.draw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.cursor.scroll(WHEEL_LINES)
        self.draw()

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.show(self._snapshot, self._look)
