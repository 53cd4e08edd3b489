"""The programs that look at a watched process's system calls, and what they tell.

In: descriptors of maps, where registers and trace fields lie. Out: code for the kernel, and `Call`s
from the records that this code writes. It refuses to know whose a descriptor is: that is told
apart by whoever reads (`descriptors`), at once.

One program serves every site: the site's place within its page finds its kind in a map. It copies
what the result says is valid, up to the limit that it finds in another map, and nothing where the
call failed or only peeked. Its records are numbered for each CPU, so what a full ring refused
leaves a gap that can be counted. Two more sites exist where the registers behind the system call
do not say all (`sites`): the arguments are kept by thread until the result comes.
"""

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from gwtop.nouns.plan import MAX_COPY_BYTES
from gwtop.taps import arrivals, ebpf
from gwtop.taps.ebpf import FP, R0, R1, R2, R3, R4, R5, R6, R7, R8, R9, Program
from gwtop.taps.elf import AARCH64, X86_64
from gwtop.taps.sites import How, Kind

HEAD = Struct("<QIIQIIqQQQQQQ")
"""at, thread, pid, number, cpu, kind, result, four arguments, bytes that follow, arrived."""
KEPT_BYTES = 48  # of the head, from cpu to the last argument: what an entry leaves for its result
STAGING_BYTES = HEAD.size + 2 * MAX_COPY_BYTES + 8
MSG_PEEK = 2  # linux/socket.h
ECONNRESET, EPIPE = -104, -32  # asm-generic/errno.h
F_DUPFD, F_SETFD, F_DUPFD_CLOEXEC = 0, 2, 1030  # asm-generic/fcntl.h, linux/fcntl.h
N_IOVECS = 4
N_MESSAGES = 8  # of recvmmsg and sendmmsg: more than a stream ever has
IOVEC_BYTES, MSGHDR_IOV, MMSGHDR_BYTES, MMSGHDR_LEN = 16, 16, 64, 56  # linux/uio.h, socket.h
UNKNOWN_BYTES = -(1 << 30)
"""A result: something was moved, nobody knows how much."""

PID_TGID, KIND, ARGUMENTS = 8, 28, 40
_NUMBER, _CPU, _RESULT, _N, _ARRIVED = 16, 24, 32, 72, 80
"""Offsets in the head."""
SETTINGS = Struct("<QQ")
"""How many bytes of a call to copy; flags for the ring: 1 (BPF_RB_NO_WAKEUP) while its reader looks
by itself, for waking it costs the watched process 8 us (measured in a virtual machine)."""
_COPY, _QUIET = 0, 8
_OWNER = HEAD.size + 2 * MAX_COPY_BYTES
"""Behind all else in the place where records are put together, one for each CPU: the thread that is
at it. A kernel that preempts may run another thread's call there meanwhile, which then gives up and
is counted as missed."""
_SETTINGS = -80  # on the stack


class Registers(NamedTuple):
    """Offsets in struct pt_regs (asm/ptrace.h)."""

    pc: int
    result: int
    arguments: tuple[int, int, int, int]
    """Of a system call, behind it; meaningless on aarch64, where only entries are asked."""
    fourth_at_entry: int


REGISTERS = {
    X86_64: Registers(128, 80, (112, 104, 96, 56), 88),
    AARCH64: Registers(256, 0, (0, 8, 16, 24), 24),
}


@dataclass(frozen=True, slots=True)
class Maps:
    """Descriptors."""

    sites: int
    staging: int
    settings: int
    entered: int
    tree: int
    ring: int
    taken: int
    """By thread, see `arrivals`."""


class Call(NamedTuple):
    """One system call that is over (close: that begins)."""

    at_ns: int
    thread: int
    pid: int
    number: int
    cpu: int
    kind: int
    result: int
    a: int
    b: int
    c: int
    d: int
    data: bytes
    arrived_ns: int = 0
    """A read's, see `arrivals`."""


def parse(record: bytes) -> Call:
    *head, n, arrived_ns = HEAD.unpack_from(record)
    return Call._make((*head, record[HEAD.size : HEAD.size + n], arrived_ns))


def site_value(kind: Kind | None, how: How) -> int:
    return (kind or 0) | how << 8


# -- the program at the sites ---------------------------------------------------------------------


def at_sites(machine: int, maps: Maps) -> bytes:
    code = Program()
    regs = REGISTERS[machine]
    code.set("movr", R6, R1)
    code.load(8, R1, R6, regs.pc)
    code.set("and", R1, 0xFFF)
    look_up(code, maps.sites, R1)
    code.load(4, R7, R0)
    code.jump("out", "jeq", R7, 0)
    stage(code, maps)
    code.set("movr", R1, R7)
    code.set("rsh", R1, 8)
    code.set("and", R7, 0xFF)
    code.store(4, R8, KIND, R7)
    code.jump("joined", "jeq", R1, How.JOINED)
    _registers(code, regs, maps)
    code.label("joined")
    _joined(code, regs, maps)
    code.label("told")
    code.jump("plain", "jge", R7, Kind.SENDFILE)
    _data(code, maps)
    code.label("plain")
    _plain(code, maps)
    code.label("empty")
    code.set("mov", R9, 0)
    code.label("emit")
    emit(code, maps)
    finish(code)
    return code.assembled()


def finish(code: Program) -> None:
    code.label("leave")
    code.set("mov", R1, 0)
    code.store(8, R8, _OWNER, R1)
    code.label("out")
    code.exit()


def look_up(code: Program, descriptor: int, key: int) -> None:
    """A 4-byte key in a register; the value's address in R0, or the end."""
    code.store(4, FP, -4, key)
    code.load_map(R1, descriptor)
    code.set("movr", R2, FP)
    code.set("add", R2, -4)
    code.call(ebpf.MAP_LOOKUP)
    code.jump("out", "jeq", R0, 0)


def stage(code: Program, maps: Maps) -> None:
    code.set("mov", R1, 0)
    look_up(code, maps.staging, R1)
    code.set("movr", R8, R0)
    code.set("mov", R1, 0)
    look_up(code, maps.settings, R1)
    for place in (_COPY, _QUIET):
        code.load(8, R1, R0, place)
        code.store(8, FP, _SETTINGS + place, R1)
    code.call(ebpf.PID_TGID)
    code.load(8, R1, R8, _OWNER)
    code.jump("free", "jeq", R1, 0)
    code.set("mov", R1, 1)
    code.add_to_memory(R8, _NUMBER, R1)
    code.jump("out")
    code.label("free")
    code.store(8, R8, _OWNER, R0)
    code.store(8, R8, PID_TGID, R0)


def _thread_key(code: Program, descriptor: int) -> None:
    """R1 the map, R2 the key: thread and process."""
    code.load(8, R1, R8, PID_TGID)
    code.store(8, FP, -16, R1)
    code.load_map(R1, descriptor)
    code.set("movr", R2, FP)
    code.set("add", R2, -16)


def _registers(code: Program, regs: Registers, maps: Maps) -> None:
    """Direct sites go on with what the registers say; entries end here."""
    for place, offset in enumerate(regs.arguments):
        code.load(8, R2, R6, offset)
        code.store(8, R8, ARGUMENTS + 8 * place, R2)
    code.load(8, R9, R6, regs.result)
    code.store(8, R8, _RESULT, R9)
    code.jump("told", "jeq", R1, How.DIRECT)
    code.load(8, R2, R6, regs.fourth_at_entry)
    code.store(8, R8, ARGUMENTS + 24, R2)
    _thread_key(code, maps.entered)
    code.set("movr", R3, R8)
    code.set("add", R3, _CPU)
    code.set("mov", R4, 0)
    code.call(ebpf.MAP_UPDATE)
    code.jump("leave")


def _joined(code: Program, regs: Registers, maps: Maps) -> None:
    _thread_key(code, maps.entered)
    code.call(ebpf.MAP_LOOKUP)
    code.jump("leave", "jeq", R0, 0)
    code.load(4, R7, R0, KIND - _CPU)
    code.store(4, R8, KIND, R7)
    for place in range(4):
        offset = ARGUMENTS + 8 * place
        code.load(8, R1, R0, offset - _CPU)
        code.store(8, R8, offset, R1)
    code.load(8, R9, R6, regs.result)
    code.store(8, R8, _RESULT, R9)
    _thread_key(code, maps.entered)
    code.call(ebpf.MAP_DELETE)


def _data(code: Program, maps: Maps) -> None:
    code.jump("moved", "jsge", R9, 0)
    code.jump("empty", "jeq", R9, ECONNRESET)
    code.jump("empty", "jeq", R9, EPIPE)
    code.jump("leave")
    code.label("moved")
    code.jump("recvmsg", "jeq", R7, Kind.RECVMSG)
    code.jump("limit", "jne", R7, Kind.RECV)
    code.load(8, R1, R8, ARGUMENTS + 24)
    code.jump("peeks")
    code.label("recvmsg")
    code.load(8, R1, R8, ARGUMENTS + 16)
    code.label("peeks")
    code.jump("leave", "jset", R1, MSG_PEEK)
    code.label("limit")
    _thread_key(code, maps.taken)
    arrivals.take(code)
    code.store(8, R8, _ARRIVED, R1)
    _several(code)
    code.load(8, R1, FP, _SETTINGS + _COPY)
    code.jump("short", "jler", R9, R1)
    code.set("movr", R9, R1)
    code.label("short")
    code.jump("bounded", "jle", R9, MAX_COPY_BYTES)
    code.set("mov", R9, MAX_COPY_BYTES)
    code.label("bounded")
    code.jump("emit", "jeq", R9, 0)
    code.jump("vector", "jeq", R7, Kind.READV)
    code.jump("vector", "jeq", R7, Kind.WRITEV)
    code.jump("message", "jge", R7, Kind.RECVMSG)
    code.set("movr", R1, R8)
    code.set("add", R1, HEAD.size)
    code.set("movr", R2, R9)
    code.load(8, R3, R8, ARGUMENTS + 8)
    code.call(ebpf.PROBE_READ_USER)
    code.jump("emit", "jeq", R0, 0)
    code.jump("empty")
    _vectors(code)


def _several(code: Program) -> None:
    """recvmmsg and sendmmsg: the result is a number of messages; R9 becomes the first's length,
    the result the sum of all."""
    code.jump("one", "jlt", R7, Kind.RECVMMSG)
    code.jump("empty", "jeq", R9, 0)
    code.set("mov", R6, 0)
    for n in range(N_MESSAGES):
        code.jump("summed", "jle", R9, n)
        code.set("mov", R1, 0)
        code.store(8, FP, -32, R1)
        _read_user(code, -32, 4, n * MMSGHDR_BYTES + MMSGHDR_LEN)
        code.jump("empty", "jne", R0, 0)
        code.load(8, R1, FP, -32)
        code.set("addr", R6, R1)
        if n == 0:
            code.store(8, FP, -56, R1)
    code.jump("summed", "jle", R9, N_MESSAGES)
    code.set("mov", R6, UNKNOWN_BYTES)
    code.label("summed")
    code.store(8, R8, _RESULT, R6)
    code.load(8, R9, FP, -56)
    code.label("one")


def _read_user(code: Program, to: int, n_bytes: int, offset: int) -> None:
    """To the stack, from where the second argument points."""
    code.set("movr", R1, FP)
    code.set("add", R1, to)
    code.set("mov", R2, n_bytes)
    code.load(8, R3, R8, ARGUMENTS + 8)
    code.set("add", R3, offset)
    code.call(ebpf.PROBE_READ_USER)


def _vectors(code: Program) -> None:
    """The first four pieces, up to R9 bytes; R6 is where they are told, R7 how far we are."""
    code.label("message")
    _read_user(code, -32, IOVEC_BYTES, MSGHDR_IOV)
    code.jump("empty", "jne", R0, 0)
    code.load(8, R6, FP, -32)
    code.load(8, R1, FP, -24)
    code.jump("walk")
    code.label("vector")
    code.load(8, R6, R8, ARGUMENTS + 8)
    code.load(8, R1, R8, ARGUMENTS + 16)
    code.label("walk")
    code.store(8, FP, -40, R1)
    code.set("mov", R7, 0)
    for n in range(N_IOVECS):
        _piece(code, n)
    code.label("walked")
    code.set("movr", R9, R7)
    code.jump("emit", "jle", R9, MAX_COPY_BYTES)
    code.jump("empty")


def _piece(code: Program, n: int) -> None:
    code.load(8, R1, FP, -40)
    code.jump("walked", "jle", R1, n)
    code.set("movr", R1, FP)
    code.set("add", R1, -32)
    code.set("mov", R2, IOVEC_BYTES)
    code.set("movr", R3, R6)
    code.set("add", R3, n * IOVEC_BYTES)
    code.call(ebpf.PROBE_READ_USER)
    code.jump("walked", "jne", R0, 0)
    code.load(8, R2, FP, -24)
    code.set("movr", R1, R9)
    code.set("subr", R1, R7)
    code.jump(f"fits{n}", "jler", R2, R1)
    code.set("movr", R2, R1)
    code.label(f"fits{n}")
    code.jump("walked", "jgt", R2, MAX_COPY_BYTES)
    code.jump("walked", "jgt", R7, MAX_COPY_BYTES)
    code.store(8, FP, -48, R2)
    code.set("movr", R1, R8)
    code.set("addr", R1, R7)
    code.set("add", R1, HEAD.size)
    code.load(8, R3, FP, -32)
    code.call(ebpf.PROBE_READ_USER)
    code.jump("walked", "jne", R0, 0)
    code.load(8, R1, FP, -48)
    code.set("addr", R7, R1)
    code.jump("walked", "jger", R7, R9)


def _plain(code: Program, maps: Maps) -> None:
    """Calls without bytes; of those that failed only close has done something."""
    code.jump("empty", "jeq", R7, Kind.CLOSE)
    code.jump("empty", "jeq", R7, Kind.CLOSE_RANGE)
    code.jump("leave", "jslt", R9, 0)
    code.jump("not_fcntl", "jne", R7, Kind.FCNTL)
    code.load(4, R1, R8, ARGUMENTS + 8)
    for command in (F_DUPFD, F_SETFD, F_DUPFD_CLOEXEC):
        code.jump("empty", "jeq", R1, command)
    code.jump("leave")
    code.label("not_fcntl")
    code.jump("accepted", "jeq", R7, Kind.ACCEPT)
    code.jump("empty", "jne", R7, Kind.ACCEPT4)
    code.label("accepted")
    code.load(4, R1, R8, PID_TGID + 4)
    remember(code, maps)


def remember(code: Program, maps: Maps) -> None:
    """The process in R1 has to do with it: its children will be told."""
    code.store(4, FP, -4, R1)
    code.store(4, FP, -8, R1)
    code.load_map(R1, maps.tree)
    code.set("movr", R2, FP)
    code.set("add", R2, -4)
    code.set("movr", R3, FP)
    code.set("add", R3, -8)
    code.set("mov", R4, 0)
    code.call(ebpf.MAP_UPDATE)


def emit(code: Program, maps: Maps) -> None:
    """R9 bytes follow the head."""
    code.store(8, R8, _N, R9)
    code.call(ebpf.KTIME)
    code.store(8, R8, 0, R0)
    code.set("mov", R1, 1)
    code.add_to_memory(R8, _NUMBER, R1)
    code.call(ebpf.CPU)
    code.store(4, R8, _CPU, R0)
    code.set("movr", R2, R8)
    code.set("movr", R3, R9)
    code.set("add", R3, HEAD.size)
    code.load(8, R4, FP, _SETTINGS + _QUIET)
    code.load(8, R1, R8, PID_TGID)
    code.load(8, R5, R8, _OWNER)
    code.jump("taken", "jner", R1, R5)
    code.load_map(R1, maps.ring)
    code.call(ebpf.RINGBUF_OUTPUT)
    code.label("taken")
