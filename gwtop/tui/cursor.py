"""Where one is in a table: the top line, the selected row, and whether the newest is followed.

In: keys and clicks as numbers, and the rows there are now. Out: what to show. Knows no widget.

The selection is a key, not a line: rows that arrive do not move it, and when its row moves (a
process that sinks under newer ones) the view moves along, so it keeps its line on the screen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gwtop.model import Snapshot
from gwtop.panels import Look, Row
from gwtop.panels._sorting import Lazy
from gwtop.panels.requests import window


class Source(Protocol):
    """Rows numbered `first` .. `end - 1`."""

    @property
    def first(self) -> int: ...

    @property
    def end(self) -> int: ...

    def rows(self, first: int, end: int) -> Sequence[Row]: ...

    def number_of(self, key: int) -> int | None: ...

    def key_at(self, number: int) -> int: ...


@dataclass(frozen=True, slots=True)
class Listed:
    """A short list of rows, all there."""

    listed: Sequence[Row] = ()
    first: int = 0

    @property
    def end(self) -> int:
        return len(self.listed)

    def rows(self, first: int, end: int) -> Sequence[Row]:
        return self.listed[max(0, first) : max(0, end)]

    def number_of(self, key: int) -> int | None:
        return next((n for n, row in enumerate(self.listed) if row.key == key), None)

    def key_at(self, number: int) -> int:
        return self.listed[number].key


@dataclass(frozen=True, slots=True)
class Made:
    """Rows that a panel makes when they are looked at."""

    lazy: Lazy[Any]
    first: int = 0

    @property
    def end(self) -> int:
        return len(self.lazy)

    def rows(self, first: int, end: int) -> Sequence[Row]:
        return self.lazy.between(first, end)

    def number_of(self, key: int) -> int | None:
        return self.lazy.place_of(key)

    def key_at(self, number: int) -> int:
        return self.lazy.key_at(number)


@dataclass(frozen=True, slots=True)
class Windowed:
    """Many rows, made only where they are looked at; a row's key is its number."""

    snapshot: Snapshot
    look: Look
    make: Callable[[Snapshot, int, int, Look], Sequence[Row]] = window

    @property
    def first(self) -> int:
        return self.snapshot.requests.first

    @property
    def end(self) -> int:
        return self.snapshot.requests.end

    def rows(self, first: int, end: int) -> Sequence[Row]:
        return self.make(self.snapshot, first, end, self.look)

    def number_of(self, key: int) -> int | None:
        return key if self.first <= key < self.end else None

    def key_at(self, number: int) -> int:
        return number


@dataclass(frozen=True, slots=True)
class WithMore:
    """Rows, and under the last of them some that are not of their kind."""

    base: Source
    more: Sequence[Row]

    @property
    def first(self) -> int:
        return self.base.first

    @property
    def end(self) -> int:
        return self.base.end + len(self.more)

    def rows(self, first: int, end: int) -> Sequence[Row]:
        at = self.base.end
        below = self.more[max(0, first - at) : max(0, end - at)]
        return [*self.base.rows(first, min(end, at)), *below]

    def number_of(self, key: int) -> int | None:
        found = (at for at, row in enumerate(self.more, self.base.end) if row.key == key)
        return next(found, None) if key < 0 else self.base.number_of(key)

    def key_at(self, number: int) -> int:
        at = number - self.base.end
        return self.more[at].key if at >= 0 else self.base.key_at(number)


@dataclass(slots=True)
class Cursor:
    follows: bool = False
    """A table whose newest row is at the end, and which may stay there."""
    following: bool = False
    top: int = 0
    selected: int | None = None
    """A row's key. None: nothing is selected."""
    height: int = 1
    source: Source = Listed()

    def __post_init__(self) -> None:
        self.following = self.follows

    def renew(self, source: Source, height: int) -> None:
        """There are other rows now, or another height."""
        at = self._selected_number()
        line = None if at is None or not 0 <= at - self.top < self.height else at - self.top
        self.source, self.height = source, max(1, height)
        if self.selected is not None and self._selected_number() is None:
            self.selected = None
        if self.following:
            self.top = source.end - self.height
        elif line is not None and (number := self._selected_number()) is not None:
            self.top = number - min(line, self.height - 1)
        self._clamp()

    @property
    def n_more(self) -> int:
        """Rows at the end that are not counted."""
        return len(self.source.more) if isinstance(self.source, WithMore) else 0

    def visible(self) -> Sequence[Row]:
        return self.source.rows(self.top, self.top + self.height)

    def move(self, n_lines: int) -> None:
        """Arrow keys: the selection moves, and the view with it."""
        if self.source.end <= self.source.first:
            return
        at = self._selected_number()
        if at is None:
            last = min(self.top + self.height, self.source.end) - 1
            at = last if self.following or n_lines < 0 else max(self.top, self.source.first)
        else:
            at = min(max(at + n_lines, self.source.first), self.source.end - 1)
        self._select(at)

    def scroll(self, n_lines: int) -> None:
        """The wheel: the view moves, the selection stays on its row."""
        self.following = False
        self.top += n_lines
        self._clamp()

    def home(self) -> None:
        if self.source.end > self.source.first:
            self._select(self.source.first)

    def to_end(self) -> None:
        """The newest: where there is something to follow, follow it; else the last row."""
        if self.follows:
            self.following, self.selected = True, None
            self.top = self.source.end - self.height
            self._clamp()
        elif self.source.end > self.source.first:
            self._select(self.source.end - 1)

    def click(self, line: int) -> bool:
        """Whether that line held a row, which then is the selected one."""
        number = self.top + line
        if not (0 <= line < self.height and self.source.first <= number < self.source.end):
            return False
        self._select(number)
        return True

    def select(self, key: int) -> None:
        """A row by its key, wherever it is; nothing if it is not there."""
        number = self.source.number_of(key)
        if number is not None:
            self._select(number)

    def _select(self, number: int) -> None:
        self.following = False
        self.selected = self.source.key_at(number)
        if number < self.top:
            self.top = number
        elif number >= self.top + self.height:
            self.top = number - self.height + 1
        self._clamp()

    def _selected_number(self) -> int | None:
        return None if self.selected is None else self.source.number_of(self.selected)

    def _clamp(self) -> None:
        most = max(self.source.first, self.source.end - self.height)
        self.top = min(max(self.top, self.source.first), most)
