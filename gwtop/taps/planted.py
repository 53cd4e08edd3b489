"""Planted probes: which processes' copies of a library hold the breakpoints.

In: an event's number, a program, processes. Out: nothing that could be read: what is seen comes
through the program. It refuses to know what that is.

perf_event_open with a process plants the event's breakpoints in that process's memory alone, and
with `inherit` in its children's: the rest of the machine runs as fast as before (tracefs' own
`enable` would slow every process that maps the library). Each thread has an event of its own, for
only then do its children inherit it; the program runs once however many events there are. The end
of the last descriptor takes the breakpoints away.
"""

import ctypes
import errno
import fcntl
import os
import platform
from collections.abc import Collection
from struct import Struct

from gwtop.taps import proc

SYS_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241}  # asm/unistd_64.h, asm-generic/unistd.h
TRACEPOINT = 2  # linux/perf_event.h PERF_TYPE_TRACEPOINT
FD_CLOEXEC = 8  # PERF_FLAG_FD_CLOEXEC
INHERIT = 1 << 1
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
        self._has_program = False

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
        if not self._has_program:
            fcntl.ioctl(descriptor, SET_BPF, self._program)
            self._has_program = True
        return descriptor

    def keep(self, pids: Collection[int]) -> None:
        """Gives back what processes that have ended no longer need."""
        for pid in [pid for pid in self._open if pid not in pids]:
            _close(self._open.pop(pid).values())

    def close(self) -> None:
        for threads in self._open.values():
            _close(threads.values())
        self._open = {}


def _close(descriptors: Collection[int]) -> None:
    for descriptor in descriptors:
        if descriptor >= 0:
            os.close(descriptor)


def open_event(event: int, thread: int, cpu: int = ANY_CPU) -> int:
    """A trace event's descriptor. Raises OSError."""
    call = SYS_PERF_EVENT_OPEN.get(platform.machine())
    if call is None:
        raise OSError(errno.ENOSYS, f"no perf_event_open known for {platform.machine()}")
    flags = 0 if thread == EVERY_PROCESS else INHERIT
    attribute = ATTRIBUTE.pack(TRACEPOINT, ATTRIBUTE.size, event, 0, 0, 0, flags)
    block = ctypes.create_string_buffer(attribute, ATTRIBUTE.size)
    library = ctypes.CDLL(None, use_errno=True)
    descriptor = int(library.syscall(call, block, thread, cpu, NO_GROUP, FD_CLOEXEC))
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return descriptor


def everywhere(event: int, program: int) -> int:
    """Runs the program at a trace event of the kernel's own, in whatever process it happens."""
    descriptor = open_event(event, EVERY_PROCESS, 0)
    fcntl.ioctl(descriptor, SET_BPF, program)
    fcntl.ioctl(descriptor, ENABLE, 0)
    return descriptor
