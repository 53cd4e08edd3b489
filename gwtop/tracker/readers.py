"""Readers: who read, or held, which connection when; and so, which request.

In: `Touched` records, exchanges as they begin and settle. Out: the first read of each exchange's
bytes, and who held its connection while it was open. It refuses to know what a process is: pids
and threads are only passed on.

A kept connection carries many requests, so the read that counts is the first one at or after the
request's own first byte. Frames come up to 10 ms after they were on the wire and trace events up
to 10 ms after they happened, in either order: reads wait for their exchange and exchanges for
their read. A read of more than one request's bytes counts for each of them.

Connections are known to the kernel's trace and to the wire by the same text, server and client.
"""

from collections import deque
from collections.abc import Iterable
from typing import TypeAlias

from gwtop.nouns.records import Touched
from gwtop.nouns.times import MICROSECOND_NS, Nanos
from gwtop.tracker.exchange import Exchange

CLOCKS_SLACK_NS = 10 * MICROSECOND_NS
"""A frame is stamped on one clock, a read on another, and our measure of their distance is good
to 1 us. A round trip through a worker takes 30 us at least, so no other request's read is meant."""
UNNAMED = "unix:"  # INTERFACE.md, `client`
MAX_LINES = 16384  # connections with reads that no exchange has claimed: 1 s of 10,000/s, and spare
MAX_PIDS = 4096  # readers remembered; those that die young go first
MAX_READS = 1024  # of one connection; an upload has thousands, and the first ones matter

_Key: TypeAlias = tuple[str, str] | int
"""Server and client; a connection's own id where the tap that tells its bytes tells its reads."""


class _Line:
    """One connection."""

    __slots__ = ("holds", "reads", "waiting")

    def __init__(self) -> None:
        self.reads: deque[Touched] = deque(maxlen=MAX_READS)
        self.holds: deque[Touched] = deque(maxlen=MAX_READS)
        self.waiting: list[Exchange] = []


class Readers:
    """Joins reads and exchanges."""

    def __init__(self) -> None:
        self._lines: dict[_Key, _Line] = {}
        self._first: dict[int, Touched] = {}
        """By exchange."""
        self._last: dict[int, Nanos] = {}
        """Pid: its newest read."""

    def touched(self, record: Touched) -> None:
        line = self._line((record.local, record.remote) if record.conn is None else record.conn)
        if record.verb == "holds":
            line.holds.append(record)
        elif record.verb == "read":
            line.reads.append(record)
            self._remember(record)
            for exchange in line.waiting:
                if _is_of(record, exchange):
                    self._first[exchange.id] = record
            line.waiting = [e for e in line.waiting if e.id not in self._first]

    def began(self, exchange: Exchange) -> None:
        line = self._line(self._key(exchange))
        first: Touched | None = None
        for record in reversed(line.reads):  # the old ones belong to what has not settled yet
            if record.at < exchange.began_at - CLOCKS_SLACK_NS:
                break
            first = record
        if first is None:
            line.waiting.append(exchange)
        elif _is_of(first, exchange):
            self._first[exchange.id] = first

    def first(self, exchange: Exchange) -> Touched | None:
        """The read that took the exchange's first byte; None: not seen, not yet perhaps."""
        return self._first.get(exchange.id)

    def has_read(self, pid: int, since: Nanos) -> bool:
        """Whether this process, which lives since then, reads watched connections itself."""
        return self._last.get(pid, 0) >= since

    def holders(self, exchange: Exchange) -> set[int]:
        """Who was seen to hold the connection while the exchange was open; or the one who held it
        at the last look before and at the first look after, if that is the same one."""
        line = self._lines.get(self._key(exchange))
        if line is None or not line.holds or exchange.over_at is None:
            return set() if line is None else _during(line.holds, exchange)
        during = _during(line.holds, exchange)
        before = [h for h in line.holds if h.at < exchange.began_at - CLOCKS_SLACK_NS]
        after = [h for h in line.holds if h.at > _end(exchange.over_at)]
        if during or not before or not after or before[-1].sock != after[0].sock:
            return during
        last = {h.pid for h in before if h.at == before[-1].at}
        first = {h.pid for h in after if h.at == after[0].at}
        return {pid for pid in last | first if pid is not None}

    def settled(self, exchange: Exchange) -> None:
        """It is told: what was read before its end is of no use to later ones."""
        line = self._lines.get(self._key(exchange))
        if line is None:
            return
        if exchange in line.waiting:
            line.waiting.remove(exchange)
        until = exchange.over_at or exchange.began_at
        while line.reads and line.reads[0].at <= until:
            line.reads.popleft()
        while len(line.holds) > 1 and line.holds[1].at <= until:  # the last before the next one
            line.holds.popleft()
        if not (line.waiting or line.reads or line.holds):
            del self._lines[self._key(exchange)]

    def forget(self, exchange: Exchange) -> None:
        """Nobody will ask about it again."""
        self._first.pop(exchange.id, None)

    def _remember(self, record: Touched) -> None:
        pid = record.thread if record.pid is None else record.pid
        if pid not in self._last and len(self._last) >= MAX_PIDS:
            del self._last[next(iter(self._last))]
        self._last[pid] = record.at

    def _key(self, exchange: Exchange) -> _Key:
        """A tap that tells a connection's bytes tells the read before them."""
        hop = exchange.hop
        if hop.connection in self._lines or hop.client == UNNAMED:
            return hop.connection
        return hop.server, hop.peer

    def _line(self, key: _Key) -> _Line:
        line = self._lines.get(key)
        if line is None:
            if len(self._lines) >= MAX_LINES:
                self._lines.pop(next(iter(self._lines)))
            line = self._lines[key] = _Line()
        return line


def _during(holds: Iterable[Touched], exchange: Exchange) -> set[int]:
    return {h.pid for h in holds if h.pid is not None and _is_of(h, exchange)}


def _is_of(record: Touched, exchange: Exchange) -> bool:
    if record.at < exchange.began_at - CLOCKS_SLACK_NS:
        return False
    return exchange.over_at is None or record.at <= _end(exchange.over_at)


def _end(over_at: Nanos) -> Nanos:
    return over_at + CLOCKS_SLACK_NS
