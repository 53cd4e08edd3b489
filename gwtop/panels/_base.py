"""What a panel must offer, and what columns and rows are.

A panel is a module of this folder without a leading underscore that has:

    NAME: str              "requests": what `--table NAME` and the tab are called
    TITLE: str             words for the border
    ORDER: int             the place of its tab, in tens
    COLUMNS: tuple[Column] name, width and meaning of each cell
    rows(snapshot, look)   list[Row], pure

It may have `FOLLOWS = True`: the newest row is the last, and one wants to stay with it;
`columns(snapshot)`: COLUMNS, weighted for what there is to see; `EMPTY`: what is said where there
is no row; and `said(snapshot)`: what the rows are of, "" where it is everything.

It is found by `gwtop.panels.discover()`; nothing registers.

Cells are plain text with the name of a style ("bad", "dim"); what colour that is, and how many
cells of a terminal a character takes, is the reader's business. Style is never the only carrier
of a meaning.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, Protocol, TypeAlias

from gwtop.model import Snapshot

Style: TypeAlias = Literal[
    "", "dim", "bold", "good", "warn", "bad", "accent", "head", "warn-block", "bad-block"
]

MIN_GROW = 14
"""A growing column narrower than this says nothing: others are left out before that."""
GAP = 1


MIDDLE = -1


class Cell(NamedTuple):
    text: str
    style: Style = ""
    n_tail: int = 0
    """So many characters at the end are not cropped, and stand at the column's right edge.
    `MIDDLE`: what does not fit goes from the middle, as of a path."""


Line: TypeAlias = tuple[Cell, ...]
"""Cells that follow each other without columns."""


class Column(NamedTuple):
    name: str
    width: int
    """In terminal cells; of a growing column, what it takes in a table that is printed."""
    align: Literal["<", ">"]
    meaning: str
    """A sentence for help."""
    keep: int = 9
    """Which columns go when room is short: the lowest first; 9 never goes."""
    grow: bool = False
    room: int = MIN_GROW
    """Left out while it would leave a growing column less than this."""


class Row(NamedTuple):
    key: int
    """What a selection holds on to; stays with the row while it moves."""
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Look:
    """How the one who looks wants it."""

    utc_offset_s: int = 0
    ascii: bool = False
    """Where the terminal or its font has nothing but ASCII."""
    hosts: bool = False
    """Several machines at once: rows say whose they are."""


PLAIN = Look()


def beside(look: Look, snapshot: Snapshot) -> Look:
    """The look that goes with a snapshot."""
    has_hosts = bool(snapshot.hosts)
    return look if look.hosts == has_hosts else replace(look, hosts=has_hosts)


HOST = Column("host", 10, "<", "the machine it ran on", keep=8)
"""Stands only where there are several."""


class Panel(Protocol):
    """The shape of a panel's module, for the type checker."""

    NAME: str
    TITLE: str
    ORDER: int
    COLUMNS: tuple[Column, ...]

    def rows(self, snapshot: Snapshot, look: Look = PLAIN) -> list[Row]: ...


def fit(columns: Sequence[Column], width: int) -> tuple[int, ...]:
    """The width of each column in so many cells; 0: left out for want of room."""
    kept = set(range(len(columns)))
    growing = [i for i, column in enumerate(columns) if column.grow]
    for i in sorted(kept, key=lambda i: (columns[i].keep, -i)):
        spare = width - _taken(columns, kept)
        if columns[i].keep < 9 and spare < columns[i].room * len(growing):
            kept.remove(i)
    spare = max(0, width - _taken(columns, kept))
    widths = [columns[i].width if i in kept else 0 for i in range(len(columns))]
    for place, i in enumerate(growing):
        widths[i] = (spare + place) // len(growing)
    return tuple(widths)


def _taken(columns: Sequence[Column], kept: set[int]) -> int:
    fixed = sum(columns[i].width for i in kept if not columns[i].grow)
    return fixed + GAP * (len(kept) - 1)
