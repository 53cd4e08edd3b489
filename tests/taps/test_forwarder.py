"""The forwarder in one process: connections through it, ends of every kind, and what is full."""

import array
import errno
import os
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gwtop import clock
from gwtop.nouns.records import Observed, Record
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.taps.forwarder import FEW, MAX_EVENTS, ROOM_AGAIN_NS, SPARE, Forwarder, max_connections
from gwtop.taps.upstream import Goal

RST = struct.pack("=ii", 1, 0)  # struct linger: close sends RST
DEADLINE_NS = 10 * 10**9
ROOT = Path(__file__).parents[2]


class Between:
    """A gateway's listener, a forwarder before it, and clients of that."""

    def __init__(self, kind: str, folder: Path) -> None:
        before = os.getcwd()
        os.chdir(folder)  # a socket's name has 108 bytes
        self.gateway = _listener(kind, "gateway")
        front = _listener(kind, "front")
        os.chdir(before)
        self._there = front.getsockname() if kind == "tcp" else str(folder / "front")
        to = self.gateway.getsockname() if kind == "tcp" else str(folder / "gateway")
        front.setblocking(False)
        self.gateway.settimeout(5)
        self._family = front.family
        self.forwarder = Forwarder(front, Goal(to), 1)
        self.records: list[Record] = []

    def connect(self) -> tuple[socket.socket, socket.socket]:
        """A client, and the gateway's end of its connection."""
        client = socket.socket(self._family)
        client.settimeout(5)
        client.connect(self._there)
        n_before = self.n(Opened)
        self.until(lambda: self.n(Opened) > n_before)
        worker, _ = self.gateway.accept()
        worker.settimeout(5)
        return client, worker

    def n(self, kind: type) -> int:
        return sum(isinstance(r, kind) for r in self.records)

    def codes(self) -> list[str]:
        return [r.code for r in self.records if isinstance(r, Observed)]

    def ends(self) -> list[tuple[object, str]]:
        return [(r.side, r.how) for r in self.records if isinstance(r, Closed)]

    def until(self, enough: Callable[[], bool]) -> None:
        deadline_ns = clock.monotonic_ns() + DEADLINE_NS
        while not enough():
            assert clock.monotonic_ns() < deadline_ns, self.records
            ready = self.forwarder.poller.poll(0.02, MAX_EVENTS)
            self.records += self.forwarder.turn(ready, clock.now())

    def passes(self, one: socket.socket, other: socket.socket, data: bytes) -> None:
        one.sendall(data)
        self.until(lambda: any(isinstance(r, Chunk) and r.data == data for r in self.records))
        assert other.recv(len(data)) == data


def _listener(kind: str, name: str) -> socket.socket:
    if kind == "tcp":
        return socket.create_server(("127.0.0.1", 0))
    made = socket.socket(socket.AF_UNIX)
    made.bind(name)
    made.listen(64)
    return made


@pytest.fixture(params=["unix", "tcp"])
def between(request: pytest.FixtureRequest, short_path: Path) -> Iterator[Between]:
    made = Between(request.param, short_path)
    yield made
    made.forwarder.close()
    made.gateway.close()


@pytest.fixture
def short_path() -> Iterator[Path]:
    import shutil
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="gw"))
    yield folder
    shutil.rmtree(folder)


def test_a_server_that_answers_and_closes_ends_both_sides_in_order(between: Between) -> None:
    client, worker = between.connect()
    between.passes(client, worker, b"ask")
    worker.sendall(b"answer")
    worker.close()
    between.until(lambda: (SERVER, "fin") in between.ends())
    assert client.recv(10) == b"answer"
    assert client.recv(10) == b""
    client.close()
    between.until(lambda: len(between.ends()) == 2)
    assert between.ends() == [(SERVER, "fin"), (CLIENT, "fin")]
    assert between.forwarder.n_connections == 0


@pytest.mark.parametrize("between", ["unix"], indirect=True)
def test_a_client_that_leaves_before_its_answer_is_told_as_who_broke_off(between: Between) -> None:
    client, worker = between.connect()
    between.passes(client, worker, b"ask")
    client.close()
    between.until(lambda: between.forwarder.n_connections == 0)
    assert between.ends() == [(CLIENT, "fin"), (CLIENT, "rst")]
    worker.close()


@pytest.mark.parametrize("between", ["unix"], indirect=True)
def test_a_client_that_leaves_after_its_answer_has_closed(between: Between) -> None:
    client, worker = between.connect()
    between.passes(client, worker, b"ask")
    between.passes(worker, client, b"answer")
    client.close()
    between.until(lambda: between.forwarder.n_connections == 0)
    assert between.ends() == [(CLIENT, "fin"), (SERVER, "fin")]
    worker.close()


def test_a_half_close_of_either_side_leaves_the_other_way_open(between: Between) -> None:
    client, worker = between.connect()
    client.shutdown(socket.SHUT_WR)
    between.until(lambda: between.ends() == [(CLIENT, "fin")])
    assert worker.recv(10) == b""
    between.passes(worker, client, b"still answering")
    worker.shutdown(socket.SHUT_WR)
    between.until(lambda: between.forwarder.n_connections == 0)
    assert client.recv(10) == b""
    client.close()
    worker.close()


def test_a_server_may_end_first_and_still_be_told_more(between: Between) -> None:
    client, worker = between.connect()
    worker.shutdown(socket.SHUT_WR)
    between.until(lambda: between.ends() == [(SERVER, "fin")])
    assert client.recv(10) == b""
    between.passes(client, worker, b"still asking")
    client.close()
    between.until(lambda: between.forwarder.n_connections == 0)
    worker.close()


def test_a_client_that_has_left_is_noticed_by_a_server_that_reads_nothing(short_path: Path) -> None:
    """As without us: the server's next write fails."""
    between = Between("unix", short_path)
    client, worker = between.connect()
    between.passes(client, worker, b"ask")
    client.close()
    between.until(lambda: between.forwarder.n_connections == 0)
    with pytest.raises(BrokenPipeError):
        worker.sendall(b"nobody is there")
    between.forwarder.close()


@pytest.mark.parametrize("who", ["client", "server"])
def test_a_reset_of_either_side_reaches_the_other_as_a_reset(who: str, short_path: Path) -> None:
    between = Between("tcp", short_path)
    client, worker = between.connect()
    between.passes(client, worker, b"ask")
    one, other = (client, worker) if who == "client" else (worker, client)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
    one.close()
    between.until(lambda: bool(between.ends()))
    assert between.ends() == [(CLIENT if who == "client" else SERVER, "rst")]
    with pytest.raises(ConnectionResetError):
        other.recv(10)
    other.close()
    between.forwarder.close()


def test_a_client_that_never_reads_slows_its_server_and_nobody_else(between: Between) -> None:
    deaf, busy = between.connect()
    busy.setblocking(False)
    piece, n_sent, n_stuck = bytes(65536), 0, 0
    while n_stuck < 5:  # all buffers on the way are full
        try:
            n_sent += busy.send(piece)
            n_stuck = 0
        except BlockingIOError:
            n_stuck += 1
        ready = between.forwarder.poller.poll(0.02, MAX_EVENTS)
        between.records += between.forwarder.turn(ready, clock.now())
    client, worker = between.connect()
    between.passes(client, worker, b"ask")
    n_got = 0
    busy.close()
    while data := _all_there(between, deaf):
        n_got += len(data)
    assert n_got == n_sent
    for one in (deaf, client, worker):
        one.close()


def _all_there(between: Between, one: socket.socket) -> bytes:
    ready = between.forwarder.poller.poll(0, MAX_EVENTS)
    between.records += between.forwarder.turn(ready, clock.now())
    return one.recv(1 << 20)


def test_descriptors_for_which_there_is_no_room_break_the_connection_and_are_told(
    short_path: Path,
) -> None:
    between = Between("unix", short_path)
    client, worker = between.connect()
    reading, writing = os.pipe()
    rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [reading] * 40))
    client.sendmsg([b"take these"], [rights])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    first_free = os.dup(reading)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free + 4, limits[1]))
    try:
        between.until(lambda: bool(between.ends()))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert between.codes() == ["relay-descriptors"]
    assert between.ends() == [(CLIENT, "rst")]
    assert worker.recv(100) == b""
    os.close(reading)
    with pytest.raises(BrokenPipeError):  # nothing of ours holds the other end
        os.write(writing, b"x")
    os.close(writing)
    between.forwarder.close()


class Full:
    """A listener in a system that has no descriptors left."""

    def __init__(self, real: socket.socket, number: int) -> None:
        self.fileno = real.fileno
        self._number = number

    def accept(self) -> tuple[socket.socket, str]:
        raise OSError(self._number, os.strerror(self._number))


@pytest.mark.parametrize(("number", "full"), [(errno.ENFILE, "system"), (errno.EMFILE, "table")])
def test_when_descriptors_are_free_again_clients_are_accepted_again(
    between: Between, monkeypatch: pytest.MonkeyPatch, number: int, full: str
) -> None:
    forwarder = between.forwarder
    assert forwarder._listener is not None
    client = socket.socket(between._family)
    client.connect(between._there)
    with monkeypatch.context() as patched:
        patched.setattr(forwarder, "_listener", Full(forwarder._listener, number))
        forwarder.turn(forwarder.poller.poll(1, MAX_EVENTS), clock.now())
        assert forwarder.full == full
    due_at = forwarder.due_at(clock.now())
    assert due_at is not None
    forwarder.turn([], clock.now() + ROOM_AGAIN_NS)
    assert forwarder.full == "no"
    between.until(lambda: between.n(Opened) == 1)
    client.close()


def test_a_table_of_descriptors_is_left_some_room() -> None:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert 2 * max_connections() + FEW < soft
    assert soft - 2 * max_connections() - FEW <= SPARE + 1


ELSEWHERE = """
import os, select, socket, sys
for module, names in ((select, ["epoll", "EPOLLIN"]),
                      (socket, ["AF_NETLINK", "SO_PASSCRED", "SCM_CREDENTIALS",
                                "MSG_CMSG_CLOEXEC", "SOCK_NONBLOCK"]),
                      (os, ["memfd_create", "pidfd_open", "O_PATH", "eventfd"])):
    for name in names:
        if hasattr(module, name):
            delattr(module, name)
import ctypes, mmap, resource, selectors, threading
selectors.DefaultSelector = getattr(selectors, sys.argv[1])
sys.platform = "darwin"
from gwtop import clock
from gwtop.nouns.plan import Plan, Relayed
from gwtop.nouns.wire import Chunk, Closed
from gwtop.taps.relay import open_tap

gateway = socket.create_server(("127.0.0.1", 0))
def serve():
    one, _ = gateway.accept()
    with one:
        one.sendall(one.recv(100).upper())
with socket.create_server(("127.0.0.1", 0)) as free:
    listen = free.getsockname()
relay = open_tap(Plan(relay=Relayed(to=gateway.getsockname(), listen=listen)), clock.now())
records = relay.read(clock.now())
threading.Thread(target=serve, daemon=True).start()
client = socket.create_connection(listen)
client.settimeout(10)
client.sendall(b"hello")
assert client.recv(100) == b"HELLO" and client.recv(100) == b""
client.close()
late = clock.monotonic_ns() + 10 * 10**9
while sum(isinstance(r, Closed) for r in records) < 2 and clock.monotonic_ns() < late:
    select.select([relay.fileno()] if relay.fileno() >= 0 else [], [], [], 0.02)
    records += relay.read(clock.now())
relay.close()
print([r.data for r in records if isinstance(r, Chunk)], "epoll" in dir(select))
"""


@pytest.mark.parametrize("selector", ["PollSelector", "SelectSelector"])
def test_a_port_is_relayed_where_nothing_of_linux_is_to_be_had(selector: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ELSEWHERE, selector], capture_output=True, text=True, cwd=ROOT
    )
    assert done.stdout == "[b'hello', b'HELLO'] False\n", done.stderr
