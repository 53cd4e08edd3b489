"""Listeners' queues and connections, asked of this machine's kernel about sockets made here."""

import os
import socket
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Queue, Touched
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import addresses, diag, proc, queues, sockets_held, tracefs
from gwtop.taps.diag import Connected
from gwtop.taps.queues import LOOK_NS, Queues
from gwtop.taps.sockets_held import Held


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0), backlog=7) as made:
        yield made


def port_of(made: socket.socket) -> int:
    number: int = made.getsockname()[1]
    return number


def text_of(address: tuple[str, int]) -> str:
    return f"{address[0]}:{address[1]}"


def test_what_nobody_has_accepted_is_pending_and_has_no_owner(listener: socket.socket) -> None:
    port = port_of(listener)
    clients = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
    accepted, _ = listener.accept()
    (told,) = (one for one in diag.tcp_listening() if one.port == port)
    assert (told.listen, told.pending, told.limit) == (f"127.0.0.1:{port}", 2, 7)
    connected = diag.tcp_connected(frozenset({port}))
    assert {c.remote for c in connected} == {text_of(c.getsockname()) for c in clients}
    owned = [c for c in connected if c.inode]
    assert [proc.link(f"/proc/self/fd/{accepted.fileno()}")] == [f"socket:[{owned[0].inode}]"]
    assert {c.local for c in connected} == {f"127.0.0.1:{port}"}
    for one in (*clients, accepted):
        one.close()


def test_a_unix_listener_has_a_queue_too(tmp_path: Path) -> None:
    path = str(tmp_path / "app.sock")
    with socket.socket(socket.AF_UNIX) as made, socket.socket(socket.AF_UNIX) as client:
        made.bind(path)
        made.listen(5)
        client.connect(path)
        (told,) = diag.unix_listening(path)
        tap = queues.open_tap(Plan(socket=path), 9)
        assert tap is not None
        assert tap.read(9) == [Queue(9, f"unix:{path}", 1, 5)]
    assert (told.listen, told.pending, told.limit) == (f"unix:{path}", 1, 5)
    assert diag.unix_listening(path) == []


def test_every_bound_unix_listener_is_told_with_its_inode(tmp_path: Path) -> None:
    path = str(tmp_path / "one.sock")
    with socket.socket(socket.AF_UNIX) as made, socket.socket(socket.AF_UNIX) as abstract:
        made.bind(path)
        made.listen(3)
        abstract.bind(f"\0{path}")
        abstract.listen(3)
        inode = os.fstat(made.fileno()).st_ino
        told = [one for one in diag.unix_listening() if path in one.host]
    assert [(one.listen, one.inode) for one in told] == [(f"unix:{path}", inode)]


def test_a_tcp_listener_is_told_with_its_inode_and_user(listener: socket.socket) -> None:
    (told,) = (one for one in diag.tcp_listening() if one.port == port_of(listener))
    assert (told.inode, told.uid) == (os.fstat(listener.fileno()).st_ino, os.getuid())


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        pytest.param(ip_address("127.0.0.1").packed, "127.0.0.1:80", id="IPv4"),
        pytest.param(ip_address("::1").packed, "[::1]:80", id="IPv6"),
        pytest.param(ip_address("::ffff:10.0.0.7").packed, "10.0.0.7:80", id="mapped"),
    ],
)
def test_addresses_read_as_those_of_frames_do(raw: bytes, text: str) -> None:
    assert addresses.endpoint(raw, 80) == text


def test_queues_are_looked_at_once_a_second_and_those_of_one_address_are_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told = [
        diag.Listening("127.0.0.1:9000", "127.0.0.1", 9000, 1, 10),
        diag.Listening("127.0.0.1:9000", "127.0.0.1", 9000, 2, 10),
        diag.Listening("[::]:9000", "::", 9000, 4, 10),
        diag.Listening("10.0.0.1:9000", "10.0.0.1", 9000, 8, 10),
        diag.Listening("127.0.0.1:9001", "127.0.0.1", 9001, 9, 10),
    ]
    monkeypatch.setattr(diag, "tcp_listening", lambda: told)
    tap = Queues(Plan(ports=(9000,), host="127.0.0.1"), 0)
    assert tap.read(0) == [Queue(0, "127.0.0.1:9000", 3, 20), Queue(0, "[::]:9000", 4, 10)]
    assert tap.read(1) == [] and tap.due_at() == LOOK_NS
    tap.set_ports((9001,))
    assert tap.read(LOOK_NS) == [Queue(LOOK_NS, "127.0.0.1:9001", 9, 10)]


def test_a_kernel_that_tells_nothing_is_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("no sock_diag")

    monkeypatch.setattr(diag, "messages", fail)
    monkeypatch.setattr(tracefs, "has_own", lambda: False)
    for module in (queues, sockets_held):
        tap = module.open_tap(Plan(ports=(9000,)), 0)  # type: ignore[attr-defined]
        assert tap.state.state == "absent" and "no sock_diag" in tap.state.needs


def held(monkeypatch: pytest.MonkeyPatch, holders: dict[int, list[int]]) -> Held:
    """`holders`: pid and the inodes among its descriptors, 3, 4, ..."""
    told = [Connected("127.0.0.1:9000", "127.0.0.1:5", 71), Connected("127.0.0.1:9000", "x", 0)]
    paths = {
        f"/proc/{pid}/fd/{n}": f"socket:[{inode}]"
        for pid, inodes in holders.items()
        for n, inode in enumerate(inodes, 3)
    }
    numbers = {pid: [str(n + 3) for n in range(len(inodes))] for pid, inodes in holders.items()}
    monkeypatch.setattr(diag, "tcp_connected", lambda ports: told)
    monkeypatch.setattr(proc, "descriptors", lambda pid: numbers.get(pid, []))
    monkeypatch.setattr(proc, "link", paths.get)
    tap = Held(Plan(ports=(9000,)), 0)
    tap.follow(holders)
    return tap


def touched(at: int, pid: int) -> Touched:
    return Touched(at, pid, pid, "127.0.0.1:9000", "127.0.0.1:5", "holds", None, 71)


def test_every_holder_of_an_accepted_connection_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = held(monkeypatch, {100: [7], 101: [8, 71]})
    assert tap.read(0) == [touched(0, 101)]
    assert tap.read(1) == []
    assert tap.read(sockets_held.LOOK_NS * 5) == [touched(sockets_held.LOOK_NS * 5, 101)]
    both = held(monkeypatch, {100: [71], 101: [71]})
    assert both.read(0) == [touched(0, 100), touched(0, 101)]


def test_who_has_closed_it_holds_it_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = held(monkeypatch, {101: [71]})
    assert tap.read(0) == [touched(0, 101)]
    monkeypatch.setattr(proc, "link", lambda path: None)
    assert tap.read(sockets_held.LOOK_NS) == []


def test_connections_are_asked_for_only_when_a_socket_is_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tap = held(monkeypatch, {100: [7], 101: [8, 71]})
    assert len(tap.read(0)) == 1
    monkeypatch.setattr(diag, "tcp_connected", lambda ports: pytest.fail("asked again"))
    assert len(tap.read(SECOND_NS)) == 1


def test_a_long_look_is_followed_by_a_long_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    tap = held(monkeypatch, {101: [71]})
    times = iter((0, SECOND_NS))
    monkeypatch.setattr(clock, "monotonic_ns", lambda: next(times))
    tap.read(0)
    assert tap.due_at() == SECOND_NS * sockets_held.REST_FACTOR


def test_holders_are_looked_for_only_where_the_kernel_does_not_tell_readers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracefs, "has_own", lambda: True)
    assert sockets_held.open_tap(Plan(ports=(9000,)), 0) is None
    monkeypatch.setattr(tracefs, "has_own", lambda: False)
    tap = sockets_held.open_tap(Plan(ports=(9000,)), 0)
    assert tap is not None and tap.state.state == "open"
