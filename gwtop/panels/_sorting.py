"""Rows in another order: by what a column stands for, and not by its text.

In: items, a function for the column's value, a direction. Out: the items, those whose value is not
known last. Refuses to know what a row looks like.

A panel that can be sorted has `SORTS`: for a column's name, what its rows are sorted by; and its
`rows` take a `Sort`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeAlias, TypeVar

from gwtop.panels._base import Row

Item = TypeVar("Item")
Value: TypeAlias = int | float | str | None
Keys: TypeAlias = Mapping[str, Callable[[Item], Value]]


class Sort(NamedTuple):
    column: str
    descending: bool = True


class Lazy(Generic[Item]):
    """Rows that are made when they are looked at: 2,000 of them cost 20 ms, a screenful 0.5.

    What a panel's `lazy(snapshot, look, sort)` gives, where it has many rows.
    """

    def __init__(
        self, items: Sequence[Item], key: Callable[[Item], int], make: Callable[[Item], Row]
    ) -> None:
        self._items, self._key, self._make = items, key, make

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Row]:
        return map(self._make, self._items)

    def between(self, first: int, end: int) -> list[Row]:
        return [self._make(item) for item in self._items[max(0, first) : max(0, end)]]

    def key_at(self, place: int) -> int:
        return self._key(self._items[place])

    def place_of(self, key: int) -> int | None:
        return next((n for n, item in enumerate(self._items) if self._key(item) == key), None)


def arranged(items: Iterable[Item], sort: Sort | None, keys: Keys[Item]) -> list[Item]:
    """As they come where there is no order, or none by this column."""
    key = None if sort is None else keys.get(sort.column)
    if key is None or sort is None:
        return list(items)
    known: list[tuple[Value, Item]] = []
    unknown: list[Item] = []
    for item in items:
        value = key(item)
        if value is None:
            unknown.append(item)
        else:
            known.append((value, item))
    # a column's values are of one kind; None, which is of another, was left out
    known.sort(key=lambda pair: pair[0], reverse=sort.descending)  # type: ignore[arg-type,return-value]
    return [item for _, item in known] + unknown
