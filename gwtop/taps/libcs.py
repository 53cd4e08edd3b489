"""The C libraries that processes have mapped: which files, and what in them can be probed.

In: pids. Out: `Libc`s, each once however many processes map it, and what of a process cannot be
seen this way. It refuses to plant anything.

Functions are looked for in the very file that the process has mapped: a container has its own, and
after an upgrade a running server still has the old one, which has no name any more.
"""

import mmap
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from gwtop.taps import elf, proc, sites
from gwtop.taps.elf import NoElfError

NAMES = re.compile(
    rb"/(?:libc\.so(?:\.6)?|libc-2\.\d+\.so|libpthread[-.].*|ld-musl-[\w-]+\.so\.1)$"
)
"""glibc; before 2.34 its threads' library had read and write of its own; musl, whose loader may be
a link to a libc.so without a number (Debian)."""
MAPPED = re.compile(rb"^([0-9a-f]+-[0-9a-f]+) ..x. ([0-9a-f]+) \S+ (\d+) +(/.*?)(?: \(deleted\))?$")
"""A line of /proc/PID/maps (proc(5)) that holds code: range, offset, inode, path."""
IO_URING = "anon_inode:[io_uring]"
Blind = Literal["go", "static", "io_uring"]


class Mapped(NamedTuple):
    range: str
    inode: int
    path: str


@dataclass(frozen=True, slots=True)
class Libc:
    descriptor: int
    """Of the file."""
    path: str
    machine: int
    found: sites.Found


def parse_maps(text: bytes) -> Iterator[Mapped]:
    seen: set[int] = set()
    for line in text.splitlines():
        match = MAPPED.match(line)
        if match is None or NAMES.search(match[4]) is None or int(match[3]) in seen:
            continue
        seen.add(int(match[3]))
        yield Mapped(match[1].decode("ascii"), int(match[3]), os.fsdecode(match[4]))


class Libcs:
    """Those met so far."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int], Libc | None] = {}
        """By device and inode. None: nothing of it can be probed."""

    def of(self, pid: int) -> list[Libc]:
        """[] when it has none, has gone or is hidden."""
        text = proc.maps(pid)
        found = [] if text is None else [self._open(pid, one) for one in parse_maps(text)]
        return [libc for libc in found if libc is not None]

    def _open(self, pid: int, mapped: Mapped) -> Libc | None:
        descriptor = _open_file(pid, mapped)
        if descriptor is None:
            return None
        stat = os.fstat(descriptor)
        key = stat.st_dev, stat.st_ino
        if key in self._known:
            os.close(descriptor)
            return self._known[key]
        libc = self._known[key] = _read(descriptor, mapped.path)
        if libc is None:
            os.close(descriptor)
        return libc

    def close(self) -> None:
        for libc in self._known.values():
            if libc is not None:
                os.close(libc.descriptor)
        self._known = {}


def _open_file(pid: int, mapped: Mapped) -> int | None:
    """By its name in the process's own root, if that is still the same file, else as mapped."""
    for path in (f"/proc/{pid}/root{mapped.path}", f"/proc/{pid}/map_files/{mapped.range}"):
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # gone, hidden, or no such file in its root any more
            continue
        if os.fstat(descriptor).st_ino == mapped.inode:
            return descriptor
        os.close(descriptor)
    return None


def _read(descriptor: int, path: str) -> Libc | None:
    try:
        with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as data:
            parsed = elf.parse(bytes(data))
    except (NoElfError, ValueError, OSError):  # an empty file, or one that cannot be mapped
        return None
    found = sites.find(parsed)
    return Libc(descriptor, path, parsed.machine, found) if found.sites else None


def blind(pid: int, libcs: list[Libc]) -> Blind | None:
    """Why nothing, or not all, of what this process reads and writes goes through a libc."""
    if _is_go(pid):
        return "go"
    if not libcs and proc.maps(pid):
        return "static"
    links = (proc.link(f"/proc/{pid}/fd/{fd}") for fd in proc.descriptors(pid))
    return "io_uring" if IO_URING in links else None


def _is_go(pid: int) -> bool:
    try:
        descriptor = os.open(f"/proc/{pid}/exe", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # gone or hidden
        return False
    try:
        with mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as data:
            return elf.is_go(data)
    except (ValueError, OSError):
        return False
    finally:
        os.close(descriptor)
