"""Calls that are under way when the probes come: which, and with what arguments.

In: a pid. Out: for each of its threads that sleeps in a system call that moves bytes or accepts,
its kind and arguments. It refuses to know any other call.

Where a call is seen in two places (`sites`), one that had begun before the probes were there would
end as nobody's: a worker sleeps in accept most of the time, and the first connection of each would
be missing. /proc/PID/task/TID/syscall is one line: a number, six arguments, stack and program
counter, in hexadecimal (proc(5)); it is asked for where a debugger would be allowed. Numbers are
those of asm/unistd_64.h and asm-generic/unistd.h.
"""

import os
from collections.abc import Iterator
from typing import NamedTuple

from gwtop.taps import proc
from gwtop.taps.sites import Kind

NUMBERS = {
    "x86_64": {
        0: Kind.READ,
        45: Kind.RECV,
        1: Kind.WRITE,
        44: Kind.WRITE,
        19: Kind.READV,
        20: Kind.WRITEV,
        47: Kind.RECVMSG,
        46: Kind.SENDMSG,
        299: Kind.RECVMMSG,
        307: Kind.SENDMMSG,
        43: Kind.ACCEPT,
        288: Kind.ACCEPT4,
    },
    "aarch64": {
        63: Kind.READ,
        207: Kind.RECV,
        64: Kind.WRITE,
        206: Kind.WRITE,
        65: Kind.READV,
        66: Kind.WRITEV,
        212: Kind.RECVMSG,
        211: Kind.SENDMSG,
        243: Kind.RECVMMSG,
        269: Kind.SENDMMSG,
        202: Kind.ACCEPT,
        242: Kind.ACCEPT4,
    },
}


class Underway(NamedTuple):
    thread: int
    kind: Kind
    arguments: tuple[int, int, int, int]


def of(pid: int) -> Iterator[Underway]:
    """Nothing of a process that has gone or may not be looked at. 20 us a thread."""
    machine = os.uname().machine
    for thread in proc.threads(pid):
        try:
            with open(f"/proc/{pid}/task/{thread}/syscall", encoding="ascii") as line:
                found = parse(thread, line.read(), machine)
        except (*proc.GONE, *proc.HIDDEN):
            continue
        if found is not None:
            yield found


def parse(thread: int, line: str, machine: str) -> Underway | None:
    """ "43 0x5 0x0 0x0 0x0 ..." on x86-64: it is in accept(5, NULL, NULL)."""
    words = line.split()
    if len(words) < 5 or not words[0].isdigit():  # "running", or "-1" outside any call
        return None
    kind = NUMBERS.get(machine, {}).get(int(words[0]))
    a, b, c, d = (int(word, 16) for word in words[1:5])
    return None if kind is None else Underway(thread, kind, (a, b, c, d))
