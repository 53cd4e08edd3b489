"""A lane tells what passed, and dies with its owner; when it dies itself, its owner knows."""

import os
import select
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from gwtop import clock
from gwtop.nouns.records import Observed, Record, Wrote
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.taps.lane import Lane, packed, unpacked
from gwtop.taps.upstream import Goal

DEADLINE_NS = 10 * 10**9


@pytest.mark.parametrize(
    "record",
    [
        Opened(1, 2, "unix:", "127.0.0.1:9000", True, "127.0.0.1:4711"),
        Chunk(1, 2, CLIENT, b"\0bytes\xff"),
        Chunk(1, 2, SERVER, b""),
        Closed(1, 2, SERVER, "fin"),
        Closed(1, 2, CLIENT, "rst"),
        Wrote(1, 2, 4711),
        Observed(1, "relay-refused", "error", "text", None, "unix:/a"),
    ],
)
def test_records_travel_unchanged(record: Record) -> None:
    there = unpacked(packed(record))
    assert there == record
    assert type(there) is type(record)


class Owned:
    """A lane between a client and a gateway in this process."""

    def __init__(self) -> None:
        self.gateway = socket.create_server(("127.0.0.1", 0))
        self.gateway.settimeout(10)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.lane = Lane(self.listener, Goal(self.gateway.getsockname()), 1)
        self.records: list[Record] = []

    def connect(self) -> tuple[socket.socket, socket.socket]:
        client = socket.create_connection(self.listener.getsockname(), timeout=10)
        return client, self.gateway.accept()[0]

    def until(self, kind: type, n: int) -> None:
        deadline_ns = clock.monotonic_ns() + DEADLINE_NS
        while sum(isinstance(r, kind) for r in self.records) < n:
            assert clock.monotonic_ns() < deadline_ns, self.records
            select.select([self.lane], [], [], 0.02)
            self.records += self.lane.read()


@pytest.fixture
def owned() -> Iterator[Owned]:
    made = Owned()
    yield made
    made.lane.close()
    made.listener.close()
    made.gateway.close()


def test_what_passes_is_told(owned: Owned) -> None:
    client, worker = owned.connect()
    client.sendall(b"ask")
    assert worker.recv(10) == b"ask"
    worker.sendall(b"answer")
    worker.close()
    assert client.recv(10) == b"answer"
    client.close()
    owned.until(Closed, 2)
    assert os.getsid(owned.lane.pid) == owned.lane.pid  # no terminal's signal reaches it
    assert [type(r) for r in owned.records] == [Opened, Chunk, Chunk, Closed, Closed]
    assert owned.lane.n_open == 0


def test_one_that_may_not_accept_leaves_clients_to_another(owned: Owned) -> None:
    owned.lane.accept(False)
    other = Lane(owned.listener, Goal(owned.gateway.getsockname()), 1000)
    client, worker = owned.connect()
    deadline_ns = clock.monotonic_ns() + DEADLINE_NS
    while not (told := other.read() + owned.lane.read()):
        assert clock.monotonic_ns() < deadline_ns
        select.select([owned.lane, other], [], [], 0.02)
    assert [r.conn for r in told if isinstance(r, Opened)] in ([1], [1000])
    client.close()
    worker.close()
    other.close()


def test_its_violent_end_ends_its_connections_and_is_seen(owned: Owned) -> None:
    client, worker = owned.connect()
    client.sendall(b"ask")
    owned.until(Chunk, 1)
    os.kill(owned.lane.pid, signal.SIGKILL)
    owned.until(Closed, 1)
    assert owned.lane.ended
    assert owned.lane.n_open == 1
    client.settimeout(10)
    with pytest.raises(ConnectionResetError):
        if client.recv(10) == b"":
            raise ConnectionResetError
    worker.close()
    client.close()


def test_it_ends_with_its_owner_and_holds_nothing_of_it(tmp_path: Path) -> None:
    """An owner that is killed: its pipe ends, and so do the lane's connections."""
    gateway = socket.create_server(("127.0.0.1", 0))
    gateway.settimeout(10)
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setblocking(False)
    reading, writing = os.pipe()
    owner = os.fork()
    if owner == 0:
        Lane(listener, Goal(gateway.getsockname()), 1)
        while True:
            signal.pause()
    os.close(writing)
    client = socket.create_connection(listener.getsockname(), timeout=10)
    worker, _ = gateway.accept()
    worker.settimeout(10)
    os.kill(owner, signal.SIGKILL)
    os.waitpid(owner, 0)
    assert os.read(reading, 1) == b""  # the pipe that only the owner should have had
    assert worker.recv(10) == b""
    assert client.recv(10) == b""
    for one in (client, worker, gateway, listener):
        one.close()
    os.close(reading)


def test_while_its_owner_is_behind_it_slows_who_writes_and_loses_nothing(owned: Owned) -> None:
    client, worker = owned.connect()
    client.setblocking(False)
    piece = os.urandom(1 << 20)
    n_sent = n_got = n_stuck = 0
    while n_stuck < 10 and n_sent < 256 << 20:
        readable, writable, _ = select.select([worker], [client], [], 0.05)
        n_stuck = 0 if readable or writable else n_stuck + 1
        if writable:
            n_sent += client.send(piece)
        if readable:
            n_got += len(worker.recv(1 << 20))
    assert n_sent < 256 << 20  # nobody has read what the lane tells, so it has stopped reading
    client.setblocking(True)
    client.shutdown(socket.SHUT_WR)
    while n_got < n_sent:
        readable, _, _ = select.select([worker, owned.lane], [], [], 10)
        assert readable
        owned.records += owned.lane.read()
        if worker in readable:
            n_got += len(worker.recv(1 << 20))
    owned.until(Closed, 1)
    assert sum(len(r.data) for r in owned.records if isinstance(r, Chunk)) == n_sent
    client.close()
    worker.close()
