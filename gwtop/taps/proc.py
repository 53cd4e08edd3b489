"""One process as /proc shows it: who it is, what it runs, what it was given.

In: a pid. Out: small values, or None when the process has gone or may not be read. It refuses to
know anything twice: every call reads the file anew. Linux only.

Vanishing is normal here (a CGI process lives for 2 ms): ENOENT and ESRCH mean gone, EACCES and
EPERM mean another user's. An exiting process has no memory left, so its cmdline is empty; no
running program has an empty one (Linux gives at least an empty argv[0] since 5.18), so empty
means gone.
"""

import os
from collections.abc import Collection
from typing import NamedTuple

from gwtop.nouns.times import SECOND_NS, Nanos

FIRST_READ_BYTES = 64 * 1024  # nearly every environ in one read
MAX_READ_BYTES = 2 * 1024 * 1024  # the kernel's usual limit for argv and environ together
GONE = (FileNotFoundError, ProcessLookupError)
HIDDEN = (PermissionError,)


class Stat(NamedTuple):
    """Fields of proc_pid_stat(5)."""

    name: bytes
    state: str
    parent: int
    born_ticks: int
    """Clock ticks from boot to birth; with the pid it names a process for good."""


class Image(NamedTuple):
    """The program in a process. All None: it was gone, or is no business of ours."""

    argv: tuple[bytes, ...] | None
    exe: bytes | None
    environ: tuple[tuple[bytes, bytes], ...] | None


NO_IMAGE = Image(None, None, None)


def _read(path: str) -> bytes | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except (*GONE, *HIDDEN):
        return None
    try:
        data = os.read(descriptor, FIRST_READ_BYTES)
        if len(data) == FIRST_READ_BYTES:
            data += os.read(descriptor, MAX_READ_BYTES)
        return data
    except (*GONE, *HIDDEN):  # it went, or changed its user, between open and read
        return None
    finally:
        os.close(descriptor)


def stat(pid: int) -> Stat | None:
    text = _read(f"/proc/{pid}/stat")
    if not text:
        return None
    name_end = text.rindex(b")")  # the name may hold spaces and parentheses
    rest = text[name_end + 2 :].split()
    return Stat(
        text[text.index(b"(") + 1 : name_end], rest[0].decode("ascii"), int(rest[1]), int(rest[19])
    )


def born_at(born_ticks: int, boot_offset_ns: Nanos) -> Nanos:
    """The instant of birth, rounded down to a clock tick (10 ms on every usual kernel)."""
    return born_ticks * tick_ns() + boot_offset_ns


def tick_ns() -> Nanos:
    return SECOND_NS // os.sysconf("SC_CLK_TCK")


def argv(pid: int) -> tuple[bytes, ...] | None:
    data = _read(f"/proc/{pid}/cmdline")
    return tuple(data.removesuffix(b"\0").split(b"\0")) if data else None


def exe(pid: int) -> bytes | None:
    try:
        path = os.readlink(f"/proc/{pid}/exe".encode("ascii"))
    except (*GONE, *HIDDEN):
        return None
    return path.removesuffix(b" (deleted)")  # the file was replaced under a running server


def image(pid: int) -> Image:
    """Environ first: it says most. An argv read after it proves that it was whole."""
    environ = _read(f"/proc/{pid}/environ")
    arguments = argv(pid)
    if arguments is None:
        return NO_IMAGE
    if environ is None:
        return Image(arguments, exe(pid), None)
    pairs = (item.partition(b"=") for item in environ.split(b"\0") if b"=" in item)
    return Image(arguments, exe(pid), tuple((name, value) for name, _, value in pairs))


def maps(pid: int) -> bytes | None:
    """The mapped files; a few hundred lines, given out a page at a time."""
    try:
        with open(f"/proc/{pid}/maps", "rb") as lines:
            return lines.read(MAX_READ_BYTES)
    except (*GONE, *HIDDEN):
        return None


def all_pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children(pid: int) -> list[int]:
    """Direct children, of each of its threads; [] when gone. A race with an exit may skip some."""
    found: list[int] = []
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except (*GONE, *HIDDEN):
        return found
    for thread in threads:
        found += map(int, (_read(f"/proc/{pid}/task/{thread}/children") or b"").split())
    return found


def threads(pid: int) -> list[int]:
    """[] when it has gone."""
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except (*GONE, *HIDDEN):
        return []


def lists_children() -> bool:
    """Whether this kernel has the children files (CONFIG_PROC_CHILDREN)."""
    return os.path.exists("/proc/thread-self/children")


def descriptors(pid: int) -> list[str]:
    """Their numbers; [] when gone or hidden."""
    try:
        return os.listdir(f"/proc/{pid}/fd")
    except (*GONE, *HIDDEN):
        return []


def link(path: str) -> str | None:
    """What a link of /proc points at; None when it is closed, gone or hidden."""
    try:
        return os.readlink(path)
    except (*GONE, *HIDDEN):
        return None


def held(pid: int, links: Collection[str], limit: int | None = None) -> frozenset[str] | None:
    """Which of `links` are among the first `limit` descriptors. None: we may not look."""
    found: set[str] = set()
    try:
        for number in os.listdir(f"/proc/{pid}/fd")[:limit]:
            try:
                link = os.readlink(f"/proc/{pid}/fd/{number}")
            except GONE:
                continue  # closed since
            if link in links:
                found.add(link)
            if len(found) == len(links):
                break
    except GONE:
        return frozenset()
    except HIDDEN:
        return None
    return frozenset(found)


def holds(pid: int, links: Collection[str], limit: int | None = None) -> bool | None:
    """Whether one of the first `limit` descriptors is one of `links` ("socket:[4711]").

    None: we may not look. A process that has gone holds nothing.
    """
    try:
        numbers = os.listdir(f"/proc/{pid}/fd")
        for number in numbers[:limit]:
            try:
                if os.readlink(f"/proc/{pid}/fd/{number}") in links:
                    return True
            except GONE:
                continue  # closed since
    except GONE:
        return False
    except HIDDEN:
        return None
    return False
