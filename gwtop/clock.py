"""The only clock reads: now, as epoch nanoseconds, and the kernel's monotonic clock as the same.

Frames are stamped by the kernel on CLOCK_REALTIME, process events on CLOCK_MONOTONIC. Facts have
one clock, so monotonic stamps are moved by an offset; who has such stamps measures it again and
again, because NTP slews the two apart.
"""

import time

from gwtop.nouns.times import Nanos


def now() -> Nanos:
    return time.time_ns()


def monotonic_ns() -> int:
    """For intervals of the program's own (a frame rate, a deadline); never in a fact."""
    return time.monotonic_ns()


def monotonic_offset_ns() -> int:
    """What to add to a CLOCK_MONOTONIC stamp to get an epoch instant.

    The best of three: a preemption between the two reads shows as a wide bracket.
    """
    best_width, best = 1 << 62, 0
    for _ in range(3):
        before = time.monotonic_ns()
        epoch = time.time_ns()
        after = time.monotonic_ns()
        if after - before < best_width:
            best_width, best = after - before, epoch - (before + after) // 2
    return best


def boot_offset_ns() -> int:
    """What to add to an instant counted from boot (process births in /proc); Linux only.

    Boot time runs on while the machine sleeps, monotonic time does not. psutil adds the whole
    seconds of /proc/stat instead and may be off by one.
    """
    return time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
