"""What is told of a TCP connection: both its ends, once it was read; that its client has gone."""

import struct

from gwtop.nouns.records import Touched
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.taps.callprog import EPIPE
from gwtop.taps.sites import Kind
from gwtop.taps.tcpprog import LEFT, NAMED, RESET
from gwtop.taps.treeprog import FORKED
from tests.taps.test_descriptors import (
    CHILD,
    CONN,
    FIRST,
    LISTENER,
    OVER,
    THREAD,
    WORKER,
    Machine,
    ends,
)

PORT, SOCK = "0.0.0.0:9000", 0xFFFF888000001000
SERVER_END, CLIENT_END = "127.0.0.1:9000", "127.0.0.1:50412"
ENDS = struct.pack("=HH16s16s", 9000, 50412, *[bytes(10) + b"\xff\xff\x7f\0\0\1"] * 2)


class TcpMachine(Machine):
    """Its listener is bound to any address."""

    def _listener(self, pid: int, fd: int) -> str | None:
        return PORT if fd == LISTENER else None

    def named(self, sock: int = SOCK, thread: int | None = None, data: bytes = ENDS) -> None:
        assert self.call(NAMED, sock, data=data, thread=thread) == []


def test_a_tcp_connection_is_told_with_both_ends_once_it_has_been_read() -> None:
    machine = TcpMachine()
    assert machine.accept() == []
    machine.named(thread=THREAD)
    machine.call(Kind.READ, CONN, 0, 10, result=2, data=b"hi", thread=THREAD)
    machine.write(b"ho")
    machine.close()
    conn = FIRST + 1
    assert machine.told == [
        Opened(1001, conn, CLIENT_END, SERVER_END, True),
        Touched(1003, WORKER, THREAD, SERVER_END, CLIENT_END, "read", 2, None, conn),
        Chunk(1003, conn, CLIENT, b"hi"),
        Chunk(1004, conn, SERVER, b"ho"),
        Closed(1005, conn, SERVER, "fin"),
        Closed(1005, conn, CLIENT, "fin"),
    ]


def test_two_threads_that_read_at_once_are_not_mixed_up() -> None:
    machine = TcpMachine()
    machine.accept(CONN)
    machine.accept(CONN + 1)
    other = ENDS[:2] + (50413).to_bytes(2, "little") + ENDS[4:]
    machine.named(SOCK, thread=1)
    machine.named(SOCK + 1, thread=2, data=other)
    machine.call(Kind.READ, CONN + 1, 0, 9, result=1, data=b"b", thread=2)
    machine.call(Kind.READ, CONN, 0, 9, result=1, data=b"a", thread=1)
    clients = {r.conn - FIRST: r.client for r in machine.told if isinstance(r, Opened)}
    assert clients == {1: CLIENT_END, 2: "127.0.0.1:50413"}


def test_a_client_that_says_nothing_is_not_told() -> None:
    machine = TcpMachine()
    machine.accept()
    machine.call(Kind.READ, CONN, 0, 4096, result=0)
    machine.close()
    assert machine.told == []


def test_what_was_open_before_has_its_ends_from_those_who_found_it() -> None:
    machine = TcpMachine()
    machine.descriptors.was_open(SERVER_END, [(WORKER, CONN)], CLIENT_END)
    machine.named()
    machine.read(b"hi")
    assert machine.told[0] == Opened(1002, FIRST + 1, CLIENT_END, SERVER_END, False)


def test_a_reset_is_told_when_the_worker_is_done_and_at_its_own_time() -> None:
    machine = TcpMachine()
    machine.accept()
    machine.named()
    machine.read(b"hi")
    assert machine.call(RESET, SOCK, pid=0) == []
    assert ends(machine.close()) == [("client", "rst")]
    assert machine.told[-1] == Closed(1004, FIRST + 1, CLIENT, "rst")


def test_a_write_that_began_before_a_reset_is_told_before_it() -> None:
    machine = TcpMachine()
    machine.accept()
    machine.named()
    machine.read(b"hi")
    machine.call(LEFT, SOCK, pid=0)
    machine.call(RESET, SOCK, pid=0)
    conn = FIRST + 1
    assert machine.write(b"all of the answer") == [
        Closed(1004, conn, CLIENT, "fin"),
        Chunk(1006, conn, SERVER, b"all of the answer"),
        Closed(1006, conn, CLIENT, "rst"),
    ]
    assert machine.call(Kind.WRITE, CONN, 0, 9, result=EPIPE) == machine.close() == []


def test_a_client_that_has_closed_may_still_be_read_and_answered() -> None:
    machine = TcpMachine()
    machine.accept()
    machine.named()
    machine.read(b"a head")
    machine.call(LEFT, SOCK, pid=0)
    machine.read(b"and the body that came before the end")
    machine.write(b"answer")
    assert machine.chunks()[1:] == [(1, b"and the body that came before the end"), (1, b"answer")]
    assert ends(machine.close()) == OVER


def test_a_socket_that_is_closed_is_named_no_more() -> None:
    machine = TcpMachine()
    machine.accept()
    machine.named()
    machine.read(b"hi")
    machine.close()
    assert machine.call(RESET, SOCK, pid=0) == []
    machine.accept()
    machine.named()
    machine.read(b"ho")
    assert ends(machine.close()) == OVER


def test_a_connection_goes_on_under_its_name_when_calls_were_missed() -> None:
    machine = TcpMachine()
    machine.accept()
    machine.named()
    machine.read(b"hi")
    machine.descriptors.cut(2000)
    (opened, *_) = machine.read(b"more")
    assert opened == Opened(1004, FIRST + 2, CLIENT_END, SERVER_END, False)
    machine.call(RESET, SOCK, pid=0)
    assert ends(machine.close()) == [("client", "rst")]


def test_a_child_accepts_from_the_listener_that_its_parent_was_found_with() -> None:
    machine = TcpMachine()
    machine.descriptors.listens(WORKER, 8, PORT)
    machine.call(FORKED, CHILD)
    machine.call(Kind.ACCEPT, 8, result=CONN, pid=CHILD)
    machine.call(NAMED, SOCK, data=ENDS, pid=CHILD)
    machine.read(b"hi", pid=CHILD)
    assert machine.chunks() == [(1, b"hi")]
