"""One process looked at closely, as the machine showed it: bytes, ids and why a part is unknown.

Types only; `taps/anatomy` makes them and the tracker turns them into a fact.
"""

from dataclasses import dataclass
from typing import NamedTuple

from gwtop.nouns.times import Nanos


class Memory(NamedTuple):
    rss_bytes: int | None
    peak_rss_bytes: int | None
    swap_bytes: int | None
    virtual_bytes: int | None


class Thread(NamedTuple):
    id: int
    name: bytes
    state: str
    cpu_ns: int


class Socket(NamedTuple):
    fd: int
    kind: str
    """"tcp", "udp", "unix"; "socket" where the kernel's lists do not have it."""
    local: str | None
    remote: str | None
    """None: it listens, has no peer, or nobody tells."""
    state: str | None


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A part that is None could not be read; `unread` says why, by the part's name."""

    at: Nanos
    pid: int
    state: str | None
    """A letter of proc_pid_stat(5). None: there is no such process (any more)."""
    start_ticks: int | None = None
    """Clock ticks from boot to its birth: with the pid it names a process for good."""
    born_at: Nanos | None = None
    parent: int | None = None
    uid: int | None = None
    exe: bytes | None = None
    cwd: bytes | None = None
    language: str | None = None
    """Of the interpreter in it: "python", "php", ... None: none that we know."""
    argv: tuple[bytes, ...] | None = None
    environ: tuple[tuple[bytes, bytes], ...] | None = None
    memory: Memory | None = None
    cpu_ns: int | None = None
    n_fds: int | None = None
    sockets: tuple[Socket, ...] | None = None
    threads: tuple[Thread, ...] | None = None
    n_threads: int | None = None
    """All of them; `threads` is bounded."""
    unread: tuple[tuple[str, str], ...] = ()
