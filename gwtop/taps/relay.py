"""The relay: a server between clients and the gateway that passes on every byte, and tells of it.

In: the plan: a unix listener to stand in for, or an address to listen on and one to pass on to.
Out: `Opened`, `Chunk`, `Closed` of every connection through it, and `Wrote` with the pid that the
kernel gave for an answer's bytes. It refuses to know what the bytes say.

Needs Linux (epoll, and for a unix socket the `swap`), and no privilege. What it costs is a hop:
clients wait for us too, so there is one system call to read and one to write a chunk and nothing
is copied twice. The worker's pid: SO_PASSCRED on the upstream unix socket makes the kernel name
the writer of each chunk. A TCP upstream names nobody; who holds the other end of the connection is
looked up in the watched tree when its first answer comes, once, for a connection stays with its
worker (`holders`).

A connection that the gateway does not take is tried again while its backlog is full, and meanwhile
nobody new is accepted: the queue forms in our backlog as it would in the gateway's.
"""

import os
import select
import socket
import sys
from collections.abc import Collection, Iterator
from typing import Literal

from gwtop import clock
from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Missed, Observed, Record, TapState, Wrote
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.nouns.wire import SERVER, Chunk, Closed, Opened
from gwtop.taps import holders, privilege, swap, upstream
from gwtop.taps.addresses import of_socket
from gwtop.taps.piped import Piped, Read
from gwtop.taps.shut import Shut

NAME = "relay"
FIRST_CONN = 1 << 42  # other taps number their connections from elsewhere
MAX_EVENTS = 512  # of one read; what is left keeps the descriptor readable
MAX_ACCEPTED = 64
AGAIN_NS = 2 * MILLISECOND_NS  # until a gateway whose backlog is full is asked again
LOOK_NS = SECOND_NS  # has somebody bound the path anew?
LINGER_NS = SECOND_NS  # at the end: for what is still on its way through
QUIET_NS = 20 * MILLISECOND_NS  # who looked the name up before it went back connects by then
BYPASSED = "connections were open before and go past the relay; requests on them are not seen"
CREDENTIALS = (
    "the gateway sees the relay's pid and user as its peer (SO_PEERCRED), no longer the front's"
)
RECOVERED = "a relay that was killed had left this socket renamed; it was put back"
FULL = "no more descriptors: new connections wait until others end (ulimit -n)"


class Relay:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos) -> None:
        """Raises GwtopError and OSError."""
        assert plan.relay is not None
        self._to = plan.relay.to
        self._server = of_socket(self._to)
        self._shared = swap.Shared(plan.relay.memory)
        self._names = swap.names(plan.socket or "", os.getpid())
        self._is_swapped = plan.relay.listen is None
        self._upstream = upstream.Upstream(self._names.aside if self._is_swapped else self._to)
        self._words: list[Record] = []
        privilege.allow_many_descriptors()
        self._listener: socket.socket | None = self._listen(plan, now)
        self._poll = select.epoll()
        self._poll.register(self._listener.fileno(), select.EPOLLIN)
        self._is_accepting = self._has_name = True
        self._by_fd: dict[int, tuple[Piped, socket.socket]] = {}
        self._waits: dict[int, int] = {}
        """Descriptor: the events it is registered for."""
        self._unconnected: list[tuple[socket.socket, str]] = []
        """Clients, with their address, whom the gateway has not taken yet."""
        self._next_conn = FIRST_CONN
        self._tree: frozenset[int] = frozenset()
        self._look_at = now + LOOK_NS
        self._full_told = self._refused_told = False
        self.state = TapState(now, NAME, "open", None)
        self.behind_at: Nanos | None = None

    def _listen(self, plan: Plan, now: Nanos) -> socket.socket:
        assert plan.relay is not None
        if plan.relay.listen is not None:
            return upstream.listener(*plan.relay.listen)
        if swap.recover(self._names.path):
            self._note("relay-recovered", "info", RECOVERED)
        before = holders.n_connected_unix(self._names.path)
        listener = swap.take(self._names, self._shared)
        if before:
            self._note("relay-bypassed", "info", f"{BYPASSED}: {before}")
            self._words.append(Missed(now, NAME, "requests", None))
        self._note("relay-credentials", "info", CREDENTIALS)
        return listener

    def _note(self, code: str, severity: Literal["info", "warn"], text: str) -> None:
        self._words.append(Observed(clock.now(), code, severity, text, None, self._server))

    # -- the tap ------------------------------------------------------------------------------

    def fileno(self) -> int:
        return self._poll.fileno()

    def due_at(self) -> Nanos | None:
        if self._unconnected:
            return min(self._look_at, clock.now() + AGAIN_NS)
        return self._look_at

    def read(self, now: Nanos) -> list[Record]:
        records, self._words = self._words, []
        if self._unconnected:
            self._try_again(records)
        self._serve(self._poll.poll(0, MAX_EVENTS), records)
        if now >= self._look_at:
            self._look_at = now + LOOK_NS
            if not self._unconnected:  # descriptors may be free again that were not ours
                self._hold(False)
            self._look(now)
        records += self._words
        self._words = []
        return records

    def _serve(self, ready: list[tuple[int, int]], records: list[Record]) -> None:
        for number, _ in ready:
            if self._listener is not None and number == self._listener.fileno():
                self._accept(records)
            elif number in self._by_fd:
                self._pass(*self._by_fd[number], records)

    def follow(self, pids: Collection[int]) -> None:
        self._tree = frozenset(pids)

    def retire(self, now: Nanos) -> list[Record]:
        """The end is near: the name goes back first, and what is on its way gets a second."""
        records, self._words = self._words, []
        self._give_back()
        began_ns = heard_ns = clock.monotonic_ns()
        while (at_ns := clock.monotonic_ns()) < began_ns + LINGER_NS:
            if self._unconnected:
                self._try_again(records)
            ready = self._poll.poll(QUIET_NS / SECOND_NS, MAX_EVENTS)
            self._serve(ready, records)
            if ready:
                heard_ns = at_ns
            elif at_ns >= heard_ns + QUIET_NS and not self._is_awaited():
                break
        self._stop_listening()
        broken = {piped.conn: piped for piped, _ in self._by_fd.values()}
        for piped in broken.values():
            self._drop(piped)
            records.append(Closed(clock.now(), piped.conn, SERVER, "end"))
        if n_cut := len(broken) + len(self._unconnected):
            text = f"connections in the relay when it ended, which were cut: {n_cut}"
            records.append(Observed(clock.now(), "relay-cut", "warn", text))
        return records

    def _is_awaited(self) -> bool:
        """Whether somebody waits for an answer, or bytes for their reader."""
        return bool(self._unconnected) or any(p.is_awaited for p, _ in self._by_fd.values())

    def close(self) -> None:
        self._give_back()
        self._stop_listening()
        for piped, _ in list(self._by_fd.values()):
            self._drop(piped)
        for client, _ in self._unconnected:
            client.close()
        self._unconnected = []
        self._poll.close()

    def _give_back(self) -> None:
        """The path is the gateway's again. Who has found us there already is still served."""
        if self._is_swapped and self._has_name:
            self._has_name = False
            swap.restore(self._names, self._shared)
            self._upstream = upstream.Upstream(self._names.path)

    def _stop_listening(self) -> None:
        if self._listener is None:
            return
        self._hold(True)
        self._listener.close()
        self._listener = None

    # -- connections --------------------------------------------------------------------------

    def _accept(self, records: list[Record]) -> None:
        assert self._listener is not None
        for _ in range(MAX_ACCEPTED):
            try:
                client, address = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in upstream.NO_ROOM:
                    self._hold(True)
                    if not self._full_told:
                        self._full_told = True
                        self._note("relay-full", "warn", FULL)
                return
            client.setblocking(False)
            self._connect(client, of_socket(address), records)
            if self._unconnected:
                return

    def _connect(self, client: socket.socket, address: str, records: list[Record]) -> None:
        try:
            server = self._upstream.connect()
        except BlockingIOError:  # its backlog is full
            self._unconnected.append((client, address))
            self._hold(True)
            return
        except OSError as error:
            if error.errno in upstream.NO_ROOM:
                self._unconnected.append((client, address))
                self._hold(True)
                return
            self._refused(client, address, error, records)
            return
        self._begin(client, server, address, records)

    def _begin(
        self, client: socket.socket, server: socket.socket, address: str, records: list[Record]
    ) -> None:
        if client.family != socket.AF_UNIX:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        piped = Piped(self._next_conn, client, server)
        piped.connecting = server.family != socket.AF_UNIX
        self._next_conn += 1
        for one in (client, server):
            self._by_fd[one.fileno()] = (piped, one)
            self._wait_for(piped, one)
        self._shared.count(len(self._by_fd) // 2)
        peer = "" if server.family == socket.AF_UNIX else of_socket(server.getsockname())
        records.append(Opened(clock.now(), piped.conn, address, self._server, True, peer))
        if not piped.connecting:  # what it asks is often there already
            self._pass(piped, client, records)

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
                return
        self._hold(False)

    def _hold(self, holding: bool) -> None:
        """While somebody waits for the gateway, or for descriptors, nobody new is accepted."""
        if self._listener is None or self._is_accepting is not holding:
            return
        if holding:
            self._poll.unregister(self._listener.fileno())
        else:
            self._poll.register(self._listener.fileno(), select.EPOLLIN)
        self._is_accepting = not holding

    # -- bytes --------------------------------------------------------------------------------

    def _pass(self, piped: Piped, one: socket.socket, records: list[Record]) -> None:
        at = clock.now()  # before it is passed on: what it brings about comes later
        came = piped.writable(one)
        if came is not None:
            self._tell(piped, came, at, records)
        if not piped.closed:
            if piped.n_holder_asked == 0 and one is piped.client and not piped.connecting:
                self._holder(piped)
            came = piped.readable(one)
            if came is not None:
                self._tell(piped, came, at, records)
        if piped.closed:
            self._drop(piped)
            return
        for each in (piped.client, piped.server):
            self._wait_for(piped, each)

    def _tell(self, piped: Piped, came: Read, at: Nanos, records: list[Record]) -> None:
        conn = piped.conn
        if came.data:
            if came.side is SERVER:
                pid = came.pid if came.pid is not None else self._holder(piped)
                if pid is not None:
                    records.append(Wrote(at, conn, pid))
            records.append(Chunk(at, conn, came.side, came.data))
        else:
            records.append(Closed(at, conn, came.side, came.how))

    def _holder(self, piped: Piped) -> int | None:
        """Asked for when the request is about to be passed on (its worker has often accepted by
        then, and cannot have gone) and once more when the answer comes."""
        if piped.holder is None and not isinstance(self._to, str) and piped.n_holder_asked < 2:
            piped.n_holder_asked += 1
            piped.holder = holders.of_peer(piped.server, self._tree)
        return piped.holder

    def _wait_for(self, piped: Piped, one: socket.socket) -> None:
        """A socket that nothing is wanted of is not watched: its hang-up would wake us for ever."""
        wants_read, wants_write = piped.interest(one)
        wanted = (select.EPOLLIN if wants_read else 0) | (select.EPOLLOUT if wants_write else 0)
        number = one.fileno()
        before = self._waits.get(number, 0)
        if wanted == before:
            return
        if not wanted:
            self._poll.unregister(number)
        elif before:
            self._poll.modify(number, wanted)
        else:
            self._poll.register(number, wanted)
        self._waits[number] = wanted

    def _drop(self, piped: Piped) -> None:
        """Closing a descriptor takes it out of epoll by itself."""
        for number in [number for number, (whose, _) in self._find(piped)]:
            del self._by_fd[number]
            self._waits.pop(number, None)
        piped.close()
        self._shared.count(len(self._by_fd) // 2)
        if self._full_told and not self._unconnected:
            self._hold(False)

    def _find(self, piped: Piped) -> Iterator[tuple[int, tuple[Piped, socket.socket]]]:
        for number in piped.numbers:
            found = self._by_fd.get(number)
            if found is not None and found[0] is piped:
                yield number, found

    def _look(self, now: Nanos) -> None:
        """A server that was restarted has bound the path anew: its socket stays where it is."""
        if not self._is_swapped or self._listener is None:
            return
        ours, _, _ = self._shared.read()
        if swap.ident(self._names.path) == ours:
            return
        gone = swap.ident(self._names.path) is None
        self._give_back()
        self._stop_listening()
        text = (
            "the socket's name was removed: the server has ended"
            if gone
            else "the server has bound its socket anew, and clients go there past the relay"
        )
        self._note("relay-rebound", "warn", f"{text}; start gwtop again")
        self._words.append(Missed(now, NAME, "requests", None))


def open_tap(plan: Plan, now: Nanos) -> Relay | Shut | None:
    """None: nobody asked for a relay. What cannot be relayed ends the command: GwtopError."""
    if plan.relay is None:
        return None
    if sys.platform != "linux":
        raise GwtopError("the relay needs Linux", "record with tcpdump, then: gwtop read FILE")
    return Relay(plan, now)
