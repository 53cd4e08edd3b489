"""Births: every fork, exec and exit in the watched tree, from the kernel's proc connector.

In: the pids to follow. Out: `Forked`, `Execed` (with argv, exe and environ read from /proc at
once), `Exited`, and `Missed`. It refuses to know threads (pid other than tgid), processes outside
the tree, and a process whose first thread ended before the others (told as an exit).

A process of 2 ms does not wait, so the socket is emptied first (2 us a message), which tells who
is dead already, and only then are the living read in /proc, the newest first. In one batch a fork
and the exec of its child come together; membership (`followed`) is decided in the order of the
messages, before anything is read.

While it is quiet in the tree, only its own processes' events wake us (`bell`), and strangers' are
read once a second. Once one has come, every event does for a while: a fresh child's are among them.

Exact losses (`connector`) need a first number from each CPU, and a number after the loss. The
kernel answers a request on the CPU it was sent from, with that CPU's next number, so the request
to listen is sent once from each CPU: at the start, and again when a full buffer has been emptied.

Traps of drivers/connector/cn_proc.c. In another pid or user namespace the request is ignored
without an error, so the namespaces are looked at before and the answer has a time-out. The
kernel's count of listeners is set to 0 when a message reaches nobody and may then be too low, so
a request without an answer is tried again from a new socket, which counts as a new listener; and
it is never taken back: a count that is too high heals itself when the last socket is closed. By
the source an overrun of the only listener is such a message, unless NETLINK_BROADCAST_ERROR is
set (measured on 6.18: the events went on without it too).
"""

import errno
import os
import select
import socket
import sys
from collections.abc import Collection

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Execed, Exited, Forked, Missed, Record, TapState
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import connector, namespaces, proc
from gwtop.taps.bell import Bell
from gwtop.taps.connector import EVENT_EXEC, EVENT_EXIT, EVENT_FORK, EVENT_NONE, Happening
from gwtop.taps.followed import Followed
from gwtop.taps.privilege import needed
from gwtop.taps.shut import Shut

NAME = "births"
AT_HOME = True
"""The kernel listens for the request in the first network namespace only."""
NETLINK_CONNECTOR = 11  # linux/netlink.h
SOL_NETLINK = 270  # linux/socket.h
NETLINK_BROADCAST_ERROR = 4  # linux/netlink.h
SO_RCVBUFFORCE = 33  # asm-generic/socket.h

BUFFER_BYTES = 32 << 20  # 40,000 messages (768 bytes each in the kernel): 7 s of 6,000/s
MAX_MESSAGES_PER_READ = 2048  # 10 ms
AWAKE_NS = 100 * MILLISECOND_NS
LOOK_NS = SECOND_NS  # so that strangers do not fill the buffer
ACK_TIMEOUT_NS = 200 * MILLISECOND_NS
N_ATTEMPTS = 2
REMEASURE_NS = 5 * SECOND_NS  # NTP slews at most 500 ppm: 2.5 ms in 5 s


class NoConnectorError(Exception):
    """Process events are not to be had here; says why, and whether more rights would help."""

    def __init__(self, reason: str, refused: bool = False) -> None:
        super().__init__(reason)
        self.refused = refused


def _outside_initial_namespaces() -> str | None:
    for kind in namespaces.FIRST:
        if namespaces.is_first(kind) is False:  # None: the answer will tell
            return f"process events are not told inside another {kind} namespace"
    return None


def _open_socket(buffer_bytes: int) -> socket.socket:
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_CONNECTOR)
    try:
        netlink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
    except PermissionError:  # not root: as much as rmem_max lets us have
        netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    netlink.setsockopt(SOL_NETLINK, NETLINK_BROADCAST_ERROR, 1)
    netlink.setblocking(False)
    netlink.bind((0, connector.CN_IDX_PROC))
    return netlink


def _acknowledged(netlink: socket.socket, nonce: int) -> bool:
    """Whether the kernel answered in time. What came before the answer is before our time."""
    deadline = clock.monotonic_ns() + ACK_TIMEOUT_NS
    while (left_ns := deadline - clock.monotonic_ns()) > 0:
        if not select.select([netlink], [], [], left_ns / SECOND_NS)[0]:
            break
        try:
            happening = connector.parse(netlink.recv(connector.MESSAGE_BYTES))
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            continue  # a tiny buffer on a busy machine; the answer may still come
        if happening and happening.what == EVENT_NONE and happening.acknowledges == nonce + 1:
            if happening.a:  # struct proc_event's ack.err
                raise OSError(happening.a, os.strerror(happening.a))
            return True
    return False


def listen(buffer_bytes: int = BUFFER_BYTES) -> socket.socket:
    """A socket on which process events arrive. Raises NoConnectorError when there are none."""
    if sys.platform != "linux":
        raise NoConnectorError("process events need Linux")
    if reason := _outside_initial_namespaces():
        raise NoConnectorError(reason)
    try:
        for _ in range(N_ATTEMPTS):
            netlink = _open_socket(buffer_bytes)
            netlink.send(connector.listen_request(_nonce(), 0))
            if _acknowledged(netlink, _nonce()):
                return netlink
            netlink.close()
    except ConnectionRefusedError as error:
        reason = "process events are told in the machine's first network namespace only"
        raise NoConnectorError(reason) from error
    except OSError as error:
        reason = f"the proc connector is refused: {error.strerror}"
        raise NoConnectorError(reason, isinstance(error, PermissionError)) from error
    raise NoConnectorError("the proc connector does not answer (a container?)")


def _nonce() -> int:
    """A number that other listeners will hardly use at the same moment."""
    return os.getpid()


def _ask_every_cpu(netlink: socket.socket) -> None:
    """Each CPU we may run on answers with its number; 0.05 ms each. None is waited for."""
    usual = os.sched_getaffinity(0)
    for cpu in usual:
        try:
            os.sched_setaffinity(0, {cpu})
            netlink.send(connector.listen_request(_nonce(), 0))
        except OSError:  # the CPU went offline, or the buffer is full again: gaps show later
            continue
    try:
        os.sched_setaffinity(0, usual)
    except OSError:  # all of them went: then the kernel has taken the limit away
        return


def unavailable() -> str | None:
    """Why there are no process events here; None when there are."""
    try:
        listen(buffer_bytes=0).close()
    except NoConnectorError as reason:
        return str(reason)
    return None


class Births:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, now: Nanos, buffer_bytes: int = BUFFER_BYTES) -> None:
        """Raises NoConnectorError."""
        self._socket = listen(buffer_bytes)
        _ask_every_cpu(self._socket)
        self._losses = connector.Losses()
        self._overran = False
        self._followed = Followed()
        self._bell = _hung()
        self._awake_until: Nanos | None = now
        """None: the bell wakes us."""
        self._look_at = now + LOOK_NS
        self._n_missed = 0
        self._ready: list[Record] = []
        self._offset_ns = clock.monotonic_offset_ns()
        self._measured_at = now
        self.state = TapState(now, NAME, "open", None, ("process_events",))
        self.behind_at: Nanos | None = None

    def fileno(self) -> int:
        if self._bell is not None and self._awake_until is None:
            return self._bell.fileno()
        return self._socket.fileno()

    def due_at(self) -> Nanos | None:
        """At once, when `follow` brought something along."""
        return 0 if self._ready else self._awake_until or self._look_at

    def read(self, now: Nanos) -> list[Record]:
        if abs(now - self._measured_at) > REMEASURE_NS:  # or the clock was set back
            self._offset_ns, self._measured_at = clock.monotonic_offset_ns(), now
        may_sleep = now >= (self._awake_until or 0)
        # First the bell: what comes after that rings it.
        will_ring = may_sleep and self._bell is not None and self._bell.rings_for(self._members())
        records, self._ready = self._ready, []
        told = self._take()
        if self._n_missed:
            records.append(Missed(now, NAME, "process_events", self._n_missed))
            self._n_missed = 0
        if told or self.behind_at is not None:
            self._awake_until = now + AWAKE_NS
        elif may_sleep:
            self._awake_until = None if will_ring else now + LOOK_NS
        self._look_at = now + LOOK_NS
        return records + told

    def _members(self) -> frozenset[int]:
        return self._followed.pids()

    def _take(self) -> list[Record]:
        happenings, n_missed, newest_ns = self._drain()
        self.behind_at = None if newest_ns is None else newest_ns + self._offset_ns
        self._n_missed += n_missed
        return self._tell(self._followed.concerning(happenings))

    def _drain(self) -> tuple[list[Happening], int, int | None]:
        """Processes' forks, execs and exits in order, how many messages were lost, and, when
        more are waiting than were read, the stamp of the newest one that was."""
        happenings: list[Happening] = []
        n_missed = 0
        newest_ns: int | None = None
        for _ in range(MAX_MESSAGES_PER_READ):
            try:
                datagram, sender = self._socket.recvfrom(connector.MESSAGE_BYTES)
            except BlockingIOError:
                self._settle_losses()
                return happenings, n_missed, None
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                n_missed += self._losses.overrun()
                self._overran = True
                continue
            happening = connector.parse(datagram)
            if happening is None or sender[0] != 0:  # only the kernel's word counts (port 0)
                continue
            newest_ns = happening.monotonic_ns
            n_missed += self._losses.arrived(happening)
            if _about_process(happening):
                happenings.append(happening)
        return happenings, n_missed, newest_ns

    def _settle_losses(self) -> None:
        """The buffer is empty: now there is room for the numbers that tell how much was lost."""
        if self._overran:
            self._overran = False
            _ask_every_cpu(self._socket)

    def _tell(self, happenings: list[Happening]) -> list[Record]:
        images = images_of(happenings)
        return [self._record(h, images.get(i)) for i, h in enumerate(happenings)]

    def _record(self, happening: Happening, image: proc.Image | None) -> Record:
        at = happening.monotonic_ns + self._offset_ns
        if happening.what == EVENT_FORK:
            return Forked(at, happening.d, happening.b)
        if happening.what == EVENT_EXEC:
            return Execed(at, happening.b, *(image or proc.NO_IMAGE))
        return Exited(at, happening.b, *connector.exit_status(happening.c))

    def follow(self, pids: Collection[int]) -> None:
        """These and their descendants; what was kept aside about them is told at the next read."""
        before = self._members()
        named = frozenset(pids)
        if not named <= before:  # what they did may still be among the unread
            self._ready += self._take()
            self._awake_until = clock.now() + AWAKE_NS
            members = self._members()
            named = (named | members - before) - (before - members)
        self._ready += self._tell(self._followed.follow(named, clock.monotonic_ns()))

    def close(self) -> None:
        self._socket.close()
        if self._bell is not None:
            self._bell.close()


def _hung() -> Bell | None:
    """None: every event of the machine wakes us."""
    try:
        return Bell()
    except OSError:
        return None


def _about_process(happening: Happening) -> bool:
    """Forks, execs and exits of processes; a thread's pid is not its tgid."""
    if happening.what == EVENT_FORK:
        return happening.c == happening.d
    return happening.what in (EVENT_EXEC, EVENT_EXIT) and happening.a == happening.b


def images_of(happenings: list[Happening]) -> dict[int, proc.Image]:
    """The programs of those execs whose process still runs; only its last one is there to see."""
    last: dict[int, int] = {}
    for i, happening in enumerate(happenings):
        if happening.what == EVENT_EXEC:
            last[happening.b] = i
        elif happening.what == EVENT_EXIT:
            last.pop(happening.b, None)
    newest_first = sorted(last.items(), key=lambda item: -item[1])
    return {i: proc.image(pid) for pid, i in newest_first}


def open_tap(plan: Plan, now: Nanos) -> Births | Shut | None:
    """None: nothing to watch was named."""
    if not (plan.ports or plan.socket or plan.pid):
        return None
    try:
        return Births(now)
    except NoConnectorError as reason:
        if reason.refused:
            return Shut(TapState(now, NAME, "refused", needed(NAME, plan)))
        return Shut(TapState(now, NAME, "absent", str(reason)))
