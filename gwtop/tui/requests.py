"""The table of requests: a live table, and what only it can: filter, sort, mark, find, columns.

In: snapshots, keys, clicks, filters. Out: strips. Refuses to know the filter's language.

Follow mode: the newest row is at the foot and stays there; any move stops that, End resumes it.
Sorted rows are not followed: new ones take their places, and what is selected stays selected.
"""

from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from gwtop.model.filter import EVERYTHING, Filter
from gwtop.panels import Cell, Column, Panel, fit, safe
from gwtop.panels._base import GAP
from gwtop.panels.requests import SORTS
from gwtop.tui.cursor import Source
from gwtop.tui.picked import Picked, next_match
from gwtop.tui.table import LiveTable

SEEN_ROWS = 2_000
"""So many of the newest are looked through for values to offer."""
HELP = (
    ("/", "filter: status>=500 and duration>100ms and target~/api"),
    ("f  n N", "find by the same language; the next one, the one before"),
    ("s S", "sort by the next column, or a click on its head; the other way round"),
    ("m M", "mark a row; only the marked ones"),
    ("c", "which columns"),
    ("Esc", "sorted and filtered no longer"),
)


class RequestTable(LiveTable):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort"),
        Binding("S", "reverse", "other way"),
        Binding("m", "mark", "mark"),
        Binding("M", "only_marked", "only marked"),
        Binding("n", "find_next(1)", "next"),
        Binding("N", "find_next(-1)", "before"),
    ]

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel, follows=True, empty="no request yet")
        self.picked = Picked()
        self.wanted: Filter = EVERYTHING
        """What n and N look for."""
        self.hidden: set[str] = set()
        """Columns that were put away."""

    @property
    def help(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        title, columns = super().help
        return f"keys and {title}", (*HELP, *columns)

    def _source(self) -> Source:
        return self.picked.source(self._snapshot, self._look)

    def all_columns(self) -> tuple[Column, ...]:
        return self.panel.COLUMNS

    def toggle_column(self, name: str) -> None:
        self.hidden ^= {name}
        self.draw()

    def _columns(self) -> tuple[Column, ...]:
        """Those that were put away take no room; the sorted one says so and stays."""
        shown = []
        for column in self.panel.COLUMNS:
            if column.name in self.hidden:
                column = column._replace(width=0, keep=-1, grow=False, room=1_000_000)
            elif column.name == self.picked.column:
                sign = "↓" if self.picked.descending else "↑"
                wide = max(column.width, len(column.name) + 1)
                column = column._replace(name=sign + column.name, width=wide, keep=9)
            shown.append(column)
        return tuple(shown)

    def _place(self) -> tuple[Cell, ...]:
        picked, total = self.picked, self._snapshot.requests.end
        if picked.is_all:
            return super()._place()
        words: list[Cell] = []
        if picked.filter:
            words.append(Cell(safe(picked.filter.text[:60]), "accent"))
        if picked.only_marked:
            words.append(Cell(" marked" if words else "marked", "accent"))
        n_shown = self.cursor.source.end - self.cursor.source.first
        words.append(Cell(f"{' ─ ' if words else ''}{n_shown:,} of {total:,}", "dim"))
        if picked.n_behind:
            words.append(Cell(f", {picked.n_behind:,} not asked yet", "warn"))
        if self.cursor.following and picked.column is None:
            words.insert(0, Cell("following ─ ", "good"))
        return tuple(words)

    def _left(self, key: int) -> str:
        return "│◆" if key in self.picked.marks else "│ "

    # What is shown

    def choose(self, filter: Filter) -> None:
        self.picked.choose(filter)
        self._renewed()

    def _renewed(self) -> None:
        """Other rows: from the first if sorted, else the newest."""
        self.cursor.selected = None
        self.cursor.following = self.picked.column is None
        self.cursor.top = 0
        self.empty = "no request yet" if self.picked.is_all else "no request is let through"
        self.show(self._snapshot, self._look)

    def let_go(self) -> bool:
        """Undoes the sorting, else the filter; whether there was one."""
        picked = self.picked
        if picked.is_all:
            return False
        if picked.column is not None:
            picked.sort(None)
        elif picked.only_marked:
            picked.toggle_only_marked()
        else:
            picked.choose(EVERYTHING)
        self._renewed()
        return True

    def known(self) -> dict[str, list[str]]:
        """Values that were seen, to be offered."""
        requests = self._snapshot.requests
        rows = list(requests.between(requests.end - SEEN_ROWS, requests.end))
        methods = sorted({row.method for row in rows if row.method})
        pids = [str(process.pid) for process in self._snapshot.processes if process.answered]
        return {
            "method": methods[:20],
            "protocol": sorted({row.protocol for row in rows})[:20],
            "note": [note.code for note in self._snapshot.notes],
            "pid": pids[-20:],
        }

    def action_sort(self) -> None:
        """The next column that is shown; after the last, as they came."""
        widths = fit(self._columns(), self.size.width - 4)
        names = [c.name for c, width in zip(self.panel.COLUMNS, widths, strict=True) if width]
        names = [name for name in names if name in SORTS]
        at = names.index(self.picked.column) if self.picked.column in names else -1
        self.picked.sort(names[at + 1] if at + 1 < len(names) else None)
        self._renewed()

    def action_reverse(self) -> None:
        self.picked.reverse()
        self._renewed()

    def action_mark(self) -> None:
        if self.cursor.selected is None:
            self.cursor.move(-1)
        if self.cursor.selected is not None:
            self.picked.toggle_mark(self.cursor.selected)
            self.show(self._snapshot, self._look)

    def action_only_marked(self) -> None:
        self.picked.toggle_only_marked()
        self._renewed()

    def find(self, wanted: Filter) -> None:
        self.wanted = wanted
        self.action_find_next(-1)

    def action_find_next(self, direction: int) -> None:
        """From the selected row, or upwards from the newest."""
        source = self.cursor.source
        if not self.wanted or source.end <= source.first:
            return
        selected = self.cursor.selected
        at = source.end if selected is None else source.number_of(selected)
        key = next_match(
            source, self._snapshot, self.wanted, source.end if at is None else at, direction
        )
        if key is not None:
            self.cursor.select(key)
        self._moved()

    def on_click(self, event: events.Click) -> None:
        if event.y != 1:
            super().on_click(event)
            return
        column = self._column_at(event.x - 2)
        if column in SORTS:
            self.picked.turn(column)
            self._renewed()

    def _column_at(self, x: int) -> str:
        place = 0
        widths = fit(self._columns(), self.size.width - 4)
        for column, width in zip(self.panel.COLUMNS, widths, strict=True):
            if width and place <= x < place + width:
                return column.name
            place += width + GAP if width else 0
        return ""
