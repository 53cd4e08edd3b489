"""Threads: which process a kernel thread id belongs to.

In: births of tasks in the order of the trace, and thread ids. Out: pids. It refuses to know
threads that began before we looked and have gone since.

The kernel calls a thread `pid`, and a trace event knows nothing else. /proc knows the process of a
living thread, but a thread made for one request is gone before anybody could look. So births are
followed: a task born with CLONE_THREAD belongs to its maker's process, any other is a process of
its own. As births come in the order of the events they explain, a reused id is never mistaken.
"""

from collections.abc import Collection

from gwtop.taps import proc

CLONE_THREAD = 0x10000  # linux/sched.h
MAX_KNOWN = 65536  # twice a usual pid_max; beyond it the longest known are asked for again


class Threads:
    def __init__(self) -> None:
        self._pid_of: dict[int, int] = {}

    def born(self, thread: int, maker: int, flags: int) -> None:
        pid = self.pid_of(maker) if flags & CLONE_THREAD else thread
        self._pid_of.pop(thread, None)
        if pid is not None:
            self._know(thread, pid)

    def pid_of(self, thread: int) -> int | None:
        """None: it was there before us, and nobody knows it any more."""
        known = self._pid_of.get(thread)
        if known is None:
            known = _process_of(thread)
            if known is not None:
                self._know(thread, known)
        return known

    def belong_to(self, pids: Collection[int]) -> None:
        """Learns the threads that these processes have now."""
        for pid in pids:
            if pid in self._pid_of:
                continue
            self._know(pid, pid)
            for thread in proc.threads(pid):
                self._know(thread, pid)

    def forget(self) -> None:
        """Births were missed: whatever is known may be wrong."""
        self._pid_of.clear()

    def _know(self, thread: int, pid: int) -> None:
        if len(self._pid_of) >= MAX_KNOWN:
            del self._pid_of[next(iter(self._pid_of))]
        self._pid_of[thread] = pid


def _process_of(thread: int) -> int | None:
    try:
        with open(f"/proc/{thread}/status", encoding="ascii", errors="replace") as lines:
            for line in lines:
                if line.startswith("Tgid:"):
                    return int(line.removeprefix("Tgid:"))
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None  # gone, or hidden from us (hidepid)
    return None
