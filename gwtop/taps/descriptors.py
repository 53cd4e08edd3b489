"""Descriptors: which of a process's calls are about the watched connections.

In: calls in the order of the kernel's ring, what was open before. Out: Opened, Chunk, Lost, Closed
and Touched of watched connections; everything else is dropped here, at once. Pure, but for one
question that it is given an answer to: is this descriptor the watched listener?

A descriptor belongs to the process, a call to a thread of it. A connection begins when accept
returns on a watched listener, and is over when the last descriptor of it is closed; between the
two other numbers may name it (dup) and other processes hold it (fork), each with a table of its
own. A number that names nothing here is somebody's file or database.

What was moved and not copied is told by its exact length.
"""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from gwtop.nouns.records import Record, Touched
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Lost, Opened, Side
from gwtop.taps.callprog import (
    ECONNRESET,
    EPIPE,
    F_DUPFD_CLOEXEC,
    F_SETFD,
    UNKNOWN_BYTES,
    Call,
)
from gwtop.taps.sites import Kind
from gwtop.taps.treeprog import EXECED, EXITED, FORKED

SOCK_CLOEXEC = O_CLOEXEC = 0o2000000  # asm-generic/fcntl.h, linux/net.h
FD_CLOEXEC = 1  # asm-generic/fcntl.h
SHUT_WR, SHUT_RDWR = 1, 2  # linux/net.h
CLOSE_RANGE_CLOEXEC = 4  # linux/close_range.h
UNNAMED = "unix:"  # INTERFACE.md, `client`

READS = frozenset((Kind.READ, Kind.RECV, Kind.READV, Kind.RECVMSG, Kind.RECVMMSG))
WRITES = frozenset((Kind.WRITE, Kind.WRITEV, Kind.SENDMSG, Kind.SENDMMSG))
DUPS = frozenset((Kind.DUP, Kind.DUP2, Kind.DUP3, Kind.FCNTL))


class Connection:
    """One accepted socket, whoever holds it now."""

    __slots__ = ("conn", "from_start", "is_told", "n_holders", "over", "server")

    def __init__(self, conn: int, server: str, from_start: bool) -> None:
        self.conn = conn
        self.server = server
        self.from_start = from_start
        self.is_told = False
        self.n_holders = 0
        self.over: set[Side] = set()
        """Sides that will send no more."""


class _Held:
    """A number in a process's table."""

    __slots__ = ("connection", "ends_at_exec")

    def __init__(self, connection: Connection, ends_at_exec: bool) -> None:
        self.connection = connection
        self.ends_at_exec = ends_at_exec


_Table: TypeAlias = dict[int, _Held]


def number(register: int) -> int:
    """A descriptor as the kernel takes it: the low half, signed."""
    low = register & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


class Descriptors:
    def __init__(self, first_conn: int, listener_of: Callable[[int, int], str | None]) -> None:
        """`listener_of(pid, fd)`: the watched listener's name; None: it is none, or gone."""
        self._next = first_conn
        self._listener_of = listener_of
        self._tables: dict[int, _Table] = {}
        self._records: list[Record] = []
        self._offset_ns = 0

    def was_open(self, server: str, holders: Iterable[tuple[int, int]]) -> None:
        """A connection that was there before us, with the descriptors that name it."""
        connection = self._make(server, from_start=False)
        for pid, fd in holders:
            if fd not in self._tables.get(pid, {}):
                self._hold(pid, fd, connection, ends_at_exec=True)

    def records(self, calls: Iterable[Call], offset_ns: int) -> list[Record]:
        """`offset_ns`: from the calls' clock to instants."""
        self._offset_ns = offset_ns
        tables = self._tables
        for call in calls:
            kind = call.kind
            if kind in READS or kind in WRITES:
                table = tables.get(call.pid)
                held = None if table is None else table.get(number(call.a))
                if held is not None:
                    self._moved(call, held.connection, CLIENT if kind in READS else SERVER)
            else:
                self._other(call)
        told, self._records = self._records, []
        return told

    def cut(self, at: Nanos) -> list[Record]:
        """Calls were missed: what is open goes on as another connection, from here."""
        again: dict[int, Connection] = {}
        for table in self._tables.values():
            for held in table.values():
                old = held.connection
                new = again.get(old.conn)
                if new is None:
                    new = again[old.conn] = self._make(old.server, from_start=False)
                    new.n_holders, new.over = old.n_holders, old.over
                    if old.is_told:
                        self._records.append(Closed(at, old.conn, CLIENT, "end"))
                held.connection = new
        told, self._records = self._records, []
        return told

    # -- calls that move nothing --------------------------------------------------------------

    def _other(self, call: Call) -> None:
        pid, at = call.pid, call.at_ns + self._offset_ns
        match call.kind:
            case Kind.ACCEPT | Kind.ACCEPT4:
                flags = call.d if call.kind == Kind.ACCEPT4 else 0
                self._accepted(at, pid, number(call.a), call.result, bool(flags & SOCK_CLOEXEC))
            case Kind.CLOSE:
                self._release(at, pid, number(call.a))
            case Kind.CLOSE_RANGE:
                self._close_range(at, call)
            case Kind.SHUTDOWN:
                self._shut(at, call)
            case Kind.SENDFILE:
                self._left_out(call, number(call.a), SERVER)
            case Kind.SPLICE:
                self._left_out(call, number(call.a), CLIENT)
                self._left_out(call, number(call.c), SERVER)
            case Kind.DUP | Kind.DUP2 | Kind.DUP3 | Kind.FCNTL:
                self._duplicated(at, call)
            case _ if call.kind == FORKED:
                self._forked(pid, call.a)
            case _ if call.kind == EXECED:
                self._execed(at, pid)
            case _ if call.kind == EXITED:
                for fd in list(self._tables.get(pid, ())):
                    self._release(at, pid, fd)
                self._tables.pop(pid, None)

    def _accepted(self, at: Nanos, pid: int, listener: int, fd: int, ends_at_exec: bool) -> None:
        self._release(at, pid, fd)
        server = self._listener_of(pid, listener)
        if server is not None:
            connection = self._make(server, from_start=True)
            self._hold(pid, fd, connection, ends_at_exec)
            self._tell(at, connection)

    def _close_range(self, at: Nanos, call: Call) -> None:
        table = self._tables.get(call.pid, {})
        first, last = call.a & 0xFFFFFFFF, call.b & 0xFFFFFFFF
        for fd in [fd for fd in table if first <= fd <= last]:
            if call.c & CLOSE_RANGE_CLOEXEC:
                table[fd].ends_at_exec = True
            else:
                self._release(at, call.pid, fd)

    def _shut(self, at: Nanos, call: Call) -> None:
        held = self._tables.get(call.pid, {}).get(number(call.a))
        if held is not None and number(call.b) in (SHUT_WR, SHUT_RDWR):
            self._over(at, held.connection, SERVER)

    def _duplicated(self, at: Nanos, call: Call) -> None:
        table = self._tables.get(call.pid, {})
        held = table.get(number(call.a))
        if call.kind == Kind.FCNTL and number(call.b) == F_SETFD:
            if held is not None:
                held.ends_at_exec = bool(call.c & FD_CLOEXEC)
            return
        new = call.result
        if new == number(call.a):
            return
        ends_at_exec = call.kind == Kind.DUP3 and bool(call.c & O_CLOEXEC)
        ends_at_exec |= call.kind == Kind.FCNTL and number(call.b) == F_DUPFD_CLOEXEC
        connection = None if held is None else held.connection
        if connection is not None:
            self._hold(call.pid, new, connection, ends_at_exec, at)
        else:
            self._release(at, call.pid, new)

    def _forked(self, parent: int, child: int) -> None:
        table = self._tables.get(parent)
        if not table:
            return
        for fd, held in table.items():
            self._hold(child, fd, held.connection, held.ends_at_exec)

    def _execed(self, at: Nanos, pid: int) -> None:
        for fd, held in list(self._tables.get(pid, {}).items()):
            if held.ends_at_exec:
                self._release(at, pid, fd)

    # -- bytes --------------------------------------------------------------------------------

    def _moved(self, call: Call, connection: Connection, side: Side) -> None:
        at, n_bytes = call.at_ns + self._offset_ns, call.result
        if n_bytes in (ECONNRESET, EPIPE, UNKNOWN_BYTES):
            self._broken(at, connection)
        elif n_bytes > 0:
            self._tell(at, connection)
            if side is CLIENT:
                self._touch(at, call, connection)
            if not connection.over or side not in connection.over:
                self._bytes(at, connection.conn, side, call.data, n_bytes)
        elif n_bytes == 0 and side is CLIENT and _asked_for_bytes(call):
            self._over(at, connection, CLIENT)

    def _bytes(self, at: Nanos, conn: int, side: Side, data: bytes, n_bytes: int) -> None:
        if data:
            self._records.append(Chunk(at, conn, side, data))
        if n_bytes > len(data):
            self._records.append(Lost(at, conn, side, n_bytes - len(data), True))

    def _left_out(self, call: Call, fd: int, side: Side) -> None:
        """Moved without passing through the process's memory."""
        held = self._tables.get(call.pid, {}).get(fd)
        if held is not None and call.result > 0:
            self._moved(call._replace(data=b""), held.connection, side)

    def _touch(self, at: Nanos, call: Call, connection: Connection) -> None:
        conn, server = connection.conn, connection.server
        self._records.append(
            Touched(at, call.pid, call.thread, server, UNNAMED, "read", call.result, None, conn)
        )

    # -- connections --------------------------------------------------------------------------

    def _make(self, server: str, from_start: bool) -> Connection:
        self._next += 1
        return Connection(self._next, server, from_start)

    def _tell(self, at: Nanos, connection: Connection) -> None:
        if not connection.is_told:
            connection.is_told = True
            self._records.append(
                Opened(at, connection.conn, UNNAMED, connection.server, connection.from_start)
            )

    def _hold(
        self, pid: int, fd: int, connection: Connection, ends_at_exec: bool, at: Nanos = 0
    ) -> None:
        connection.n_holders += 1
        self._release(at, pid, fd)
        self._tables.setdefault(pid, {})[fd] = _Held(connection, ends_at_exec)

    def _release(self, at: Nanos, pid: int, fd: int) -> None:
        table = self._tables.get(pid)
        held = None if table is None else table.pop(fd, None)
        if table is None or held is None:
            return
        if not table:
            del self._tables[pid]
        connection = held.connection
        connection.n_holders -= 1
        if connection.n_holders == 0 and connection.is_told:
            self._over(at, connection, SERVER)
            self._over(at, connection, CLIENT)

    def _over(self, at: Nanos, connection: Connection, side: Side) -> None:
        if side in connection.over:
            return
        self._tell(at, connection)
        connection.over.add(side)
        self._records.append(Closed(at, connection.conn, side, "fin"))

    def _broken(self, at: Nanos, connection: Connection) -> None:
        """The client has gone, or nobody can say where we are: nothing more is told of it."""
        if len(connection.over) < 2:
            self._tell(at, connection)
            connection.over |= {CLIENT, SERVER}
            self._records.append(Closed(at, connection.conn, CLIENT, "rst"))


def _asked_for_bytes(call: Call) -> bool:
    """A read of nothing returns nothing, and is no end of the stream."""
    return call.kind not in (Kind.READ, Kind.RECV) or call.c != 0
