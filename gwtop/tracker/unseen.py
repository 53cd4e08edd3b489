"""Unseen: connections of a unix listener whose bytes nobody shows, and who is at work on them.

In: `Worked` records. Out: what is in flight, who is busy with what and since when, how much each
process has read and written. It refuses to know requests: what passes is not seen, so nothing here
becomes a `request` fact.

A process is at work on a connection from the moment it takes it until it closes it or is found to
wait for more. A read after an answer begins the next piece of work. Once the bytes of a unix
connection are seen (a relay, the workers' calls), requests say all this better and this is silent.
"""

from collections.abc import Callable

from gwtop.nouns.facts import InFlight, UnixWork
from gwtop.nouns.records import Worked
from gwtop.nouns.times import Nanos, instant
from gwtop.tracker.lineage import Lineage

MAX_OPEN = 16384


class _Open:
    """A connection in a process's hands."""

    __slots__ = ("at_work", "began_at", "id", "pid", "read_bytes", "wrote_bytes")

    def __init__(self, pid: int, at: Nanos) -> None:
        self.id: int | None = None
        """Ours, taken when it is first told."""
        self.pid = pid
        self.began_at = at
        self.at_work = True
        self.read_bytes = self.wrote_bytes = 0

    def begin(self, at: Nanos) -> None:
        """The next piece of work."""
        self.id = None
        self.began_at = at
        self.at_work = True
        self.read_bytes = self.wrote_bytes = 0


class _Sum:
    """What a process has done since we watch."""

    __slots__ = ("born_at", "idle_since", "n_connections", "read_bytes", "wrote_bytes")

    def __init__(self, born_at: Nanos | None) -> None:
        self.born_at = born_at
        self.idle_since: Nanos | None = None
        self.n_connections = self.read_bytes = self.wrote_bytes = 0


class Unseen:
    def __init__(self, lineage: Lineage, take_id: Callable[[], int]) -> None:
        self._lineage = lineage
        self._take_id = take_id
        self._open: dict[int, _Open] = {}
        self._sums: dict[int, _Sum] = {}
        self.silent = False
        """Bytes of unix connections are seen."""

    def worked(self, record: Worked) -> None:
        if self.silent:
            return
        match record.verb:
            case "accepted" | "holds":
                self._take(record)
            case "read" | "wrote":
                self._moved(record, record.n_bytes or 0)
            case "waits":
                one = self._open.get(record.connection)
                self._rest(one, record.at)
            case "closed":
                self._rest(self._open.pop(record.connection, None), record.at)

    def _rest(self, one: _Open | None, at: Nanos) -> None:
        if one is not None and one.at_work:
            one.at_work = False
            self._sum_of(one.pid).idle_since = at

    def _take(self, record: Worked) -> None:
        if len(self._open) >= MAX_OPEN:
            del self._open[next(iter(self._open))]
        self._open[record.connection] = _Open(record.pid, record.at)
        self._sum_of(record.pid).n_connections += record.verb == "accepted"

    def _moved(self, record: Worked, n_bytes: int) -> None:
        one, total = self._open.get(record.connection), self._sum_of(record.pid)
        if one is None:
            return
        if record.verb == "read":
            if one.wrote_bytes or not one.at_work:
                one.begin(record.at)
            one.read_bytes += n_bytes
            total.read_bytes += n_bytes
        else:
            one.wrote_bytes += n_bytes
            total.wrote_bytes += n_bytes

    def _sum_of(self, pid: int) -> _Sum:
        """Of one that has ended nobody asks: what another tap tells late of it is not kept."""
        process = self._lineage.find(pid)
        if process is None:
            return _Sum(None)
        known = self._sums.get(pid)
        if known is None or known.born_at != process.born_at:
            known = self._sums[pid] = _Sum(process.born_at)
        return known

    # -- questions ----------------------------------------------------------------------------

    def _at_work(self) -> list[_Open]:
        """Oldest first. Whose process has died is over, whether its close was seen or not."""
        if self.silent:
            return []
        for number in [n for n, one in self._open.items() if self._lineage.find(one.pid) is None]:
            del self._open[number]
        busy = [one for one in self._open.values() if one.at_work]
        for one in busy:
            one.id = self._take_id() if one.id is None else one.id
        return sorted(busy, key=lambda one: one.began_at)

    def busy(self) -> dict[int, list[int]]:
        """What each process is at work on."""
        ids: dict[int, list[int]] = {}
        for one in self._at_work():
            ids.setdefault(one.pid, []).append(one.id or 0)
        return ids

    def in_flight(self) -> list[InFlight]:
        return [
            InFlight(
                id=one.id or 0,
                connection=0,
                method=None,
                target=None,
                began_at=instant(one.began_at),
                pid=one.pid,
                read_bytes=one.read_bytes,
                wrote_bytes=one.wrote_bytes,
            )
            for one in self._at_work()
        ]

    def sum_of(self, pid: int) -> UnixWork | None:
        """What this process did since we watch; None: nothing that we know of."""
        known = None if self.silent else self._sums.get(pid)
        if known is None:
            return None
        idle_since = None if known.idle_since is None else instant(known.idle_since)
        return UnixWork(known.n_connections, known.read_bytes, known.wrote_bytes, idle_since)

    def gone(self, pid: int) -> None:
        """It has ended."""
        self._sums.pop(pid, None)
