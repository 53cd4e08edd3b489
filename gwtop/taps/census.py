"""The census: who was there before, and how those who are there are doing.

In: the plan, and the tree as it is followed. Out: `Present` for the processes of the watched tree
that were there when we looked, `Sampled` once a second for each of them; where process events are
not to be had, also the births that polling finds (`polled`), and that it does not find all.
It refuses to know processes outside the watched tree.

Who tells of a process is decided by its age. `births` sees every fork since it was opened and
keeps what nobody followed yet, so a process that was born since then, or in the last second, is
left to it: were it `Present`, a CGI process that happens to live during our look would count as an
old inhabitant. What `births` missed (its `Missed` says so) is found here two seconds later.
The other way round, a followed process that is not there in two samples in a row is told as
`Exited`, in a way unknown.

psutil reads a process in 150 us; for a tree that is nothing, for a machine it would be much.
"""

import sys
from collections.abc import Collection, Iterable

import psutil

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Exited, Missed, Observed, Present, Record, Sampled, TapState
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import births, interpreters, kinship, proc
from gwtop.taps.polled import GONE_STATES, POLL_NS, Polled
from gwtop.taps.shut import Shut
from gwtop.taps.watched import Watched

NAME = "census"
AT_HOME = True
"""It asks whether process events are to be had; its listeners it looks up when it is read."""
SAMPLE_NS = SECOND_NS
TOLD_BY_BIRTHS_NS = SECOND_NS
LATE_NS = 2 * SECOND_NS
N_ABSENCES = 2
MAX_DESCRIPTORS = 256  # listeners are opened first; a busy front has thousands of connections
STATE_LETTERS = {
    psutil.STATUS_RUNNING: "R",
    psutil.STATUS_SLEEPING: "S",
    psutil.STATUS_DISK_SLEEP: "D",
    psutil.STATUS_STOPPED: "T",
    psutil.STATUS_TRACING_STOP: "t",
    psutil.STATUS_ZOMBIE: "Z",
    psutil.STATUS_DEAD: "X",
    psutil.STATUS_IDLE: "I",
}
POLLED_TEXT = (
    "process births are found by looking ten times a second ({reason}): "
    "a process that lives for less than 100 ms may not be seen"
)


class Census:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos, no_births: str | None) -> None:
        """`no_births`: why process events cannot be had; None: they can."""
        self._watched = Watched(plan)
        self._opened_at = now
        self._no_births = no_births
        self._polled = Polled() if no_births else None
        self._polling_told = False
        self._tree: frozenset[int] = frozenset()
        self._processes: dict[int, psutil.Process] = {}
        self._absences: dict[int, int] = {}
        self._mapped: set[int] = set()
        """Whose mapped libraries have been looked at, once."""
        self._look_at = self._sample_at = self._poll_at = now
        self.state = TapState(now, NAME, "open", None)
        self.behind_at: Nanos | None = None

    def fileno(self) -> int:
        return -1

    def due_at(self) -> Nanos | None:
        due = min(self._look_at, self._sample_at)
        return min(due, self._poll_at) if self._polled else due

    def follow(self, pids: Collection[int]) -> None:
        self._tree = frozenset(pids)
        for pid in self._processes.keys() - self._tree:
            del self._processes[pid]
        self._mapped &= self._tree
        for pid in self._absences.keys() - self._tree:
            del self._absences[pid]

    def close(self) -> None:
        self._processes.clear()

    def read(self, now: Nanos) -> list[Record]:
        records: list[Record] = []
        if now >= self._look_at:
            words, changed = self._watched.look(now)
            records += words
            if changed:
                records += self._present(kinship.descendants(self._watched.roots), now)
            self._look_at = now + self._watched.due_after_ns()
        if self._polled and now >= self._poll_at:
            records += self._poll(self._polled, now)
            self._poll_at = now + POLL_NS
        if now >= self._sample_at:
            records += self._samples(now)
            self._sample_at = now + SAMPLE_NS
        return records

    def _present(self, pids: Iterable[int], now: Nanos) -> list[Record]:
        """Those not followed yet, oldest first, without those that `births` tells of."""
        stats = {pid: stat for pid in pids if pid not in self._tree and (stat := proc.stat(pid))}
        boot_ns = clock.boot_offset_ns()
        young_at = max(self._opened_at, now - TOLD_BY_BIRTHS_NS)
        records: list[Record] = []
        for pid, stat in sorted(stats.items(), key=lambda item: (item[1].born_ticks, item[0])):
            born_at = proc.born_at(stat.born_ticks, boot_ns)
            told = not self._polled and born_at >= young_at and pid not in self._watched.roots
            if not told and stat.state not in GONE_STATES:
                records.append(self._person(pid, stat, born_at, now))
        self._tree |= {record.pid for record in records if isinstance(record, Present)}
        return records

    def _person(self, pid: int, stat: proc.Stat, born_at: Nanos, now: Nanos) -> Present:
        listens = self._watched.held_by(pid)
        holds = None if listens is None else bool(listens)
        argv, exe = proc.argv(pid), proc.exe(pid)
        embeds = self._embedded(pid)
        person = (pid, stat.parent, born_at, argv, exe, stat.name)
        return Present(now, *person, holds, embeds, listens or frozenset())

    def _embedded(self, pid: int) -> str | None:
        if pid in self._mapped:
            return None
        self._mapped.add(pid)
        return interpreters.embedded(pid)

    def _poll(self, polled: Polled, now: Nanos) -> list[Record]:
        records: list[Record] = []
        if not self._polling_told:
            self._polling_told = True
            text = POLLED_TEXT.format(reason=self._no_births)
            records.append(Observed(now, "births-polled", "warn", text))
            records.append(Missed(now, NAME, "process_events", None))
        return records + polled.read(self._tree, now)

    def _samples(self, now: Nanos) -> list[Record]:
        records: list[Record] = []
        for pid in sorted(self._tree):
            if sampled := self._sampled(pid, now):
                self._absences.pop(pid, None)
                records.append(sampled)
            else:
                records += self._absent(pid, now)
        return records if self._polled else records + self._latecomers(now)

    def _sampled(self, pid: int, now: Nanos) -> Sampled | None:
        """None: it has gone, or is a zombie."""
        try:
            process = self._processes.get(pid) or psutil.Process(pid)
            self._processes[pid] = process
            if not process.is_running():  # gone, or the pid is somebody else's by now
                return None
            with process.oneshot():
                cpu = process.cpu_times()
                state = STATE_LETTERS.get(process.status())
                n_threads, rss_bytes = process.num_threads(), process.memory_info().rss
        except psutil.NoSuchProcess:  # ZombieProcess is one
            return None
        listens = self._watched.held_by(pid, MAX_DESCRIPTORS)
        holds = None if listens is None else bool(listens)
        cpu_ns = round((cpu.user + cpu.system) * SECOND_NS)
        n_fds = _n_descriptors(process)
        embeds = self._embedded(pid)
        looks = (cpu_ns, rss_bytes, n_threads, n_fds, state)
        return Sampled(now, pid, *looks, holds, embeds, listens or frozenset())

    def _absent(self, pid: int, now: Nanos) -> list[Record]:
        self._processes.pop(pid, None)
        self._absences[pid] = self._absences.get(pid, 0) + 1
        if self._absences[pid] != N_ABSENCES:
            return []
        return [Exited(now, pid, None, None)]

    def _latecomers(self, now: Nanos) -> list[Record]:
        """Old enough that their birth would have been told: it was missed."""
        boot_ns = clock.boot_offset_ns()
        strangers = kinship.descendants(self._tree) - self._tree
        stats = ((pid, proc.stat(pid)) for pid in strangers)
        late = [
            pid
            for pid, stat in stats
            if stat and proc.born_at(stat.born_ticks, boot_ns) < now - LATE_NS
        ]
        return self._present(late, now)


def _n_descriptors(process: psutil.Process) -> int | None:
    try:
        return process.num_fds()
    except (psutil.AccessDenied, psutil.NoSuchProcess):  # another user's; or gone
        return None


def open_tap(plan: Plan, now: Nanos) -> Census | Shut | None:
    """None: nothing to watch was named."""
    if not (plan.ports or plan.socket or plan.pid):
        return None
    if sys.platform != "linux":
        return Shut(TapState(now, NAME, "absent", "the process tree is read from Linux's /proc"))
    return Census(plan, now, births.unavailable())
