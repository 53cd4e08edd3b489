"""What a process did in each cell of time, at five widths of cell, in a bounded number of bytes.

In: spans of time with a value (the larger says more). Out: one byte for each cell of a stretch:
the largest value that any span left in it. Refuses to know what a value means.

A line over time is drawn at any zoom, some ten times a second, and 5,000 spans a second may fall
into it: walking the spans would cost 50 ms a paint. Marking five rings costs some 3 us a span, and
a line is then read as slices of bytes. A ring keeps the newest cells and forgets the oldest.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gwtop.nouns.times import MILLISECOND_NS, Nanos


class Grain(NamedTuple):
    """A width of cell, and how many of them are kept."""

    cell_ns: int
    n_cells: int


GRAINS = (
    Grain(1 * MILLISECOND_NS, 8192),  # 8 s
    Grain(10 * MILLISECOND_NS, 8192),  # 82 s
    Grain(100 * MILLISECOND_NS, 8192),  # 14 min
    Grain(1000 * MILLISECOND_NS, 4096),  # 68 min
    Grain(10_000 * MILLISECOND_NS, 4096),  # 11 h
)
AT_LEAST = tuple(bytes(max(old, new) for old in range(256)) for new in range(16))
"""Value: the table by which a stretch of cells is raised to it."""


@dataclass(slots=True)
class Ring:
    grain: Grain
    _cells: bytearray = field(default_factory=bytearray)
    _last: int = -1
    """The newest cell that was marked, counted from the epoch."""

    def mark(self, first_at: Nanos, last_at: Nanos, value: int) -> None:
        first, last = first_at // self.grain.cell_ns, last_at // self.grain.cell_ns
        n_cells = self.grain.n_cells
        if last > self._last:
            self._reach(last)
        first = max(first, self._last - n_cells + 1)
        if first > last:
            return  # older than what is kept
        begin, end = first % n_cells, last % n_cells + 1
        if end - begin == 1:
            if self._cells[begin] < value:
                self._cells[begin] = value
        elif begin < end:
            self._raise(begin, end, value)
        else:
            self._raise(begin, n_cells, value)
            self._raise(0, end, value)

    def _raise(self, begin: int, end: int, value: int) -> None:
        self._cells[begin:end] = self._cells[begin:end].translate(AT_LEAST[value])

    def _reach(self, last: int) -> None:
        """The ring's newest cell is `last`; what lies between is empty."""
        n_cells = self.grain.n_cells
        if not self._cells or last - self._last >= n_cells:
            self._cells = bytearray(n_cells)
        else:
            begin, end = (self._last + 1) % n_cells, last % n_cells + 1
            if begin < end:
                self._cells[begin:end] = bytes(end - begin)
            else:
                self._cells[begin:] = bytes(n_cells - begin)
                self._cells[:end] = bytes(end)
        self._last = last

    def read(self, first: int, n_wanted: int) -> bytes:
        """The cells from number `first` on; 0 where nothing was marked or is no longer kept."""
        n_cells = self.grain.n_cells
        begin = max(first, self._last - n_cells + 1)
        end = min(first + n_wanted, self._last + 1)
        if begin >= end:
            return bytes(n_wanted)
        a, b = begin % n_cells, (end - 1) % n_cells + 1
        kept = self._cells[a:b] if a < b else self._cells[a:] + self._cells[:b]
        return bytes(begin - first) + bytes(kept) + bytes(first + n_wanted - end)

    def keeps(self, at: Nanos) -> bool:
        return at // self.grain.cell_ns > self._last - self.grain.n_cells

    def copy(self) -> "Ring":
        return Ring(self.grain, bytearray(self._cells), self._last)


def new_rings() -> tuple[Ring, ...]:
    return tuple(Ring(grain) for grain in GRAINS)


def grain_ns(cell_ns: int) -> int:
    """The widest grain that tells how much of such a cell was used: a fifth of it or less."""
    fine = [g.cell_ns for g in GRAINS if cell_ns % g.cell_ns == 0 and cell_ns // g.cell_ns >= 5]
    return max(fine, default=min(cell_ns, GRAINS[0].cell_ns))


def read(rings: Sequence[Ring], first_at: Nanos, grain_ns: int, n_cells: int) -> bytes:
    """Cells of a grain from `first_at`, which begins one; where they are no longer kept, the
    coarser ones that are, stretched."""
    ring = next(ring for ring in rings if ring.grain.cell_ns == grain_ns)
    if not ring.keeps(first_at):
        coarser = [r for r in rings if r.grain.cell_ns > grain_ns and r.keeps(first_at)]
        if coarser:
            return _stretched(coarser[0], first_at, grain_ns, n_cells)
    return ring.read(first_at // grain_ns, n_cells)


def _stretched(ring: Ring, first_at: Nanos, cell_ns: int, n_cells: int) -> bytes:
    wide_ns = ring.grain.cell_ns
    first = first_at // wide_ns
    last = (first_at + n_cells * cell_ns) // wide_ns
    cells = ring.read(first, last - first + 1)
    return bytes(cells[(first_at + n * cell_ns) // wide_ns - first] for n in range(n_cells))
