"""Rows in another order: by what a column stands for, and not by its text.

In: items, a function for the column's value, a direction. Out: the items, those whose value is not
known last. Refuses to know what a row looks like.

A panel that can be sorted has `SORTS`: for a column's name, what its rows are sorted by; and its
`rows` take a `Sort`.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, TypeAlias, TypeVar

Item = TypeVar("Item")
Value: TypeAlias = int | float | str | None
Keys: TypeAlias = Mapping[str, Callable[[Item], Value]]


class Sort(NamedTuple):
    column: str
    descending: bool = True


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
