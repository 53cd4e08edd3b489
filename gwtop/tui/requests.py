"""The table of requests: a live table, and what only it can: filter, sort, mark, find, columns.

In: snapshots, keys, clicks, filters. Out: strips. Refuses to know the filter's language.

Follow mode: the newest row is at the foot and stays there; any move stops that, End resumes it.
Sorted rows are not followed: new ones take their places, and what is selected stays selected.
Under the newest stand those that are not over and that the filter lets through, in at most half of
the room if others need it; sorted, they have their places by what is known so far. One that is
selected or marked there stays so when it is over.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType

from gwtop.model import Snapshot
from gwtop.model.filter import EVERYTHING, Filter
from gwtop.panels import Cell, Column, Look, Panel, safe
from gwtop.panels import _in_flight as flying
from gwtop.panels._header import MAX_TOLD_IN_FLIGHT
from gwtop.panels._sorting import Sort
from gwtop.tui.alerts import hides_requests
from gwtop.tui.arranged import laid_out
from gwtop.tui.cursor import Source, WithMore
from gwtop.tui.picked import Picked, next_match
from gwtop.tui.table import CHROME_LINES, LiveTable

SEEN_ROWS = 2_000
"""So many of the newest are looked through for values to offer."""
HELP = (
    ("/", "filter: status>=500 and duration>100ms and target~/api"),
    ("", "or, not, brackets; status=500,502 status=200-299 target=/api/* GET 5xx -/static"),
    ("F", "save the filter in use, by a name, into the config file"),
    ("f  n N", "find by the same language; the next one, the one before"),
    ("s S", "sort by the next column, or a click on its head; the other way round"),
    ("m M", "mark a row; only the marked ones"),
    ("c", "which columns"),
    ("Esc", "sorted and filtered no longer"),
)


class RequestTable(LiveTable):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "mark", "mark"),
        Binding("M", "only_marked", "only marked"),
    ]
    speaks_filters: ClassVar[bool] = True

    def __init__(self, panel: Panel) -> None:
        super().__init__(panel, follows=True, empty="no request yet")
        self.picked = Picked()

    @property
    def help(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        meanings = tuple((c.name or "⚑", c.meaning) for c in self.panel.COLUMNS)
        return f"keys and columns of {self.panel.TITLE}", (*HELP, *meanings)

    def show(self, snapshot: Snapshot, look: Look) -> None:
        self._go_over(snapshot)
        super().show(snapshot, look)

    def _why_empty(self) -> str:
        if hides_requests(self._snapshot):
            return "requests are not seen: what is missing stands above"
        return "no request yet" if self.picked.is_all else "no request is let through"

    def _go_over(self, snapshot: Snapshot) -> None:
        """What is selected or marked was in flight and is over now: its row is another one."""
        held = {key for key in (self.cursor.selected, *self.picked.marks) if key is not None}
        over = {-1 - key for key in held if key < 0} - {r.id for r in snapshot.in_flight}
        if not over:
            return
        requests = snapshot.requests
        newest = requests.between(requests.end - SEEN_ROWS, requests.end)
        numbers = {row.id: row.number for row in newest if row.id in over}
        for id in over:
            self.picked.go_over(flying.key_of(id), numbers.get(id))
            if self.cursor.selected == flying.key_of(id):
                self.cursor.selected = numbers.get(id)

    def _source(self) -> Source:
        picked = self.picked
        source = picked.source(self._snapshot, self._look)
        if picked.column is not None:
            return source
        n_lines = self.size.height - CHROME_LINES
        n_most = max(1, n_lines // 2, n_lines - (source.end - source.first))
        wanted = flying.everyone if picked.is_all else picked.lets_through
        return WithMore(source, flying.rows(self._snapshot, self._look, n_most, wanted))

    def _columns(self) -> tuple[Column, ...]:
        by = self.picked.column
        sort = None if by is None else Sort(by, self.picked.descending)
        return laid_out(self.all_columns(), self.arranged.hidden, sort)

    def _place(self) -> tuple[Cell, ...]:
        picked, total = self.picked, self._snapshot.requests.end
        if picked.is_all:
            return super()._place()
        words: list[Cell] = []
        if picked.filter:
            words.append(Cell(safe(picked.filter.text[:60]), "accent"))
        if picked.only_marked:
            words.append(Cell(" marked" if words else "marked", "accent"))
        n_more = picked.n_flying if picked.column is not None else self.cursor.n_more
        n_shown = self.cursor.source.end - self.cursor.source.first - n_more
        words.append(Cell(f"{' ─ ' if words else ''}{n_shown:,} of {total:,}", "dim"))
        if picked.n_flying:
            told = "or more " if len(self._snapshot.in_flight) >= MAX_TOLD_IN_FLIGHT else ""
            words.append(Cell(f" + {picked.n_flying} {told}in flight", "dim"))
        if picked.n_behind:
            words.append(Cell(f", {picked.n_behind:,} not asked yet", "warn"))
        if self.cursor.following and picked.column is None:
            words.insert(0, Cell("following ─ ", "good"))
        return tuple(words)

    def _left(self, key: int) -> str:
        return "│◆" if key in self.picked.marks else "│ "

    # What is shown

    @property
    def chosen(self) -> Filter:
        return self.picked.filter

    def choose(self, filter: Filter) -> None:
        self.picked.choose(filter)
        self._renewed()

    def _renewed(self) -> None:
        """Other rows: from the first if sorted, else the newest."""
        self.cursor.selected = None
        self.cursor.following = self.picked.column is None
        self.cursor.top = 0
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

    def _sort_next(self, names: Sequence[str]) -> None:
        at = names.index(self.picked.column) if self.picked.column in names else -1
        self.picked.sort(names[at + 1] if at + 1 < len(names) else None)
        self._renewed()

    def turn(self, column: str) -> None:
        self.picked.turn(column)
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

    def action_find_next(self, direction: int) -> None:
        """From the selected row, or upwards from the newest."""
        source, wanted = self.cursor.source, self.arranged.wanted
        if not wanted or source.end <= source.first:
            return
        selected = self.cursor.selected
        at = source.end if selected is None else source.number_of(selected)
        first = source.end if at is None else at
        key = next_match(source, self._snapshot, wanted, first, direction)
        if key is not None:
            self.cursor.select(key)
        self._moved()
