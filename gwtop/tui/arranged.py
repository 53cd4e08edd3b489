"""How one wants a table: sorted by a column, only rows with certain words, without some columns.

In: keys and clicks as names of columns, words that were typed; the rows there are. Out: what of
them is shown. Knows no widget and no panel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from gwtop.model.filter import EVERYTHING, Filter
from gwtop.panels import Column, Row
from gwtop.panels._sorting import Sort


@dataclass(slots=True)
class Arranged:
    sort: Sort | None = None
    filter: Filter = EVERYTHING
    """Words, each of which a row must hold somewhere."""
    wanted: Filter = EVERYTHING
    """What n and N look for."""
    hidden: set[str] = field(default_factory=set)
    """Columns that were put away."""

    def turn(self, column: str) -> None:
        """Descending, ascending, as they came."""
        if self.sort is None or self.sort.column != column:
            self.sort = Sort(column)
        else:
            self.sort = Sort(column, False) if self.sort.descending else None

    def next(self, names: Sequence[str]) -> None:
        """By the next of these columns; after the last, as they came."""
        at = names.index(self.sort.column) if self.sort and self.sort.column in names else -1
        self.sort = Sort(names[at + 1]) if at + 1 < len(names) else None

    def reverse(self) -> None:
        if self.sort is not None:
            self.sort = self.sort._replace(descending=not self.sort.descending)

    def let_go(self) -> bool:
        """Undoes the sorting, else the filter; whether there was one."""
        if self.sort is not None:
            self.sort = None
        elif self.filter:
            self.filter = EVERYTHING
        else:
            return False
        return True

    def rows(self, rows: Sequence[Row]) -> Sequence[Row]:
        if not self.filter:
            return rows
        holds = matcher(self.filter)
        return [row for row in rows if holds(row)]

    def columns(self, columns: Sequence[Column]) -> tuple[Column, ...]:
        return laid_out(columns, self.hidden, self.sort)


def laid_out(columns: Sequence[Column], hidden: set[str], sort: Sort | None) -> tuple[Column, ...]:
    """Those that were put away take no room; the sorted one says so and stays."""
    shown = []
    for column in columns:
        if column.name in hidden:
            column = column._replace(width=0, keep=-1, grow=False, room=1_000_000)
        elif sort is not None and column.name == sort.column:
            wide = max(column.width, len(column.name) + 1)
            sign = "↓" if sort.descending else "↑"
            column = column._replace(name=sign + column.name, width=wide, keep=9)
        shown.append(column)
    return tuple(shown)


def words(text: str) -> Filter:
    """What is typed where no language is needed: never wrong."""
    return Filter(" ".join(text.split()), EVERYTHING.test)


def matcher(wanted: Filter) -> Callable[[Row], bool]:
    """Whether a row holds every word; of "-word", that it does not. Letters of any size."""
    asked = wanted.text.lower().split()
    having = [word for word in asked if not word.startswith("-") or word == "-"]
    lacking = [word[1:] for word in asked if word not in having]

    def holds(row: Row) -> bool:
        text = "\n".join(cell.text for cell in row.cells).lower()
        return all(word in text for word in having) and not any(word in text for word in lacking)

    return holds
