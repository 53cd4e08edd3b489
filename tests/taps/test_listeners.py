"""Listening sockets, from the kernel's answers laid out by hand and from a real socket.

In: bytes as linux/inet_diag.h says and text as proc(5) says. Out: `Listener`s.
"""

import os
import socket
import struct
from pathlib import Path

import pytest

from gwtop.taps import listeners
from gwtop.taps.listeners import Listener


def diag_answer(family: int, address: bytes, port: int, inode: int) -> bytes:
    identity = struct.pack(">HH", port, 0) + address.ljust(16, b"\0") + bytes(16) + bytes(12)
    body = struct.pack("=BBBB", family, 10, 0, 0) + identity
    expires, waiting, limit, uid = 0, 0, 128, 33
    body += struct.pack("=IIIII", expires, waiting, limit, uid, inode)
    return struct.pack("=IHHII", 16 + len(body), 20, 2, 1, 0) + body


DONE = struct.pack("=IHHIIi", 20, 3, 2, 1, 0, 0)


def test_a_dump_is_read_to_its_end() -> None:
    data = diag_answer(2, bytes([127, 0, 0, 1]), 9000, 77) + diag_answer(2, bytes(4), 80, 78)
    found, last = listeners.parse_dump(socket.AF_INET, data)
    assert found == [Listener("127.0.0.1", 9000, 77, 33), Listener("0.0.0.0", 80, 78, 33)]
    assert not last
    assert listeners.parse_dump(socket.AF_INET, DONE) == ([], True)


def test_an_ipv6_listener_has_its_whole_address() -> None:
    answer = diag_answer(10, socket.inet_pton(socket.AF_INET6, "fd00::1"), 9000, 79)
    found, _ = listeners.parse_dump(socket.AF_INET6, answer + DONE)
    assert found == [Listener("fd00::1", 9000, 79, 33)]


def test_an_error_answer_is_an_error() -> None:
    answer = struct.pack("=IHHIIi", 36, 2, 0, 1, 0, -2) + bytes(16)
    with pytest.raises(FileNotFoundError):
        listeners.parse_dump(socket.AF_INET, answer)


@pytest.mark.parametrize(
    ("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]
)
def test_a_real_listener_is_found_both_ways(
    family: socket.AddressFamily, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server((host, 0), family=family) as server:
        link = os.readlink(f"/proc/self/fd/{server.fileno()}")
        port = server.getsockname()[1]
        by_diag = [found for found in listeners.tcp() if found.port == port]
        with monkeypatch.context() as without_diag:
            without_diag.setattr(listeners, "_dump", refuse)
            by_proc = [found for found in listeners.tcp() if found.port == port]
    assert by_diag == by_proc
    assert [(found.address, found.link, found.uid) for found in by_diag] == [
        (host, link, os.geteuid())
    ]


def refuse(*_: object) -> list[Listener]:
    raise FileNotFoundError(2, "no inet_diag")


def test_connections_are_no_listeners() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
    ):
        port = client.getsockname()[1]
        assert port not in {found.port for found in listeners.tcp()}


def test_a_unix_listener_is_found_by_its_path(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        assert listeners.unix(path) == []
        server.listen()
        link = os.readlink(f"/proc/self/fd/{server.fileno()}")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            assert [found.link for found in listeners.unix(path)] == [link]


def test_a_listener_is_written_as_it_was_bound() -> None:
    assert Listener("0.0.0.0", 80, 1, 0).listen == "0.0.0.0:80"
    assert Listener("::1", 80, 1, 0).listen == "[::1]:80"
    assert Listener("/run/app.sock", 0, 1, None).listen == "unix:/run/app.sock"


def test_a_process_shows_the_listeners_of_its_network(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    with socket.socket() as tcp, socket.socket(socket.AF_UNIX) as unix:
        tcp.bind(("127.0.0.1", 0))
        unix.bind(path)
        tcp.listen()
        unix.listen()
        seen = {one.listen for one in listeners.seen_by(os.getpid())}
        assert {f"127.0.0.1:{tcp.getsockname()[1]}", f"unix:{path}"} <= seen
    assert listeners.seen_by(2**22 + 1) == [], "a process that has gone shows nothing"
