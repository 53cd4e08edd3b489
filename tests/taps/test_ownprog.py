"""Of which descriptors bytes are copied, run on a small kernel of our own (`_kernel_of_calls`)."""

import struct

import pytest

from gwtop.taps.callprog import F_DUPFD, F_DUPFD_CLOEXEC, F_SETFD
from gwtop.taps.ownprog import ACCEPTS, HELD, INHERITS, KEPT
from gwtop.taps.sites import How, Kind
from gwtop.taps.threads import CLONE_THREAD
from tests.taps._code import MAPS
from tests.taps._kernel_of_calls import Kernel

LISTENER, CONN, FILE, CHILD = 3, 5, 9, 200
BUFFER, MESSAGES, VECTOR = 0x10000, 0x30000, 0x40000
TEXT = b"a line of somebody's key"


def kernel_with(flags: int | None = None) -> Kernel:
    kernel = Kernel(user={BUFFER: TEXT})
    if flags is not None:
        kernel.put(MAPS.tree, struct.pack("<I", kernel.pid), struct.pack("<I", flags))
    return kernel


def read(kernel: Kernel, fd: int) -> bytes:
    """What is copied of it; its length is told in any case."""
    kernel.met(Kind.READ, len(TEXT), fd, BUFFER, 4096)
    call = kernel.calls()[-1]
    assert (call.kind, call.result, call.a & 0xFFFFFFFF) == (Kind.READ, len(TEXT), fd)
    return call.data


@pytest.mark.parametrize("kind", [Kind.ACCEPT, Kind.ACCEPT4])
@pytest.mark.parametrize("how", [How.DIRECT, How.JOINED])
def test_of_a_process_that_accepts_only_what_it_accepted_is_copied(kind: Kind, how: How) -> None:
    kernel = kernel_with()
    if how is How.JOINED:
        kernel.met(kind, 0, LISTENER, 0, 0, 0, how=How.ENTRY)
        kernel.met(None, CONN, how=How.JOINED)
    else:
        kernel.met(kind, CONN, LISTENER, 0, 0, 0)
    assert (kernel.owns(), kernel.flags(kernel.pid)) == ({(100, CONN)}, ACCEPTS)
    assert read(kernel, CONN) == TEXT
    assert read(kernel, FILE) == b""
    kernel.pid = CHILD  # the same number of another process, of which nothing is known
    assert read(kernel, CONN) == TEXT


@pytest.mark.parametrize("kind", [Kind.WRITE, Kind.RECV, Kind.READV, Kind.SENDMSG])
def test_every_kind_of_call_is_told_by_its_length(kind: Kind) -> None:
    kernel = kernel_with(ACCEPTS)
    kernel.met(kind, 10, FILE, BUFFER, 4096, 0)
    (call,) = kernel.calls()
    assert (call.result, call.data) == (10, b"")


def test_several_messages_are_told_by_the_sum_of_their_lengths() -> None:
    message = struct.pack("<QI4xQQQQI4xI4x", 0, 0, VECTOR, 1, 0, 0, 0, 7)
    kernel = kernel_with(ACCEPTS)
    kernel.user = {MESSAGES: message * 2, VECTOR: struct.pack("<QQ", BUFFER, 7), BUFFER: TEXT}
    kernel.met(Kind.RECVMMSG, 2, FILE, MESSAGES, 2, 0)
    assert [(call.result, call.data) for call in kernel.calls()] == [(14, b"")]


@pytest.mark.parametrize(
    ("flags", "is_copied"),
    [
        pytest.param(None, True, id="nothing is known"),
        pytest.param(0, True, id="only that it is concerned"),
        pytest.param(HELD, True, id="what it held was not put there yet"),
        pytest.param(HELD | KEPT, False, id="what it held is there"),
        pytest.param(KEPT, False, id="it held nothing"),
        pytest.param(ACCEPTS, False, id="it accepts"),
        pytest.param(INHERITS, True, id="a fork for a connection"),
        pytest.param(INHERITS | ACCEPTS | KEPT, True, id="a fork that accepts besides"),
    ],
)
def test_who_may_hold_what_it_did_not_accept_is_copied_as_a_whole(
    flags: int | None, is_copied: bool
) -> None:
    assert read(kernel_with(flags), FILE) == (TEXT if is_copied else b"")


def test_what_was_open_before_us_is_copied_once_it_was_put_there() -> None:
    kernel = kernel_with(HELD | KEPT)
    kernel.put(MAPS.own, struct.pack("<II", CONN, kernel.pid), bytes(8))
    assert (read(kernel, CONN), read(kernel, FILE)) == (TEXT, b"")


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        pytest.param(Kind.DUP, (), id="dup"),
        pytest.param(Kind.DUP2, (FILE,), id="dup2"),
        pytest.param(Kind.DUP3, (FILE, 0), id="dup3"),
        pytest.param(Kind.FCNTL, (F_DUPFD, 0), id="fcntl"),
        pytest.param(Kind.FCNTL, (F_DUPFD_CLOEXEC, 0), id="fcntl, close on exec"),
    ],
)
def test_a_second_number_is_what_the_first_one_is(kind: Kind, arguments: tuple[int, ...]) -> None:
    kernel = kernel_with()
    kernel.met(Kind.ACCEPT, CONN, LISTENER, 0, 0)
    kernel.met(kind, FILE, CONN, *arguments)
    assert kernel.owns() == {(100, CONN), (100, FILE)}
    kernel.met(kind, CONN, 77, *arguments)
    assert kernel.owns() == {(100, FILE)}
    kernel.met(kind, FILE, FILE, *arguments)
    assert kernel.owns() == {(100, FILE)}


def test_other_things_that_are_done_to_a_descriptor_leave_it_what_it_is() -> None:
    kernel = kernel_with()
    kernel.met(Kind.ACCEPT, CONN, LISTENER, 0, 0)
    kernel.met(Kind.FCNTL, 0, CONN, F_SETFD, 1)
    kernel.met(Kind.SHUTDOWN, 0, CONN, 1)
    kernel.met(Kind.SENDFILE, 5, CONN, FILE)
    kernel.met(Kind.DUP2, -9, FILE, CONN)
    assert kernel.owns() == {(100, CONN)}
    assert len(kernel.records) == 4


def test_a_number_that_was_closed_is_a_files_next() -> None:
    kernel = kernel_with()
    kernel.met(Kind.ACCEPT, CONN, LISTENER, 0, 0)
    kernel.met(Kind.CLOSE, 0, 0xDEAD_0000_0000 | CONN)  # an int in a register
    assert kernel.owns() == set()
    assert read(kernel, CONN) == b""
    kernel.met(Kind.ACCEPT, CONN, LISTENER, 0, 0)
    assert read(kernel, CONN) == TEXT


def test_a_process_for_whose_descriptor_there_is_no_room_is_copied_as_a_whole() -> None:
    kernel = kernel_with(KEPT)
    kernel.is_own_full = True
    kernel.met(Kind.ACCEPT, CONN, LISTENER, 0, 0)
    assert (read(kernel, CONN), read(kernel, FILE)) == (TEXT, TEXT)
    assert kernel.flags(kernel.pid) == ACCEPTS | INHERITS | KEPT


def test_so_is_one_for_whose_second_number_there_is_none() -> None:
    kernel = kernel_with()
    kernel.met(Kind.ACCEPT, CONN, LISTENER, 0, 0)
    kernel.is_own_full = True
    kernel.met(Kind.DUP, FILE, CONN)
    assert (read(kernel, FILE), kernel.flags(kernel.pid)) == (TEXT, ACCEPTS | INHERITS)


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        pytest.param(0, 0, id="a master, of whom we know no more"),
        pytest.param(KEPT, KEPT, id="a master that holds nothing"),
        pytest.param(ACCEPTS | KEPT, INHERITS, id="of one that accepts"),
        pytest.param(HELD | KEPT, INHERITS, id="of one that held something"),
        pytest.param(INHERITS, INHERITS, id="of a fork for a connection"),
    ],
)
def test_a_child_may_hold_what_its_parent_has_accepted(parent: int, child: int) -> None:
    kernel = kernel_with(parent)
    kernel.forked(CHILD)
    assert (kernel.flags(kernel.pid), kernel.flags(CHILD)) == (parent, child)


def test_a_thread_is_no_child() -> None:
    kernel = kernel_with(ACCEPTS)
    kernel.forked(CHILD, CLONE_THREAD)
    assert kernel.flags(CHILD) is None


def test_of_a_process_that_has_ended_nothing_is_said_of_the_next_with_its_number() -> None:
    kernel = kernel_with(INHERITS)
    kernel.ended()  # another thread of it
    assert kernel.flags(kernel.pid) == INHERITS
    kernel.thread = kernel.pid
    kernel.ended()
    assert kernel.flags(kernel.pid) == 0
