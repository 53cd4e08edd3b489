"""The cells of a lifeline: what a process did in each stretch of time, as codes and as glyphs.

In: tracks, a snapshot (for what is in flight and what time it is) and a `Window`. Out: a code for
each cell, and cells of glyphs. Refuses to know which line a track is on.

Everything is computed in the grains of the model's rings, five or more to a cell, by operations on
whole byte strings: a line costs some 0.1 ms however much happened on it.

Birth and death stand beside the life that they enclose, so that a life of one cell shows what it
did; where something else is there, they stand on the idle cell at the edge.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import NamedTuple

from gwtop.model import Snapshot
from gwtop.model.lifelines import (
    ANSWERING,
    BROKEN,
    FAILED,
    FINE,
    LIVED,
    MOVED,
    REFUSED,
    UNANSWERED,
    UNKNOWN_PID,
    WAITED,
    Track,
    began_at,
    kind,
    shows_wait,
    worked_from,
)
from gwtop.model.rings import AT_LEAST, GRAINS, grain_ns, read
from gwtop.nouns.times import Nanos, nanos
from gwtop.panels._base import PLAIN, Cell, Line, Look, Style

BORN, GONE, GONE_BADLY, BEAD, WAITED_BEAD = 10, 11, 12, 13, 14
_IS_BUSY = bytes(ANSWERING <= code <= BROKEN for code in range(256))
_HEIGHTS = "▁▂▃▄▅▆▇█"
_ASCII_HEIGHTS = "12345678"


GLYPHS: dict[int, tuple[str, str, Style, str]] = {
    0: (" ", " ", "", ""),
    LIVED: ("━", "-", "dim", "alive"),
    WAITED: ("░", ".", "dim", "waited in the queue"),
    ANSWERING: ("▒", "~", "accent", "is answering"),
    UNANSWERED: ("?", "?", "warn-block", "ended without a status"),
    FINE: ("█", "#", "good", "for half a cell or more"),
    MOVED: ("▓", "=", "accent", "3xx"),
    REFUSED: ("4", "4", "warn-block", "4xx"),
    FAILED: ("5", "5", "bad-block", "5xx"),
    BROKEN: ("X", "X", "bad-block", "broken off"),
    BORN: ("╻", "(", "", "born"),
    GONE: ("╹", ")", "", "gone"),
    GONE_BADLY: ("╳", "!", "bad", "gone, exit status not 0"),
    BEAD: ("■", "o", "good", "answered"),
    WAITED_BEAD: ("▨", "%", "good", "both within a cell"),
}
"""Code: glyph, its ASCII form, style, meaning."""
_SHOWN_IN_LEGEND = (
    LIVED,
    BEAD,
    FINE,
    WAITED,
    WAITED_BEAD,
    FAILED,
    BORN,
    GONE,
    GONE_BADLY,
    ANSWERING,
)


class Window(NamedTuple):
    """`n_cells` cells of `cell_ns`, the first of them number `first` since the epoch."""

    first: int
    n_cells: int
    cell_ns: int

    @property
    def from_at(self) -> Nanos:
        return self.first * self.cell_ns

    @property
    def to_at(self) -> Nanos:
        return (self.first + self.n_cells) * self.cell_ns

    def place(self, at: Nanos) -> int:
        """Which cell an instant is in, from 0; may lie outside."""
        return at // self.cell_ns - self.first


def drawn(tracks: Iterable[Track], snapshot: Snapshot, shown: Window, look: Look) -> Line:
    return line(codes_of(list(tracks), snapshot, shown), look)


def codes_of(
    tracks: Sequence[Track], snapshot: Snapshot, shown: Window, beads: bool = True
) -> bytearray:
    """A code for each cell of a line with these lives on it.

    `beads`: what filled less than half of a cell is drawn smaller.
    """
    fine = _fine(shown)
    did = bytearray(fine.n_cells)
    for track in tracks:
        _live(did, track, snapshot, fine)
    codes = _coarse(did, shown.n_cells, beads)
    for track in tracks:
        _put_ends(codes, track, shown)
    return codes


def _fine(shown: Window) -> Window:
    """The same stretch in the grains that tell how much of each cell was used."""
    grain = grain_ns(shown.cell_ns)
    n_grains = shown.cell_ns // grain
    return Window(shown.first * n_grains, shown.n_cells * n_grains, grain)


def _coarse(did: bytearray, n_cells: int, beads: bool) -> bytearray:
    """The gravest in each cell; an answer that filled less than half of it may be a bead, and one
    whose wait, too, lies within the cell is a hatched one: else nobody would see that it waited."""
    n = len(did) // n_cells
    if n == 1:
        return bytearray(did)
    codes = bytearray(max(did[place : place + n]) for place in range(0, len(did), n))
    busy = did.translate(_IS_BUSY)
    for cell, code in enumerate(codes if beads else ()):
        if code == FINE:
            begin, end = cell * n, (cell + 1) * n
            if did.count(WAITED, begin, end) and (cell == 0 or codes[cell - 1] != WAITED):
                codes[cell] = WAITED_BEAD
            elif busy.count(1, begin, end) * 2 < n:
                codes[cell] = BEAD
    return codes


def edges(track: Track, shown: Window, now_at: Nanos | None) -> tuple[int, int]:
    """The first cell of a life, and one past its last; both within the window."""
    until = now_at if track.died_at is None else track.died_at
    first = 0 if track.born_at is None else max(0, shown.place(track.born_at))
    end = shown.n_cells if until is None else shown.place(until) + 1
    return min(first, shown.n_cells), max(0, min(end, shown.n_cells))


def _live(did: bytearray, track: Track, snapshot: Snapshot, fine: Window) -> None:
    """Adds what a process did, grain by grain, and nothing outside of its life."""
    first, end = edges(track, fine, snapshot.now_at)
    if first >= end:
        return
    life = Window(fine.first + first, end - first, fine.cell_ns)
    own = _answered(track, life)
    for request in snapshot.in_flight if track.died_at is None else ():
        if (UNKNOWN_PID if request.pid is None else request.pid) == track.pid:
            _raise(own, life.place(nanos(request.began_at)), life.n_cells - 1, ANSWERING)
    if track.was_told:
        own = own.translate(AT_LEAST[LIVED])
    did[first:end] = bytes(map(max, did[first:end], own)) if any(did[first:end]) else own


def _answered(track: Track, life: Window) -> bytearray:
    if track.rings and life.cell_ns >= GRAINS[0].cell_ns:
        return bytearray(read(track.rings, life.from_at, life.cell_ns, life.n_cells))
    did = bytearray(life.n_cells)
    for row in track.rows:
        from_at = worked_from(row)
        _raise(did, life.place(from_at), life.place(row.at), kind(row))
        if shows_wait(row, life.cell_ns):
            _raise(did, life.place(began_at(row)), life.place(from_at), WAITED)
    return did


def _raise(did: bytearray, first: int, last: int, value: int) -> None:
    first, end = max(0, first), last + 1
    if first < min(end, len(did)):
        did[first:end] = did[first:end].translate(AT_LEAST[value])


def _put_ends(codes: bytearray, track: Track, shown: Window) -> None:
    if not track.was_told:
        return
    if track.born_at is not None:
        _put(codes, shown.place(track.born_at), -1, BORN)
    if track.died_at is not None:
        _put(codes, shown.place(track.died_at), 1, GONE_BADLY if track.ended_badly else GONE)


def _put(codes: bytearray, edge: int, outward: int, mark: int) -> None:
    """Beside the edge if that is free, else on it if it only lived; a bad end always."""
    beside = edge + outward
    if not 0 <= edge < len(codes):
        return
    if 0 <= beside < len(codes) and codes[beside] == 0:
        codes[beside] = mark
    elif codes[edge] == LIVED or mark == GONE_BADLY:
        codes[edge] = mark


def folded(tracks: Sequence[Track], snapshot: Snapshot, shown: Window, look: Look) -> Line:
    """How many of them were busy, as a height; the digit of the gravest answer instead."""
    fine = _fine(shown)
    all_lives = [bytearray(fine.n_cells) for _ in tracks]
    for did, track in zip(all_lives, tracks, strict=True):
        _live(did, track, snapshot, fine)
    coarse = [_coarse(did, shown.n_cells, beads=False) for did in all_lives]
    heights = _ASCII_HEIGHTS if look.ascii else _HEIGHTS
    cells: list[Cell] = []
    for codes in zip(*coarse, strict=True):
        worst = max(codes)
        n_busy = sum(code >= ANSWERING for code in codes)
        if n_busy == 0 or worst >= REFUSED or worst == UNANSWERED:
            cells.append(Cell(_glyph(worst, look), GLYPHS[worst][2]))
        else:
            n_lived = sum(code > 0 for code in codes)
            cells.append(Cell(heights[(n_busy * 8 - 1) // n_lived], GLYPHS[worst][2]))
    return _merged(cells)


def _merged(cells: Sequence[Cell]) -> Line:
    groups = groupby(cells, key=lambda cell: cell.style)
    return tuple(Cell("".join(cell.text for cell in group), style) for style, group in groups)


def line(codes: bytearray, look: Look) -> Line:
    return tuple(
        Cell(_glyph(code, look) * len(list(group)), GLYPHS[code][2])
        for code, group in groupby(codes)
    )


def _glyph(code: int, look: Look) -> str:
    return GLYPHS[code][1 if look.ascii else 0]


def legend(look: Look = PLAIN) -> Line:
    cells: list[Cell] = []
    for code in _SHOWN_IN_LEGEND:
        cells += [Cell(_glyph(code, look), GLYPHS[code][2]), Cell(f" {GLYPHS[code][3]}  ", "dim")]
    return tuple(cells)
