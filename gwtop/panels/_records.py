"""The records of a request on the wire, as a tree: records, their fields, the fields' parts.

In: what was fetched. Out: nodes, those of them that are in sight, and their lines. Refuses to know
what is selected.

What is a part of what is said by where it lies: a field inside the one before it.
"""

from collections.abc import Iterable, Set
from typing import NamedTuple

from gwtop.model.details import Fetched
from gwtop.nouns.facts import DetailRecord
from gwtop.nouns.times import nanos
from gwtop.panels._base import PLAIN, Cell, Line, Look, Style
from gwtop.panels._safe import safe
from gwtop.panels._text import duration, n_bytes

SHOWN_VALUE = 400
SIDES = {"client": "→", "server": "←"}
ASCII_SIDES = {"client": ">", "server": "<"}


class Node(NamedTuple):
    depth: int
    """0: a record."""
    parent: int
    """Its number among all nodes; -1: of a record."""
    has_parts: bool
    record: DetailRecord
    name: str
    value: str
    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


def nodes(fetched: Fetched) -> tuple[Node, ...]:
    """All of them, each before its parts."""
    found: list[Node] = []
    for record in fetched.records:
        place = len(found)
        found.append(
            Node(
                0,
                -1,
                bool(record.fields),
                record,
                record.name,
                "",
                record.offset,
                record.bytes_long,
            )
        )
        above = [place]
        for name, value, offset, length in record.fields:
            while len(above) > 1 and not _inside(offset, length, found[above[-1]]):
                above.pop()
            parent = above[-1]
            if not found[parent].has_parts:
                found[parent] = found[parent]._replace(has_parts=True)
            above.append(len(found))
            found.append(Node(len(above) - 1, parent, False, record, name, value, offset, length))
    return tuple(found)


def _inside(offset: int, length: int, node: Node) -> bool:
    return (
        node.offset <= offset and offset + length <= node.end and (length > 0 or offset < node.end)
    )


def parts_of(tree: tuple[Node, ...], place: int) -> Iterable[int]:
    for n in range(place + 1, len(tree)):
        if tree[n].depth <= tree[place].depth:
            return
        if tree[n].parent == place:
            yield n


def opened_with(tree: tuple[Node, ...], place: int) -> set[int]:
    """The node and, of a record, what in it holds nearly all: nobody wants to open twice."""
    found = {place}
    if tree[place].depth == 0:
        for part in parts_of(tree, place):
            if any(tree[inner].has_parts for inner in parts_of(tree, part)):
                found.add(part)
    return found


def first_open(tree: tuple[Node, ...]) -> set[int]:
    """What is open at first: the client's record that says most."""
    records = [n for n, node in enumerate(tree) if node.depth == 0]
    asking = [n for n in records if tree[n].record.side == "client"] or records
    if not asking:
        return set()
    return opened_with(tree, max(asking, key=lambda n: (len(tree[n].record.fields), -n)))


def in_sight(tree: tuple[Node, ...], opened: Set[int]) -> list[int]:
    """The numbers of those whose parents are all open."""
    found: list[int] = []
    seen = {-1}
    for n, node in enumerate(tree):
        if node.parent in seen:
            found.append(n)
            if n in opened:
                seen.add(n)
    return found


def matching(tree: tuple[Node, ...], text: str) -> list[int]:
    """Those whose name or value has this in it, whatever its case."""
    wanted = text.lower()
    return [
        n
        for n, node in enumerate(tree)
        if wanted in safe(node.name).lower() or wanted in safe(node.value[:SHOWN_VALUE]).lower()
    ]


def ancestors(tree: tuple[Node, ...], place: int) -> list[int]:
    found = []
    while (place := tree[place].parent) >= 0:
        found.append(place)
    return found


def deepest_at(tree: tuple[Node, ...], offset: int) -> int | None:
    """The smallest field that covers this byte."""
    covering = [n for n, node in enumerate(tree) if node.offset <= offset < node.end]
    return max(covering, key=lambda n: tree[n].depth, default=None)


def line(tree: tuple[Node, ...], place: int, opened: Set[int], look: Look = PLAIN) -> Line:
    node = tree[place]
    mark = "  " if not node.has_parts else _mark(place in opened, look)
    if node.depth == 0:
        return (Cell(mark), *_record(node, tree[0], look))
    value = safe(node.value[:SHOWN_VALUE])
    style: Style = "warn" if value and not value.strip("*") else ""
    indent = "  " * node.depth + mark
    return (Cell(indent), Cell(safe(node.name[:80]), "accent"), Cell("  "), Cell(value, style))


def _mark(is_open: bool, look: Look) -> str:
    if look.ascii:
        return "- " if is_open else "+ "
    return "▾ " if is_open else "▸ "


def _record(node: Node, first: Node, look: Look) -> Line:
    record = node.record
    arrow = (ASCII_SIDES if look.ascii else SIDES)[record.side]
    after = nanos(record.at) - nanos(first.record.at)
    return (
        Cell(f"{arrow} ", "good" if record.side == "server" else "accent"),
        Cell(safe(node.name[:80]), "bold"),
        Cell(f"  {n_bytes(record.bytes_long)}"),
        Cell(f"  +{duration(after)}", "dim"),
    )
