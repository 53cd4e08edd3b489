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

x86-64 has no fixed length of instruction, so code is walked from the function's start. The walk
knows lengths and nothing else (Intel SDM volume 2, appendix A: opcode maps); where it does not
know one the function has no site.
"""

from collections.abc import Collection, Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

from gwtop.taps.elf import AARCH64, X86_64, Data, Elf, Function
from gwtop.taps.x86 import Instruction, instructions

MAX_FUNCTION_BYTES = 1024  # a wrapper has 30 to 240; 0: the symbol does not say, or a local one
MAX_QUIET_BYTES = 32  # endbr64, a comparison, a jump
SYSCALL = b"\x0f\x05"
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
    walk = WALKS.get(elf.machine)
    if walk is None:
        return []
    own = walk(elf, function.offset, function.size_bytes)
    if own.after and elf.machine == X86_64:
        return [Site(offset, kind, How.DIRECT) for offset in own.after]
    after = own.after or _followed(elf, own, {function.offset}, MAX_CALLS_FOLLOWED)
    if not after:
        return []
    joined = [Site(offset, None, How.JOINED) for offset in sorted(after)]
    return [Site(_entry(elf, function), kind, How.ENTRY), *joined]


def _entry(elf: Elf, function: Function) -> int:
    """Where the arguments still are what they were."""
    if elf.machine != X86_64:
        return function.offset
    end = min(function.offset + MAX_QUIET_BYTES, len(elf.data))
    return cheapest(list(instructions(elf.data, function.offset, end)), 0, frozenset())


class Walked(NamedTuple):
    after: list[int]
    """Offsets of the instructions behind system calls."""
    calls: list[int]
    """Offsets of functions called or jumped to directly."""


def _followed(elf: Elf, walked: Walked, seen: set[int], depth: int) -> list[int]:
    """The system calls of the nearest functions that hold any."""
    walk = WALKS[elf.machine]
    fresh = [offset for offset in walked.calls if offset not in seen]
    seen.update(fresh)
    below = [walk(elf, offset, 0) for offset in fresh]
    found = [offset for one in below for offset in one.after]
    if depth > 1:
        # glibc has the quick way here and the cancellable one in a function below.
        found += [offset for one in below for offset in _followed(elf, one, seen, depth - 1)]
    return found


def _aarch64(elf: Elf, start: int, size_bytes: int) -> Walked:
    """Arm ARM DDI 0487, C4.1.66: SVC #0, BL and B with imm26, RET."""
    after: list[int] = []
    calls: list[int] = []
    end = start + (size_bytes or MAX_FUNCTION_BYTES)
    furthest = start
    for at in range(start, min(end, len(elf.data) - 3), 4):
        word = int.from_bytes(elf.data[at : at + 4], "little")
        if word == 0xD4000001:
            after.append(at + (8 if _is_compared(elf.data, at + 4) else 4))
        elif word >> 26 in (0b100101, 0b000101):
            distance = (word & 0x3FFFFFF) << 2
            target = at + distance - (1 << 28 if distance >> 27 else 0)
            is_call = word >> 26 == 0b100101
            if is_call or not start <= target < end:
                calls.append(target)
            else:
                furthest = max(furthest, target)
            if not is_call and not size_bytes and furthest <= at:
                break
        elif word >> 24 == 0x54 or word >> 25 in (0b0011010, 0b1011010):  # B.cond, CBZ, CBNZ
            distance = (word >> 5 & 0x7FFFF) << 2
            furthest = max(furthest, at + distance - (1 << 21 if distance >> 20 else 0))
        elif word == 0xD65F03C0 and not size_bytes and furthest <= at:
            break
    return Walked(after, calls)


def _is_compared(data: Data, at: int) -> bool:
    """CMN X0, #imm, and B.cond behind it, which the kernel does by itself."""
    first, second = (int.from_bytes(data[i : i + 4], "little") for i in (at, at + 4))
    return first & 0xFF8003FF == 0xB100001F and second & 0xFF000010 == 0x54000000


def _x86_64(elf: Elf, start: int, size_bytes: int) -> Walked:
    """In order; without a known size it ends with what no jump goes beyond."""
    walked: list[Instruction] = []
    places: list[int] = []
    calls: list[int] = []
    end = min(start + (size_bytes or MAX_FUNCTION_BYTES), len(elf.data))
    furthest = start
    for one in instructions(elf.data, start, end):
        next_at = one.at + one.n_bytes
        walked.append(one)
        if one.opcode == SYSCALL:
            places.append(len(walked))
        elif one.target is not None:
            if one.opcode == b"\xe8" or not start <= one.target < end:
                calls.append(one.target)
            elif one.opcode != b"\xe8":
                furthest = max(furthest, one.target)
        ends = one.opcode in (b"\xc3", b"\xe9", b"\xeb") and furthest < next_at
        if ends and not size_bytes:
            break
    targets = frozenset(one.target for one in walked if one.target is not None)
    after = [cheapest(walked, place, targets) for place in places if place < len(walked)]
    return Walked(after, calls)


def cheapest(walked: list[Instruction], place: int, targets: Collection[int]) -> int:
    """Of this instruction and the jump behind it, where what lies between changes no register and
    nobody jumps there."""
    at = walked[place].at
    for one in walked[place:]:
        if one.is_conditional and one.at not in targets:
            return one.at
        if not one.keeps_registers:
            break
    return at


WALKS = {X86_64: _x86_64, AARCH64: _aarch64}


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
