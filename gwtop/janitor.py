"""The janitor: a process of its own that cleans up when whoever started it has died.

In: what to do then. Out: nothing. It parses nothing, reads nothing, and knows nothing of what it
cleans: it is given a function that says whether all is clean.

Some things outlive a process that is killed: a trace instance, a renamed socket. So a second
process holds the right to remove them. It is forked before the first descriptor is opened (what it
inherited would stay open through it: a packet ring lives as long as anybody maps it), belongs to
no terminal and no group that a signal could be sent to, and waits on two things: the end of a pipe
that only the other holds, and, so that every descriptor of the dead is closed by then, its death.
"""

import os
import select
import signal
from collections.abc import Callable
from typing import NoReturn

from gwtop import clock
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS

DEADLINE_NS = 2 * SECOND_NS  # for the kernel to close what a dead process had open: 20 ms
MAX_DESCRIPTORS = 1 << 16  # where the limit is "none"; we are forked with a handful
AGAIN_MS = 20
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)


def watch_over_us(clean: Callable[[], bool], speaks: tuple[int, ...] = ()) -> None:
    """Starts it. `clean` is called there when we are gone, more than once until it says True.

    `speaks`: descriptors that stay open there, for what `clean` has to say."""
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(there)
        _leave(here, clean, speaks)
    os.close(here)  # the other end closes with us, however we end
    os.waitpid(child, 0)


def _leave(pipe: int, clean: Callable[[], bool], speaks: tuple[int, ...]) -> NoReturn:
    """A grandchild in a session of its own, so that nobody has to wait for it."""
    watched = os.getppid()
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    status = 1
    try:
        _watch(pipe, watched, clean, speaks)
        status = 0
    finally:
        os._exit(status)


def _watch(pipe: int, watched: int, clean: Callable[[], bool], speaks: tuple[int, ...]) -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    death = _death_of(watched)
    kept = sorted({pipe, death, *speaks} - {-1})
    start = 0
    for end in (*kept, min(os.sysconf("SC_OPEN_MAX"), MAX_DESCRIPTORS)):
        os.closerange(start, end)
        start = end + 1
    os.read(pipe, 1)  # nothing is ever written: this is the end
    _await(death, DEADLINE_NS // MILLISECOND_NS)
    deadline_ns = clock.monotonic_ns() + DEADLINE_NS
    while not clean() and clock.monotonic_ns() < deadline_ns:
        _await(-1, AGAIN_MS)


def _death_of(pid: int) -> int:
    """A descriptor that becomes readable then; -1 where there is none (Linux before 5.3)."""
    try:
        return os.pidfd_open(pid)
    except (AttributeError, OSError):
        return -1


def _await(descriptor: int, timeout_ms: int) -> None:
    poller = select.poll()
    if descriptor >= 0:
        poller.register(descriptor, select.POLLIN)
    poller.poll(timeout_ms)
