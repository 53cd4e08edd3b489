"""Holders: which process of the tree has the other end of a connection of ours.

In: connections whose client has something to say, the tree, the time. Out: a pid, or None where
nobody or more than one is found. It refuses to guess, and what it cannot read it does not see.

A server that answers and closes at once holds nothing any more when its answer is here, so it is
looked for before it gets its request: whoever accepted the connection waits for that. The kernel
needs a moment to wake it, and for so long (`HOLD_NS` at most, in steps of a millisecond) the
client's bytes are left where they are, unread: no duration that is told begins before that. A
server that is not even woken before bytes are there (TCP_DEFER_ACCEPT: uWSGI, Apache) gets the
first one alone: the kernel shows the connection as half open until then. All that only where few
connections come, and only as long as it helps.

Who accepts may give the connection to another process, by a fork or a descriptor that is passed,
so with the first answer it is looked for once more. One that was seen to do so is never again
taken for the one who answers because it held a connection before.

One socket is asked for by its addresses (sock_diag without a dump: 12 us, where the whole table
costs milliseconds), then the tree's descriptors are looked through (2 us each), first those
numbers that held a connection before: a worker with nothing else to do has the same each time, and
whoever inherited one has it by the same number.
Sources: linux/sock_diag.h, linux/inet_diag.h; proc_net_unix in proc(5).
"""

import socket
import struct
from collections.abc import Collection
from dataclasses import dataclass

from gwtop import clock
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import proc
from gwtop.taps.piped import Piped

AF_NETLINK: int | None = getattr(socket, "AF_NETLINK", None)  # Linux
NETLINK_SOCK_DIAG = 4  # linux/netlink.h
SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
NLMSG_ERROR, NLM_F_REQUEST = 2, 1  # linux/netlink.h
ALL_STATES = 0xFFFFFFFF
NO_COOKIE = 0xFFFFFFFF  # INET_DIAG_NOCOOKIE, linux/inet_diag.h
HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
REQUEST = struct.Struct("=BBBxI2s2s16s16sIII")
"""struct inet_diag_req_v2: family, protocol, extensions, states; ports, addresses, interface,
cookie."""
STATE_AT = HEADER.size + 1  # struct inet_diag_msg, idiag_state
INODE_AT = HEADER.size + 68  # idiag_inode
ANSWER_BYTES = 8192
TIMEOUT_S = 0.1
SO_ACCEPTCON = 0x10000  # linux/net.h __SO_ACCEPTCON
CONNECTED = 3  # linux/net.h SS_CONNECTED


HOLD_NS = 3 * MILLISECOND_NS
STEP_NS = MILLISECOND_NS
WINDOW_NS = SECOND_NS // 10
MAX_HELD_A_WINDOW = 50  # more connections than that, and none of them waits
MAX_IN_VAIN = 8  # a server that accepts with the first byte (TCP_DEFER_ACCEPT), or is busy
VAIN_NS = SECOND_NS  # until waiting is tried again then
DEFERRED = (3, 12)  # TCP_SYN_RECV, TCP_NEW_SYN_RECV: include/net/tcp_states.h
MAX_NUMBERS = 4
MAX_DESCRIPTORS = 1024  # of one process: 2 ms; who may have more is not looked through
SHARE = 5  # of the time, a fifth may be spent on looking; clients wait meanwhile
MAX_SAVED_NS = 20 * MILLISECOND_NS


@dataclass(slots=True)
class Look:
    """What is known of one connection."""

    piped: Piped
    began_at: Nanos
    link: str | None = None
    """None: nobody had accepted it."""
    pid: int | None = None
    number: str = ""
    is_deferred: bool = False
    """Nobody will accept it before bytes are there."""
    is_settled: bool = False
    """The answer has come; nobody looks any more."""


class Holders:
    def __init__(self) -> None:
        self._tree: frozenset[int] = frozenset()
        self._looks: dict[int, Look] = {}
        self._held: dict[int, Look] = {}
        self._look_at: Nanos | None = None
        self._numbers: list[str] = []
        """Descriptors that held a connection, the last one first."""
        self._hands_on: set[int] = set()
        """Who gave a connection to somebody else."""
        self._window_at: Nanos = 0
        self._n_in_window = self._n_in_vain = 0
        self._vain_until: Nanos = 0
        self._diag = diag()
        self._saved_ns = MAX_SAVED_NS
        """What looking may still cost now."""
        self._saved_at_ns = clock.monotonic_ns()

    def follow(self, pids: Collection[int]) -> None:
        self._tree = frozenset(pids)

    def due_at(self) -> Nanos | None:
        return self._look_at

    def before(self, piped: Piped, at: Nanos) -> None:
        """Its client has something to say. Looks once, and has it wait where that may help."""
        if piped.conn in self._looks or not self._tree:
            return
        look = self._looks[piped.conn] = Look(piped, at)
        self._find(look)
        if at >= self._window_at + WINDOW_NS:
            self._window_at, self._n_in_window = at, 0
        self._n_in_window += 1
        few = self._n_in_window <= MAX_HELD_A_WINDOW and at >= self._vain_until
        if look.link is None and few and self._saved_ns > 0 and self._diag is not None:
            if look.is_deferred:
                piped.nudge()
                self._find(look)  # on a busy machine it has run before we go on
            if look.link is None:
                piped.is_held = True
                self._held[piped.conn] = look
                self._look_at = self._look_at or at + STEP_NS

    def look(self, now: Nanos) -> list[Piped]:
        """Looks again; those whose client waits no longer."""
        if self._look_at is None or now < self._look_at:
            return []
        free: list[Piped] = []
        for conn, look in list(self._held.items()):
            self._find(look)
            if look.link is not None or now >= look.began_at + HOLD_NS:
                self._learn(look.link is not None, now)
                look.piped.is_held = False
                free.append(look.piped)
                del self._held[conn]
        self._look_at = now + STEP_NS if self._held else None
        return free

    def _learn(self, was_worth_it: bool, now: Nanos) -> None:
        self._n_in_vain = 0 if was_worth_it else self._n_in_vain + 1
        if self._n_in_vain >= MAX_IN_VAIN:
            self._vain_until = now + VAIN_NS

    def of(self, piped: Piped) -> int | None:
        """Who answers, now that an answer is here."""
        look = self._looks.get(piped.conn)
        if look is None:
            look = self._looks[piped.conn] = Look(piped, 0)
        if not look.is_settled:
            look.is_settled = True
            self._confirm(look)
        return look.pid

    def _confirm(self, look: Look) -> None:
        early = look.pid
        if early is not None and proc.link(f"/proc/{early}/fd/{look.number}") == look.link:
            return
        look.pid = None
        self._find(look)
        if look.pid is None and early not in self._hands_on:
            look.pid = early  # it has closed it
        elif early is not None and look.pid not in (None, early):
            self._hands_on.add(early)

    def forget(self, piped: Piped) -> None:
        self._looks.pop(piped.conn, None)
        self._held.pop(piped.conn, None)

    def close(self) -> None:
        if self._diag is not None:
            self._diag.close()

    def _find(self, look: Look) -> None:
        """Who alone holds the socket at the other end, where there is time to look for it."""
        began_ns = clock.monotonic_ns()
        self._saved_ns += (began_ns - self._saved_at_ns) // SHARE
        self._saved_ns, self._saved_at_ns = min(self._saved_ns, MAX_SAVED_NS), began_ns
        if self._diag is None or not self._tree or self._saved_ns <= 0:
            return
        self._find_now(look, self._diag)
        self._saved_ns -= clock.monotonic_ns() - began_ns

    def _find_now(self, look: Look, asked: socket.socket) -> None:
        try:
            state, inode = peer(look.piped.server, asked)
        except OSError:  # the connection has gone, or there is no sock_diag
            return
        look.is_deferred = state in DEFERRED
        if not inode:
            return
        link = look.link = f"socket:[{inode}]"
        found = self._by_number(link) or self._by_all(link)
        if len(found) == 1:
            ((look.pid, look.number),) = found
            if look.number not in self._numbers:
                self._numbers = [look.number, *self._numbers][:MAX_NUMBERS]

    def _by_number(self, link: str) -> list[tuple[int, str]]:
        for n in self._numbers:
            found = [(pid, n) for pid in self._tree if proc.link(f"/proc/{pid}/fd/{n}") == link]
            if found:
                return found
        return []

    def _by_all(self, link: str) -> list[tuple[int, str]]:
        """Each process once; it may have a socket by two numbers. [] where not all can be seen."""
        found: dict[int, str] = {}
        for pid in self._tree:
            numbers = proc.descriptors(pid)
            if len(numbers) > MAX_DESCRIPTORS:
                return []
            for n in numbers:
                if proc.link(f"/proc/{pid}/fd/{n}") == link:
                    found[pid] = n
        return list(found.items())


def diag() -> socket.socket | None:
    """What answers questions about sockets; None: not on this system."""
    if AF_NETLINK is None:
        return None
    try:
        made = socket.socket(AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG)
    except OSError:  # a kernel without it
        return None
    made.settimeout(TIMEOUT_S)
    return made


def peer(one: socket.socket, asked: socket.socket) -> tuple[int, int]:
    """State and inode of the socket at the other end; inode 0: nobody has accepted it yet, or it
    is closed. Raises OSError."""
    here, there = one.getsockname(), one.getpeername()
    ends = (_port(there), _port(here), _address(one, there), _address(one, here))
    body = REQUEST.pack(one.family, socket.IPPROTO_TCP, 0, ALL_STATES, *ends, 0, *[NO_COOKIE] * 2)
    n_bytes = HEADER.size + len(body)
    asked.send(HEADER.pack(n_bytes, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, here[1], 0) + body)
    while True:
        data = asked.recv(ANSWER_BYTES)
        _, kind, _, answered, _ = HEADER.unpack_from(data)
        if answered == here[1]:  # else a question's whose answer we no longer waited for
            break
    if kind == NLMSG_ERROR:
        raise OSError(-struct.unpack_from("=i", data, HEADER.size)[0], "sock_diag")
    inode: int = struct.unpack_from("=I", data, INODE_AT)[0]
    return data[STATE_AT], inode


def _port(end: tuple[str, int]) -> bytes:
    return end[1].to_bytes(2, "big")


def _address(one: socket.socket, end: tuple[str, int]) -> bytes:
    return socket.inet_pton(one.family, end[0]).ljust(16, b"\0")


def n_connected_unix(path: str) -> int:
    """Connections that a listener at this path has taken and that are still open."""
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as text:
            columns = [line.split(maxsplit=7) for line in text.read().splitlines()[1:]]
    except OSError:  # no Linux, or no /proc
        return 0
    return sum(
        len(column) == 8
        and column[7] == path
        and not int(column[3], 16) & SO_ACCEPTCON
        and int(column[5], 16) == CONNECTED
        for column in columns
    )
