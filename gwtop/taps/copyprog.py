"""What a call has moved, copied: one buffer, the pieces of a vector, several messages.

In: descriptors of maps. Out: code for the kernel. It refuses to know where calls are met
(`siteprog`) and what their records say besides (`callprog`).

A call is copied whole up to the limit that is found in a map, for a read of 64 KiB may hold many
records, whose headers a decoder needs; of more than that the beginning is. The result bounds what
is valid, not the length that was asked for. Of a vector the first `N_VECTORS` pieces are copied, of
recvmmsg and sendmmsg the first `N_COPIED` messages, as one run of bytes that ends where the first
thing is not copied whole; the rest is told by its length. What is longer than a head takes no more
than `FRUGAL_BYTES` while the ring is half full: bytes of bodies are worth less than calls. Of a
descriptor that was not accepted nothing is copied at all (`ownprog`).
"""

from gwtop.taps import arrivals, ebpf, ownprog
from gwtop.taps.callprog import (
    ARGUMENTS,
    ARRIVED,
    COPY,
    ECONNRESET,
    EPIPE,
    HEAD,
    KEPT,
    MESSAGE_BYTES,
    MESSAGES,
    N_MESSAGES,
    N_VECTORS,
    RESULT,
    SETTING,
    START,
    UNKNOWN_BYTES,
    VECTOR_BYTES,
    VECTORS,
    Maps,
    thread_key,
)
from gwtop.taps.ebpf import FP, R0, R1, R2, R3, R6, R7, R8, R9, Program
from gwtop.taps.sites import Kind

MSG_PEEK = 2  # linux/socket.h
MSGHDR_IOV, MSGHDR_IOVLEN, MMSGHDR_LEN = 16, 24, 56  # linux/socket.h
N_COPIED = 4
FRUGAL_BYTES = 12 * 1024
"""A head of 8 KiB in one read, with what its protocol puts around it."""
RB_AVAIL_DATA = 0  # linux/bpf.h
_VECTOR = -32  # on the stack
_N_PIECES, _N_BYTES, _N_SAID, _END = (KEPT - START + 8 * n for n in range(4))
"""In the slot, and not on the stack, whose values the verifier knows: it would go every way through
the pieces for each number of them."""


def copied(code: Program, maps: Maps) -> None:
    """R9 the result, R7 the kind. Goes to "emit" with R9 bytes copied, to "empty", "leave"."""
    code.jump("moved", "jsge", R9, 0)
    code.jump("empty", "jeq", R9, ECONNRESET)
    code.jump("empty", "jeq", R9, EPIPE)
    code.jump("leave")
    code.label("moved")
    _unless_peeked(code)
    thread_key(code, maps.taken)
    arrivals.take(code)
    code.store(8, R8, ARRIVED, R1)
    ownprog.keep_out(code, maps)
    code.jump("several", "jge", R7, Kind.RECVMMSG)
    _limited(code, maps, "one")
    code.jump("vector", "jeq", R7, Kind.READV)
    code.jump("vector", "jeq", R7, Kind.WRITEV)
    code.jump("message", "jge", R7, Kind.RECVMSG)
    code.load(8, R3, R8, ARGUMENTS + 8)
    _read_user(code, HEAD.size, R9)
    code.jump("emit", "jeq", R0, 0)
    code.jump("empty")
    _vector(code, maps)
    _several(code, maps)
    code.label("walked")
    code.set("movr", R9, R7)
    code.jump("emit", "jle", R9, maps.room_bytes)
    code.jump("empty")


def _unless_peeked(code: Program) -> None:
    code.jump("recvmsg", "jeq", R7, Kind.RECVMSG)
    code.jump("flags", "jeq", R7, Kind.RECVMMSG)
    code.jump("unpeeked", "jne", R7, Kind.RECV)
    code.label("flags")
    code.load(8, R1, R8, ARGUMENTS + 24)
    code.jump("peeks")
    code.label("recvmsg")
    code.load(8, R1, R8, ARGUMENTS + 16)
    code.label("peeks")
    code.jump("leave", "jset", R1, MSG_PEEK)
    code.label("unpeeked")


def _limited(code: Program, maps: Maps, name: str) -> None:
    """R9 becomes what may be copied of so many; "emit" if that is nothing."""
    code.load(8, R1, FP, SETTING + COPY)
    code.jump(f"{name}_short", "jler", R9, R1)
    code.set("movr", R9, R1)
    code.label(f"{name}_short")
    code.jump(f"{name}_fits", "jle", R9, FRUGAL_BYTES)
    code.load_map(R1, maps.ring)
    code.set("mov", R2, RB_AVAIL_DATA)
    code.call(ebpf.RINGBUF_QUERY)
    code.jump(f"{name}_ample", "jle", R0, maps.ring_bytes // 2)
    code.set("mov", R9, FRUGAL_BYTES)
    code.label(f"{name}_ample")
    code.jump(f"{name}_fits", "jle", R9, maps.room_bytes)
    code.set("mov", R9, maps.room_bytes)
    code.label(f"{name}_fits")
    code.jump("emit", "jeq", R9, 0)


def _read_user(code: Program, to: int, n_bytes: int) -> None:
    """R3: from where; `n_bytes` a register; `to`: from the head on."""
    code.set("movr", R2, n_bytes)
    code.set("movr", R1, R8)
    code.set("add", R1, to)
    code.call(ebpf.PROBE_READ_USER)


def _vector(code: Program, maps: Maps) -> None:
    """The pieces of one; R7 is how far we are."""
    code.label("message")
    code.set("movr", R1, FP)
    code.set("add", R1, _VECTOR)
    code.set("mov", R2, VECTOR_BYTES)
    code.load(8, R3, R8, ARGUMENTS + 8)
    code.set("add", R3, MSGHDR_IOV)
    code.call(ebpf.PROBE_READ_USER)
    code.jump("empty", "jne", R0, 0)
    code.load(8, R6, FP, _VECTOR)
    code.load(4, R1, FP, _VECTOR + 8)
    code.jump("walk")
    code.label("vector")
    code.load(8, R6, R8, ARGUMENTS + 8)
    code.load(8, R1, R8, ARGUMENTS + 16)
    code.label("walk")
    code.store(8, R8, _END, R9)
    code.set("mov", R7, 0)
    _pieces(code, maps, "piece", "walked")
    code.jump("walked")


def _pieces(code: Program, maps: Maps, name: str, done: str) -> None:
    """Of the vector at R6, which has R1 pieces, up to the end that is kept; then `done`."""
    code.jump(f"{name}_few", "jle", R1, N_VECTORS)
    code.set("mov", R1, N_VECTORS)
    code.label(f"{name}_few")
    code.store(8, R8, _N_PIECES, R1)
    code.set("lsh", R1, 4)
    code.set("movr", R3, R6)
    _read_user(code, VECTORS - START, R1)
    code.jump(done, "jne", R0, 0)
    for n in range(N_VECTORS):
        _piece(code, maps, n, f"{name}{n}", done)


def _piece(code: Program, maps: Maps, n: int, name: str, done: str) -> None:
    code.load(8, R1, R8, _N_PIECES)
    code.jump(done, "jle", R1, n)
    code.load(8, R2, R8, VECTORS - START + n * VECTOR_BYTES + 8)
    code.load(8, R1, R8, _END)
    code.set("subr", R1, R7)
    code.jump(f"{name}_fits", "jler", R2, R1)
    code.set("movr", R2, R1)
    code.label(f"{name}_fits")
    code.jump(done, "jgt", R2, maps.room_bytes)
    code.jump(done, "jgt", R7, maps.room_bytes)
    code.store(8, R8, _N_BYTES, R2)
    code.set("movr", R1, R8)
    code.set("addr", R1, R7)
    code.set("add", R1, HEAD.size)
    code.load(8, R3, R8, VECTORS - START + n * VECTOR_BYTES)
    code.call(ebpf.PROBE_READ_USER)
    code.jump(done, "jne", R0, 0)
    code.load(8, R1, R8, _N_BYTES)
    code.set("addr", R7, R1)
    code.load(8, R1, R8, _END)
    code.jump(done, "jger", R7, R1)


def _several(code: Program, maps: Maps) -> None:
    """recvmmsg and sendmmsg: the result is a number of messages; it becomes their length."""
    code.label("several")
    code.jump("empty", "jeq", R9, 0)
    code.set("mov", R6, UNKNOWN_BYTES)
    code.jump("uncounted", "jgt", R9, N_MESSAGES)
    code.store(8, R8, _N_SAID, R9)
    code.set("lsh", R9, 6)
    code.load(8, R3, R8, ARGUMENTS + 8)
    _read_user(code, MESSAGES - START, R9)
    code.jump("uncounted", "jne", R0, 0)
    code.set("mov", R6, 0)
    code.load(8, R9, R8, _N_SAID)
    for n in range(N_MESSAGES):
        code.jump("summed", "jle", R9, n)
        code.load(4, R1, R8, MESSAGES - START + n * MESSAGE_BYTES + MMSGHDR_LEN)
        code.set("addr", R6, R1)
    code.label("summed")
    code.store(8, R8, RESULT, R6)
    code.load(8, R9, R8, RESULT)
    _limited(code, maps, "all")
    code.set("mov", R7, 0)
    for n in range(N_COPIED):
        _message(code, maps, n)
    code.jump("walked")
    code.label("uncounted")
    code.store(8, R8, RESULT, R6)
    code.jump("empty")


def _message(code: Program, maps: Maps, n: int) -> None:
    """It has its own end within what may be copied; what was not reached ends the run."""
    at = MESSAGES - START + n * MESSAGE_BYTES
    code.load(8, R1, R8, _N_SAID)
    code.jump("walked", "jle", R1, n)
    code.jump("walked", "jger", R7, R9)
    code.load(4, R1, R8, at + MMSGHDR_LEN)
    code.set("addr", R1, R7)
    code.jump(f"whole{n}", "jler", R1, R9)
    code.set("movr", R1, R9)
    code.label(f"whole{n}")
    code.store(8, R8, _END, R1)
    code.load(8, R6, R8, at + MSGHDR_IOV)
    code.load(4, R1, R8, at + MSGHDR_IOVLEN)
    _pieces(code, maps, f"message{n}_", f"message{n}")
    code.label(f"message{n}")
    code.load(8, R1, R8, _END)
    code.jump("walked", "jner", R7, R1)
