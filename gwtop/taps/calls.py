"""Calls: the bytes of a socket, unix or TCP, as the watched workers' own system calls move them.

In: the plan's socket, its ports where packets are left alone, the tree as it is followed. Out:
Opened, Chunk, Lost and Closed of their connections, `Touched` with each read's process and thread,
`Missed`, `Metered`, `Observed`. It refuses to know what the bytes say. Those of any other
descriptor stay in the kernel (`ownprog`); where a process may hold what it did not accept, they are
forgotten at once.

No packet capture sees a unix socket, and not everybody who may probe may capture packets. So probes
sit behind the system calls of the workers' libc (`sites`), defined in tracefs (`probes`), planted
in the watched processes alone (`planted`); a program at each copies what was moved (`callprog`),
the kernel names a TCP connection's ends (`tcpprog`) and says since when what was read was there
(`arrivals`), and whose it was is decided here (`descriptors`). Nothing is restarted and nothing
stands in the path. Who read is certain.

What it costs, on Linux 6.18 in a virtual machine: 0.8 us a call of the watched processes, of any
descriptor, and 0.07 us for each KiB that is copied (a read of 8 bytes goes from 0.2 to 1.1 us; of
64 KiB from 0.8 to 5.4, or to 1.9 where that is no connection's); elsewhere what `arrivals` says.
`Metered` tells how many calls there were.
"""

import os
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Metered, Missed, Observed, Record, TapState
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import (
    acceptors,
    arrivals,
    callprog,
    chosen,
    kinship,
    libcs,
    proc,
    tracefs,
    underway,
)
from gwtop.taps.acceptors import Acceptors
from gwtop.taps.callprog import Call
from gwtop.taps.delayed import Delayed
from gwtop.taps.descriptors import Descriptors
from gwtop.taps.ebpf import NoBpfError
from gwtop.taps.kernelside import KernelSide
from gwtop.taps.libcs import Libc, Libcs
from gwtop.taps.planted import Planted
from gwtop.taps.privilege import TRACING, held, needed
from gwtop.taps.probes import Definitions
from gwtop.taps.shut import Shut
from gwtop.taps.sites import How, by_page_offset
from gwtop.taps.sockets_held import sockets_of
from gwtop.taps.tracefs import NoTracefsError

NAME = "calls"
FIRST_CONN = 1 << 41  # other taps number their connections from elsewhere
PAUSE_NS = 10 * MILLISECOND_NS  # as the other rings are left alone
MAX_CALLS_PER_READ = 8192  # 20 ms of our work
LOOK_NS = SECOND_NS
_RELAY = "gwtop tap, a relay in the path, shows it"
WORDS = {
    "go": (
        "calls-go",
        "{} is a Go program, which does its system calls itself; what it reads and writes is not "
        f"seen: {_RELAY}",
    ),
    "static": (
        "calls-static",
        "{} has no C library of its own to be probed (a static program?); what it reads and "
        f"writes is not seen: {_RELAY}",
    ),
    "io_uring": (
        "calls-io-uring",
        "{} has an io_uring; what it reads and writes through it, if it is more than files, is "
        f"not seen: {_RELAY}",
    ),
    "no_site": (
        "calls-no-site",
        "{}: where some functions do their system call is not known, so it is left alone; only "
        "lengths, times and pids are told",
    ),
    "no_arrivals": (
        "calls-no-arrivals",
        "This kernel does not tell when bytes arrive at {} (Linux 6.3 does): a request begins with "
        "the worker's first read of it, and how long it waited for that is not known",
    ),
    "refused": ("calls-refused", "{} may not be probed; its requests are not seen"),
    "many": ("calls-refused", "{} is one C library too many to be probed at once"),
}
"""Why some bytes are not seen: code and text."""


class Calls:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, where: Acceptors, copy_bytes: int, now: Nanos) -> None:
        """Raises NoTracefsError, NoBpfError, OSError."""
        self._where = where
        self._covered: dict[int, int] = {}
        """Process: since which tick of the machine's children of it inherit its probes."""
        self._libcs = Libcs()
        self._planted: dict[int, list[Planted]] = {}
        """By the libc's descriptor."""
        self._everywhere: list[int] = []
        self._is_open = False
        self._told: set[tuple[str, str]] = set()
        self.words: list[Record] = []
        """To be told with what is read next."""
        self._n_calls = self._n_missed = self._per_s = 0
        self._metered_at = now
        self._pause_until: Nanos | None = None
        self._look_at = now + LOOK_NS
        self._definitions = Definitions()
        try:
            self._kernel = KernelSide(copy_bytes)
            self._descriptors = Descriptors(
                FIRST_CONN, self._listener_of, copy_bytes > 0, self._kernel.owned
            )
            self._everywhere = self._kernel.follow_processes(self._definitions)
            if where.ports:
                self._kernel.follow_tcp(self._definitions, where.ports)
            if not self._kernel.follow_arrivals(where.path is not None):
                self._say("no_arrivals", where.listen or "watched sockets", None)
            self._find()
        except (NoTracefsError, NoBpfError, OSError):
            self.close()
            raise
        self._is_open = True
        self.behind_at: Nanos | None = None
        self.state = TapState(now, NAME, "open", None, ("frames",), sees_reads=True)

    # -- whom ---------------------------------------------------------------------------------

    def _find(self) -> None:
        """The listener's owners, with the rights that we have now; then what is open there."""
        self._where.look()
        if self._where.links:
            tops = kinship.roots(kinship.owners(self._where.links).pids)
            self._cover(sorted(kinship.descendants(tops)))

    def _find_open(self, pids: Collection[int]) -> None:
        """What these have in hand already; once their probes are there, so that none is between."""
        there, names = self._where.accepted(), self._where.links
        for link, holders in sockets_of(pids).items():
            if link in there:
                server, client = there[link]
                open_there = list(_naming(link, holders))
                for pid, fd in open_there:
                    self._kernel.owned.put(pid, fd)
                self._kernel.owned.held(holders)
                self._descriptors.was_open(server, open_there, client)
            elif link in names:
                for pid, fd in _naming(link, holders):
                    self._descriptors.listens(pid, fd, self._where.name_of(link) or "")
                self._kernel.owned.concern(holders)
        self._kernel.owned.keep(pids)

    def _cover(self, pids: Sequence[int]) -> None:
        """Plants probes in those that do not inherit them."""
        fresh = [pid for pid in pids if not self._inherits(pid)]
        for pid in fresh:
            found = self._libcs.of(pid)
            if (why := libcs.blind(pid, found)) is not None:
                self._say(why, _name_of(pid), pid)
            for libc in found:
                self._plant(libc, pid)
        if fresh:
            self._find_open(fresh)

    def _inherits(self, pid: int) -> bool:
        """A child of one that had its probes before it was born."""
        stat = proc.stat(pid)
        since = None if stat is None else self._covered.get(stat.parent)
        inherits = stat is None or (since is not None and since < stat.born_ticks)
        now_ticks = (clock.now() - clock.boot_offset_ns()) // proc.tick_ns()
        self._covered[pid] = 0 if inherits else now_ticks + 1
        return inherits

    def _plant(self, libc: Libc, pid: int) -> None:
        if libc.found.without:
            self._say("no_site", libc.path, pid)
            return
        for one in self._probes_of(libc, pid):
            try:
                one.plant(pid)
            except OSError:  # rights that we gave away, or no more descriptors
                self._say("refused", _name_of(pid), pid)
        if any(site.how is How.ENTRY for site in libc.found.sites):
            for call in underway.of(pid):
                self._kernel.entered(pid, call)

    def _probes_of(self, libc: Libc, pid: int) -> list[Planted]:
        """A library that the kernel refuses when the tap is opened ends that; later it is told."""
        if libc.descriptor not in self._planted:
            try:
                self._planted[libc.descriptor] = list(self._define(libc))
            except OSError:
                if not self._is_open:
                    raise
                self._planted[libc.descriptor] = []
                self._say("refused", libc.path, pid)
        return self._planted[libc.descriptor]

    def _define(self, libc: Libc) -> Iterator[Planted]:
        for group in by_page_offset(libc.found.sites):
            program = self._kernel.program_for(libc.machine, group)
            if program is None:
                self._say("many", libc.path, None)
                return
            offsets = [site.offset for site in group]
            event = self._definitions.define(libc.descriptor, libc.path, offsets)
            yield Planted(event, program)

    def _say(self, why: str, name: str, pid: int | None) -> None:
        """Once of each."""
        if (why, name) in self._told:
            return
        self._told.add((why, name))
        code, text = WORDS[why]
        said = Observed(clock.now(), code, "warn", text.format(name), pid, self._where.listen)
        self.words.append(said)

    def _listener_of(self, pid: int, fd: int) -> str | None:
        return self._where.name_of(proc.link(f"/proc/{pid}/fd/{fd}"))

    def follow(self, pids: Collection[int]) -> None:
        fresh = frozenset(pids) - self._covered.keys()
        if fresh:
            self._cover(sorted(fresh))
        if len(self._covered) > len(pids):
            self._covered = {pid: self._covered[pid] for pid in pids}

    # -- reading ------------------------------------------------------------------------------

    def fileno(self) -> int:
        return self._kernel.ring.descriptor if self._pause_until is None else -1

    def due_at(self) -> Nanos | None:
        due = (self._look_at, self._pause_until, self._descriptors.kept.look_at)
        return min(at for at in due if at is not None)

    def read(self, now: Nanos) -> list[Record]:
        records: list[Record] = []
        calls = [callprog.parse(record) for record in self._kernel.ring.read(MAX_CALLS_PER_READ)]
        offset_ns = clock.monotonic_offset_ns()
        is_behind = self._kernel.ring.is_behind and len(calls) >= MAX_CALLS_PER_READ
        self.behind_at = calls[-1].at_ns + offset_ns if is_behind else None
        pauses = bool(calls) or not self._kernel.rest(False)
        self._pause_until = now + (0 if is_behind else PAUSE_NS) if pauses else None
        self._kernel.rest(pauses)
        self._n_calls += len(calls)
        for whole, n_missed in self._unbroken(calls):
            if n_missed:
                at = whole[0].at_ns + offset_ns
                records.append(Missed(at, NAME, "frames", n_missed))
                records += self._descriptors.cut(at)
            records += self._descriptors.records(whole, offset_ns)
        records += self._descriptors.kept.waiting(now)
        if now >= self._look_at:
            records += self._look(now)
        words, self.words = self.words, []
        return words + records

    def _unbroken(self, calls: list[Call]) -> Iterator[tuple[list[Call], int]]:
        """Calls with none missing among them, and how many before them are."""
        start, n_missed = 0, 0
        for place, call in enumerate(calls):
            if call.n_refused > self._n_missed:
                if place > start:
                    yield calls[start:place], n_missed
                start, n_missed = place, call.n_refused - self._n_missed
                self._n_missed = call.n_refused
        if start < len(calls):
            yield calls[start:], n_missed

    def _look(self, now: Nanos) -> list[Record]:
        self._look_at = now + LOOK_NS
        self._where.look()
        n_calls, self._n_calls = self._n_calls, 0
        self._per_s = n_calls * SECOND_NS // max(now - self._metered_at, 1)
        self._metered_at = now
        return [*self._missed_since(now), self._metered(now)]

    def _missed_since(self, now: Nanos) -> list[Record]:
        """The next record would say that some were refused; there is none."""
        n_missed = self._kernel.n_refused() - self._n_missed
        if n_missed <= 0 or self._kernel.ring.is_behind:
            return []
        self._n_missed += n_missed
        return [Missed(now, NAME, "frames", n_missed), *self._descriptors.cut(now)]

    def _metered(self, at: Nanos) -> Metered:
        return Metered(at, NAME, self._per_s, self._kernel.n_refused(), self._kernel.copy_bytes)

    def set_copy(self, n_bytes: int) -> list[Record]:
        """Of each call from now on; 0: lengths only. Needs no right."""
        at = clock.now()
        self._kernel.set_copy(n_bytes)
        return [*self._descriptors.show(n_bytes > 0, at), self._metered(at)]

    def set_ports(self, ports: Sequence[int]) -> None:
        """These, too, from now on. Needs no right, but for processes that have no probes yet."""
        if self._where.ports:
            self._where.ports = tuple(ports)
            self._kernel.watch_ports(ports)
            self._find()

    def close(self) -> None:
        for one in (one for several in self._planted.values() for one in several):
            one.close()
        for descriptor in self._everywhere:
            os.close(descriptor)
        self._planted, self._everywhere = {}, []
        self._definitions.close()
        self._libcs.close()
        if hasattr(self, "_kernel"):
            self._kernel.close()


def _name_of(pid: int) -> str:
    stat = proc.stat(pid)
    return f"process {pid}" if stat is None else stat.name.decode("ascii", "replace")


def _naming(link: str, pids: Collection[int]) -> Iterator[tuple[int, int]]:
    for pid in pids:
        for fd in proc.descriptors(pid):
            if proc.link(f"/proc/{pid}/fd/{fd}") == link:
                yield pid, int(fd)


def unavailable() -> NoBpfError | NoTracefsError | None:
    """Why calls cannot be seen here; None: they can. Mounts, defines and plants nothing."""
    try:
        KernelSide(0).close()
    except NoBpfError as reason:
        return reason
    if tracefs.may_make():
        return None
    return NoTracefsError("probes are defined in tracefs, which we may not change", refused=True)


def lacks_arrivals() -> bool:
    """Whether this kernel does not tell when bytes come. False where tracefs is not mounted."""
    place = tracefs.mounted()
    return place is not None and not os.path.exists(f"{place}/events/{arrivals.EVENT}")


def open_tap(plan: Plan, now: Nanos) -> Calls | Delayed | Shut | None:
    """None: no listener is watched like this, or its bytes come through a relay."""
    ports = acceptors.ports_of(plan)
    if (plan.socket is None and not ports) or plan.relay is not None:
        return None
    if sys.platform != "linux":
        return Shut(TapState(now, NAME, "absent", "the calls of processes are seen on Linux only"))
    try:
        calls = Calls(Acceptors(plan.socket, ports, plan.host), plan.copy_bytes, now)
        calls.words += chosen.words(plan, now)
        return Delayed(calls) if plan.ports and not ports else calls
    except (NoTracefsError, NoBpfError) as reason:
        return _shut(now, plan, str(reason), reason.refused)
    except OSError as error:
        reason_text = f"probes cannot be planted: {error.strerror}"
        return _shut(now, plan, reason_text, isinstance(error, PermissionError))


def _shut(now: Nanos, plan: Plan, reason: str, refused: bool) -> Shut:
    state: Literal["refused", "absent"] = "refused" if refused else "absent"
    # Root is not told that root is needed.
    lacks = refused and not held() >= TRACING
    wants = needed("ring" if plan.is_capture_open else NAME, plan) if lacks else reason
    return Shut(TapState(now, NAME, state, wants))
