"""Lifelines: what each process did, a cell for each stretch of time, and who stands on which line.

In: a snapshot, a `Window` of time and how many lines there are. Out: `Life`s, lines of cells; the
same for the same facts, however they came and at any width. Refuses to know where time stands:
the window is given.

A pool is beads on strings: a line for each process that stays, with a block for each request on
the process that answered it and the wait in the queue drawn lighter before it. CGI is rain: each
process lives for one block between its birth and its death, and they take turns on a few lines.
More rain than the lines can hold apart is drawn as columns: how many ended in each cell. More
strings than lines are folded into one that says how many of them were busy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gwtop.model import Snapshot
from gwtop.model.lifelines import FAILED, FINE, LIVED, UNKNOWN_PID, Track, began_at, kind
from gwtop.nouns.facts import Role
from gwtop.nouns.times import MILLISECOND_NS, Nanos
from gwtop.panels._base import PLAIN, Cell, Line, Look
from gwtop.panels._lifelines_cells import (
    BEAD,
    GONE_BADLY,
    Window,
    codes_of,
    drawn,
    edges,
    folded,
    legend,
    line,
)
from gwtop.panels._text import n_times, time_of_day

__all__ = ["Life", "Spot", "Window", "axis", "ending", "legend", "lives", "span_words", "spot"]

NAME_WIDTH = 13
STEPS_NS = tuple(step * 10**power for power in range(5, 12) for step in (1, 2, 5))
"""The widths a cell may have: 100 us, 200 us, 500 us, 1 ms, ... 500 s."""
MIN_RAIN_LINES, MAX_RAIN_LINES = 2, 6
DROP_CELLS = 3
"""╻█╹"""
MAX_RAIN_SHARE = 0.7
"""Denser than this, drops run into each other."""
_ROLES: tuple[Role, ...] = ("front", "master", "worker", "other")
_QUIET: tuple[Role, ...] = ("other", "front", "master")
"""Whose lines are given up first, where they answered nothing."""


def window(from_ns: Nanos, to_ns: Nanos, width: int) -> Window:
    """The finest grid on which `width` cells reach from `from_ns` to the cell of `to_ns`."""
    enough = [step for step in STEPS_NS if to_ns // step - from_ns // step < width]
    return ending(to_ns, width, enough[0] if enough else STEPS_NS[-1])


def ending(to_ns: Nanos, width: int, cell_ns: int) -> Window:
    """The window whose last cell holds `to_ns`."""
    return Window(to_ns // cell_ns - width + 1, width, cell_ns)


class Life(NamedTuple):
    """A line."""

    name: Cell
    cells: Line
    keys: tuple[int, ...]
    """The tracks on it; with `-1` the requests of unknown processes."""


class Spot(NamedTuple):
    """What is under the pointer."""

    key: int
    pid: int
    number: int | None
    """Of the newest request there. None: no request."""


@dataclass(frozen=True, slots=True)
class Lane:
    """A line before it is drawn: the tracks that are on it, one after the other."""

    name: str
    tracks: tuple[Track, ...]
    is_folded: bool = False


def lives(snapshot: Snapshot, shown: Window, max_rows: int, look: Look = PLAIN) -> list[Life]:
    """At most `max_rows` lines; [] when nothing lived."""
    found: list[Life] = []
    for lane in _strings(snapshot, shown, max_rows):
        keys = tuple(track.key for track in lane.tracks)
        draw = folded if lane.is_folded else drawn
        found.append(Life(_name(lane), draw(lane.tracks, snapshot, shown, look), keys))
    return found + _rain(snapshot, shown, max_rows - len(found), look)


def spot(snapshot: Snapshot, life: Life, at: Nanos, cell_ns: int) -> Spot | None:
    """What a line shows in the cell that begins at `at`."""
    end = at + cell_ns
    tracks = [t for key in life.keys if (t := snapshot.lifelines.of(key)) is not None]
    for track in reversed(tracks):
        for row in reversed(track.rows):
            if began_at(row) < end and row.at >= at:
                return Spot(track.key, track.pid, row.number)
    for track in reversed(tracks):
        if (track.born_at or 0) < end + cell_ns and (track.died_at or end) >= at - cell_ns:
            return Spot(track.key, track.pid, _older(snapshot, track.pid, at, end))
    return None


def _older(snapshot: Snapshot, pid: int, at: Nanos, end: Nanos) -> int | None:
    """The request there that the track no longer holds, in the table of them all."""
    requests = snapshot.requests
    low, high = requests.first, requests.end
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if requests[middle].at < at else (low, middle)
    for row in requests.between(low, low + 2_000):
        if (UNKNOWN_PID if row.pid is None else row.pid) == pid and began_at(row) < end:
            return row.number
    return None


def _strings(snapshot: Snapshot, shown: Window, max_rows: int) -> list[Lane]:
    """The lines that last, by role and slot, folded to what there is room for."""
    by_place: dict[tuple[int, int], list[Track]] = {}
    for track in snapshot.lifelines.strings(shown.from_at):
        if track.born_at is None or track.born_at < shown.to_at:
            by_place.setdefault((_ROLES.index(track.role), track.slot), []).append(track)
    lanes = [Lane(_title(tracks[-1]), tuple(tracks)) for _, tracks in sorted(by_place.items())]
    unknown = snapshot.lifelines.unknown
    if unknown.n_answered:
        lanes.append(Lane("pid not known", (unknown,)))
    room = max_rows - (MIN_RAIN_LINES if snapshot.lifelines.n_drops else 0)
    return _fitted(lanes, max(1, room))


def _title(track: Track) -> str:
    return f"{track.pid} {track.role}"[:NAME_WIDTH]


def _fitted(lanes: list[Lane], room: int) -> list[Lane]:
    for role in _QUIET:
        for lane in [lane for lane in reversed(lanes) if lane.tracks[-1].role == role]:
            if len(lanes) > room and not any(track.n_answered for track in lane.tracks):
                lanes.remove(lane)
    if len(lanes) <= room:
        return lanes
    first = next((n for n, lane in enumerate(lanes) if lane.tracks[-1].role == "worker"), 0)
    last = max(n for n, lane in enumerate(lanes) if lane.tracks[-1].role == "worker" or n == first)
    n_folded = min(len(lanes) - room + 1, last - first + 1)
    folded = lanes[last - n_folded + 1 : last + 1]
    whole = Lane(f"worker ×{n_folded}", tuple(t for lane in folded for t in lane.tracks), True)
    return [*lanes[: last - n_folded + 1], whole, *lanes[last + 1 :]][:room]


def _name(lane: Lane) -> Cell:
    return Cell(lane.name[:NAME_WIDTH], "" if lane.is_folded else "accent")


def _rain(snapshot: Snapshot, shown: Window, n_lines: int, look: Look) -> list[Life]:
    drops = snapshot.lifelines.drops(shown.from_at, shown.to_at)
    if not snapshot.lifelines.n_drops or n_lines <= 0:
        return []
    n_lines = min(n_lines, MAX_RAIN_LINES)
    each = 1
    if _n_cells(drops, snapshot, shown) > n_lines * shown.n_cells * MAX_RAIN_SHARE:
        rows, each = _columns(drops, shown, n_lines)
    else:
        lanes = [[d for d in reversed(drops) if d.slot % n_lines == n] for n in range(n_lines)]
        rows = [codes_of(lane, snapshot, shown, beads=False) for lane in lanes]
    names = [f"cgi ×{n_times(len(drops))}", f"{each} a block" if each > 1 else ""]
    found = []
    for n, codes in enumerate(rows):
        name = Cell(names[n] if n < len(names) else "", "dim" if n else "bold")
        keys = tuple(d.key for d in reversed(drops) if d.slot % n_lines == n)
        found.append(Life(name, line(codes, look), keys))
    return found


def _n_cells(drops: Sequence[Track], snapshot: Snapshot, shown: Window) -> int:
    """How many cells they need, with their births and deaths."""
    if len(drops) * DROP_CELLS > MAX_RAIN_LINES * shown.n_cells:
        return len(drops) * DROP_CELLS
    lived = (edges(drop, shown, snapshot.now_at) for drop in drops)
    return sum(end - first + 2 for first, end in lived)


def _columns(drops: Sequence[Track], shown: Window, n_lines: int) -> tuple[list[bytearray], int]:
    """A column for each cell of what ended in it, the gravest at the foot; how many a block is."""
    ended: list[list[int]] = [[] for _ in range(shown.n_cells)]
    for drop in drops:
        if drop.died_at is not None and 0 <= (n := shown.place(drop.died_at)) < shown.n_cells:
            worst = max(map(kind, drop.rows), default=LIVED)
            ended[n].append(GONE_BADLY if drop.ended_badly and worst < FAILED else worst)
    each = max(1, -(-max(map(len, ended)) // n_lines))
    rows = [bytearray(shown.n_cells) for _ in range(n_lines)]
    for n, codes in enumerate(ended):
        for height, code in enumerate(sorted(codes, reverse=True)[::each]):
            rows[n_lines - 1 - height][n] = BEAD if code == FINE else code
    return rows, each


def span_words(shown: Window) -> str:
    """ "11 s, 100 ms a cell"."""
    return f"{_exactly(shown.n_cells * shown.cell_ns)}, {_exactly(shown.cell_ns)} a cell"


def _exactly(span_ns: int) -> str:
    if span_ns < MILLISECOND_NS:
        return f"{span_ns // 1000} µs"
    if span_ns < 1000 * MILLISECOND_NS:
        return f"{span_ns / MILLISECOND_NS:g} ms"
    seconds = span_ns / (1000 * MILLISECOND_NS)
    return f"{seconds:.3g} s" if seconds < 600 else f"{round(seconds / 60)} min"


AXIS_CELLS = 20


def axis(shown: Window, look: Look = PLAIN) -> Line:
    """Times of day under every twentieth cell."""
    words = [" "] * (shown.n_cells + AXIS_CELLS)
    first = -shown.first % AXIS_CELLS
    for place in range(first, shown.n_cells, AXIS_CELLS):
        at = (shown.first + place) * shown.cell_ns
        text = ("'" if look.ascii else "╵") + time_of_day(at, look.utc_offset_s)
        if shown.cell_ns * AXIS_CELLS < 1000 * MILLISECOND_NS:
            text += f".{at // MILLISECOND_NS % 1000:03d}"
        words[place : place + len(text)] = text
    return (Cell("".join(words[: shown.n_cells]).rstrip(), "dim"),)
