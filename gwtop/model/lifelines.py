"""The lives of processes and what they answered when: what lifelines are drawn from.

In: process rows as they are born and die, request rows as they are told. Out: `Track`s. Refuses to
know cells, widths and glyphs; `gwtop.panels.lifelines` draws.

A line must not jump while time passes, so its place is settled at birth and not by who else is in
sight: each role has slots, a process takes the lowest that is free, and a worker that replaces
another goes on in its line. Processes that live for one request take their turns instead: the
n-th is drop n, whatever became of the others.

Tracks go on changing; a snapshot that is to be kept (pause) takes `frozen()`.
"""

from bisect import insort
from collections import deque
from dataclasses import dataclass, field, replace

from gwtop.model.processes import ProcessRow
from gwtop.model.requests import RequestRow
from gwtop.model.rings import Ring, new_rings
from gwtop.nouns.facts import Role
from gwtop.nouns.times import SECOND_NS, Nanos

KEPT_DROPS = 20_000
"""Ended lives of one request each, some 600 bytes."""
KEPT_STRINGS = 200
"""Ended lives of other roles; one that answered much holds 32 KB of rings."""
KEPT_ROWS = 256
"""Requests of one process that are kept as they are, for the finest zooms (or twice as many)."""
KEPT_LIVING = 4_096
"""Exits may be missed."""
RINGS_FROM = 24
"""So many requests until a process gets rings."""
LATE_NS = 2 * SECOND_NS
"""Facts settle out of order by less."""

LIVED, WAITED, ANSWERING, UNANSWERED, FINE, MOVED, REFUSED, FAILED, BROKEN = range(1, 10)
"""What can be said of a cell, gravest last: alive; a request waits; one is being answered; one
ended without a status; 1xx and 2xx; 3xx; 4xx; 5xx; the gateway failed or the connection broke."""

UNKNOWN_PID = -1


def kind(row: RequestRow) -> int:
    if row.outcome in ("aborted", "failed"):
        return BROKEN
    if row.status is None:
        return UNANSWERED
    return (FINE, MOVED, REFUSED, FAILED)[min(max(row.status // 100 - 2, 0), 3)]


def began_at(row: RequestRow) -> Nanos:
    return row.at - (row.duration_ns or 0)


def worked_from(row: RequestRow) -> Nanos:
    """When the worker took it; without a known wait, when it began."""
    return min(began_at(row) + (row.queue_ns or 0), row.at)


def shows_wait(row: RequestRow, cell_ns: int) -> bool:
    """Whether its wait is worth cells of that width: of a shorter one chance alone would decide,
    for it shows only where it happens to cross an edge."""
    return (row.queue_ns or 0) * 2 >= cell_ns


@dataclass(slots=True)
class Track:
    key: int
    """The process row's; negative where there is no such row."""
    pid: int
    role: Role
    born_at: Nanos | None
    """None: before we were, or not told."""
    was_told: bool
    """A birth or a census told that it lives; else only its requests are known."""
    slot: int = 0
    died_at: Nanos | None = None
    ended_badly: bool = False
    rows: list[RequestRow] = field(default_factory=list)
    rings: tuple[Ring, ...] = ()
    n_answered: int = 0

    def answered(self, row: RequestRow) -> None:
        self.rows.append(row)
        if len(self.rows) > 2 * KEPT_ROWS:
            del self.rows[:KEPT_ROWS]
        self.n_answered += 1
        if self.rings:
            self._mark(row)
        elif self.n_answered >= RINGS_FROM:
            self.rings = new_rings()
            for kept in self.rows:
                self._mark(kept)

    def _mark(self, row: RequestRow) -> None:
        from_at, value = worked_from(row), kind(row)
        for ring in self.rings:
            ring.mark(from_at, row.at, value)
        for ring in self.rings:
            if shows_wait(row, ring.grain.cell_ns):
                ring.mark(began_at(row), from_at, WAITED)

    def copy(self) -> "Track":
        rings = tuple(ring.copy() for ring in self.rings)
        return replace(self, rows=list(self.rows), rings=rings)


@dataclass(slots=True)
class Lifelines:
    n_drops: int = 0
    unknown: Track = field(
        default_factory=lambda: Track(UNKNOWN_PID, UNKNOWN_PID, "other", None, False)
    )
    """Requests whose process is not known."""
    _living: dict[int, Track] = field(default_factory=dict)
    _drops: deque[Track] = field(default_factory=lambda: deque(maxlen=KEPT_DROPS))
    _strings: deque[Track] = field(default_factory=lambda: deque(maxlen=KEPT_STRINGS))
    _by_key: dict[int, Track] = field(default_factory=dict)
    """The dead among them too, as long as they are kept."""
    _by_pid: dict[int, int] = field(default_factory=dict)
    """Of the living: the key."""
    _free: dict[Role, list[int]] = field(default_factory=dict)
    _n_slots: dict[Role, int] = field(default_factory=dict)

    def told(self, row: ProcessRow) -> None:
        """A birth, a census or a sample."""
        track = self._living.get(row.key)
        if track is not None and track.role == row.role:
            return
        if track is not None:
            self._release(track)
        elif row.key in self._by_key:
            return
        else:
            track = self._open(Track(row.key, row.pid, row.role, row.born_at, True))
        track.role = row.role
        self._place(track)

    def _open(self, track: Track) -> Track:
        """A pid that came back, or too many: an exit was missed."""
        old = self._living.get(self._by_pid.get(track.pid, track.key))
        if old is None and len(self._living) >= KEPT_LIVING:
            old = next(iter(self._living.values()))
        if old is not None:
            self._end(old, track.born_at or old.born_at)
        self._living[track.key] = self._by_key[track.key] = track
        self._by_pid[track.pid] = track.key
        return track

    def died(self, row: ProcessRow) -> None:
        track = self._living.get(row.key)
        if track is not None:
            track.ended_badly = row.signal is not None or bool(row.code)
            self._end(track, row.died_at)

    def _end(self, track: Track, at: Nanos | None) -> None:
        del self._living[track.key]
        if self._by_pid.get(track.pid) == track.key:
            del self._by_pid[track.pid]
        track.died_at = at
        self._release(track)
        kept = self._drops if track.role == "cgi" else self._strings
        if len(kept) == kept.maxlen:
            self._by_key.pop(kept[0].key, None)
        kept.append(track)

    def answered(self, process: ProcessRow | None, row: RequestRow) -> None:
        track = self.unknown
        if process is not None:
            track = self._by_key.get(process.key, self.unknown)
        elif row.pid is not None:
            track = self._nameless(row.pid)
        track.answered(row)

    def _nameless(self, pid: int) -> Track:
        """A process that only its requests tell of."""
        key = -1 - pid
        track = self._by_key.get(key)
        if track is None:
            if len(self._living) >= 2 * KEPT_STRINGS:
                return self.unknown
            track = self._open(Track(key, pid, "worker", None, False))
            self._place(track)
        return track

    def _place(self, track: Track) -> None:
        if track.role == "cgi":
            track.slot = self.n_drops
            self.n_drops += 1
            return
        free = self._free.setdefault(track.role, [])
        if free:
            track.slot = free.pop(0)
        else:
            track.slot = self._n_slots.get(track.role, 0)
            self._n_slots[track.role] = track.slot + 1

    def _release(self, track: Track) -> None:
        if track.role != "cgi":
            insort(self._free[track.role], track.slot)

    def strings(self, from_at: Nanos) -> list[Track]:
        """The lines that last, as far as they lived after `from_at`: the gone, then the living."""
        gone = [t for t in self._strings if t.died_at is None or t.died_at >= from_at]
        return [*gone, *(t for t in self._living.values() if t.role != "cgi")]

    def drops(self, from_at: Nanos, to_at: Nanos) -> list[Track]:
        """The lives of one request each that touch this stretch, newest birth first."""
        living = [t for t in self._living.values() if t.role == "cgi"]
        found = [t for t in reversed(living) if (t.born_at or 0) < to_at]
        for track in reversed(self._drops):
            if (track.died_at or 0) < from_at - LATE_NS:
                break
            if (track.died_at or 0) >= from_at and (track.born_at or 0) < to_at:
                found.append(track)
        return found

    def of(self, key: int) -> Track | None:
        return self.unknown if key == UNKNOWN_PID else self._by_key.get(key)

    def frozen(self) -> "Lifelines":
        """A copy that stays as it is; what has been over for a while is shared with it."""
        late_at = max((t.died_at or 0 for t in (*self._drops, *self._strings)), default=0) - LATE_NS

        def kept(track: Track) -> Track:
            is_over = track.died_at is not None and track.died_at < late_at
            return track if is_over else track.copy()

        copies = {key: kept(track) for key, track in self._by_key.items()}
        return replace(
            self,
            unknown=self.unknown.copy(),
            _living={key: copies[key] for key in self._living},
            _drops=deque((copies[t.key] for t in self._drops), KEPT_DROPS),
            _strings=deque((copies[t.key] for t in self._strings), KEPT_STRINGS),
            _by_key=copies,
            _by_pid=dict(self._by_pid),
            _free={role: list(free) for role, free in self._free.items()},
            _n_slots=dict(self._n_slots),
        )
