"""Queues: how many connections wait at each watched listener, and how many may.

In: the plan. Out: a `Queue` for each listener, once a second. It refuses to know whose they are.

A listening socket's "receive queue" is what nobody has accepted yet and its "send queue" the
backlog; the kernel tells both to anybody (`diag`). Several sockets that listen on one address
(SO_REUSEPORT) have a queue each, and are told as one.
"""

import sys
from collections.abc import Collection, Sequence
from ipaddress import ip_address

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Queue, Record, TapState
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import diag
from gwtop.taps.diag import Listening
from gwtop.taps.shut import Shut

NAME = "queues"
LOOK_NS = SECOND_NS


class Queues:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos) -> None:
        """Raises OSError where the kernel does not tell."""
        self._ports = plan.ports
        self._path = plan.socket
        self._host = ip_address(plan.host) if plan.host else None
        self._look_at = now
        self._look()
        self.state = TapState(now, NAME, "open", None)
        self.behind_at: Nanos | None = None

    def fileno(self) -> int:
        return -1

    def due_at(self) -> Nanos | None:
        return self._look_at

    def read(self, now: Nanos) -> list[Record]:
        if now < self._look_at:
            return []
        # On the beat, so that each look comes just before the tick that tells of it.
        self._look_at = max(self._look_at + LOOK_NS, now)
        sums: dict[str, tuple[int, int]] = {}
        try:
            listening = self._look()
        except OSError:  # no memory for an answer just now; the next look will have it
            return []
        for found in listening:
            pending, limit = sums.get(found.listen, (0, 0))
            sums[found.listen] = pending + found.pending, limit + found.limit
        return [Queue(now, listen, *both) for listen, both in sorted(sums.items())]

    def _look(self) -> list[Listening]:
        found = diag.unix_listening(self._path) if self._path is not None else []
        if self._ports:
            found += [one for one in diag.tcp_listening() if self._wanted(one)]
        return found

    def _wanted(self, found: Listening) -> bool:
        if found.port not in self._ports:
            return False
        address = ip_address(found.host)
        return self._host is None or address == self._host or address.is_unspecified

    def follow(self, pids: Collection[int]) -> None:
        """A listener knows no pid."""

    def set_ports(self, ports: Sequence[int]) -> None:
        self._ports = tuple(ports)

    def close(self) -> None:
        """Holds nothing."""


def open_tap(plan: Plan, now: Nanos) -> Queues | Shut | None:
    """None: no listener to watch was named."""
    if not (plan.ports or plan.socket):
        return None
    if sys.platform != "linux":
        return Shut(TapState(now, NAME, "absent", "listeners' queues need Linux"))
    try:
        return Queues(plan, now)
    except OSError as error:  # no sock_diag in this kernel, or a sandbox that forbids it
        return Shut(TapState(now, NAME, "absent", f"the kernel tells no queues: {error}"))
