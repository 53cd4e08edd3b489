"""The process tree: who is below me, who is above me, and how to end all of the former.

Knows pids, not what runs in them. Linux tells through /proc; elsewhere `ps` does.
"""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
TERM_GRACE_S = 0.6
KILL_GRACE_S = 1.0  # after SIGKILL; only a process in an uninterruptible wait takes this long


def become_subreaper() -> None:
    """From now on a descendant whose parent dies becomes our child, not init's."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def parents() -> dict[int, int]:
    """Each process's parent."""
    if sys.platform != "linux":
        table = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True)
        return {int(pid): int(ppid) for pid, ppid in map(str.split, table.stdout.splitlines())}
    found: dict[int, int] = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            # It may end between listdir and open.
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                stat = Path(f"/proc/{entry}/stat").read_bytes()
                # The name, in parentheses, may hold anything, parentheses included.
                found[int(entry)] = int(stat.rpartition(b")")[2].split()[1])
    return found


def descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for pid, parent in parents().items():
        children.setdefault(parent, []).append(pid)
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def ancestors(pid: int) -> list[int]:
    """Nearest first, without process 1, which nobody outlives."""
    above, found = parents(), []
    while (pid := above.get(pid, 0)) > 1:
        found.append(pid)
    return found


def reap() -> list[int]:
    """Collects every child that has ended; returns their pids."""
    ended = []
    with contextlib.suppress(ChildProcessError):  # no child at all
        while (pid := os.waitpid(-1, os.WNOHANG)[0]) > 0:
            ended.append(pid)
    return ended


def signal_all(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):  # it was faster
            os.kill(pid, number)


def end_descendants(wait_a_little: Callable[[], object]) -> None:
    """SIGTERM to all below us, then SIGKILL until nobody is left.

    We are a subreaper: whoever is orphaned meanwhile becomes our child, so a walk finds it.
    """
    me, began = os.getpid(), time.monotonic()
    signal_all(descendants(me), signal.SIGTERM)
    while reap() or (left := descendants(me)):
        spent_s = time.monotonic() - began
        if spent_s > TERM_GRACE_S + KILL_GRACE_S:
            print(f"demo: these do not end: {left}", file=sys.stderr)
            return
        if spent_s > TERM_GRACE_S:
            signal_all(descendants(me), signal.SIGKILL)
        wait_a_little()
