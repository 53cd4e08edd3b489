"""Planted probes: which processes' copies of a library hold the breakpoints.

In: an event's number, a program, processes. Out: nothing that could be read: what is seen comes
through the program. It refuses to know what that is.

perf_event_open with a process plants the event's breakpoints in that process's memory alone, and
with `inherit` in its children's: the rest of the machine runs as fast as before (tracefs' own
`enable` would slow every process that maps the library). Each thread has an event of its own, for
only then do its children inherit it; the program runs once however many events there are. The end
of the last descriptor takes the breakpoints away; until then those of processes that have ended
are kept, for what their children inherited would end with them.
"""

import ctypes
import errno
import fcntl
import os
import platform
from collections.abc import Collection
from struct import Struct

from gwtop.taps import proc
from gwtop.taps.perf import FLAG_FD_CLOEXEC, INHERIT, NR_PERF_EVENT_OPEN

TRACEPOINT = 2  # linux/perf_event.h PERF_TYPE_TRACEPOINT
ATTRIBUTE = Struct("<IIQQQQQ80x")  # perf_event_attr, PERF_ATTR_SIZE_VER6 or less
SET_BPF, ENABLE = 0x40042408, 0x2400  # _IOW('$', 8, __u32), _IO('$', 0)
ANY_CPU, NO_GROUP, EVERY_PROCESS = -1, -1, -1


class Planted:
    """One event in any number of processes."""

    def __init__(self, event: int, program: int) -> None:
        self._event = event
        self._program = program
        self._open: dict[int, dict[int, int]] = {}
        """Process: thread: descriptor."""
        self._running = -1
        """The event that the program was given to."""

    def processes(self) -> Collection[int]:
        return self._open.keys()

    def plant(self, pid: int) -> bool:
        """In this process and its children to come; whether it was there. Raises OSError."""
        mine = self._open.setdefault(pid, {})
        while fresh := [thread for thread in proc.threads(pid) if thread not in mine]:
            for thread in fresh:
                mine[thread] = self._attach(thread)
        if any(descriptor >= 0 for descriptor in mine.values()):
            return True
        del self._open[pid]
        return False

    def _attach(self, thread: int) -> int:
        try:
            descriptor = open_event(self._event, thread)
        except ProcessLookupError:
            return -1
        if self._running < 0:
            self._running = self._run(thread)
        return descriptor

    def _run(self, thread: int) -> int:
        """The program is the event's, wherever it is planted; but what is inherited takes it away
        at its end (kernel/events/core.c, perf_event_alloc and _free_event; measured on 6.18)."""
        try:
            alone = open_event(self._event, thread, inherits=False)
        except ProcessLookupError:
            return -1
        fcntl.ioctl(alone, SET_BPF, self._program)
        return alone

    def close(self) -> None:
        for threads in self._open.values():
            _close(threads.values())
        _close([self._running])
        self._open, self._running = {}, -1


def _close(descriptors: Collection[int]) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)


def open_event(event: int, thread: int, cpu: int = ANY_CPU, inherits: bool = True) -> int:
    """A trace event's descriptor. Raises OSError."""
    call = NR_PERF_EVENT_OPEN.get(platform.machine())
    if call is None:
        raise OSError(errno.ENOSYS, f"no perf_event_open known for {platform.machine()}")
    flags = INHERIT if inherits else 0
    attribute = ATTRIBUTE.pack(TRACEPOINT, ATTRIBUTE.size, event, 0, 0, 0, flags)
    block = ctypes.create_string_buffer(attribute, ATTRIBUTE.size)
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = int(library.syscall(call, block, thread, cpu, NO_GROUP, FLAG_FD_CLOEXEC))
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return descriptor


def everywhere(event: int, program: int) -> int:
    """Runs the program at a trace event of the kernel's own, in whatever process it happens."""
    descriptor = open_event(event, EVERY_PROCESS, 0, inherits=False)
    fcntl.ioctl(descriptor, SET_BPF, program)
    fcntl.ioctl(descriptor, ENABLE, 0)
    return descriptor
