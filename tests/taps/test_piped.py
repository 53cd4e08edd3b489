"""One relayed connection: every byte, every end, every descriptor, and no more in hand than one
read."""

import array
import os
import socket
from collections.abc import Iterator

import pytest

from gwtop.nouns.wire import CLIENT, SERVER
from gwtop.taps.piped import READ_BYTES, Piped, Read

Ends = tuple[socket.socket, Piped, socket.socket]


@pytest.fixture(params=["unix", "tcp"])
def ends(request: pytest.FixtureRequest) -> Iterator[Ends]:
    """A client, the relay's connection, a server."""
    client, near = _pair(request.param)
    far, server = _pair(request.param)
    for one in (near, far):
        one.setblocking(False)
    piped = Piped(1, near, far)
    yield client, piped, server
    for each in (client, server):
        each.close()
    piped.close()


def _pair(kind: str) -> tuple[socket.socket, socket.socket]:
    if kind == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        one = socket.create_connection(listener.getsockname())
        return one, listener.accept()[0]


def came(piped: Piped, one: socket.socket) -> Read | None:
    """What comes next on one of its sockets, awaited."""
    one.setblocking(True)
    one.settimeout(5)
    one.recv(1, socket.MSG_PEEK)
    one.setblocking(False)
    return piped.readable(one)


def test_bytes_pass_both_ways_and_are_told(ends: Ends) -> None:
    client, piped, server = ends
    client.sendall(b"ask")
    assert came(piped, piped.client) == Read(CLIENT, b"ask", None)
    assert server.recv(10) == b"ask"
    server.sendall(b"answer")
    assert came(piped, piped.server) == Read(SERVER, b"answer", None)
    assert client.recv(10) == b"answer"


def test_an_end_of_one_side_is_passed_on_and_the_other_goes_on(ends: Ends) -> None:
    client, piped, server = ends
    client.shutdown(socket.SHUT_WR)
    assert came(piped, piped.client) == Read(CLIENT, b"", None)
    assert server.recv(10) == b""
    server.sendall(b"late")
    assert came(piped, piped.server) == Read(SERVER, b"late", None)
    assert client.recv(10) == b"late"
    server.close()
    assert came(piped, piped.server) == Read(SERVER, b"", None)
    assert piped.closed
    assert client.recv(10) == b""


def test_no_more_than_one_read_is_held_for_a_slow_reader(ends: Ends) -> None:
    client, piped, server = ends
    client.setblocking(False)
    told = 0
    while True:
        try:
            client.send(b"x" * 65536)
        except BlockingIOError:
            if piped.readable(piped.client) is None and piped.there.held is not None:
                break
    assert piped.there.held is not None and len(piped.there.held) <= READ_BYTES
    assert piped.interest(piped.client) == (False, False)
    assert piped.interest(piped.server) == (True, True)
    server.settimeout(5)
    while piped.there.held is not None:
        told += len(server.recv(1 << 20))
        assert piped.writable(piped.server) is None
    assert told > 0
    assert piped.interest(piped.client) == (True, False)


def test_a_client_that_has_gone_does_not_hold_up_a_server(ends: Ends) -> None:
    client, piped, server = ends
    client.close()
    server.sendall(b"x" * 1000)
    first = came(piped, piped.server)
    assert first == Read(SERVER, b"x" * 1000, None)
    assert piped.readable(piped.client) is not None  # its end, or the reset that it caused
    server.close()
    if not piped.closed:
        piped.readable(piped.server)
    assert piped.closed


def test_an_answer_that_came_before_the_request_was_read_still_arrives() -> None:
    client, near = socket.socketpair()
    far, server = socket.socketpair()
    for one in (near, far):
        one.setblocking(False)
    piped = Piped(1, near, far)
    server.sendall(b"too large")
    server.close()
    client.sendall(b"a body that nobody reads")
    assert came(piped, near) == Read(CLIENT, b"a body that nobody reads", None)
    with pytest.raises(BrokenPipeError):
        client.sendall(b"more")
    assert came(piped, far) == Read(SERVER, b"too large", None)
    assert client.recv(100) == b"too large"
    assert piped.readable(far) is not None
    assert piped.closed
    client.close()


def test_descriptors_go_on_with_the_bytes_they_came_with() -> None:
    client, near = socket.socketpair()
    far, server = socket.socketpair()
    for one in (near, far):
        one.setblocking(False)
    piped = Piped(1, near, far)
    reading, writing = os.pipe()
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [writing]))
    client.sendmsg([b"take this"], [rights])
    os.close(writing)
    assert came(piped, near) == Read(CLIENT, b"take this", None)
    data, passed, _, _ = socket.recv_fds(server, 100, 1)
    assert data == b"take this"
    os.write(passed[0], b"through it")
    os.close(passed[0])
    assert os.read(reading, 100) == b"through it"
    assert os.read(reading, 100) == b""  # nobody else has it open: not the relay either
    os.close(reading)
    for each in (client, server):
        each.close()
    piped.close()


def test_the_kernel_names_who_wrote() -> None:
    client, near = socket.socketpair()
    far, server = socket.socketpair()
    far.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    for one in (near, far):
        one.setblocking(False)
    piped = Piped(1, near, far)
    child = os.fork()
    if child == 0:
        server.sendall(b"by a child")
        os._exit(0)
    os.waitpid(child, 0)
    assert came(piped, far) == Read(SERVER, b"by a child", child)
    server.sendall(b"by us")
    assert came(piped, far) == Read(SERVER, b"by us", os.getpid())
    for each in (client, server):
        each.close()
    piped.close()


def test_a_reset_is_passed_on_as_a_reset() -> None:
    client, near = _pair("tcp")
    far, server = _pair("tcp")
    for one in (near, far):
        one.setblocking(False)
    piped = Piped(1, near, far)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert piped.readable(near) == Read(CLIENT, b"", None, "rst")
    assert piped.closed
    with pytest.raises(ConnectionResetError):
        server.recv(10)
    server.close()


def test_a_byte_that_went_ahead_is_told_once_with_what_comes_next_or_with_the_end() -> None:
    for rest in (b"equest", b""):
        client, near = _pair("tcp")
        far, server = _pair("tcp")
        for one in (near, far):
            one.setblocking(False)
        piped = Piped(1, near, far)
        piped.nudge()  # nothing is there yet
        client.sendall(b"r" + rest)
        client.shutdown(socket.SHUT_WR)
        near.setblocking(True)
        near.recv(1, socket.MSG_PEEK)
        near.setblocking(False)
        piped.nudge()
        assert server.recv(1) == b"r"
        assert came(piped, near) == Read(CLIENT, b"r" + rest, None)
        assert piped.readable(near) == Read(CLIENT, b"", None)
        assert server.recv(100) == rest
        for each in (client, server):
            each.close()
        piped.close()
