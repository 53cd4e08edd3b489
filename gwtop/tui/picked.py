"""Which requests are shown and in what order: a filter, marks, a sorted column, as they come.

In: snapshots. Out: a `Source` for a cursor, and which of those that are not over pass too: in an
order that was asked for they have their places, else they stand under the newest. Knows no widget.

A filter is asked once for each request: the numbers that passed are kept, and each snapshot adds
its new ones, a bounded number at a time, so that a filter set over 200,000 requests does not hold
up a key. Sorting is done anew only when enough has come that it would show; what is in flight, some
fifty with numbers that grow, takes its places in each snapshot.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gwtop.model import Snapshot
from gwtop.model.filter import EVERYTHING, Filter
from gwtop.model.requests import RequestRow
from gwtop.panels import Look, Row
from gwtop.panels import _in_flight as flying
from gwtop.panels.requests import SORTS, one
from gwtop.tui.cursor import Source, Windowed

STEP_ROWS = 20_000
"""Asked per snapshot: some 10 ms."""
SORT_EVERY = 50
"""Sorted anew when a fiftieth is new."""
Value: TypeAlias = Callable[[RequestRow], int | str | None]


@dataclass(frozen=True, slots=True)
class Chosen:
    """Rows by a list of their numbers, and the keys of those in flight."""

    snapshot: Snapshot
    look: Look
    numbers: Sequence[int]
    in_order: bool
    first: int = 0

    @property
    def end(self) -> int:
        return len(self.numbers)

    def rows(self, first: int, end: int) -> Sequence[Row]:
        chosen = self.numbers[max(0, first) : max(0, end)]
        return [row for n in chosen if (row := self._row(n)) is not None]

    def _row(self, number: int) -> Row | None:
        if number < 0:
            return flying.row_of(number, self.snapshot, self.look)
        requests = self.snapshot.requests
        is_kept = requests.first <= number < requests.end
        return one(requests[number], self.look) if is_kept else None

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
    n_flying: int = 0
    """Those in flight that pass; where all do, nobody counts them."""
    _numbers: list[int] = field(default_factory=list)
    _asked: int = 0
    _n_sorted: int = -1
    _known: list[int] = field(default_factory=list)
    _unknown: list[int] = field(default_factory=list)
    """The sorted ones, and behind them those whose value is not known."""

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

    def go_over(self, key: int, number: int | None) -> None:
        """One that was in flight is over: by that number. None: nobody knows which it is."""
        self.sort_anew()
        if key in self.marks:
            self.marks.remove(key)
            if number is not None:
                self.toggle_mark(number)

    def sort(self, column: str | None) -> None:
        """By a column, largest first; None: as they came."""
        self.column, self.descending = column, True
        self.sort_anew()

    def sort_anew(self) -> None:
        """One that came since then must have its place now."""
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
        self.sort_anew()

    def source(self, snapshot: Snapshot, look: Look) -> Source:
        if self.is_all:
            self.n_behind = 0
            return Windowed(snapshot, look)
        self._keep_up(snapshot)
        self.n_flying = len(flying.lasting(snapshot, self.lets_through))
        end = snapshot.requests.end
        if self.column is None:
            until = bisect_left(self._numbers, end)  # of an earlier moment: only what was then
            numbers = self._numbers if until == len(self._numbers) else self._numbers[:until]
            return Chosen(snapshot, look, numbers, True)
        key = SORTS[self.column]
        self._sort(snapshot, key)
        known, unknown = self._known, self._unknown
        if self._asked > end:
            known, unknown = ([n for n in some if n < end] for some in (known, unknown))
        return Chosen(snapshot, look, self._among(known, unknown, snapshot, key), False)

    def lets_through(self, row: RequestRow) -> bool:
        return self.filter.test(row) and (not self.only_marked or row.number in self.marks)

    def _among(
        self, known: list[int], unknown: list[int], snapshot: Snapshot, key: Value
    ) -> list[int]:
        """With those in flight at their places, by what is known of them so far."""
        rows = [flying.so_far(r, snapshot) for r in flying.lasting(snapshot, self.lets_through)]
        valued, others = _by_value(rows, key)
        valued.sort(reverse=self.descending)

        def of(place: int) -> Any:  # of one kind in a column, and not None where it is known
            return key(snapshot.requests[known[place]])

        merged: list[int] = []
        before = 0
        for value, number in valued:
            place = self._place(value, len(known), of)
            merged += known[before:place]
            merged.append(number)
            before = place
        return merged + known[before:] + unknown + others

    def _place(self, value: int | str, n_known: int, of: Callable[[int], Any]) -> int:
        """Behind those that are as large; ascending, before them."""
        if self.descending:
            return n_known - bisect_left(range(n_known - 1, -1, -1), value, key=of)
        return bisect_left(range(n_known), value, key=of)

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

    def _sort(self, snapshot: Snapshot, key: Value) -> None:
        numbers, requests = self._numbers, snapshot.requests
        if self._n_sorted >= 0 and len(numbers) - self._n_sorted <= len(numbers) // SORT_EVERY:
            return
        rows = (requests[number] for number in numbers if number < requests.end)
        valued, self._unknown = _by_value(rows, key)
        valued.sort(reverse=self.descending)
        self._known = [number for _, number in valued]
        is_whole = not numbers or numbers[-1] < requests.end
        self._n_sorted = len(numbers) if is_whole else -1


def _by_value(
    rows: Iterable[RequestRow], key: Value
) -> tuple[list[tuple[int | str, int]], list[int]]:
    """Values with their rows' numbers, and the numbers of those whose value is not known."""
    valued: list[tuple[int | str, int]] = []
    unknown: list[int] = []
    for row in rows:
        value = key(row)
        if value is None:
            unknown.append(row.number)
        else:
            valued.append((value, row.number))
    return valued, unknown


def next_match(
    source: Source, snapshot: Snapshot, wanted: Filter, at: int, direction: int
) -> int | None:
    """The key of the next row that `wanted` holds for, after place `at`, once around."""
    requests, n_rows = snapshot.requests, source.end - source.first
    for step in range(1, n_rows + 1):
        key = source.key_at(source.first + (at - source.first + direction * step) % n_rows)
        if requests.first <= key < requests.end and wanted.test(requests[key]):
            return key
        in_flight = flying.find(snapshot, -1 - key) if key < 0 else None
        if in_flight is not None and wanted.test(flying.so_far(in_flight, snapshot)):
            return key
    return None
