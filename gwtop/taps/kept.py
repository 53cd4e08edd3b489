"""Kept connections: those whose worker has gone back to waiting for more from them.

In: who moved bytes on which descriptor. Out: `Worked`, for whose thread waits. It refuses to know
bytes: where those are seen, requests say it better.

A worker that keeps a connection after its answer does nothing that a probe would see: it sleeps in
its next read, poll or accept. (php-fpm takes the request's last record out of the socket before
that.) So 50 ms after the last bytes its threads are looked at (`blocked`), and once a second from
then on while it is at work. A thread that reads from something else (a database, a file) is at
work; one that polls once it has answered is taken to wait, whatever for.
"""

from typing import NamedTuple

from gwtop.nouns.records import Worked
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import blocked

SETTLED_NS = 50 * MILLISECOND_NS
AGAIN_NS = SECOND_NS


class Busy(NamedTuple):
    """The last that was moved on a connection."""

    at: Nanos
    pid: int
    thread: int
    fd: int
    listen: str
    has_answered: bool


class Kept:
    def __init__(self) -> None:
        self._busy: dict[int, Busy] = {}
        """By connection."""
        self.look_at: Nanos | None = None
        """None: there is nobody to be looked at."""

    def moved(self, connection: int, busy: Busy) -> None:
        self._busy[connection] = busy
        due_at = busy.at + SETTLED_NS
        self.look_at = due_at if self.look_at is None else min(self.look_at, due_at)

    def forget(self, connection: int) -> None:
        """It is closed."""
        if self._busy.pop(connection, None) is not None and not self._busy:
            self.look_at = None

    def waiting(self, now: Nanos) -> list[Worked]:
        """Those found to wait, once until they move again. Costs 20 us a thread."""
        if self.look_at is None or now < self.look_at:
            return []
        found: list[Worked] = []
        settled = {c: one for c, one in self._busy.items() if one.at + SETTLED_NS <= now}
        waits = {pid: blocked.waits(pid) for pid in {one.pid for one in settled.values()}}
        for connection, one in settled.items():
            if any(_is_for(wait, one) for wait in waits[one.pid]):
                del self._busy[connection]
                found.append(Worked(now, one.pid, one.pid, one.listen, connection, "waits", None))
        others = self._busy.keys() - settled.keys()
        self.look_at = now + (SETTLED_NS if others else AGAIN_NS) if self._busy else None
        return found


def _is_for(wait: blocked.Wait, one: Busy) -> bool:
    """Whoever reads from it, or its own thread, waiting for something to happen."""
    if wait.reads is not None:
        return wait.reads == one.fd
    return one.has_answered and wait.thread == one.thread and wait.sleeps
