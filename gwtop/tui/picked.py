"""Which requests are shown and in what order: a filter, marks, a sorted column, as they come.

In: snapshots. Out: a `Source` for a cursor. Knows no widget.

A filter is asked once for each request: the numbers that passed are kept, and each snapshot adds
its new ones, a bounded number at a time, so that a filter set over 200,000 requests does not hold
up a key. Sorting is done anew only when enough has come that it would show.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gwtop.model import Snapshot
from gwtop.model.filter import EVERYTHING, Filter
from gwtop.model.requests import RequestRow
from gwtop.panels import Look, Row
from gwtop.panels.requests import SORTS, one
from gwtop.tui.cursor import Source, Windowed

STEP_ROWS = 20_000
"""Asked per snapshot: some 10 ms."""
SORT_EVERY = 50
"""Sorted anew when a fiftieth is new."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows by a list of their numbers."""

    snapshot: Snapshot
    look: Look
    numbers: Sequence[int]
    in_order: bool
    first: int = 0

    @property
    def end(self) -> int:
        return len(self.numbers)

    def rows(self, first: int, end: int) -> Sequence[Row]:
        requests = self.snapshot.requests
        chosen = self.numbers[max(0, first) : max(0, end)]
        return [one(requests[n], self.look) for n in chosen if requests.first <= n < requests.end]

    def number_of(self, key: int) -> int | None:
        if not self.in_order:
            return next((place for place, n in enumerate(self.numbers) if n == key), None)
        place = bisect_left(self.numbers, key)
        return place if place < len(self.numbers) and self.numbers[place] == key else None

    def key_at(self, number: int) -> int:
        return self.numbers[number]


@dataclass(slots=True)
class Picked:
    filter: Filter = EVERYTHING
    only_marked: bool = False
    marks: set[int] = field(default_factory=set)
    column: str | None = None
    """Sorted by this one."""
    descending: bool = True
    n_behind: int = 0
    """Requests that were not asked yet."""
    _numbers: list[int] = field(default_factory=list)
    _asked: int = 0
    _sorted: list[int] = field(default_factory=list)
    _n_sorted: int = -1

    @property
    def is_all(self) -> bool:
        """Every request, as they came."""
        return not self.filter and not self.only_marked and self.column is None

    def choose(self, filter: Filter) -> None:
        self.filter = filter
        self._restart()

    def toggle_only_marked(self) -> None:
        self.only_marked = not self.only_marked
        self._restart()

    def toggle_mark(self, number: int) -> None:
        self.marks ^= {number}
        if self.only_marked:
            self._restart()

    def sort(self, column: str | None) -> None:
        """By a column, largest first; None: as they came."""
        self.column, self.descending = column, True
        self._n_sorted = -1

    def turn(self, column: str) -> None:
        """Descending, ascending, as they came."""
        if self.column != column:
            self.sort(column)
        elif self.descending:
            self.reverse()
        else:
            self.sort(None)

    def reverse(self) -> None:
        self.descending = not self.descending
        self._n_sorted = -1

    def source(self, snapshot: Snapshot, look: Look) -> Source:
        if self.is_all:
            self.n_behind = 0
            return Windowed(snapshot, look)
        self._keep_up(snapshot)
        if self.column is None:
            return Chosen(snapshot, look, self._numbers, True)
        self._sort(snapshot, SORTS[self.column])
        return Chosen(snapshot, look, self._sorted, False)

    def _restart(self) -> None:
        self._numbers, self._asked, self._n_sorted = [], 0, -1

    def _keep_up(self, snapshot: Snapshot) -> None:
        requests = snapshot.requests
        if self._numbers and self._numbers[0] < requests.first:
            del self._numbers[: bisect_left(self._numbers, requests.first)]
            self._n_sorted = -1
        begin = max(self._asked, requests.first)
        end = min(requests.end, begin + STEP_ROWS)
        test, marks = self.filter.test, self.marks
        for row in requests.between(begin, end):
            if test(row) and (not self.only_marked or row.number in marks):
                self._numbers.append(row.number)
        self._asked = max(self._asked, end)
        self.n_behind = requests.end - self._asked

    def _sort(self, snapshot: Snapshot, key: Callable[[RequestRow], int | str | None]) -> None:
        numbers, requests = self._numbers, snapshot.requests
        if self._n_sorted >= 0 and len(numbers) - self._n_sorted <= len(numbers) // SORT_EVERY:
            return
        known: list[tuple[int | str, int]] = []
        unknown: list[int] = []
        for number in numbers:
            if number < requests.end:
                value = key(requests[number])
                if value is None:
                    unknown.append(number)
                else:
                    known.append((value, number))
        known.sort(reverse=self.descending)
        self._sorted = [number for _, number in known] + unknown
        self._n_sorted = len(numbers)


def next_match(
    source: Source, snapshot: Snapshot, wanted: Filter, at: int, direction: int
) -> int | None:
    """The key of the next row that `wanted` holds for, after place `at`, once around."""
    requests, n_rows = snapshot.requests, source.end - source.first
    for step in range(1, n_rows + 1):
        key = source.key_at(source.first + (at - source.first + direction * step) % n_rows)
        if requests.first <= key < requests.end and wanted.test(requests[key]):
            return key
    return None
