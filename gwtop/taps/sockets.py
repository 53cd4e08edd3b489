"""Sockets: which thread of which process read which watched connection, seen by the kernel.

In: the plan's ports, the tree as it is followed. Out: `Touched` (verb "read"), `Named` (the file
of each exec), `ExecRefused`, `Missed`. It refuses to know what was read, and connections of other
ports.

tcp:tcp_rcv_space_adjust fires in the reader's own context each time data leaves a TCP socket for a
process (recv, read, splice alike; Linux 4.16), and it carries the addresses. So one event, which
the kernel filters by the listener's port, is all there is to it: connections that were open before
we came, workers that we do not know yet, and kernels before 6.3 (which lack sock_recv_length) are
no special cases, and nobody's other sockets are ever in the ring.

task:task_newtask turns thread ids into pids (`threads`). sched:sched_process_exec names programs
that are gone before /proc could be read. syscalls:sys_exit_execve, of which the kernel gives us
only the refused ones, says why a script was never run; while it is on, each system call of the
machine takes 30 ns longer (measured: 185 against 215 for getppid, 6.18).

These three are about everybody, so they are in an instance of their own, which wakes nobody: it is
read with the reads they explain, when the tree has changed, and else once a second.
"""

import os
from collections.abc import Callable, Collection, Sequence
from socket import AF_INET6
from typing import Literal

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import ExecRefused, Missed, Named, Record, TapState, Touched
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import acceptors
from gwtop.taps.addresses import endpoint
from gwtop.taps.privilege import TRACING, held, needed
from gwtop.taps.shut import Shut
from gwtop.taps.threads import Threads
from gwtop.taps.tracefs import Instance, NoTracefsError
from gwtop.taps.tracepages import Format
from gwtop.taps.tracering import PAUSE_NS, TraceRing

NAME = "sockets"
READ = "tcp/tcp_rcv_space_adjust"
NEWTASK = "task/task_newtask"
EXEC = "sched/sched_process_exec"
REFUSED = "syscalls/sys_exit_execve"
BUFFER_KB = 2048  # a CPU: 25,000 events, 1 s at what two cores can do
READS_KB, MAX_READS_KB = 16384, 8192
"""Reads, of all CPUs and of one: 4 s of an engine that is held up, where there are few CPUs."""
LOOK_NS = SECOND_NS
NO_PORT = "sport == 0"

Handler = Callable[[Nanos, bytes], Record | None]


def reads_kb(n_cpus: int) -> int:
    """For each CPU."""
    return min(max(READS_KB // n_cpus, BUFFER_KB), MAX_READS_KB)


class Sockets:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos) -> None:
        """Raises NoTracefsError."""
        self._threads = Threads()
        self._reads_elsewhere = bool(acceptors.ports_of(plan))
        """What is seen in the workers' calls has its reader from there."""
        self._instance = Instance("reads", reads_kb(os.cpu_count() or 1))
        self._handlers: dict[int, Handler] = {}
        try:
            self._everybodys = Instance("tasks", BUFFER_KB)
        except NoTracefsError:
            self._instance.close()
            raise
        try:
            self._listen(plan.ports)
            self._ring = TraceRing(self._instance, self._everybodys)
        except (OSError, KeyError) as error:
            self._close_instances()
            raise NoTracefsError(f"tracefs: {error}") from error
        self._offset_ns = clock.monotonic_offset_ns()
        self._look_at = now + LOOK_NS
        self.state = TapState(now, NAME, "open", None, sees_reads=True)
        self.behind_at: Nanos | None = None

    def _listen(self, ports: Sequence[int]) -> None:
        """Births first: a thread's first read must not come before its birth."""
        makers = {
            NEWTASK: self._births,
            EXEC: self._names,
            REFUSED: self._refusals,
            READ: self._reads,
        }
        for event, make in makers.items():
            form = self._instance.format(event)
            if form is None and event == READ:
                raise KeyError(f"this kernel has no {READ.replace('/', ':')} (it came with 4.16)")
            if form is not None:
                self._handlers[form.id] = make(form)
        self.set_ports(ports)
        if self._everybodys.format(REFUSED) is not None:
            self._everybodys.filter(REFUSED, "ret < 0")
        for event in makers:
            instance = self._instance if event == READ else self._everybodys
            if instance.format(event) is not None:
                instance.enable(event)

    def set_ports(self, ports: Sequence[int]) -> None:
        """From now on these ports; needs no privilege."""
        ours = " || ".join(f"sport == {port}" for port in ports if not self._reads_elsewhere)
        self._instance.filter(READ, ours or NO_PORT)

    def fileno(self) -> int:
        return self._ring.fileno()

    def due_at(self) -> Nanos | None:
        due_ns = self._ring.due_at_ns()
        return self._look_at if due_ns is None else due_ns + self._offset_ns

    def read(self, now: Nanos) -> list[Record]:
        self._look_at = now + LOOK_NS
        events = self._ring.read(clock.monotonic_ns())
        offset_ns = self._offset_ns = clock.monotonic_offset_ns()
        unread_ns = self._ring.unread_since_ns
        self.behind_at = None if unread_ns is None else unread_ns + offset_ns
        records = self._count_missed(now)
        handlers = self._handlers
        for at_ns, data in events:
            handler = handlers.get(data[0] | data[1] << 8)
            record = None if handler is None else handler(at_ns + offset_ns, data)
            if record is not None:
                records.append(record)
        return records

    def _count_missed(self, now: Nanos) -> list[Record]:
        n, self._ring.n_missed = self._ring.n_missed, 0
        if n == 0:
            return []
        self._threads.forget()
        return [Missed(now, NAME, "process_events", n)]

    def follow(self, pids: Collection[int]) -> None:
        """Their threads are learned while they live; who has come or gone had a name."""
        self._threads.belong_to(pids)
        self._look_at = min(self._look_at, clock.now() + PAUSE_NS)

    def close(self) -> None:
        self._ring.close()
        self._close_instances()

    def _close_instances(self) -> None:
        self._instance.close()
        self._everybodys.close()

    # -- events -------------------------------------------------------------------------------

    def _reads(self, form: Format) -> Handler:
        names = ("common_pid", "sport", "dport", "family", "saddr", "daddr")
        unpack = form.reader(*names, "saddr_v6", "daddr_v6").unpack_from
        pid_of = self._threads.pid_of

        def read(at: Nanos, data: bytes) -> Record:
            thread, sport, dport, family, here, there, here6, there6 = unpack(data)
            if family == AF_INET6:
                here, there = here6, there6
            local, remote = endpoint(here, sport), endpoint(there, dport)
            return Touched(at, pid_of(thread), thread, local, remote, "read", None)

        return read

    def _births(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "pid", "clone_flags").unpack_from
        born = self._threads.born

        def birth(at: Nanos, data: bytes) -> None:
            maker, thread, flags = unpack(data)
            born(thread, maker, flags)

        return birth

    def _names(self, form: Format) -> Handler:
        unpack = form.reader("filename", "pid").unpack_from

        def name(at: Nanos, data: bytes) -> Record:
            where, pid = unpack(data)
            start, n_bytes = where & 0xFFFF, where >> 16  # trace_events.h: __data_loc
            return Named(at, pid, data[start : start + n_bytes].rstrip(b"\0"))

        return name

    def _refusals(self, form: Format) -> Handler:
        unpack = form.reader("common_pid", "ret").unpack_from

        def refused(at: Nanos, data: bytes) -> Record:
            pid, result = unpack(data)
            return ExecRefused(at, pid, -result)

        return refused


def open_tap(plan: Plan, now: Nanos) -> Sockets | Shut | None:
    """None: no port to watch."""
    if not plan.ports:
        return None
    try:
        return Sockets(plan, now)
    except NoTracefsError as reason:
        state: Literal["refused", "absent"] = "refused" if reason.refused else "absent"
        # Root is not told that root is needed.
        lacks = reason.refused and not held() >= TRACING
        wants = needed(NAME, plan) if lacks else str(reason)
        return Shut(TapState(now, NAME, state, wants))
