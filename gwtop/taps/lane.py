"""A lane: a process of its own in which a forwarder runs, and what we hold of it here.

In: a socket that listens, the way to the gateway. Out: the records of the connections that the
lane has taken. It refuses to know what they say, and how many lanes there are.

Why a process: a table of descriptors has a hard limit (20,000, 4,096, on some systems 1,024) that
nobody without a right can raise, and a relayed connection takes two; and clients do not wait while
we decode. It is forked when it is first wanted, after rights were given up, closes all but the
listening socket, the gateway's and its end of a channel, and keeps only the right to look into
other users' processes (TCP) or to connect to their sockets. What is told travels in batches, at
most `TELL_NS` late. When we are behind, it holds what it has not told, up to a limit, and then
stops reading from its sockets: clients and gateway slow down, and nothing is lost.

It dies with us: the channel ends with this process, however that ends. If it is killed itself, its
connections are broken as those of any server that dies; we see the channel's end and say so.
"""

import gc
import os
import select
import signal
import socket
from collections.abc import Collection
from typing import NoReturn, TypeAlias, cast

from gwtop import clock
from gwtop.nouns.records import Observed, Record, Wrote
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.taps import privilege
from gwtop.taps.channel import Channel, Message, pair
from gwtop.taps.forwarder import MAX_EVENTS, Forwarder, Full
from gwtop.taps.poller import READ, WRITE
from gwtop.taps.privilege import Capability
from gwtop.taps.upstream import Goal

TELL_NS = 4 * MILLISECOND_NS  # a process woken for each request costs more than what it is told
TELL_BYTES = 256 * 1024  # or when so much is to be told
MAX_UNTOLD_BYTES = 16 << 20
MAX_BATCHES = 16  # of one read here, each a megabyte at most
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGQUIT)
LAST_DESCRIPTOR = 1 << 20
"""Behind the number of the last one, where the limit is "none"."""

Batch: TypeAlias = tuple[int, int, Full, int, list[Message]]
"""Connections, clients that wait for the gateway, fullness, connections cut, records."""


class Lane:
    """What its owner holds."""

    def __init__(self, listener: socket.socket, goal: Goal, first_conn: int) -> None:
        """Forks. Raises OSError where there is no room for it."""
        here, there = pair()
        self.pid = os.fork()
        if self.pid == 0:
            _live(listener, goal, first_conn, there)
        there.close()
        self.born_ns = clock.monotonic_ns()
        self._channel = Channel(here)
        self._open: dict[int, bool] = {}
        """Connections, and whether one side has ended."""
        self.n_connections = self.n_waiting = self.n_cut = 0
        self.full: Full = "no"
        self.may_accept = True
        self.is_behind = False

    def fileno(self) -> int:
        return self._channel.fileno()

    @property
    def ended(self) -> bool:
        return self._channel.ended

    def read(self) -> list[Record]:
        """What it has told. After its end: the end of all its connections."""
        records: list[Record] = []
        self.is_behind = True
        for _ in range(MAX_BATCHES):
            batches = self._channel.get()
            for batch in batches:
                self._take(batch, records)
            if not batches:
                self.is_behind = False
                break
        if self._channel.ended:
            at = clock.now()
            records += [Closed(at, conn, SERVER, "end") for conn in self._open]
        return records

    @property
    def n_open(self) -> int:
        """Connections whose end was not told."""
        return len(self._open)

    def _take(self, batch: Message, records: list[Record]) -> None:
        n_connections, n_waiting, full, n_cut, told = cast("Batch", batch)  # what `_tell` puts
        self.n_connections, self.n_waiting, self.n_cut = n_connections, n_waiting, n_cut
        self.full = full
        for one in told:
            record = unpacked(one)
            records.append(record)
            if isinstance(record, Opened):
                self._open[record.conn] = False
            elif isinstance(record, Closed):
                if record.how != "fin" or self._open.get(record.conn, True):
                    self._open.pop(record.conn, None)
                else:
                    self._open[record.conn] = True

    def follow(self, pids: Collection[int]) -> None:
        self._say("follow", list(pids))

    def accept(self, may: bool) -> None:
        if may is not self.may_accept:
            self.may_accept = may
            self._say("accept", may)

    def stop(self) -> None:
        self._say("stop", None)

    def retire(self) -> None:
        """It passes on what is on its way, and ends."""
        self._say("retire", None)

    def _say(self, word: str, value: object) -> None:
        self._channel.put((word, value))
        self._channel.flush()

    def flush(self) -> bool:
        """True: everything that was said has been taken."""
        self._channel.flush()
        return not self._channel.pending_bytes

    def close(self) -> None:
        """Its end, if it has not ended yet."""
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0
        self._channel.close()


# -- the other process --------------------------------------------------------------------------


def _live(listener: socket.socket, goal: Goal, first_conn: int, there: socket.socket) -> NoReturn:
    status = 1
    try:
        gc.freeze()  # what is garbage may hold descriptors whose numbers are somebody else's soon
        pinned = () if goal.pinned is None else (goal.pinned,)
        _leave_all_but(listener.fileno(), there.fileno(), *pinned)
        privilege.drop(privilege.OTHERS if goal.pinned is None else {Capability.DAC_OVERRIDE})
        _Inside(Forwarder(listener, goal, first_conn), Channel(there)).run()
        status = 0
    finally:
        os._exit(status)


def _leave_all_but(*numbers: int) -> None:
    """Nothing that others wait for the end of stays open here, and no signal reaches us that a
    terminal (^C, ^Z) or a `kill` of the whole group meant for our owner."""
    os.setsid()
    for ending in IGNORED:
        signal.signal(ending, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number in range(3):  # so that no client's connection gets a number that errors go to
        if number not in numbers:
            os.dup2(nothing, number)
    limit = os.sysconf("SC_OPEN_MAX")
    start = 3
    for end in (*sorted(numbers), min(limit, LAST_DESCRIPTOR) if limit > 0 else LAST_DESCRIPTOR):
        os.closerange(start, end)
        start = max(start, end + 1)


class _Inside:
    """The loop of the lane's process."""

    def __init__(self, forwarder: Forwarder, channel: Channel) -> None:
        self._forwarder = forwarder
        self._channel = channel
        self._untold: list[Record] = []
        self._untold_bytes = 0
        self._tell_at: Nanos | None = None
        self._told: tuple[int, int, str] | None = None
        self._wants = READ
        self._ended = False
        forwarder.poller.register(channel.fileno(), READ)

    def run(self) -> None:
        forwarder, channel, number = self._forwarder, self._channel, self._channel.fileno()
        while not (channel.ended or self._ended):
            now = clock.now()
            ready = forwarder.poller.poll(self._timeout_s(now), MAX_EVENTS)
            now = clock.now()
            if any(fd == number for fd, _ in ready):
                for message in channel.get():
                    self._obey(message)
            self._keep(forwarder.turn(ready, now), forwarder.turn_bytes)
            if self._tell_at is not None and (
                now >= self._tell_at or self._untold_bytes >= TELL_BYTES
            ):
                self._tell()
            self._flush()
            while channel.pending_bytes > MAX_UNTOLD_BYTES and not channel.ended:
                self._await_our_owner()

    def _await_our_owner(self) -> None:
        """It is behind; nobody is read meanwhile."""
        poll = select.poll()
        poll.register(self._channel.fileno(), select.POLLOUT)
        poll.poll()
        self._flush()

    def _keep(self, records: list[Record], n_bytes: int) -> None:
        if not records and self._told == self._standing():
            return
        self._untold += records
        self._untold_bytes += n_bytes
        if self._tell_at is None:
            self._tell_at = clock.now() + TELL_NS

    def _standing(self) -> tuple[int, int, str]:
        forwarder = self._forwarder
        return forwarder.n_connections, forwarder.n_waiting, forwarder.full

    def _tell(self, n_cut: int = 0) -> None:
        self._told = self._standing()
        told = [packed(record) for record in self._untold]
        self._channel.put((*self._told, n_cut, told))
        self._untold, self._untold_bytes, self._tell_at = [], 0, None

    def _flush(self) -> None:
        self._channel.flush()
        wants = READ | WRITE if self._channel.pending_bytes else READ
        if wants != self._wants:
            self._wants = wants
            self._forwarder.poller.modify(self._channel.fileno(), wants)

    def _timeout_s(self, now: Nanos) -> float | None:
        due = [at for at in (self._tell_at, self._forwarder.due_at(now)) if at is not None]
        return max(0, min(due) - now) / SECOND_NS if due else None

    def _obey(self, message: Message) -> None:
        match message:
            case ("follow", [*pids]):
                self._forwarder.follow(cast("list[int]", pids))  # what `Lane.follow` puts
            case ("accept", bool(may)):
                self._forwarder.accept(may)
            case ("stop", None):
                self._forwarder.stop()
            case ("retire", None):
                self._retire()

    def _retire(self) -> None:
        self._forwarder.poller.unregister(self._channel.fileno())
        records: list[Record] = []
        self._forwarder.linger(records)
        n_cut = self._forwarder.cut(records)
        self._untold += records
        self._tell(n_cut)
        os.set_blocking(self._channel.fileno(), True)
        self._channel.flush()
        self._ended = True


# -- records as plain values ----------------------------------------------------------------------


def packed(record: Record) -> Message:
    """What `marshal` can write."""
    match record:
        case Chunk(at, conn, side, data):
            return 0, at, conn, side is SERVER, data
        case Closed(at, conn, side, how):
            return 1, at, conn, side is SERVER, how
        case Opened():
            return 2, *record
        case Wrote(at, conn, pid):
            return 3, at, conn, pid
        case Observed(at, code, severity, text, pid, listen):
            return 4, at, code, severity, text, pid, listen
    raise AssertionError(record)  # a forwarder makes no other


def unpacked(one: Message) -> Record:
    kind, *fields = one
    if kind in (0, 1):
        at, conn, is_server, last = fields
        side = SERVER if is_server else CLIENT
        if kind == 0:
            return Chunk(at, conn, side, last)  # type: ignore[arg-type]  # as `packed` put them
        return Closed(at, conn, side, last)  # type: ignore[arg-type]
    if kind == 2:
        return Opened(*fields)  # type: ignore[arg-type]
    return Wrote(*fields) if kind == 3 else Observed(*fields)  # type: ignore[arg-type]
