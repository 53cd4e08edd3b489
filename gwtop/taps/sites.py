"""Sites: where in a libc's functions a probe sees what a system call did.

In: an ELF file (`elf`). Out: `Site`s by file offset. It refuses to know how probes are planted,
and it never gives an offset that is not the start of an instruction: a breakpoint in the middle of
one would break the process.

The instruction after a system call instruction is the place: the result is there, and on x86-64
the kernel has kept every argument but rcx and r11 (the function's return is too late, glibc has
used the registers for something else in threaded processes). On aarch64 the result has replaced
the first argument, and where a function calls something else to do the system call (musl, glibc
2.41 and later) the registers say nothing certain; there a probe on the function's first
instruction keeps the arguments, and the thread joins the two.

A probe costs the process an exception, and a second one where the kernel must step over the
instruction beneath it: 0.7 against 12 us in a virtual machine (measured, Linux 6.18). A conditional
jump is done by the kernel itself (arch/x86/kernel/uprobes.c, branch_setup_xol_ops;
arch/arm64/kernel/probes/decode-insn.c), and what follows a system call is nearly always a
comparison of its result and such a jump. So the probe sits on the jump: the comparison changes no
register.
"""

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from gwtop.taps import walks
from gwtop.taps.elf import X86_64, Elf, Function
from gwtop.taps.walks import Walked

MAX_CALLS_FOLLOWED = 3  # read -> __syscall_cancel -> __internal_syscall_cancel (glibc 2.41)


class Kind(IntEnum):
    """What a function does to descriptors; the order is the probe program's own."""

    READ = 1
    """read: fd, buffer."""
    RECV = 2
    """recv, recvfrom: fd, buffer, length, flags."""
    WRITE = 3
    """write, send, sendto."""
    READV = 4
    WRITEV = 5
    RECVMSG = 6
    SENDMSG = 7
    RECVMMSG = 8
    SENDMMSG = 9
    SENDFILE = 10
    """out, in."""
    SPLICE = 11
    """in, offset, out."""
    ACCEPT = 12
    ACCEPT4 = 13
    CLOSE = 14
    """At its entry: what comes after may already be somebody else's descriptor."""
    CLOSE_RANGE = 15
    SHUTDOWN = 16
    DUP = 17
    DUP2 = 18
    DUP3 = 19
    FCNTL = 20


class How(IntEnum):
    DIRECT = 1
    """The registers here say all."""
    ENTRY = 2
    """The arguments; what became of them is seen elsewhere."""
    JOINED = 3
    """The result; the arguments were seen at the thread's last entry."""


class Site(NamedTuple):
    offset: int
    """Into the file."""
    kind: Kind | None
    """None: of several functions; the entry says which."""
    how: How


FUNCTIONS: Mapping[str, Kind] = {
    "read": Kind.READ,
    "recv": Kind.RECV,
    "recvfrom": Kind.RECV,
    "write": Kind.WRITE,
    "send": Kind.WRITE,
    "sendto": Kind.WRITE,
    "readv": Kind.READV,
    "writev": Kind.WRITEV,
    "recvmsg": Kind.RECVMSG,
    "sendmsg": Kind.SENDMSG,
    "recvmmsg": Kind.RECVMMSG,
    "sendmmsg": Kind.SENDMMSG,
    "sendfile": Kind.SENDFILE,
    "sendfile64": Kind.SENDFILE,
    "splice": Kind.SPLICE,
    "accept": Kind.ACCEPT,
    "accept4": Kind.ACCEPT4,
    "close": Kind.CLOSE,
    "close_range": Kind.CLOSE_RANGE,
    "shutdown": Kind.SHUTDOWN,
    "dup": Kind.DUP,
    "dup2": Kind.DUP2,
    "dup3": Kind.DUP3,
    "fcntl": Kind.FCNTL,
    "fcntl64": Kind.FCNTL,
}
AT_ENTRY = (Kind.CLOSE, Kind.CLOSE_RANGE)
DATA = frozenset(range(Kind.READ, Kind.SPLICE + 1))


class Found(NamedTuple):
    sites: tuple[Site, ...]
    without: tuple[str, ...]
    """Functions it has whose system call was not found."""


def find(elf: Elf) -> Found:
    """All that this library offers."""
    functions = elf.functions(FUNCTIONS)
    sites: dict[tuple[int, How], Site] = {}
    without: list[str] = []
    for name, function in sorted(functions.items()):
        kind = FUNCTIONS[name]
        mine = _sites_of(elf, function, kind)
        if not mine:
            without.append(name)
        for site in mine:
            known = sites.get((site.offset, site.how))
            if known is not None and known.kind != site.kind:
                site = site._replace(kind=None, how=How.JOINED)
            sites[site.offset, site.how] = site
    return Found(tuple(sorted(sites.values())), tuple(without))


def _sites_of(elf: Elf, function: Function, kind: Kind) -> list[Site]:
    if kind in AT_ENTRY:
        return [Site(_entry(elf, function), kind, How.DIRECT)]
    walk = walks.WALKS.get(elf.machine)
    if walk is None:
        return []
    own = walk(elf, function.offset, function.size_bytes)
    after = set(own.after) | _helped(elf, own)
    if after and elf.machine == X86_64:
        return [Site(offset, kind, How.DIRECT) for offset in sorted(after)]
    after = after or set(_followed(elf, own, {function.offset}, MAX_CALLS_FOLLOWED))
    if not after:
        return []
    joined = [Site(offset, None, How.JOINED) for offset in sorted(after)]
    return [Site(_entry(elf, function), kind, How.ENTRY), *joined]


def _entry(elf: Elf, function: Function) -> int:
    """Where the arguments still are what they were."""
    return walks.quiet_entry(elf, function.offset)


def _helped(elf: Elf, own: Walked) -> set[int]:
    """The same system call in a function that it calls: glibc's fcntl does a few commands itself
    and has the others done."""
    walk = walks.WALKS[elf.machine]
    numbers = set(own.after.values()) - {None}
    below = [walk(elf, offset, 0) for offset in own.calls] if numbers else []
    return {offset for one in below for offset, n in one.after.items() if n in numbers}


def _followed(elf: Elf, walked: Walked, seen: set[int], depth: int) -> list[int]:
    """The system calls of the nearest functions that do any call they are told."""
    walk = walks.WALKS[elf.machine]
    fresh = [offset for offset in walked.calls if offset not in seen]
    seen.update(fresh)
    below = [walk(elf, offset, 0) for offset in fresh]
    found = [offset for one in below for offset, n in one.after.items() if n is None]
    if depth > 1:
        # glibc has the quick way here and the cancellable one in a function below.
        found += [offset for one in below for offset in _followed(elf, one, seen, depth - 1)]
    return found


def by_page_offset(sites: tuple[Site, ...]) -> Iterator[list[Site]]:
    """Groups whose sites differ in their place within a page: all that a probe knows of its
    address wherever the library is mapped."""
    groups: list[dict[int, Site]] = []
    for site in sites:
        key = site.offset & 0xFFF
        group = next((g for g in groups if key not in g), None)
        if group is None:
            groups.append(group := {})
        group[key] = site
    for group in groups:
        yield list(group.values())
