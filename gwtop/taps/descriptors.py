"""Descriptors: which of a process's calls are about the watched connections.

In: calls in the order of the kernel's ring, what was open before. Out: records of watched
connections (`told`); everything else is dropped here, at once. Pure, but for one question that it
is given an answer to: is this descriptor the watched listener?

A descriptor belongs to the process, a call to a thread of it. A connection begins when accept
returns on a watched listener, and is over when the last descriptor of it is closed; between the
two other numbers may name it (dup) and other processes hold it (fork), each with a table of its
own. A number that names nothing here is somebody's file or database.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeAlias

from gwtop.nouns.records import Record
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Side
from gwtop.taps.callprog import (
    ECONNRESET,
    EPIPE,
    F_DUPFD_CLOEXEC,
    F_SETFD,
    UNKNOWN_BYTES,
    Call,
)
from gwtop.taps.kept import Kept
from gwtop.taps.sites import Kind
from gwtop.taps.tcpprog import LEFT, NAMED, RESET, ends
from gwtop.taps.told import UNNAMED, Connection, Told
from gwtop.taps.treeprog import EXECED, EXITED, FORKED

SOCK_CLOEXEC = O_CLOEXEC = 0o2000000  # asm-generic/fcntl.h, linux/net.h
FD_CLOEXEC = 1  # asm-generic/fcntl.h
SHUT_WR, SHUT_RDWR = 1, 2  # linux/net.h
CLOSE_RANGE_CLOEXEC = 4  # linux/close_range.h
READS = frozenset((Kind.READ, Kind.RECV, Kind.READV, Kind.RECVMSG, Kind.RECVMMSG))
WRITES = frozenset((Kind.WRITE, Kind.WRITEV, Kind.SENDMSG, Kind.SENDMMSG))


class _Held:
    """A number in a process's table."""

    __slots__ = ("connection", "ends_at_exec")

    def __init__(self, connection: Connection, ends_at_exec: bool) -> None:
        self.connection = connection
        self.ends_at_exec = ends_at_exec


class Keeper(Protocol):
    """Of what may be copied (`owned`)."""

    def put(self, pid: int, fd: int) -> None: ...
    def seen(self, pid: int, fd: int) -> None: ...
    def born_without(self, pid: int) -> None: ...
    def ended(self, pid: int) -> None: ...


_Table: TypeAlias = dict[int, _Held]


def number(register: int) -> int:
    """A descriptor as the kernel takes it: the low half, signed."""
    low = register & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


class Descriptors:
    def __init__(
        self,
        first_conn: int,
        listener_of: Callable[[int, int], str | None],
        shows_bytes: bool = True,
        keeper: Keeper | None = None,
    ) -> None:
        """`listener_of(pid, fd)`: the watched listener's name; None: it is none, or gone."""
        self._keeper = keeper
        self._next = first_conn
        self._listener_of = listener_of
        self._listening: dict[int, dict[int, str]] = {}
        """Process: descriptors that were found to be the listener's, until they are closed."""
        self._tables: dict[int, _Table] = {}
        self._read_by: dict[int, Call] = {}
        """Thread: the TCP socket that it read last."""
        self._by_sock: dict[int, Connection] = {}
        self._told = Told(shows_bytes)
        self._offset_ns = 0

    def listens(self, pid: int, fd: int, server: str) -> None:
        """A watched listener was found there."""
        self._listening.setdefault(pid, {})[fd] = server

    def was_open(
        self, server: str, holders: Iterable[tuple[int, int]], client: str = UNNAMED
    ) -> None:
        """A connection that was there before us, with the descriptors that name it."""
        connection = self._make(server, client, from_start=False)
        for pid, fd in holders:
            if fd not in self._tables.get(pid, {}):
                self._hold(0, pid, fd, connection, ends_at_exec=True)

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
                    if call.result > 0 and not call.data:
                        self._not_copied(call)
                    self._moved(call, held.connection, CLIENT if kind in READS else SERVER)
            elif kind == NAMED:
                if call.pid in tables:
                    self._read_by[call.thread] = call
            else:
                self._other(call)
        return self._told.take()

    def show(self, shows_bytes: bool, at: Nanos) -> list[Record]:
        """Bytes from now on, or lengths only."""
        records = self._anew(at)
        self._told.shows_bytes = shows_bytes
        return records

    def cut(self, at: Nanos) -> list[Record]:
        """Calls were missed: what is open goes on as another connection, from here; lengths have
        no place to be lost."""
        return self._anew(at) if self._told.shows_bytes else []

    @property
    def kept(self) -> Kept:
        return self._told.kept

    def _anew(self, at: Nanos) -> list[Record]:
        again: dict[int, Connection] = {}
        for pid, table in self._tables.items():
            for held in table.values():
                old = held.connection
                new = again.get(old.conn)
                if new is None:
                    new = again[old.conn] = self._make(old.server, old.client, from_start=False)
                    self._known_as(new, old.sock)
                    new.left_at, new.reset_at = old.left_at, old.reset_at
                    new.n_holders = old.n_holders
                    if old.is_told:
                        new.over = set(old.over)
                        self._told.ended(at, pid, old)
                held.connection = new
        return self._told.take()

    def _not_copied(self, call: Call) -> None:
        """The process came by it without our knowing how; from its next call on it is copied."""
        if self._keeper is not None and self._told.shows_bytes:
            self._keeper.put(call.pid, number(call.a))

    # -- calls that move nothing --------------------------------------------------------------

    def _other(self, call: Call) -> None:
        pid, at = call.pid, call.at_ns + self._offset_ns
        match call.kind:
            case Kind.ACCEPT | Kind.ACCEPT4:
                self._accepted(at, call)
            case Kind.CLOSE:
                self._release(at, pid, number(call.a))
            case Kind.CLOSE_RANGE:
                self._close_range(at, call)
            case Kind.SHUTDOWN:
                held = self._tables.get(pid, {}).get(number(call.a))
                if held is not None and number(call.b) in (SHUT_WR, SHUT_RDWR):
                    self._told.over(at, held.connection, SERVER)
            case Kind.SENDFILE:
                self._past(call, number(call.a), SERVER)
            case Kind.SPLICE:
                self._past(call, number(call.a), CLIENT)
                self._past(call, number(call.c), SERVER)
            case Kind.FCNTL if number(call.b) == F_SETFD:
                held = self._tables.get(pid, {}).get(number(call.a))
                if held is not None:
                    held.ends_at_exec = bool(call.c & FD_CLOEXEC)
            case Kind.DUP | Kind.DUP2 | Kind.DUP3 | Kind.FCNTL:
                self._duplicated(at, call)
            case _:
                self._of_process(at, call)

    def _of_process(self, at: Nanos, call: Call) -> None:
        pid = call.pid
        if call.kind == FORKED:
            self._forked(at, pid, call.a)
        elif call.kind == EXECED:
            self._listening.pop(pid, None)
            for fd in [f for f, h in self._tables.get(pid, {}).items() if h.ends_at_exec]:
                self._release(at, pid, fd)
        elif call.kind == EXITED:
            self._end(at, pid)
            if self._keeper is not None:
                self._keeper.ended(pid)
        elif call.kind in (LEFT, RESET) and call.a in self._by_sock:
            if call.kind == LEFT:
                self._by_sock[call.a].left_at = at
            else:
                self._by_sock[call.a].reset_at = at

    def _end(self, at: Nanos, pid: int) -> None:
        self._listening.pop(pid, None)
        for fd in list(self._tables.get(pid, ())):
            self._release(at, pid, fd)

    def _accepted(self, at: Nanos, call: Call) -> None:
        pid, listener = call.pid, number(call.a)
        flags = call.d if call.kind == Kind.ACCEPT4 else 0
        self._release(at, pid, call.result)
        if self._keeper is not None:
            self._keeper.seen(pid, call.result)
        known = self._listening.setdefault(pid, {})
        server = known.get(listener) or self._listener_of(pid, listener)
        if server is not None:
            known[listener] = server
            client = UNNAMED if server.startswith(UNNAMED) else None
            connection = self._make(server, client, from_start=True)
            self._hold(at, pid, call.result, connection, bool(flags & SOCK_CLOEXEC))
            self._told.accepted(at, call, connection)

    def _close_range(self, at: Nanos, call: Call) -> None:
        table = self._tables.get(call.pid, {})
        first, last = call.a & 0xFFFFFFFF, call.b & 0xFFFFFFFF
        if not call.c & CLOSE_RANGE_CLOEXEC:
            self._listening.pop(call.pid, None)
        for fd in [fd for fd in table if first <= fd <= last]:
            if call.c & CLOSE_RANGE_CLOEXEC:
                table[fd].ends_at_exec = True
            else:
                self._release(at, call.pid, fd)

    def _duplicated(self, at: Nanos, call: Call) -> None:
        held = self._tables.get(call.pid, {}).get(number(call.a))
        new = call.result
        if new == number(call.a):
            return
        ends_at_exec = call.kind == Kind.DUP3 and bool(call.c & O_CLOEXEC)
        ends_at_exec |= call.kind == Kind.FCNTL and number(call.b) == F_DUPFD_CLOEXEC
        if held is not None:
            if self._keeper is not None:
                self._keeper.seen(call.pid, new)
            self._hold(at, call.pid, new, held.connection, ends_at_exec)
        else:
            self._release(at, call.pid, new)

    def _forked(self, at: Nanos, parent: int, child: int) -> None:
        self._end(at, child)
        if parent in self._listening:
            self._listening[child] = dict(self._listening[parent])
        if self._keeper is not None and parent not in self._tables:
            self._keeper.born_without(child)
        for fd, held in self._tables.get(parent, {}).items():
            self._hold(at, child, fd, held.connection, held.ends_at_exec)

    # -- bytes --------------------------------------------------------------------------------

    def _moved(self, call: Call, connection: Connection, side: Side) -> None:
        at, n_bytes = call.at_ns + self._offset_ns, call.result
        if side is CLIENT and connection.client != UNNAMED:
            self._name(connection, call.thread)
        if n_bytes > 0:
            self._told.moved(at, call, connection, side)
        elif n_bytes in (ECONNRESET, EPIPE):
            self._told.broken(connection.reset_at or at, connection, "rst")
        elif n_bytes == UNKNOWN_BYTES:
            self._told.broken(at, connection, "end")
        elif side is CLIENT and _asked_for_bytes(call):
            self._told.over(at, connection, CLIENT)

    def _name(self, connection: Connection, thread: int) -> None:
        """The thread's read of a socket comes behind what names the socket (`tcpprog`)."""
        named = self._read_by.pop(thread, None)
        if named is not None and connection.sock is None:
            connection.server, connection.client = ends(named.data)
            self._known_as(connection, named.a)

    def _known_as(self, connection: Connection, sock: int | None) -> None:
        connection.sock = sock
        if sock is not None:
            self._by_sock[sock] = connection

    def _past(self, call: Call, fd: int, side: Side) -> None:
        """Moved without passing through the process's memory."""
        held = self._tables.get(call.pid, {}).get(fd)
        if held is not None and call.result > 0:
            self._moved(call._replace(arrived_ns=0), held.connection, side)

    # -- tables -------------------------------------------------------------------------------

    def _make(self, server: str, client: str | None, from_start: bool) -> Connection:
        self._next += 1
        return Connection(self._next, server, client, from_start)

    def _hold(
        self, at: Nanos, pid: int, fd: int, connection: Connection, ends_at_exec: bool
    ) -> None:
        connection.n_holders += 1
        self._release(at, pid, fd)
        self._tables.setdefault(pid, {})[fd] = _Held(connection, ends_at_exec)

    def _release(self, at: Nanos, pid: int, fd: int) -> None:
        known = self._listening.get(pid)
        if known is not None:
            known.pop(fd, None)
        table = self._tables.get(pid)
        held = None if table is None else table.pop(fd, None)
        if table is None or held is None:
            return
        if not table:
            del self._tables[pid]
        held.connection.n_holders -= 1
        if held.connection.n_holders == 0:
            self._by_sock.pop(held.connection.sock or 0, None)
            self._told.closed(at, pid, held.connection)


def _asked_for_bytes(call: Call) -> bool:
    """A read of nothing returns nothing, and is no end of the stream."""
    return call.kind not in (Kind.READ, Kind.RECV) or call.c != 0
