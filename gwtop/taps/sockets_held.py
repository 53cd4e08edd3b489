"""Sockets held: which process of the tree has which watched connection among its descriptors.

In: the plan's ports, the tree as it is followed. Out: `Touched` (verb "holds") for each holder at
each look. It refuses to know who reads, and it does not see what is held between two looks.

The degree below `sockets`, and only where that is not to be had (the file's name sorts behind it,
so by now its trace instance is there or will never be). Looking is all that is left: descriptors
of the tree's processes from /proc (2 us each), and, when one of them is a socket not met before,
the connections from `diag` (3 to 13 ms: the kernel walks its whole table for them). A request
that is over between two looks is not seen unless its connection is a kept one.

Looks come ten times a second where they are cheap, else as seldom as keeps them at a tenth of a
core; an idle gateway has no new sockets, and a look at it costs 0.3 ms: 1 % of a core.
"""

import sys
from collections.abc import Collection, Sequence

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Record, TapState, Touched
from gwtop.nouns.times import MILLISECOND_NS, Nanos
from gwtop.taps import diag, proc, tracefs
from gwtop.taps.diag import Connected
from gwtop.taps.shut import Shut

NAME = "sockets_held"
LOOK_NS = 100 * MILLISECOND_NS
REST_FACTOR = 10
"""A look that took long is followed by a pause of so many times that."""
MAX_DESCRIPTORS = 4096  # of one process: 8 ms
SOCKET = "socket:["


class Held:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos) -> None:
        """Raises OSError where the kernel does not list connections."""
        self._ports = frozenset(plan.ports)
        self._tree: frozenset[int] = frozenset()
        self._known: dict[str, Connected | None] = {}
        """By link; None: a socket that is no watched connection."""
        self._look_at = now
        diag.tcp_connected(self._ports)
        self.state = TapState(now, NAME, "open", None)
        self.behind_at: Nanos | None = None

    def fileno(self) -> int:
        return -1

    def due_at(self) -> Nanos | None:
        return self._look_at

    def read(self, now: Nanos) -> list[Record]:
        if now < self._look_at:
            return []
        began_ns = clock.monotonic_ns()
        records = self._look(now)
        took_ns = clock.monotonic_ns() - began_ns
        self._look_at = now + max(LOOK_NS, took_ns * REST_FACTOR)
        return records

    def _look(self, now: Nanos) -> list[Record]:
        held = sockets_of(self._tree)
        self._known = {link: one for link, one in self._known.items() if link in held}
        if held.keys() - self._known.keys() and not self._learn(held):
            return []
        records: list[Record] = []
        for link, pids in held.items():
            one = self._known[link]
            if one is not None:
                ends = (one.local, one.remote)
                records += [Touched(now, p, p, *ends, "holds", None, one.inode) for p in pids]
        return records

    def _learn(self, links: Collection[str]) -> bool:
        """Which of them are watched connections; False: the kernel has no memory to tell now."""
        try:
            connected = diag.tcp_connected(self._ports)
        except OSError:
            return False
        ours = {f"{SOCKET}{one.inode}]": one for one in connected}
        for link in links:
            # A listener or a database stays what it is; so does a connection of ours.
            self._known[link] = self._known.get(link) or ours.get(link)
        return True

    def follow(self, pids: Collection[int]) -> None:
        self._tree = frozenset(pids)

    def set_ports(self, ports: Sequence[int]) -> None:
        self._ports = frozenset(ports)
        self._known = {}

    def close(self) -> None:
        """Holds nothing."""


def sockets_of(pids: Collection[int]) -> dict[str, list[int]]:
    """The links of these processes' sockets, each with its holders."""
    found: dict[str, list[int]] = {}
    for pid in sorted(pids):
        links = {
            link
            for number in proc.descriptors(pid)[:MAX_DESCRIPTORS]
            if (link := proc.link(f"/proc/{pid}/fd/{number}")) and link.startswith(SOCKET)
        }
        for link in links:
            found.setdefault(link, []).append(pid)
    return found


def open_tap(plan: Plan, now: Nanos) -> Held | Shut | None:
    """None: no port to watch, or the kernel tells more than this could see."""
    if not plan.ports or sys.platform != "linux" or tracefs.has_own():
        return None
    try:
        return Held(plan, now)
    except OSError as error:
        return Shut(TapState(now, NAME, "absent", f"the kernel lists no connections: {error}"))
