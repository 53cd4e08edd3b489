"""Taskstats: the CPU time and the peak of memory of every process that ends, from the kernel.

In: the followed tree, as a reason to look. Out: `Spent`, and `Missed`. It refuses to know who is in
the tree: the kernel tells of every task of the machine, and whoever knows the tree picks.

A process of 2 ms is gone before a sample of it is taken: this is what it says of itself at its end
(`accounts`; what its times are worth stands there). Nothing is woken by it: an account is written
before the exit is told, so the sockets are emptied when the tree has changed, and else once a
second, so that strangers do not fill them.

One socket for each CPU, for the kernel numbers the messages per CPU and does not say which: so a
gap in the numbers of a socket is a loss, and its width is the number. For each that the machine may
ever have: the kernel takes the request for any possible one, and by the time another one comes we
have given up the right to ask (kernel/taskstats.c, add_del_listener). Works in the first pid, user
and network namespace only (kernel/taskstats.c), and wants CAP_NET_ADMIN.
"""

import errno
import select
import socket
import sys
from collections.abc import Collection, Iterable

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Missed, Record, Spent, TapState
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import accounts, cpus
from gwtop.taps.privilege import needed
from gwtop.taps.shut import Shut

NAME = "taskstats"
AT_HOME = True
"""The kernel sends to the first network namespace only."""
NETLINK_GENERIC = 16  # linux/netlink.h
SO_RCVBUFFORCE = 33  # asm-generic/socket.h
BUFFER_BYTES = 8 << 20  # of each CPU: 3,500 accounts (2.3 KB each in the kernel), 1 s of them
LOOK_NS = SECOND_NS
TIMEOUT_S = 1.0  # answers come in the same system call; this only forbids hanging
MAX_PER_READ = 4096


def _asked(netlink: socket.socket, request: bytes) -> bytes:
    netlink.send(request)
    return netlink.recv(accounts.MESSAGE_BYTES)


def _listen(cpu: int, buffer_bytes: int) -> socket.socket:
    """Raises OSError."""
    netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    try:
        netlink.settimeout(TIMEOUT_S)
        netlink.bind((0, 0))
        family = accounts.family_of(_asked(netlink, accounts.family_request()))
        try:
            netlink.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, buffer_bytes)
        except PermissionError:  # then the request will be refused, too
            netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        accounts.raise_error(_asked(netlink, accounts.listen_request(family, str(cpu))))
        netlink.setblocking(False)
    except OSError:
        netlink.close()
        raise
    return netlink


def unavailable() -> OSError | None:
    """Why there are no accounts here; None when there are."""
    try:
        _listen(cpus.online()[0], 0).close()
    except OSError as error:
        return error
    return None


def reason_of(error: OSError) -> str:
    """A refusal in words; what more rights would not help against."""
    if error.errno == errno.ENOENT:
        return "this kernel keeps no accounts of tasks (CONFIG_TASKSTATS)"
    if error.errno == errno.EINVAL:
        return "accounts of tasks are told in the machine's first namespaces only"
    return f"the accounts of tasks are refused: {error.strerror}"


class Taskstats:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, now: Nanos, buffer_bytes: int = BUFFER_BYTES) -> None:
        """Raises OSError."""
        self._lines: dict[int, tuple[socket.socket, accounts.Sequence]] = {}
        self._epoll = select.epoll()
        try:
            for cpu in cpus.possible():
                netlink = _listen(cpu, buffer_bytes)
                self._lines[netlink.fileno()] = netlink, accounts.Sequence()
                self._epoll.register(netlink, select.EPOLLIN)
        except OSError:
            self.close()
            raise
        self._ready: list[Record] = []
        self._look_at = now + LOOK_NS
        self.state = TapState(now, NAME, "open", None, tells_spent=True)
        self.behind_at: Nanos | None = None

    def fileno(self) -> int:
        return -1

    def due_at(self) -> Nanos | None:
        return 0 if self._ready else self._look_at

    def follow(self, pids: Collection[int]) -> None:
        """The tree has changed: somebody may have ended."""
        self._ready += self._drain(clock.now())

    def read(self, now: Nanos) -> list[Record]:
        records, self._ready = self._ready, []
        if now >= self._look_at:
            self._look_at = now + LOOK_NS
            records += self._drain(now)
        return records

    def _drain(self, now: Nanos) -> list[Record]:
        records: list[Record] = []
        for line, _ in self._epoll.poll(0):
            netlink, sequence = self._lines[line]
            n_missed = 0
            for datagram in _waiting(netlink):
                number = accounts.sequence_of(datagram)
                if number is None:
                    continue
                n_missed += sequence.arrived(number)
                if account := accounts.parse(datagram):
                    records.append(Spent(now, *account))
            if n_missed:
                records.append(Missed(now, NAME, "process_events", n_missed))
        return records

    def close(self) -> None:
        self._epoll.close()
        for netlink, _ in self._lines.values():
            netlink.close()
        self._lines.clear()


def _waiting(netlink: socket.socket) -> Iterable[bytes]:
    for _ in range(MAX_PER_READ):
        try:
            datagram, sender = netlink.recvfrom(accounts.MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            continue  # the gap in the numbers tells how many
        if sender[0] == 0:  # only the kernel's word counts (port 0)
            yield datagram


def open_tap(plan: Plan, now: Nanos) -> Taskstats | Shut | None:
    """None: nothing to watch was named."""
    if not (plan.ports or plan.socket or plan.pid):
        return None
    if sys.platform != "linux":
        return Shut(TapState(now, NAME, "absent", "accounts of processes need Linux"))
    try:
        return Taskstats(now)
    except PermissionError:
        return Shut(TapState(now, NAME, "refused", needed(NAME, plan)))
    except OSError as error:
        return Shut(TapState(now, NAME, "absent", reason_of(error)))
