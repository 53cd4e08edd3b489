"""Blocked: which system call a thread sleeps in, as far as it tells what the thread waits for.

In: a pid. Out: for each of its threads a `Wait`. It refuses to know what a running thread does, and
system calls that wait for nothing of interest here.

/proc/PID/task/TID/syscall is one line: a number and the arguments in hexadecimal, or "running".
Reading another user's asks for what a debugger needs. Numbers are those of the architecture
(asm/unistd_64.h, asm-generic/unistd.h); on any other one nothing is told. 20 us a thread.
"""

import os
from typing import NamedTuple

from gwtop.taps import proc

READS = {
    "x86_64": frozenset({0, 19, 45, 47, 299}),
    "aarch64": frozenset({63, 65, 207, 212, 243}),
}
"""read, readv, recvfrom, recvmsg, recvmmsg: the first argument is the descriptor."""
POLLS = {
    "x86_64": frozenset({7, 271, 23, 270, 232, 281, 441, 202, 43, 288}),
    "aarch64": frozenset({73, 72, 22, 441, 98, 202, 242}),
}
"""poll, ppoll, select, pselect6, epoll_wait, epoll_pwait, epoll_pwait2, futex, accept, accept4."""
MAX_THREADS = 64


class Wait(NamedTuple):
    thread: int
    reads: int | None
    """The descriptor that it waits to read from. None: it does not."""
    sleeps: bool
    """It waits for something to happen or for somebody to speak; at work it does not."""


def waits(pid: int) -> list[Wait]:
    """[] when it has gone, may not be looked at, or has more threads than are worth it."""
    threads = proc.threads(pid)
    if len(threads) > MAX_THREADS:
        return []
    found = [_wait(pid, thread) for thread in threads]
    told = [one for one in found if one is not None]
    return told if len(told) == len(found) else []


def _wait(pid: int, thread: int) -> Wait | None:
    try:
        with open(f"/proc/{pid}/task/{thread}/syscall", encoding="ascii") as line:
            return parse(thread, line.read(), os.uname().machine)
    except (*proc.GONE, *proc.HIDDEN):
        return None


def parse(thread: int, line: str, machine: str) -> Wait:
    """ "0 0x5 0x7ffd81300288 0x8 ..." on x86-64: it waits in read(5)."""
    words = line.split()
    if len(words) < 2 or not words[0].isdigit():  # "running", or "-1" outside any call
        return Wait(thread, None, False)
    number = int(words[0])
    if number in READS.get(machine, ()):
        return Wait(thread, int(words[1], 16), True)
    return Wait(thread, None, number in POLLS.get(machine, ()))
