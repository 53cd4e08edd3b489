"""Perf events: opening one that counts a task's CPU time, and the records its buffer holds.

In: a task and a CPU; the bytes of a buffer. Out: a descriptor; `Born` and `Counted`. It refuses to
know whose processes these are.

The counter is the kernel's own task clock, in software, so it is there in every virtual machine.
It is inherited: a child, thread or process, of a counted task is counted from its first instant
until it gives its memory back, and says then what it counted (`inherit_stat`). Against wait4's
rusage that is 0.1 ms short for a small C program, 0.3 to 0.9 ms of 36 for Python (measured, 6.18).
What was spent before one attached nobody knows. The kernel has no buffer for an inherited counter
over all CPUs, so there is a counter for each CPU, and a task has spent their sum.

A trap: where parent and child have the same counters, a switch from one to the other swaps their
contexts (kernel/events/core.c, perf_event_context_sched_out). The parent's own counters then die
with the child and tell nothing: the first child was missing, always. A counter that is not
inherited makes the two contexts differ (`DUMMY`), and nothing is swapped.

Sources: linux/perf_event.h, asm-generic/unistd.h; perf_event_open(2).
"""

import ctypes
import errno
import mmap
import os
import platform
import struct
from collections.abc import Iterator
from typing import NamedTuple

from gwtop.taps.shared import words

NR_PERF_EVENT_OPEN = {"x86_64": 298, "aarch64": 241, "riscv64": 241}
"""asm/unistd_64.h, asm-generic/unistd.h. Elsewhere more differs: PowerPC numbers its ioctls in
another way, s390x lays out the bits of perf_event_attr from the other end."""
TYPE_SOFTWARE, TASK_CLOCK, DUMMY = 1, 1, 9  # PERF_TYPE_SOFTWARE, PERF_COUNT_SW_*
SAMPLE_TIME = 1 << 2  # PERF_SAMPLE_TIME, which every record then ends with
INHERIT, EXCLUDE_KERNEL, INHERIT_STAT = 1 << 1, 1 << 5, 1 << 11  # bits of perf_event_attr
TASK, SAMPLE_ID_ALL, USE_CLOCKID = 1 << 13, 1 << 18, 1 << 25
FLAG_FD_CLOEXEC = 1 << 3  # PERF_FLAG_FD_CLOEXEC
IOC_SET_OUTPUT = 0x2405  # PERF_EVENT_IOC_SET_OUTPUT
CLOCK_MONOTONIC = 1  # linux/time.h
RECORD_LOST, RECORD_FORK, RECORD_READ = 2, 7, 8  # enum perf_event_type
DATA_HEAD, DATA_TAIL = 1024, 1032  # offsets in struct perf_event_mmap_page
DATA_BYTES = 256 << 10  # 2,000 processes' births and ends; in pages it must be a power of two

ATTR = struct.Struct("=IIQQQQQ44xI16x")
"""struct perf_event_attr, version 5: type, size, config, period, sample_type, read_format, flags;
clockid at offset 92."""
HEADER = struct.Struct("=IHH")  # struct perf_event_header: type, misc, size
FORK = struct.Struct("=IIIIQ")  # pid, ppid, tid, ptid, time
READ = struct.Struct("=IIQQ")  # pid, tid, value; time of sample_id
LOST = struct.Struct("=QQ")  # id, lost


class Born(NamedTuple):
    """A counted task made another one, which is counted, too."""

    at_ns: int
    """CLOCK_MONOTONIC, as all times here."""
    pid: int
    thread: int


class Counted(NamedTuple):
    """What a task spent on one CPU, told at its end."""

    at_ns: int
    pid: int
    thread: int
    cpu_ns: int


class Dropped(NamedTuple):
    """The buffer was full."""

    at_ns: int
    n: int


def attributes(what: int, inherited: bool) -> bytes:
    flags = EXCLUDE_KERNEL | USE_CLOCKID  # of a clock in software it excludes nothing but a refusal
    if inherited:
        flags |= INHERIT | INHERIT_STAT | TASK | SAMPLE_ID_ALL
    kind = TYPE_SOFTWARE, ATTR.size, what, 0, SAMPLE_TIME, 0, flags
    return ATTR.pack(*kind, CLOCK_MONOTONIC)


def open_counter(thread: int, cpu: int, what: int, inherited: bool) -> int:
    """Its descriptor. Thread 0 is this one, CPU -1 any. Raises OSError: EACCES, ENOSYS, ESRCH
    (gone)."""
    number = NR_PERF_EVENT_OPEN.get(platform.machine())
    if number is None:
        raise OSError(errno.ENOSYS, "perf_event_open: no number known for this machine")
    library = ctypes.CDLL(None, use_errno=True)
    wanted = ctypes.create_string_buffer(attributes(what, inherited), ATTR.size)
    descriptor: int = library.syscall(number, wanted, thread, cpu, -1, FLAG_FD_CLOEXEC)
    if descriptor < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"perf_event_open: {os.strerror(code)}")
    return descriptor


def parse(data: bytes) -> Iterator[Born | Counted | Dropped]:
    """The records of a buffer's unread part, whole ones only as the kernel writes them."""
    at = newest_ns = 0
    while at + HEADER.size <= len(data):
        kind, _, length = HEADER.unpack_from(data, at)
        if length < HEADER.size or at + length > len(data):
            return
        body = at + HEADER.size
        if kind == RECORD_FORK and length >= HEADER.size + FORK.size:
            pid, _, thread, _, newest_ns = FORK.unpack_from(data, body)
            yield Born(newest_ns, pid, thread)
        elif kind == RECORD_READ and length >= HEADER.size + READ.size:
            pid, thread, cpu_ns, newest_ns = READ.unpack_from(data, body)
            yield Counted(newest_ns, pid, thread, cpu_ns)
        elif kind == RECORD_LOST and length >= HEADER.size + LOST.size:
            yield Dropped(newest_ns, LOST.unpack_from(data, body)[1])
        at += length


class Buffer:
    """Where the counters of one CPU put their records."""

    def __init__(self, cpu: int) -> None:
        """Raises OSError."""
        self._owner = open_counter(0, cpu, DUMMY, inherited=False)
        self._page_bytes = mmap.PAGESIZE
        self._data_bytes = max(DATA_BYTES, mmap.PAGESIZE)
        try:
            self._map = mmap.mmap(self._owner, self._page_bytes + self._data_bytes)
        except OSError:
            os.close(self._owner)
            raise
        self._ends = words(self._map, DATA_HEAD, 2)

    def takes(self, counter: int) -> None:
        """This counter's records, too. Raises OSError."""
        library = ctypes.CDLL(None, use_errno=True)
        if library.ioctl(counter, IOC_SET_OUTPUT, self._owner) != 0:
            raise OSError(ctypes.get_errno(), "perf: PERF_EVENT_IOC_SET_OUTPUT")

    def unread(self) -> bytes:
        """What was written since the last call."""
        head, tail = self._ends
        if head == tail:
            return b""
        start, end = tail % self._data_bytes, head % self._data_bytes
        first = self._page_bytes
        if start < end:
            data = self._map[first + start : first + end]
        else:
            data = self._map[first + start : first + self._data_bytes]
            data += self._map[first : first + end]
        self._ends[1] = head
        return data

    def close(self) -> None:
        self._ends.release()
        self._map.close()
        os.close(self._owner)
