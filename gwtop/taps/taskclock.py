"""Taskclock: the CPU time of processes that were born and ended in the tree, not rounded to ticks.

In: the followed tree. Out: `Spent`, without memory. It refuses to know what was spent before we
looked: processes that were there before are told of by `taskstats` and the census.

The kernel's accounts of a task that ends may lack a tick of 4 ms (`accounts`), which is twice what
a CGI process lives for. So a counter is put on each process that is there (`perf`), and all that
they make inherit it: an ended one has told its sum before its exit is told. Its thread group has
ended when every thread that was born has told for every CPU.

A process that has told of its own birth has a counter; who is followed and has not gets one. A
fork costs what it cost before, within what can be measured (450 us for a spawn and its end).

A counter is of a CPU that runs. When another one comes or one goes, all are opened anew: an account
is complete when all counters have told, so they must be the same for everybody. Who lives then is
not told of (`taskstats` tells of it, to within a tick). Where opening is refused by then, the old
ones go on, what is spent on the new CPU is not in them, and a note says so.

Where other users' counters are refused (perf_event_paranoid above 2 without CAP_PERFMON) the tree
that is there when we open still has them: rights are given up after that.
"""

import errno
import os
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed, Record, Spent, TapState
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import cpus, kinship, perf, proc
from gwtop.taps.perf import Born, Counted
from gwtop.taps.privilege import needed
from gwtop.taps.shut import Shut
from gwtop.taps.watched import Watched

NAME = "taskclock"
MAX_COUNTERS = 512  # descriptors: half of what a process may usually open
MAX_ALIVE = 8192  # counted processes whose end was not told; the oldest has lost it
REFUSED = (errno.EACCES, errno.EPERM)
GONE = (errno.ESRCH, errno.ENODEV)  # the process; the CPU
FULL = (errno.EMFILE, errno.ENFILE)
CPUS_NS = SECOND_NS
"""How often we look which CPUs run, when the tree changes."""


@dataclass(slots=True)
class _Counting:
    """A process that was born counted."""

    born_ns: int
    n_awaited: int
    """Tasks of it, times CPUs, that have not told."""
    cpu_ns: int = 0


class Taskclock:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, now: Nanos) -> None:
        """Raises OSError."""
        self._buffers = _buffers(cpus.online())
        self._online = set(self._buffers)
        self._looked_at_ns = clock.monotonic_ns()
        self._counters: dict[int, list[int]] = {}
        """Process: its own, as it was there before us."""
        self._counting: dict[int, _Counting] = {}
        self._ready: list[Record] = []
        self.state = TapState(now, NAME, "open", None, tells_spent=True)
        self.behind_at: Nanos | None = None

    def fileno(self) -> int:
        return -1

    def due_at(self) -> Nanos | None:
        return 0 if self._ready else None

    def follow(self, pids: Collection[int]) -> None:
        """The tree has changed: somebody may have ended, somebody may be new."""
        offset_ns = clock.monotonic_offset_ns()
        self._ready += self._drain(offset_ns)
        self._look_at_cpus()
        followed = frozenset(pids)
        for pid in followed - self._counting.keys() - self._counters.keys():
            self.count(pid)
        is_full = sum(map(len, self._counters.values())) >= MAX_COUNTERS
        for pid in self._counters.keys() - followed:
            if is_full or not self._counters[pid]:  # else children of it may go on counting
                self._stop(pid)

    def read(self, now: Nanos) -> list[Record]:
        records, self._ready = self._ready, []
        return records

    def count(self, pid: int) -> None:
        """Counts what this process makes from now on, as far as that is allowed."""
        opened: list[int] = []
        room = MAX_COUNTERS - sum(map(len, self._counters.values()))
        self._counters[pid] = opened
        for thread in proc.threads(pid):
            if room - len(opened) <= len(self._buffers) or not self._count(thread, opened):
                return

    def _count(self, thread: int, opened: list[int]) -> bool:
        """Whether it does; one that has gone or is not ours does not."""
        n_before = len(opened)
        try:
            opened.append(perf.open_counter(thread, -1, perf.DUMMY, inherited=False))
            for cpu, buffer in self._buffers.items():
                opened.append(perf.open_counter(thread, cpu, perf.TASK_CLOCK, inherited=True))
                buffer.takes(opened[-1])
        except OSError as error:
            if error.errno not in (*REFUSED, *GONE, *FULL):
                raise
            if error.errno == errno.ENODEV:
                self._looked_at_ns = 0  # it went this moment: all are opened anew next time
            while len(opened) > n_before:  # a part of them would never be complete
                os.close(opened.pop())
            return False
        return True

    def _look_at_cpus(self) -> None:
        now_ns = clock.monotonic_ns()
        if now_ns < self._looked_at_ns + CPUS_NS:
            return
        self._looked_at_ns = now_ns
        try:
            online = set(cpus.online())
        except OSError:  # /sys is not there any more
            return
        before, self._online = self._online, online
        if online == before:
            return
        try:
            fresh = _buffers(online)
        except OSError as error:
            if error.errno not in (*REFUSED, *FULL):
                raise
            if new := online - self._buffers.keys():
                self._ready.append(_uncounted(new))
            return
        self.close()
        self._counting.clear()
        self._buffers, self._online = fresh, set(fresh)

    def _drain(self, offset_ns: int) -> list[Record]:
        unread = [buffer.unread() for buffer in self._buffers.values()]
        found = [one for data in unread for one in perf.parse(data)]
        found.sort(key=lambda one: one.at_ns)  # each CPU's are in order
        return list(self._ended(found, offset_ns))

    def _ended(
        self, found: Iterable[Born | Counted | perf.Dropped], offset_ns: int
    ) -> Iterable[Record]:
        for one in found:
            if isinstance(one, Born):
                self._born(one)
            elif isinstance(one, Counted):
                counting = self._counting.get(one.pid)
                if counting is None:
                    continue  # it was there before us
                counting.cpu_ns += one.cpu_ns
                counting.n_awaited -= 1
                if counting.n_awaited <= 0:
                    del self._counting[one.pid]
                    lifetime_ns = one.at_ns - counting.born_ns
                    at = one.at_ns + offset_ns
                    yield Spent(at, one.pid, counting.cpu_ns, None, lifetime_ns)
            else:  # who told what was dropped is not known
                self._counting.clear()

    def _born(self, born: Born) -> None:
        n_cpus = len(self._buffers)
        known = self._counting.get(born.pid)
        if born.thread != born.pid and known is not None:
            known.n_awaited += n_cpus
        elif born.thread == born.pid:
            if len(self._counting) >= MAX_ALIVE:
                del self._counting[next(iter(self._counting))]
            self._counting.pop(born.pid, None)
            self._counting[born.pid] = _Counting(born.at_ns, n_cpus)

    def _stop(self, pid: int) -> None:
        for counter in self._counters.pop(pid):
            os.close(counter)

    def close(self) -> None:
        for pid in list(self._counters):
            self._stop(pid)
        for buffer in self._buffers.values():
            buffer.close()
        self._buffers.clear()


def _buffers(online: Collection[int]) -> dict[int, perf.Buffer]:
    """One for each of these CPUs that still runs. Raises OSError."""
    opened: dict[int, perf.Buffer] = {}
    try:
        for cpu in online:
            try:
                opened[cpu] = perf.Buffer(cpu)
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise
    except OSError:
        for buffer in opened.values():
            buffer.close()
        raise
    return opened


def _uncounted(new: Collection[int]) -> Observed:
    which = ", ".join(map(str, sorted(new)))
    text = f"CPU {which} came, and to count on it is refused: CPU times may lack up to a tick"
    return Observed(clock.now(), "cpu-uncounted", "info", text)


def unavailable() -> OSError | None:
    """Why there are no counters here; None when there are."""
    try:
        perf.Buffer(cpus.online()[0]).close()
    except OSError as error:
        return error
    return None


def open_tap(plan: Plan, now: Nanos) -> Taskclock | Shut | None:
    """None: nothing to watch was named."""
    if not (plan.ports or plan.socket or plan.pid):
        return None
    if sys.platform != "linux":
        return Shut(TapState(now, NAME, "absent", "clocks of tasks need Linux"))
    try:
        tap = Taskclock(now)
    except OSError as error:
        if error.errno in REFUSED:
            return Shut(TapState(now, NAME, "refused", needed(NAME, plan)))
        return Shut(TapState(now, NAME, "absent", f"no clocks of tasks: {error.strerror}"))
    watched = Watched(plan)
    watched.look(now)
    for pid in sorted(kinship.descendants(watched.roots)):
        tap.count(pid)
    return tap
