"""A process id beside those of other machines: one number that is never another host's.

A screen that shows facts of several hosts meets the same pid twice. So it keeps each as a
`HostPid`: as a number it is unique, as text it is the pid that the host knows.
"""

from typing import TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)
SPAN = 1 << 32
"""More pids than any kernel gives out (2^22)."""


class HostPid(int):
    """`of(1207, 2)` is another number than 1207 and `of(1207, 3)`; the text of all is "1207"."""

    @classmethod
    def of(cls, pid: int, host: int) -> "HostPid":
        """`host`: its number, from 1."""
        return cls(host * SPAN + pid)

    @property
    def host(self) -> int:
        """The host's number, from 1."""
        return int(self) // SPAN

    def __str__(self) -> str:
        return str(int(self) % SPAN)

    __repr__ = __str__

    def __format__(self, form: str) -> str:
        return format(int(self) % SPAN, form)


def real_pid(pid: int | None) -> int | None:
    """What its host calls it."""
    return int(pid) % SPAN if isinstance(pid, HostPid) else pid


def plain(value: object) -> object:
    """For JSON encoders: what they do not know themselves. Raises TypeError for anything else."""
    if isinstance(value, HostPid):
        return real_pid(value)
    raise TypeError(f"no JSON for {type(value).__name__}")


def changed(fact: T, **fields: object) -> T:
    """The same with other values in some fields; nothing is checked."""
    return msgspec.structs.replace(fact, **fields)
