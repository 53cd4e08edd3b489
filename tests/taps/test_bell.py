"""The bell's filter, run by the kernel itself on a pair of sockets; no right is needed for that.

In: messages by hand, as long as the connector's. Out: which of them come through.
"""

import errno
import socket
import struct
from collections.abc import Collection

import pytest

from gwtop.taps import bell, connector
from gwtop.taps.connector import EVENT_EXEC, EVENT_EXIT, EVENT_FORK, EVENT_NONE

EVENT_COMM = 0x200  # linux/cn_proc.h


def message(what: int, *words: int) -> bytes:
    head = struct.pack("=16xIIIIHHIIQ", 1, 1, 0, 0, 40, 0, what, 0, 1)
    return (head + struct.pack(f"={len(words)}I", *words)).ljust(connector.MESSAGE_BYTES, b"\0")


def fork(parent: int, child: int, tgid: int = 0) -> bytes:
    return message(EVENT_FORK, parent, parent, child, tgid or child)


def through(pids: Collection[int], *messages: bytes) -> list[bytes]:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        bell.attach(there, bell.program(pids))
        there.setblocking(False)
        for one in messages:
            here.send(one)
        found = []
        while True:
            try:
                found.append(there.recv(connector.MESSAGE_BYTES))
            except BlockingIOError:
                return found


TOLD = [
    fork(10, 11),
    message(EVENT_EXEC, 10, 10),
    message(EVENT_EXIT, 10, 10, 9, 17),
    fork(70_000, 70_001),
    message(EVENT_EXIT, 70_000, 70_000, 0, 17),
]
"""All are of the tree {10, 70000}."""


@pytest.mark.parametrize("one", TOLD)
def test_forks_execs_and_ends_of_the_tree_ring(one: bytes) -> None:
    assert through({10, 70_000}, one) == [one]


@pytest.mark.parametrize(
    "one",
    [
        fork(12, 10),
        message(EVENT_EXEC, 12, 12),
        message(EVENT_EXIT, 12, 12, 0, 17),
        fork(10, 13, tgid=10),
        message(EVENT_EXIT, 13, 10, 0, 17),
        message(EVENT_COMM, 10, 10),
        message(EVENT_NONE, 10, 10),
        message(EVENT_FORK)[: bell.B_AT],
    ],
)
def test_strangers_threads_and_everything_else_do_not(one: bytes) -> None:
    assert through({10, 70_000}, one, TOLD[0]) == [TOLD[0]]


def test_nobody_rings_before_somebody_is_named() -> None:
    assert through((), *TOLD) == []


def test_the_last_of_as_many_as_fit_rings() -> None:
    pids = range(1, bell.MAX_PIDS + 1)
    assert through(pids, fork(bell.MAX_PIDS, 5), fork(bell.MAX_PIDS + 1, 5)) == [
        fork(bell.MAX_PIDS, 5)
    ]


class Opened(bell.Bell):
    """One that needs no right: its socket is one of a pair."""

    def __init__(self, one: socket.socket) -> None:
        self._pids = frozenset()
        self._socket = one


def test_a_kernel_without_room_for_so_long_a_filter_is_asked_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(one: socket.socket, code: object) -> None:
        raise OSError(errno.ENOMEM, "no room")

    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        there.setblocking(False)
        opened = Opened(there)
        with monkeypatch.context() as small:
            small.setattr(bell, "attach", refuses)
            assert not opened.rings_for(frozenset({10}))
        assert opened.rings_for(frozenset({10}))
        here.send(TOLD[0])
        here.send(fork(12, 13))
        assert there.recv(connector.MESSAGE_BYTES) == TOLD[0]
        with pytest.raises(BlockingIOError):
            there.recv(connector.MESSAGE_BYTES)
