"""What the programs that look at calls have in common: their records, and where these are made.

In: descriptors of maps. Out: code for the kernel, and `Call`s from the records that it writes. It
refuses to know whose a descriptor is: that is told apart by whoever reads (`descriptors`), at once.

A record is put together in a slot, of which each CPU has several: a kernel that preempts, or an
interrupt, may run another program there meanwhile, and this one takes the next slot. A record for
which there is no slot, or no room in the ring, is refused. Those are counted in memory that is
shared with us, and each record says how many they were before it: so what is missing is known, and
where.
"""

from dataclasses import dataclass
from struct import Struct
from typing import NamedTuple

from gwtop.taps import ebpf
from gwtop.taps.ebpf import FP, R0, R1, R2, R3, R4, R5, R8, R9, Program

HEAD = Struct("<QIIQIIqQQQQQQ")
"""at, thread, pid, refused, cpu, kind, result, four arguments, bytes that follow, arrived."""
ENTERED = Struct("<4xI8x4Q")
"""Of the head, from cpu to the last argument: what an entry leaves for its result."""
ECONNRESET, EPIPE = -104, -32  # asm-generic/errno.h
F_DUPFD, F_SETFD, F_DUPFD_CLOEXEC = 0, 2, 1030  # asm-generic/fcntl.h, linux/fcntl.h
UNKNOWN_BYTES = -(1 << 30)
"""A result: something was moved, nobody knows how much."""

PID_TGID, KIND, ARGUMENTS = 8, 28, 40
REFUSED, CPU, RESULT, N, ARRIVED = 16, 24, 32, 72, 80
"""Offsets in the head."""
COPY, QUIET, N_REFUSED, SETTINGS_BYTES = 0, 8, 16, 24
"""How many bytes of a call to copy; flags for the ring: 1 (BPF_RB_NO_WAKEUP) while its reader looks
by itself, for waking it costs the watched process 8 us (measured in a virtual machine); and what
the programs write: how many records were refused."""
SETTING = -80  # on the stack, the first two
_KEY, _THREAD, _SELF = -4, -16, -88  # there too

# A slot: who is at it, what is kept while copying, vectors, messages, the head, the bytes.
OWNER, KEPT = 0, 8
VECTORS, N_VECTORS, VECTOR_BYTES = 40, 16, 16  # struct iovec, linux/uio.h
MESSAGES, N_MESSAGES, MESSAGE_BYTES = 296, 64, 64  # struct mmsghdr, linux/socket.h
START = MESSAGES + N_MESSAGES * MESSAGE_BYTES
"""Of the head, to which R8 points."""


def slot_bytes(room_bytes: int) -> int:
    """The verifier bounds where a piece begins and how long it is, each by itself: hence twice."""
    return START + HEAD.size + 2 * room_bytes


@dataclass(frozen=True, slots=True)
class Maps:
    """Descriptors; and what the code must know of them."""

    sites: int
    staging: int
    settings: int
    entered: int
    tree: int
    """By process, see `ownprog`."""
    ring: int
    taken: int
    """By thread, see `arrivals`."""
    own: int
    """By process and descriptor, see `ownprog`."""
    n_slots: int
    """Of each CPU."""
    ring_bytes: int
    room_bytes: int
    """For a call's bytes, in a slot."""


class Call(NamedTuple):
    """One system call that is over (close: that begins)."""

    at_ns: int
    thread: int
    pid: int
    n_refused: int
    """Records before this one, since the start."""
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


def look_up(code: Program, descriptor: int, key: int) -> None:
    """A 4-byte key in a register; the value's address in R0, or the end."""
    code.store(4, FP, _KEY, key)
    _look_up_again(code, descriptor)


def _look_up_again(code: Program, descriptor: int) -> None:
    code.look_up(descriptor, _KEY)
    code.jump("out", "jeq", R0, 0)


def stage(code: Program, maps: Maps) -> None:
    """R8 becomes a slot's head, with the thread in it; R6 and R7 stay."""
    code.call(ebpf.PID_TGID)
    code.store(8, FP, _SELF, R0)
    code.call(ebpf.CPU)
    code.set("movr", R1, R0)
    code.set("mul", R1, maps.n_slots)
    code.store(4, FP, _KEY, R1)
    for n in range(maps.n_slots):
        if n:
            code.load(4, R1, FP, _KEY)
            code.set("add", R1, 1)
            code.store(4, FP, _KEY, R1)
        _look_up_again(code, maps.staging)
        code.load(8, R1, R0, OWNER)
        code.jump("free", "jeq", R1, 0)
    code.jump("refused")
    code.label("free")
    code.set("movr", R8, R0)
    code.set("add", R8, START)
    code.load(8, R1, FP, _SELF)
    code.store(8, R8, OWNER - START, R1)
    code.store(8, R8, PID_TGID, R1)
    code.set("mov", R1, 0)
    look_up(code, maps.settings, R1)
    for place in (COPY, QUIET):
        code.load(8, R1, R0, place)
        code.store(8, FP, SETTING + place, R1)
    code.load(8, R1, R0, N_REFUSED)
    code.store(8, R8, REFUSED, R1)


def thread_key(code: Program, descriptor: int) -> None:
    """R1 the map, R2 the key: thread and process."""
    code.load(8, R1, FP, _SELF)
    code.store(8, FP, _THREAD, R1)
    code.key(descriptor, _THREAD)


def remember(code: Program, maps: Maps, flags: int) -> None:
    """The process in R1 has to do with it: its children will be told. `flags`: a register."""
    code.store(4, FP, -4, R1)
    code.store(4, FP, -8, flags)
    code.put(maps.tree, -4, -8)


def emit(code: Program, maps: Maps) -> None:
    """R9 bytes follow the head. Every program ends with this, or with a jump to "leave"."""
    code.store(8, R8, N, R9)
    code.call(ebpf.KTIME)
    code.store(8, R8, 0, R0)
    code.call(ebpf.CPU)
    code.store(4, R8, CPU, R0)
    _unless_taken(code, "refused")
    code.load_map(R1, maps.ring)
    code.set("movr", R2, R8)
    code.set("movr", R3, R9)
    code.set("add", R3, HEAD.size)
    code.load(8, R4, FP, SETTING + QUIET)
    code.call(ebpf.RINGBUF_OUTPUT)
    code.jump("leave", "jeq", R0, 0)
    _free(code)
    code.label("refused")
    code.set("mov", R1, 0)
    look_up(code, maps.settings, R1)
    code.set("mov", R1, 1)
    code.add_to_memory(R0, N_REFUSED, R1)
    code.jump("out")
    code.label("leave")
    _unless_taken(code, "out")
    _free(code)
    code.label("out")
    code.exit()


def _unless_taken(code: Program, label: str) -> None:
    """Between a slot being found free and being taken another one may have come, and still be at
    it: two instructions that nothing keeps together."""
    code.load(8, R1, FP, _SELF)
    code.load(8, R5, R8, OWNER - START)
    code.jump(label, "jner", R1, R5)


def _free(code: Program) -> None:
    code.set("mov", R1, 0)
    code.store(8, R8, OWNER - START, R1)
