"""What the programs copy of a call, run on a small kernel of our own (`_kernel_of_calls`)."""

import struct

import pytest

from gwtop.taps import callprog, copyprog
from gwtop.taps.callprog import ECONNRESET, UNKNOWN_BYTES
from gwtop.taps.sites import How, Kind
from tests.taps._code import MAPS
from tests.taps._kernel_of_calls import Kernel

BUFFER, VECTOR, MESSAGES, PIECES = 0x10000, 0x30000, 0x40000, 0x50000
TEXT = bytes(range(256)) * 300
FD = 5


def told(kernel: Kernel) -> tuple[int, bytes]:
    """The one record: its result and bytes."""
    (call,) = kernel.calls()
    assert (call.thread, call.pid, call.a) == (101, 100, FD)
    return call.result, call.data


def vector(*pieces: bytes) -> dict[int, bytes]:
    """Memory with these pieces, and their vector."""
    places, memory, at = b"", {}, PIECES
    for piece in pieces:
        places += struct.pack("<QQ", at, len(piece))
        memory[at] = piece
        at += 0x20000
    return {VECTOR: places, **memory}


@pytest.mark.parametrize("kind", [Kind.READ, Kind.RECV, Kind.WRITE])
def test_what_the_result_says_is_copied(kind: Kind) -> None:
    kernel = Kernel(user={BUFFER: TEXT})
    kernel.met(kind, 40, FD, BUFFER, 4096, 0)
    assert told(kernel) == (40, TEXT[:40])


@pytest.mark.parametrize(
    ("copy_bytes", "n_copied"),
    [
        pytest.param(1 << 16, 1 << 16, id="as much as a slot holds"),
        pytest.param(1 << 20, 1 << 16, id="no more"),
        pytest.param(100, 100, id="the limit"),
        pytest.param(0, 0, id="lengths only"),
    ],
)
def test_a_long_call_is_copied_to_the_limit(copy_bytes: int, n_copied: int) -> None:
    kernel = Kernel(user={BUFFER: TEXT}, copy_bytes=copy_bytes)
    kernel.met(Kind.READ, 70_000, FD, BUFFER, 70_000)
    assert told(kernel) == (70_000, TEXT[:n_copied])


def test_while_the_ring_is_half_full_a_head_is_copied() -> None:
    kernel = Kernel(user={BUFFER: TEXT}, ring_holds_bytes=MAPS.ring_bytes // 2 + 1)
    kernel.met(Kind.READ, 70_000, FD, BUFFER, 70_000)
    assert told(kernel) == (70_000, TEXT[: copyprog.FRUGAL_BYTES])
    kernel = Kernel(user={BUFFER: TEXT}, ring_holds_bytes=MAPS.ring_bytes // 2)
    kernel.met(Kind.READ, 70_000, FD, BUFFER, 70_000)
    assert told(kernel) == (70_000, TEXT[: 1 << 16])


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        pytest.param(Kind.RECV, (FD, BUFFER, 10, copyprog.MSG_PEEK), id="recv"),
        pytest.param(Kind.RECVMSG, (FD, MESSAGES, copyprog.MSG_PEEK), id="recvmsg"),
        pytest.param(Kind.RECVMMSG, (FD, MESSAGES, 1, copyprog.MSG_PEEK), id="recvmmsg"),
    ],
)
def test_what_only_peeked_is_not_told(kind: Kind, arguments: tuple[int, ...]) -> None:
    kernel = Kernel(user={BUFFER: TEXT})
    kernel.met(kind, 10, *arguments)
    assert kernel.records == [] and kernel.n_refused == 0


def test_of_calls_that_failed_only_a_clients_end_is_told() -> None:
    kernel = Kernel()
    kernel.met(Kind.READ, -11, FD, BUFFER, 10)  # EAGAIN
    assert kernel.records == []
    kernel.met(Kind.READ, ECONNRESET, FD, BUFFER, 10)
    assert told(kernel) == (ECONNRESET, b"")


@pytest.mark.parametrize("kind", [Kind.READV, Kind.WRITEV])
def test_pieces_are_one_run_of_bytes_and_end_with_the_result(kind: Kind) -> None:
    kernel = Kernel(user=vector(b"ab", b"", b"cdef", TEXT))
    kernel.met(kind, 10, FD, VECTOR, 4)
    assert told(kernel) == (10, b"abcdef" + TEXT[:4])


def test_of_many_pieces_the_first_are_copied() -> None:
    n = callprog.N_VECTORS + 3
    kernel = Kernel(user=vector(*[b"xy"] * n))
    kernel.met(Kind.WRITEV, 2 * n, FD, VECTOR, n)
    assert told(kernel) == (2 * n, b"xy" * callprog.N_VECTORS)


def test_a_piece_that_cannot_be_read_ends_the_run() -> None:
    memory = vector(b"ab", b"cd", b"ef")
    kernel = Kernel(user={at: data for at, data in memory.items() if data != b"cd"})
    kernel.met(Kind.READV, 6, FD, VECTOR, 3)
    assert told(kernel) == (6, b"ab")


def message(at: int, n_pieces: int, n_bytes: int = 0) -> bytes:
    """struct mmsghdr (linux/socket.h)."""
    return struct.pack("<QI4xQQQQI4xI4x", 0, 0, at, n_pieces, 0, 0, 0, n_bytes)


@pytest.mark.parametrize("kind", [Kind.RECVMSG, Kind.SENDMSG])
def test_a_message_is_its_vector(kind: Kind) -> None:
    kernel = Kernel(user={MESSAGES: message(VECTOR, 2), **vector(b"abc", TEXT)})
    kernel.met(kind, 5, FD, MESSAGES, 0)
    assert told(kernel) == (5, b"abc" + TEXT[:2])


@pytest.mark.parametrize("kind", [Kind.RECVMMSG, Kind.SENDMMSG])
def test_several_messages_are_one_run_each_up_to_its_own_length(kind: Kind) -> None:
    """The second was given more room than it took; what is behind the fourth is a length."""
    lengths = [3, 2, 4, 1, 50, 60]
    memory = vector(*[TEXT[10 * n : 10 * n + 10] for n in range(6)])
    messages = [message(VECTOR + 16 * n, 1, length) for n, length in enumerate(lengths)]
    kernel = Kernel(user={MESSAGES: b"".join(messages), **memory})
    kernel.met(kind, 6, FD, MESSAGES, 6, 0)
    copied = b"".join(TEXT[10 * n : 10 * n + lengths[n]] for n in range(4))
    assert told(kernel) == (sum(lengths), copied)


def test_more_messages_than_are_counted_are_an_unknown_length() -> None:
    n = callprog.N_MESSAGES + 1
    kernel = Kernel(user={MESSAGES: message(VECTOR, 1, 1) * n})
    kernel.met(Kind.SENDMMSG, n, FD, MESSAGES, n, 0)
    assert told(kernel) == (UNKNOWN_BYTES, b"")


def test_a_program_that_comes_in_between_takes_the_next_slot() -> None:
    kernel = Kernel(user={BUFFER: TEXT})
    for slot in range(MAPS.n_slots - 1):
        kernel.occupy(slot)
    kernel.met(Kind.READ, 4, FD, BUFFER, 4)
    assert told(kernel) == (4, TEXT[:4])
    kernel.occupy(MAPS.n_slots - 1)
    kernel.met(Kind.READ, 4, FD, BUFFER, 4)
    assert (len(kernel.records), kernel.n_refused) == (1, 1)


def test_what_a_full_ring_refuses_is_counted_in_what_comes_next() -> None:
    kernel = Kernel(user={BUFFER: TEXT}, is_ring_full=True)
    for _ in range(3):
        kernel.met(Kind.READ, 4, FD, BUFFER, 4)
    assert (kernel.records, kernel.n_refused) == ([], 3)
    kernel.is_ring_full = False
    kernel.met(Kind.READ, 4, FD, BUFFER, 4)
    assert [call.n_refused for call in kernel.calls()] == [3]


def test_an_entry_and_its_result_are_joined_by_thread() -> None:
    kernel = Kernel(user={BUFFER: TEXT})
    kernel.met(Kind.READ, 0, FD, BUFFER, 4096, how=How.ENTRY)
    assert kernel.records == []
    kernel.met(None, 6, 99, 99, 99, how=How.JOINED)
    assert told(kernel) == (6, TEXT[:6])
    kernel.met(None, 6, 99, 99, 99, how=How.JOINED)
    assert len(kernel.records) == 1
