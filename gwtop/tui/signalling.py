"""Signals to a process that is shown, and to no other one that has its pid by now.

In: a `Target`, a signal's name. Out: a sentence of what became of it. Refuses to know screens.

A pid may be somebody else's a moment later. So a descriptor of the process is opened first (it
never means another one), then the instant of birth behind the pid is compared with that of the one
that was shown, and only then the signal goes to the descriptor. With the rights of whoever looks;
where they do not reach, the command that would is said.
"""

import os
import signal
from typing import NamedTuple

from gwtop import clock
from gwtop.nouns.times import SECOND_NS, Nanos

MEANINGS = (
    ("TERM", "asks it to end; some servers reload instead"),
    ("HUP", "asks it to reload, by custom"),
    ("USR1", "means what the program says: often, open log files anew"),
    ("USR2", "means what the program says: often, a new master"),
    ("QUIT", "asks it to end after what it is doing, by custom"),
    ("INT", "as Ctrl-C would"),
    ("STOP", "makes it stand still, with its requests, until CONT"),
    ("CONT", "lets it go on after STOP"),
    ("KILL", "ends it at once; what it answers is cut off"),
)
SAME_BIRTH_NS = SECOND_NS


class Target(NamedTuple):
    pid: int
    start_ticks: int | None
    """Clock ticks from boot to birth, as the engine read them. None: it has not looked."""
    born_at: Nanos | None


class RefusedError(Exception):
    """Why nothing was sent, as a sentence."""


def start_ticks(pid: int) -> int | None:
    """Field 22 of proc_pid_stat(5). None: there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            text = file.read()
        return int(text[text.rindex(b")") + 2 :].split()[19])
    except (FileNotFoundError, ProcessLookupError, ValueError):  # ValueError: it went, it is empty
        return None


def same(target: Target) -> bool:
    """Whether the pid still is that of the process that was shown. Raises RefusedError."""
    ticks = start_ticks(target.pid)
    if ticks is None:
        return False
    if target.start_ticks is not None:
        return ticks == target.start_ticks
    if target.born_at is None:
        raise RefusedError(
            f"nobody saw when {target.pid} was born, so it might be another one by now"
        )
    born_at = ticks * (SECOND_NS // os.sysconf("SC_CLK_TCK")) + clock.boot_offset_ns()
    return abs(born_at - target.born_at) < SAME_BIRTH_NS


def send(target: Target, name: str) -> str:
    """Raises RefusedError."""
    number = getattr(signal, f"SIG{name}")
    if not hasattr(os, "pidfd_open"):
        raise RefusedError(
            f"this system cannot name a process for good; by hand: {by_hand(target, name)}"
        )
    try:
        descriptor = os.pidfd_open(target.pid)
    except ProcessLookupError:
        raise RefusedError(f"process {target.pid} has ended") from None
    try:
        if not same(target):
            raise RefusedError(f"pid {target.pid} is another process by now; nothing was sent")
        signal.pidfd_send_signal(descriptor, number)
    except ProcessLookupError:
        raise RefusedError(f"process {target.pid} has ended") from None
    except PermissionError:
        raise RefusedError(f"we may not; this would: {by_hand(target, name)}") from None
    finally:
        os.close(descriptor)
    return f"SIG{name} sent to process {target.pid}"


def by_hand(target: Target, name: str) -> str:
    """The command, with the rights that it takes."""
    sudo = "" if os.geteuid() == 0 else "sudo "
    return f"{sudo}kill -{name} {target.pid}"
