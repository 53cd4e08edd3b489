"""Sockets held: which process of the tree has which watched connection among its descriptors.

In: the plan's ports, the tree as it is followed. Out: `Touched` (verb "holds") for each holder at
each look. It refuses to know who reads, and it does not see what is held between two looks.

The degree below `sockets`, and only where that is not to be had (the file's name sorts behind it,
so by now its trace instance is there or will never be). Looking is all that is left: connections
from `diag`, descriptors of the tree's processes from /proc. A request that is over between two
looks is not seen unless its connection is a kept one. Descriptors are searched when a connection
is new, and each second in case a child has inherited one; in between the one link is read again.
"""

import sys
from collections.abc import Collection, Sequence

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Record, TapState, Touched
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import diag, proc, tracefs
from gwtop.taps.shut import Shut

NAME = "sockets_held"
LOOK_NS = 50 * MILLISECOND_NS  # 0.5 ms a look; the polled births are looked for half as often
SEARCH_NS = SECOND_NS
MAX_DESCRIPTORS = 4096  # of one process, each time they are searched: 8 ms


class Held:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos) -> None:
        """Raises OSError where the kernel does not list connections."""
        self._ports = frozenset(plan.ports)
        self._tree: frozenset[int] = frozenset()
        self._paths: dict[int, list[tuple[int, str]]] = {}
        """Inode: pid and descriptor of each holder."""
        self._look_at = self._search_at = now
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
        self._look_at = now + LOOK_NS
        try:
            connections = diag.tcp_connected(self._ports)
        except OSError:  # no memory for an answer just now
            return []
        accepted = [one for one in connections if one.inode]
        inodes = {one.inode for one in accepted}
        self._paths = {inode: self._paths[inode] for inode in inodes & self._paths.keys()}
        if inodes - self._paths.keys() or (inodes and now >= self._search_at):
            self._search_at = now + SEARCH_NS
            self._paths = search(self._tree, inodes)
        records: list[Record] = []
        for one in accepted:
            for pid in self._holders(one.inode):
                records.append(
                    Touched(now, pid, pid, one.local, one.remote, "holds", None, one.inode)
                )
        return records

    def _holders(self, inode: int) -> set[int]:
        """Those that hold it still."""
        found = self._paths.get(inode, [])
        still = [(pid, path) for pid, path in found if proc.link(path) == _link(inode)]
        if len(still) < len(found):
            self._search_at = 0
        return {pid for pid, _ in still}

    def follow(self, pids: Collection[int]) -> None:
        self._tree = frozenset(pids)
        self._search_at = 0

    def set_ports(self, ports: Sequence[int]) -> None:
        self._ports = frozenset(ports)

    def close(self) -> None:
        """Holds nothing."""


def _link(inode: int) -> str:
    return f"socket:[{inode}]"


def search(pids: Collection[int], inodes: Collection[int]) -> dict[int, list[tuple[int, str]]]:
    """Who has these sockets open, and as which descriptor."""
    found: dict[int, list[tuple[int, str]]] = {inode: [] for inode in inodes}
    wanted = {_link(inode): inode for inode in inodes}
    for pid in pids:
        for number in proc.descriptors(pid)[:MAX_DESCRIPTORS]:
            path = f"/proc/{pid}/fd/{number}"
            inode = wanted.get(proc.link(path) or "")
            if inode is not None:
                found[inode].append((pid, path))
    return found


def open_tap(plan: Plan, now: Nanos) -> Held | Shut | None:
    """None: no port to watch, or the kernel tells more than this could see."""
    if not plan.ports or sys.platform != "linux" or tracefs.has_own():
        return None
    try:
        return Held(plan, now)
    except OSError as error:
        return Shut(TapState(now, NAME, "absent", f"the kernel lists no connections: {error}"))
