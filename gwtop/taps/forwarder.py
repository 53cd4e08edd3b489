"""The forwarder: accepts, connects, passes on every byte, and tells of it.

In: a socket that listens, the way to the gateway. Out: `Opened`, `Chunk`, `Closed` of every
connection, and `Wrote` with the pid that the kernel gave for an answer's bytes. It refuses to know
what the bytes say, and whose name the listening socket has.

What it costs is a hop, and clients wait for us too: one system call to read and one to write a
chunk, nothing is copied twice, and what hangs up is closed in the turn that says so.

The worker's pid: SO_PASSCRED on the upstream unix socket makes the kernel name the writer of each
chunk. A TCP upstream names nobody, so who holds its other end is looked up (`holders`).

A connection that the gateway does not take is tried again while its backlog is full, and meanwhile
nobody new is accepted: the queue forms in our backlog as it would in the gateway's.
"""

import os
import resource
import socket
from collections.abc import Collection
from typing import Literal

from gwtop import clock
from gwtop.nouns.records import Observed, Record, Wrote
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.taps import upstream
from gwtop.taps.addresses import of_socket
from gwtop.taps.holders import Holders
from gwtop.taps.piped import READ_BYTES, Piped, Read
from gwtop.taps.poller import BROKEN, HUNG_UP, READ, WRITE, Selecting, poller
from gwtop.taps.upstream import Goal, Upstream

MAX_EVENTS = 512  # of one turn; what is left keeps the descriptor ready
MAX_TURN_BYTES = 8 << 20  # of one turn: what is told of it has to be kept until it is taken
MAX_ACCEPTED = 64
AGAIN_NS = 2 * MILLISECOND_NS  # until a gateway whose backlog is full is asked again
ROOM_AGAIN_NS = SECOND_NS  # until a system that was full is asked again
QUIET_NS = 20 * MILLISECOND_NS  # who looked the name up before it went back connects by then
LINGER_NS = SECOND_NS  # at the end: for what is still on its way through
SPARE = 300  # descriptors for those that are passed on (SCM_MAX_FD of one message), and our own
FEW = 64  # descriptors of its own a process has before the first connection
LOST = "the relay had no room for descriptors that were passed through it, and broke a connection"

Full = Literal["no", "table", "system"]
"""Whether more connections can be taken: what has no descriptor left, this process or all."""


class Forwarder:
    """What stands between a listening socket and a gateway."""

    def __init__(self, listener: socket.socket, goal: Goal, first_conn: int) -> None:
        self._listener: socket.socket | None = listener
        self._upstream = Upstream(goal)
        self._server = goal.server
        self._next_conn = first_conn
        self._by_fd: dict[int, tuple[Piped, socket.socket]] = {}
        self._waits: dict[int, int] = {}
        """Descriptor: the events it is registered for."""
        self._unconnected: list[tuple[socket.socket, str]] = []
        """Clients, with their address, whom the gateway has not taken yet."""
        self._holders = None if isinstance(goal.to, str) else Holders()
        self._buffer = memoryview(bytearray(READ_BYTES))
        self.turn_bytes = 0
        """Read in this turn."""
        self._max_connections = max_connections()
        self._may_accept = True
        self._is_accepting = False
        self._refused_told = False
        self._full_until: Nanos | None = None
        self.full: Full = "no"
        self.poller = poller()
        self._hold()

    @property
    def n_connections(self) -> int:
        return len(self._by_fd) // 2

    @property
    def n_waiting(self) -> int:
        """Accepted, and not taken by the gateway yet."""
        return len(self._unconnected)

    def due_at(self, now: Nanos) -> Nanos | None:
        due = [now + AGAIN_NS] if self._unconnected else []
        due += [] if self._full_until is None else [self._full_until]
        if self._holders is not None and (at := self._holders.due_at()) is not None:
            due.append(at)
        return min(due, default=None)

    def accept(self, may: bool) -> None:
        """Whether new connections are ours to take."""
        self._may_accept = may
        self._hold()

    def follow(self, pids: Collection[int]) -> None:
        if self._holders is not None:
            self._holders.follow(pids)

    def turn(self, ready: list[tuple[int, int]], now: Nanos) -> list[Record]:
        """Serves what the poller found; descriptors that are not ours are left alone."""
        records: list[Record] = []
        self.turn_bytes = 0
        if self._unconnected:
            self._try_again(records)
        if self._full_until is not None and now >= self._full_until:
            self._full("no")
        accepts = False
        for number, mask in ready:
            found = self._by_fd.get(number)
            if found is not None:
                if self.turn_bytes < MAX_TURN_BYTES:
                    self._pass(found[0], found[1], mask, records)
            elif self._listener is not None and number == self._listener.fileno():
                accepts = True
        if accepts:  # last: an event of this batch may be about a number that is given out anew
            self._accept(records)
        if self._holders is not None:
            for piped in self._holders.look(now):
                self._pass(piped, piped.client, READ, records)
        return records

    # -- the end ------------------------------------------------------------------------------

    def linger(self, records: list[Record]) -> None:
        """The end is near: what is on its way still gets a second."""
        began_ns = heard_ns = clock.monotonic_ns()
        while (at_ns := clock.monotonic_ns()) < began_ns + LINGER_NS:
            ready = self.poller.poll(QUIET_NS / SECOND_NS, MAX_EVENTS)
            came = self.turn(ready, clock.now())
            records += came
            if ready or came:
                heard_ns = at_ns
            elif at_ns >= heard_ns + QUIET_NS and not self._is_awaited():
                return

    def _is_awaited(self) -> bool:
        """Whether somebody waits for an answer, or bytes for their reader."""
        return bool(self._unconnected) or any(p.is_awaited for p, _ in self._by_fd.values())

    def cut(self, records: list[Record]) -> int:
        """Ends all that is left; how many connections that were."""
        n_waiting = self._n_turned_away()
        self.stop()
        broken = {piped.conn: piped for piped, _ in self._by_fd.values()}
        for piped in broken.values():
            self._drop(piped)
            records.append(Closed(clock.now(), piped.conn, SERVER, "end"))
        n_cut = len(broken) + len(self._unconnected) + n_waiting
        for client, _ in self._unconnected:
            client.close()
        self._unconnected = []
        return n_cut

    def _n_turned_away(self) -> int:
        """Who waited in the backlog until the end."""
        n_clients = 0
        while self._listener is not None:
            try:
                client, _ = self._listener.accept()
            except OSError:  # that was all, or there is no room for more
                break
            n_clients += 1
            client.close()
        return n_clients

    def stop(self) -> None:
        """Takes no connection any more."""
        if self._listener is None:
            return
        self.accept(False)
        self._listener.close()
        self._listener = None

    def close(self) -> None:
        self.cut([])
        self.poller.close()
        if self._holders is not None:
            self._holders.close()

    # -- connections --------------------------------------------------------------------------

    def _accept(self, records: list[Record]) -> None:
        for _ in range(MAX_ACCEPTED):
            if not self._is_accepting or self._listener is None:
                return
            if self.n_connections >= self._max_connections:
                self._full("table")
                return
            try:
                client, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in upstream.NO_ROOM:
                    self._full("table" if error.errno in upstream.NO_NUMBERS else "system")
                return
            client.setblocking(False)
            self._connect(client, of_socket(address), records)

    def _connect(self, client: socket.socket, address: str, records: list[Record]) -> None:
        try:
            server, is_connected = self._upstream.connect()
        except BlockingIOError:  # its backlog is full
            self._unconnected.append((client, address))
            self._hold()
            return
        except OSError as error:
            if error.errno in upstream.NO_ROOM:
                self._unconnected.append((client, address))
                self._full("table" if error.errno in upstream.NO_NUMBERS else "system")
                return
            self._refused(client, address, error, records)
            return
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        piped = Piped(self._next_conn, client, server, self._buffer)
        piped.connecting = not is_connected
        self._next_conn += 1
        for one in (client, server):
            self._by_fd[one.fileno()] = (piped, one)
        peer = "" if server.family == socket.AF_UNIX else of_socket(server.getsockname())
        records.append(Opened(clock.now(), piped.conn, address, self._server, True, peer))
        # What it asks is often there already; where somebody is to be looked for, it must be.
        self._pass(piped, client, READ if self._holders is None else 0, records)

    def _refused(
        self, client: socket.socket, address: str, error: OSError, records: list[Record]
    ) -> None:
        """The gateway is not there: the client finds its connection ended, as it would have."""
        at, conn = clock.now(), self._next_conn
        self._next_conn += 1
        client.close()
        records.append(Opened(at, conn, address, self._server, True))
        records.append(Closed(at, conn, SERVER, "rst"))
        if not self._refused_told:
            self._refused_told = True
            text = f"{self._server} does not take connections: {error.strerror}"
            records.append(Observed(at, "relay-refused", "error", text, None, self._server))

    def _try_again(self, records: list[Record]) -> None:
        waiting, self._unconnected = self._unconnected, []
        for place, (client, address) in enumerate(waiting):
            self._connect(client, address, records)
            if self._unconnected:
                self._unconnected += waiting[place + 1 :]
                break
        self._hold()

    def _full(self, full: Full) -> None:
        self.full = full
        again = full != "no" and self.n_connections < self._max_connections
        self._full_until = clock.now() + ROOM_AGAIN_NS if again else None
        self._hold()

    def _hold(self) -> None:
        """While somebody waits for the gateway, or for descriptors, nobody new is accepted."""
        wants = self._may_accept and self.full == "no" and not self._unconnected
        if self._listener is None or self._is_accepting is wants:
            return
        if wants:
            self.poller.register(self._listener.fileno(), READ)
        else:
            self.poller.unregister(self._listener.fileno())
        self._is_accepting = wants

    # -- bytes --------------------------------------------------------------------------------

    def _pass(self, piped: Piped, one: socket.socket, mask: int, records: list[Record]) -> None:
        at = clock.now()  # before it is passed on: what it brings about comes later
        if mask & (WRITE | BROKEN):
            came = piped.writable(one)
            if came is not None:
                self._tell(piped, came, at, records)
        if mask & (READ | HUNG_UP | BROKEN) and not piped.closed:
            self._read(piped, one, mask & HUNG_UP != 0, at, records)
        if piped.closed:
            self._drop(piped)
            return
        self._wait_for(piped, piped.client)
        self._wait_for(piped, piped.server)

    def _read(
        self, piped: Piped, one: socket.socket, hung_up: bool, at: Nanos, records: list[Record]
    ) -> None:
        if self._holders is not None and one is piped.client and not piped.connecting:
            self._holders.before(piped, at)
            if piped.is_held:
                return
        came = piped.readable(one, hung_up)
        while came is not None:
            self._tell(piped, came, at, records)
            if not hung_up or piped.closed or not came.data:
                break
            came = piped.readable(one, hung_up)  # what is left is all there is
        if hung_up and not piped.closed:
            piped.hung_up(one)
        if piped.cut is SERVER and piped.is_asked:  # on a unix socket that close is a reset
            records.append(Closed(at, piped.conn, CLIENT, "rst"))
        elif piped.cut is not None:
            records.append(Closed(at, piped.conn, piped.cut, "fin"))

    def _tell(self, piped: Piped, came: Read, at: Nanos, records: list[Record]) -> None:
        if came.data:
            if came.side is SERVER:
                pid = came.pid
                if pid is None and self._holders is not None:
                    pid = self._holders.of(piped)
                if pid is not None:
                    records.append(Wrote(at, piped.conn, pid))
            self.turn_bytes += len(came.data)
            records.append(Chunk(at, piped.conn, came.side, came.data))
            return
        if piped.has_lost_descriptors:
            records.append(Observed(at, "relay-descriptors", "error", LOST, None, self._server))
        records.append(Closed(at, piped.conn, came.side, came.how))

    def _wait_for(self, piped: Piped, one: socket.socket) -> None:
        """A socket that nothing is wanted of is not watched: its hang-up would wake us for ever."""
        wants_read, wants_write = piped.interest(one)
        wanted = (READ if wants_read else 0) | (WRITE if wants_write else 0)
        if not wanted:
            wanted = HUNG_UP if piped.wants_hang_up(one) else 0
        number = one.fileno()
        before = self._waits.get(number, 0)
        if wanted == before:
            return
        if not wanted:
            self.poller.unregister(number)
        elif before:
            self.poller.modify(number, wanted)
        else:
            self.poller.register(number, wanted)
        self._waits[number] = wanted

    def _drop(self, piped: Piped) -> None:
        """Closing a descriptor takes it out of epoll by itself, and out of nothing else."""
        for number in piped.numbers:
            found = self._by_fd.get(number)
            if found is not None and found[0] is piped:
                del self._by_fd[number]
                if self._waits.pop(number, 0) and isinstance(self.poller, Selecting):
                    self.poller.unregister(number)
        piped.close()
        if self._holders is not None:
            self._holders.forget(piped)
        if self.full == "table" and self.n_connections < self._max_connections * 9 // 10:
            self._full("no")


def max_connections() -> int:
    """How many at once this process has descriptors for."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        soft = os.sysconf("SC_OPEN_MAX")
    return max(1, (soft - FEW - min(SPARE, soft // 4)) // 2)
