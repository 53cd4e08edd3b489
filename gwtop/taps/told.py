"""What is told of a watched connection: its bytes, or, where none are copied, who did how much.

In: what happened on a connection. Out: Opened, Chunk, Lost, Closed and `Touched`; or `Worked`. It
refuses to know whose descriptors name it (`descriptors`).

What was moved and not copied is told by its exact length, so a decoder goes on behind it.

A worker may read a request in eight pieces of eight bytes (php-fpm does). Reads of one thread that
follow one another within `JOIN_NS` are told as one, at the instant of the first: a decoder's work
is by the piece, and it would cost more than the request. Writes are told one by one: the instant
of the last one is the answer's.

What was read is stamped with when it had arrived, as a packet would be, where the kernel tells that
(`arrivals`), and its `Touched` with the read. A read of which nothing is told took the rest of what
had come before; but once that was answered it took what came while it was under way.
"""

from typing import Literal

from gwtop.nouns.records import Record, Touched, Worked
from gwtop.nouns.times import MICROSECOND_NS, Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Lost, Opened, Side
from gwtop.taps.callprog import Call
from gwtop.taps.kept import Busy, Kept
from gwtop.taps.sites import Kind

UNNAMED = "unix:"  # INTERFACE.md, `client`
JOIN_NS = 100 * MICROSECOND_NS
FD_BITS = 0xFFFFFFFF  # of a register: a descriptor is an int


class Connection:
    """One accepted socket, whoever holds it now."""

    __slots__ = (
        "came_at",
        "client",
        "conn",
        "from_start",
        "is_told",
        "left_at",
        "n_holders",
        "opened_at",
        "over",
        "reset_at",
        "server",
        "sock",
        "wrote_at",
    )

    def __init__(self, conn: int, server: str, client: str | None, from_start: bool) -> None:
        self.conn = conn
        self.server = server
        self.client = client
        """None: not known before its first read; it is told then."""
        self.opened_at: Nanos | None = None
        self.sock: int | None = None
        """The kernel's name of it, where it tells one."""
        self.left_at: Nanos | None = None
        """The client has closed; what it sent before may not have been read yet."""
        self.reset_at: Nanos | None = None
        """The client refuses what comes. A call that succeeds all the same began before."""
        self.came_at: Nanos | None = None
        """The client's newest bytes, as far as they were read; None: not told."""
        self.wrote_at: Nanos = 0
        self.from_start = from_start
        self.is_told = False
        self.n_holders = 0
        self.over: set[Side] = set()
        """Sides that will send no more."""


class _Reads:
    """Reads that are told as one."""

    __slots__ = ("at", "came_at", "parts", "place", "thread")

    def __init__(self, at: Nanos, came_at: Nanos, thread: int, place: int, data: bytes) -> None:
        self.at = at
        self.came_at = came_at
        self.thread = thread
        self.place = place
        self.parts = [data]

    def goes_on(self, at: Nanos, call: Call) -> bool:
        """What has come since belongs to another request, if all before it was a rest: php-fpm
        reads the empty end of a body when it wants the next request."""
        is_rest = self.came_at == self.at
        is_next = is_rest and call.arrived_ns != 0
        return self.thread == call.thread and at - self.at < JOIN_NS and not is_next


def _came_at(at: Nanos, call: Call, connection: Connection) -> Nanos:
    """When what this call has read had arrived; its own instant where nobody tells."""
    if call.arrived_ns:
        connection.came_at = at - max(call.at_ns - call.arrived_ns, 0)
    elif connection.came_at is None:
        return at
    elif connection.came_at <= connection.wrote_at:
        connection.came_at = at
    return connection.came_at


class Told:
    """Collects records; `take` gives them."""

    def __init__(self, shows_bytes: bool) -> None:
        self.shows_bytes = shows_bytes
        self._records: list[Record] = []
        self._reads: dict[int, _Reads] = {}
        """By connection: the newest that happened on it."""
        self.kept = Kept()

    def take(self) -> list[Record]:
        for conn in list(self._reads):
            self._join(conn)
        records, self._records = self._records, []
        return records

    def _join(self, conn: int) -> None:
        reads = self._reads.pop(conn, None)
        if reads is not None and len(reads.parts) > 1:
            data = b"".join(reads.parts)
            self._records[reads.place] = Chunk(reads.came_at, conn, CLIENT, data)

    def accepted(self, at: Nanos, call: Call, connection: Connection) -> None:
        connection.opened_at = at
        if not self.shows_bytes:
            self._work(at, call.pid, call.thread, connection, "accepted", None)
        elif connection.client is not None:
            self._open(at, connection)

    def moved(self, at: Nanos, call: Call, connection: Connection, side: Side) -> None:
        """`call.result` bytes, of which `call.data` were copied."""
        n_bytes, data = call.result, call.data
        if not self.shows_bytes:
            self._worked(at, call, connection, side)
            return
        self._open(at, connection)
        if side in connection.over:
            return
        is_refused = side is SERVER and connection.reset_at is not None
        if is_refused and connection.left_at is not None:
            self.over(connection.left_at, connection, CLIENT)
        conn = connection.conn
        reads = self._reads.get(conn)
        came_at = at
        if side is SERVER:
            connection.wrote_at = at
        else:
            came_at = _came_at(at, call, connection)
            whole = n_bytes == len(data)
            if whole and reads and reads.goes_on(at, call):
                reads.parts.append(data)
                return
            self._touch(at, call, connection)
        if reads is not None:
            self._join(conn)
        if data:
            if side is CLIENT and n_bytes == len(data):
                self._reads[conn] = _Reads(at, came_at, call.thread, len(self._records), data)
            self._records.append(Chunk(came_at, conn, side, data))
        if n_bytes > len(data):
            self._records.append(Lost(came_at, conn, side, n_bytes - len(data), True))
        if is_refused:
            self.broken(at, connection, "rst")

    def _worked(self, at: Nanos, call: Call, connection: Connection, side: Side) -> None:
        has_answered = side is SERVER
        fd = call.c if has_answered and call.kind == Kind.SPLICE else call.a
        busy = Busy(at, call.pid, call.thread, fd & FD_BITS, connection.server, has_answered)
        self.kept.moved(connection.conn, busy)
        verb: Literal["read", "wrote"] = "wrote" if has_answered else "read"
        self._work(at, call.pid, call.thread, connection, verb, call.result)

    def _touch(self, at: Nanos, call: Call, connection: Connection) -> None:
        pid, thread, server, conn = call.pid, call.thread, connection.server, connection.conn
        n_bytes, client = call.result, connection.client or ""
        arrived = connection.came_at is not None
        self._records.append(
            Touched(at, pid, thread, server, client, "read", n_bytes, None, conn, arrived)
        )

    def over(self, at: Nanos, connection: Connection, side: Side) -> None:
        """This side will send no more."""
        if side not in connection.over and self._is_shown(connection):
            self._open(at, connection)
            self._join(connection.conn)
            self._records.append(Closed(at, connection.conn, side, "fin"))
        connection.over.add(side)

    def closed(self, at: Nanos, pid: int, connection: Connection) -> None:
        """Nobody holds it any more; `pid` was the last."""
        self.kept.forget(connection.conn)
        if not self.shows_bytes:
            self._work(at, pid, pid, connection, "closed", None)
        elif connection.reset_at is not None:
            self.broken(connection.reset_at, connection, "rst")
        elif connection.is_told:
            self.over(at, connection, SERVER)
            self.over(at, connection, CLIENT)

    def ended(self, at: Nanos, pid: int, connection: Connection) -> None:
        """It goes on under another number."""
        if self.shows_bytes:
            self.broken(at, connection, "end")
        else:
            self.closed(at, pid, connection)

    def broken(self, at: Nanos, connection: Connection, how: Literal["rst", "end"]) -> None:
        """Nothing more is told of it: the client has gone ("rst"), or we have lost our place."""
        was_over = len(connection.over) == 2
        if connection.left_at is not None:
            self.over(connection.left_at, connection, CLIENT)
        if not was_over and self._is_shown(connection):
            self._open(at, connection)
            self._join(connection.conn)
            self._records.append(Closed(at, connection.conn, CLIENT, how))
        connection.over |= {CLIENT, SERVER}

    def _is_shown(self, connection: Connection) -> bool:
        """Of a connection whose client never said a word there is nothing to tell."""
        return self.shows_bytes and (connection.is_told or connection.client is not None)

    def _open(self, at: Nanos, connection: Connection) -> None:
        if not connection.is_told:
            connection.is_told = True
            server, client = connection.server, connection.client or ""
            opened_at = connection.opened_at or at
            one = Opened(opened_at, connection.conn, client, server, connection.from_start)
            self._records.append(one)

    def _work(
        self,
        at: Nanos,
        pid: int,
        thread: int,
        connection: Connection,
        verb: Literal["accepted", "read", "wrote", "closed", "holds"],
        n_bytes: int | None,
    ) -> None:
        if not connection.is_told and verb != "accepted":
            self._records.append(
                Worked(at, pid, thread, connection.server, connection.conn, "holds", None)
            )
        connection.is_told = True
        self._records.append(
            Worked(at, pid, thread, connection.server, connection.conn, verb, n_bytes)
        )
