"""Lineage: process records in, the watched tree out, each pid with its generations.

In: Forked, Execed, Exited, Present, Sampled. Out: `Process`es and the process facts. Which request
a process was made for is asked of `attribution`; this file knows no request, only the id that
attribution wrote on the process.

This is the one file that turns a pid into an identity: a pid is reused, a `Process` is not. The
taps report the watched tree only, so whatever arrives here belongs to it.

`process_born` is written at exec, at exit or 100 ms after the fork, as soon as the request is known
that it belongs to; unknown, 100 ms after the fork. What a process was made for is settled 80 ms
after the request's end, so of a short program it is known by then. `process_exited` says how many
requests it served, so it comes after the requests that ended before it (`EXIT_WAIT_NS`).
"""

from collections import deque
from collections.abc import Callable, Collection

from gwtop.nouns.facts import (
    UNSET,
    Fact,
    ProcessSample,
    Role,
    UnixWork,
)
from gwtop.nouns.records import Execed, ExecRefused, Exited, Forked, Named, Present, Sampled, Spent
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos, instant
from gwtop.tracker import answerers, lives, spending
from gwtop.tracker.lives import name_of
from gwtop.tracker.process import DISORDER_NS, Process

BORN_WAIT_NS = 100 * MILLISECOND_NS  # INTERFACE.md, process_born
EXIT_WAIT_NS = 90 * MILLISECOND_NS  # requests settle after 80 ms; two clocks, and a slice
MAX_BIRTHS = 8192  # births kept for the requests that still settle (80 ms at 10,000/s, tenfold)
MAX_DEAD = 4096  # the dead that a settling request may still ask for
MAX_NAMES = 8192  # execs of the whole machine; a name waits 30 ms for its process
ENOENT = 2  # errno-base.h


class Lineage:
    """The watched tree, now and a little while ago."""

    def __init__(self, details: bool, show_secrets: bool, front: int | None) -> None:
        self._details = details
        self._show_secrets = show_secrets
        self._front = front
        self._live: dict[int, Process] = {}
        self._births: deque[Process] = deque(maxlen=MAX_BIRTHS)
        self._untold: list[Process] = []
        self._exits: list[Process] = []
        self._dead: deque[Process] = deque(maxlen=MAX_DEAD)
        self._names: dict[int, Named] = {}
        self._refusals: dict[int, ExecRefused] = {}
        self.passing: Collection[str] = ()
        """Servers that were seen to pass requests on to others that are watched."""
        self.lived: Callable[[Nanos], None] = lambda lifetime_ns: None
        """Called for each that was made for a request, when its end is told."""
        self.awaits_accounts = False
        """A `Spent` comes for each that ends."""
        self.changed = 0
        """Grows whenever the set of live pids does."""
        self.any_seen = False
        """Some process of the tree was seen at some time; else nothing is known of processes."""
        self.n_born = 0
        self.n_exited = 0

    # -- records ------------------------------------------------------------------------------

    def present(self, record: Present) -> list[Fact]:
        known = self._live.get(record.pid)
        if known is not None:
            known.holds_listener, known.listens = record.holds_listener, record.listens
            known.argv = known.argv or record.argv
            known.embeds = record.embeds or known.embeds
            return []
        process = self._add(record.pid, record.parent)
        process.born_at = record.born_at
        process.argv = record.argv
        process.name = name_of(record.argv, record.name)
        process.holds_listener, process.listens = record.holds_listener, record.listens
        process.embeds = record.embeds
        process.told = True
        self._adopt(process)
        process.told_role = self.role(process)
        return [lives.seen(process, record, process.told_role)]

    def forked(self, record: Forked) -> Process | None:
        """The new process; None if it was there before we looked (a late event)."""
        known = self._live.get(record.pid)
        if known is not None:
            if known.born_at is not None and record.at <= known.born_at + SECOND_NS // 50:
                return None  # /proc counts births in ticks of 10 ms, so allow two of them
            self._bury(known, record.at)
        process = self._add(record.pid, record.parent)
        process.birth = True
        process.born_at = record.at
        process.due_at = record.at + BORN_WAIT_NS
        parent = process.parent
        if parent is not None:
            process.argv, process.name = parent.argv, parent.name
            process.holds_listener, process.listens = parent.holds_listener, parent.listens
            process.embeds = parent.embeds
        self.n_born += 1
        self._births.append(process)
        self._untold.append(process)
        return process

    def execed(self, record: Execed) -> Process | None:
        process = self._live.get(record.pid)
        if process is None:
            return None
        process.execed = True
        process.embeds = None
        process.listens = frozenset()
        process.holds_listener = False  # sockets are close-on-exec by habit; a sample corrects it
        process.argv = record.argv
        process.name = name_of(record.argv, record.exe) or process.name
        if record.environ is not None:
            process.environ = dict(record.environ)
        return process

    def exited(self, record: Exited) -> Process | None:
        process = self._live.get(record.pid)
        if process is None:
            return None
        process.code, process.signal = record.code, record.signal
        self._bury(process, record.at)
        return process

    def sampled(
        self, record: Sampled, busy_with: list[int], unix: UnixWork | None = None
    ) -> list[Fact]:
        process = self._live.get(record.pid)
        if process is None:
            return []
        percent = None
        if record.cpu_ns is not None:
            if process.cpu_ns is not None and process.sampled_at is not None:
                span_ns = max(record.at - process.sampled_at, 1)
                percent = round(max(record.cpu_ns - process.cpu_ns, 0) * 100 / span_ns, 1)
            process.cpu_ns, process.sampled_at = record.cpu_ns, record.at
        if record.rss_bytes is not None:
            process.max_rss_bytes = max(process.max_rss_bytes or 0, record.rss_bytes)
        if record.holds_listener is not None:
            process.holds_listener, process.listens = record.holds_listener, record.listens
        process.embeds = record.embeds or process.embeds
        process.told_role = self.role(process)
        return [
            ProcessSample(
                at=instant(record.at),
                pid=record.pid,
                role=process.told_role,
                cpu_percent=percent,
                rss_bytes=record.rss_bytes,
                threads=record.n_threads,
                fds=record.n_fds,
                state=record.state,
                requests=process.n_requests,
                busy_with=busy_with,
                unix=UNSET if unix is None else unix,
            )
        ]

    def spent(self, record: Spent) -> None:
        """The account of a process that ends, or ended a moment ago."""
        process = spending.whose(record, self._live.get(record.pid), self._exits)
        if process is not None:
            spending.write_down(record, process)

    def named(self, record: Named) -> None:
        """The file a process exec'ed; kept until its birth is told."""
        self._names.pop(record.pid, None)
        if len(self._names) >= MAX_NAMES:
            del self._names[next(iter(self._names))]
        self._names[record.pid] = record

    def refused(self, record: ExecRefused) -> None:
        """Kept for the request that the process was made for. Along PATH the one that counts is
        not that a folder lacks the program."""
        known = self._refusals.pop(record.pid, None)
        if known is not None and record.error == ENOENT and record.at - known.at < SECOND_NS:
            record = known
        elif len(self._refusals) >= MAX_NAMES:
            del self._refusals[next(iter(self._refusals))]
        self._refusals[record.pid] = record

    def refusal(self, process: Process) -> int | None:
        """The errno with which its wish to become a program was refused."""
        record = self._refusals.get(process.pid)
        return None if record is None or not process.lived_at(record.at) else record.error

    def _take_name(self, process: Process) -> bool:
        """Names a process that was gone before anybody could look; whether it has a name."""
        if not process.execed or process.argv is not None:
            return True
        named = self._names.get(process.pid)
        if named is None or not process.lived_at(named.at):
            return False
        process.name = name_of(None, named.name)
        return True

    # -- facts that wait ----------------------------------------------------------------------

    def settle(self, at: Nanos) -> list[Fact]:
        """Births and exits whose time has come: births first, and lives of one pid one by one, so
        that whoever knows only pids takes no exit for that of the next process."""
        facts: list[Fact] = []
        while self._untold or self._exits:
            told = self._tell_births(at) + self._tell_exits(at)
            if not told:
                break
            facts += told
        return facts

    def _tell_births(self, at: Nanos) -> list[Fact]:
        facts: list[Fact] = []
        waiting: list[Process] = []
        ends: dict[int, Process] = {}
        """By pid the first end that was not told."""
        for process in reversed(self._exits):
            ends[process.pid] = process
        for process in self._untold:
            has_name = self._take_name(process)
            is_over = process.execed or not process.alive
            is_known = is_over and process.request is not None and has_name
            is_next = ends.get(process.pid, process) is process
            if is_next and (is_known or process.due_at <= at):
                facts.append(self._tell_birth(process))
            else:
                waiting.append(process)
        self._untold = waiting
        return facts

    def _tell_exits(self, at: Nanos) -> list[Fact]:
        facts: list[Fact] = []
        staying: list[Process] = []
        for process in self._exits:
            if process.told and (_exit_due_at(process) <= at or self._all_is_known(process)):
                facts.append(self._tell_exit(process))
            else:
                staying.append(process)
        self._exits = staying
        return facts

    def _all_is_known(self, process: Process) -> bool:
        """Of an exit: nothing more is awaited."""
        is_accounted = process.accounted or process.clocked or not self.awaits_accounts
        return process.request is not None and is_accounted

    def due_at(self) -> Nanos | None:
        """When `settle` has something to tell at the latest; no exit is told before its birth."""
        times = [p.due_at for p in self._untold]
        times += [_exit_due_at(p) for p in self._exits if p.told]
        return min(times) if times else None

    def _tell_exit(self, process: Process) -> Fact:
        if process.request is not None and process.born_at is not None:
            self.lived((process.exited_at or process.born_at) - process.born_at)
        return lives.exited(process, self.role(process))

    def _tell_birth(self, process: Process) -> Fact:
        process.told = True
        process.told_role = self.role(process)
        return lives.born(process, process.told_role, self._details, self._show_secrets)

    # -- questions ----------------------------------------------------------------------------

    def live_pids(self) -> frozenset[int]:
        return frozenset(self._live)

    def find(self, pid: int) -> Process | None:
        return self._live.get(pid)

    def find_then(self, pid: int, at: Nanos) -> Process | None:
        """Who had this pid at that instant; also one that has died since."""
        process = self._live.get(pid)
        if process is not None and process.lived_at(at):
            return process
        for process in reversed(self._dead):
            if process.pid == pid and process.lived_at(at):
                return process
        return None

    def made_for(self, request: int, pid: int | None, since: Nanos) -> Process | None:
        """The process that was born for this request and answered it, also if it is gone."""
        born = self.born_since(since - DISORDER_NS) if pid is not None else []
        return next((p for p in born if p.pid == pid and p.request == request), None)

    def born_since(self, at: Nanos) -> list[Process]:
        """Births from about `at` on, newest first, the dead included."""
        born: list[Process] = []
        for process in reversed(self._births):
            if (process.born_at or 0) < at - DISORDER_NS:
                break
            born.append(process)
        return born

    def answerers(self) -> list[Process]:
        """Who can answer, mere masters and those that only pass on left out."""
        return answerers.able(self._live.values(), self.passing)

    def passes_on(self, listener: str) -> bool:
        """Whether what arrives there was seen to be passed on."""
        return any(answerers.is_at(listener, server) for server in self.passing)

    def only_answerer(self, server: str | None = None) -> Process | None:
        """The one process that could answer there, when that is certain; else None."""
        return answerers.only_one(self._live.values(), server)

    def role(self, process: Process) -> Role:
        return lives.role(process, self._front)

    # -- the tree -----------------------------------------------------------------------------

    def _add(self, pid: int, parent_pid: int) -> Process:
        parent = self._live.get(parent_pid)
        process = Process(pid, parent_pid, parent)
        if parent is not None:
            parent.children.append(process)
        self._live[pid] = process
        self.any_seen = True
        self.changed += 1
        return process

    def _adopt(self, process: Process) -> None:
        """Children that were seen before their parent."""
        for other in self._live.values():
            if other.parent is None and other.parent_pid == process.pid and other is not process:
                other.parent = process
                process.children.append(other)

    def _bury(self, process: Process, at: Nanos) -> None:
        process.exited_at = at
        del self._live[process.pid]
        if process.parent is not None:
            siblings = process.parent.children
            # Exits come roughly in order of birth: the dead one is near the front.
            siblings.remove(process)
        self._exits.append(process)
        self._dead.append(process)
        self.n_exited += 1
        self.changed += 1


def _exit_due_at(process: Process) -> Nanos:
    return (process.exited_at or 0) + EXIT_WAIT_NS
