"""The followed processes: which happenings are about the watched tree.

In: happenings in the order of the kernel's messages, and now and then the tree as others know it.
Out: those that concern it. It refuses to know why a process is watched. Pure.

The tree grows and shrinks with the messages: a fork by a member makes a member, an exit ends one.
`follow` comes after the fact: somebody finds the tree by looking, and children born meanwhile have
a parent nobody followed yet. So messages about strangers are kept for a while, and a process that
becomes followed brings with it what was kept about its children. Two things are then left out:
what an earlier process of the same pid did, and the newcomer's own birth and programs, for whoever
named it saw it with them.
"""

from collections import deque
from collections.abc import Collection, Iterable

from gwtop.taps.connector import EVENT_EXEC, EVENT_EXIT, EVENT_FORK, Happening

N_KEPT_ASIDE = 4096  # 0.7 s of 6,000 messages/s of strangers; whoever looks is quicker


class Followed:
    def __init__(self) -> None:
        self._since: dict[int, int] = {}
        """Pid: monotonic instant. A fork of it before that is an older story."""
        self._aside: deque[Happening] = deque(maxlen=N_KEPT_ASIDE)

    def pids(self) -> frozenset[int]:
        return frozenset(self._since)

    def concerning(self, happenings: Iterable[Happening]) -> list[Happening]:
        return [happening for happening in happenings if self._concerns(happening)]

    def _concerns(self, happening: Happening) -> bool:
        since = self._since
        if happening.what == EVENT_FORK:
            child, at = happening.d, happening.monotonic_ns
            if happening.b in since and at > since.get(child, 0):
                since[child] = at
                return True
        elif happening.b in since:
            if happening.what == EVENT_EXIT:
                del since[happening.b]
            return True
        self._aside.append(happening)
        return False

    def follow(self, pids: Collection[int], now_monotonic_ns: int) -> list[Happening]:
        """These and their descendants from now on; what was kept aside that concerns them."""
        fresh = frozenset(pids) - self._since.keys()
        self._since = {pid: self._since.get(pid, now_monotonic_ns) for pid in pids}
        if not fresh:
            return []
        aside, self._aside = self._aside, deque(maxlen=N_KEPT_ASIDE)
        return self.concerning(_of_this_life(aside, fresh))


def _of_this_life(aside: Iterable[Happening], fresh: frozenset[int]) -> list[Happening]:
    happenings = list(aside)
    born = {h.d: i for i, h in enumerate(happenings) if h.what == EVENT_FORK and h.d in fresh}
    return [
        h
        for i, h in enumerate(happenings)
        if i > born.get(h.b, -1) and not (h.what == EVENT_EXEC and h.b in fresh)
    ]
