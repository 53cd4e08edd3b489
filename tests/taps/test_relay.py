"""The relay as a tap: what passes is told, and nobody notices that it stands there."""

import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gwtop import clock
from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan, Relayed
from gwtop.nouns.records import Missed, Observed, Record, Wrote
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.taps.relay import FIRST_CONN, Relay, open_tap


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    before = os.getcwd()
    os.chdir(tmp_path)
    yield tmp_path / "app.sock"
    os.chdir(before)


@contextmanager
def answering(listener: socket.socket) -> Iterator[None]:
    """A gateway that answers each connection's first bytes in capitals, then ends it."""

    def serve() -> None:
        while True:
            try:
                one, _ = listener.accept()
            except OSError:
                return
            with one:
                one.sendall(one.recv(65536).upper())

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def unix_listener(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(64)
    return listener


def beside(path: Path) -> Plan:
    return Plan(socket=str(path), relay=Relayed(to=str(path), listen=None))


def until(relay: Relay, records: list[Record], enough: Callable[[], bool]) -> None:
    poller = select.poll()
    poller.register(relay.fileno(), select.POLLIN)
    deadline_ns = clock.monotonic_ns() + 10 * 10**9
    while not enough():
        assert clock.monotonic_ns() < deadline_ns, records
        poller.poll(20)
        records += relay.read(clock.now())


def asked(relay: Relay, connect: Callable[[], socket.socket]) -> tuple[bytes, list[Record]]:
    """What a client got through it, and what the relay told."""
    records: list[Record] = []
    got: list[bytes] = []

    def ask() -> None:
        with connect() as client:
            client.sendall(b"hello")
            parts = []
            while part := client.recv(65536):
                parts.append(part)
            got.append(b"".join(parts))

    thread = threading.Thread(target=ask)
    thread.start()
    ended = lambda: sum(isinstance(r, Closed) for r in records) >= 2  # noqa: E731
    until(relay, records, ended)
    thread.join()
    return got[0], records


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.connect(str(path))
    return client


def wire(records: list[Record]) -> list[Record]:
    return [r._replace(at=0) for r in records if isinstance(r, Opened | Chunk | Closed)]


def test_a_live_unix_socket_is_relayed_and_its_bytes_and_writer_are_told(path: Path) -> None:
    with answering(unix_listener(path)):
        relay = Relay(beside(path), clock.now())
        got, records = asked(relay, lambda: connected(path))
        relay.close()
        assert got == b"HELLO"
        server = f"unix:{path}"
        assert wire(records) == [
            Opened(0, FIRST_CONN, "unix:", server, True),
            Chunk(0, FIRST_CONN, CLIENT, b"hello"),
            Chunk(0, FIRST_CONN, SERVER, b"HELLO"),
            Closed(0, FIRST_CONN, SERVER, "fin"),
            Closed(0, FIRST_CONN, CLIENT, "fin"),
        ]
        assert [r.pid for r in records if isinstance(r, Wrote)] == [os.getpid()]
        with connected(path) as client:  # the gateway's own again
            client.sendall(b"still there")
            assert client.recv(100) == b"STILL THERE"
    assert [one.name for one in path.parent.iterdir()] == ["app.sock"]


def test_a_port_is_relayed_and_the_holder_of_the_other_end_is_the_writer() -> None:
    gateway = socket.create_server(("127.0.0.1", 0))
    to = gateway.getsockname()
    with answering(gateway):
        plan = Plan(ports=(to[1],), relay=Relayed(to=to, listen=("127.0.0.1", free_port())))
        relay = Relay(plan, clock.now())
        relay.follow({os.getpid()})
        assert plan.relay is not None and plan.relay.listen is not None
        listen = plan.relay.listen
        got, records = asked(relay, lambda: socket.create_connection(listen))
        relay.close()
    assert got == b"HELLO"
    (opened,) = [r for r in records if isinstance(r, Opened)]
    assert opened.server == f"127.0.0.1:{to[1]}" and opened.client.startswith("127.0.0.1:")
    told = {r.data for r in records if isinstance(r, Chunk)}
    assert told == {b"hello", b"HELLO"}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def test_connections_that_were_open_before_are_counted_and_requests_are_not(path: Path) -> None:
    with unix_listener(path) as listener, connected(path), listener.accept()[0]:
        relay = Relay(beside(path), clock.now())
        records = relay.read(clock.now())
        relay.close()
    assert [r.code for r in records if isinstance(r, Observed)] == [
        "relay-bypassed",
        "relay-credentials",
    ]
    assert [(r.what, r.n) for r in records if isinstance(r, Missed)] == [("requests", None)]


def test_a_socket_bound_anew_is_noticed_and_left_alone(path: Path) -> None:
    with unix_listener(path):
        relay = Relay(beside(path), clock.now())
        relay.read(clock.now())
        path.unlink()
        with unix_listener(path) as newer:
            due_at = relay.due_at()
            assert due_at is not None
            records = relay.read(due_at)
            assert [r.code for r in records if isinstance(r, Observed)] == ["relay-rebound"]
            relay.close()
            with connected(path), newer.accept()[0]:
                pass
    assert [one.name for one in path.parent.iterdir()] == ["app.sock"]


def test_a_gateway_that_has_died_ends_its_clients_and_is_told_once(path: Path) -> None:
    live = unix_listener(path)
    relay = Relay(beside(path), clock.now())
    live.close()
    records: list[Record] = []
    for _ in range(2):
        with connected(path) as client:
            n_before = len(records)
            until(relay, records, lambda n=n_before: len(records) > n)  # type: ignore[misc]
            client.settimeout(5)
            assert client.recv(10) == b""
    relay.close()
    words = [r.code for r in records if isinstance(r, Observed)]
    assert words.count("relay-refused") == 1


def test_at_the_end_an_answer_on_its_way_still_arrives(path: Path) -> None:
    with unix_listener(path) as listener:
        relay = Relay(beside(path), clock.now())
        records: list[Record] = []
        client = connected(path)
        client.sendall(b"slow?")
        until(relay, records, lambda: any(isinstance(r, Chunk) for r in records))
        worker, _ = listener.accept()

        def answer() -> None:
            assert worker.recv(100) == b"slow?"
            with connected(path), listener.accept()[0]:  # the name is the gateway's by now
                worker.sendall(b"done")
            worker.close()

        given_back = threading.Thread(target=answer)
        late = threading.Timer(0.1, given_back.start)
        late.start()
        records += relay.retire(clock.now())
        relay.close()
        late.join()
        given_back.join()
        assert client.recv(100) == b"done"
        client.close()
    assert [r.data for r in records if isinstance(r, Chunk)] == [b"slow?", b"done"]


def test_an_idle_connection_is_cut_at_the_end_and_told(path: Path) -> None:
    with unix_listener(path):
        relay = Relay(beside(path), clock.now())
        records: list[Record] = []
        with connected(path) as client:
            until(relay, records, lambda: any(isinstance(r, Opened) for r in records))
            records += relay.retire(clock.now())
            assert client.recv(10) == b""
        relay.close()
    assert [r.code for r in records if isinstance(r, Observed)][-1] == "relay-cut"


def test_a_full_backlog_lets_clients_wait_and_none_is_refused(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)  # one waits, the next connect would block
    relay = Relay(beside(path), clock.now())
    clients = [connected(path) for _ in range(6)]
    records: list[Record] = []
    for number, client in enumerate(clients):
        client.sendall(b"%d" % number)
    seen: set[bytes] = set()

    def somebody_new() -> bool:
        return sum(isinstance(r, Opened) for r in records) > len(seen)

    while len(seen) < len(clients):
        until(relay, records, somebody_new)
        worker, _ = listener.accept()
        with worker:
            worker.settimeout(0.05)
            while True:
                records += relay.read(clock.now())
                try:
                    seen.add(worker.recv(10))
                    break
                except TimeoutError:
                    continue
    assert seen == {b"%d" % n for n in range(len(clients))}
    relay.close()
    for client in clients:
        client.close()
    listener.close()


def test_who_waits_for_a_full_backlog_is_still_served_at_the_end(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)  # one waits, the next connect would block
    relay = Relay(beside(path), clock.now())
    clients = [connected(path) for _ in range(4)]
    for client in clients:
        client.sendall(b"late")
    records = relay.read(clock.now())
    assert sum(isinstance(r, Opened) for r in records) < len(clients)
    with answering(listener):
        records += relay.retire(clock.now())
        relay.close()
    for client in clients:
        assert client.recv(10) == b"LATE"
        client.close()
    assert sum(isinstance(r, Opened) for r in records) == len(clients)


def test_who_waits_in_vain_for_a_full_backlog_is_counted_among_the_cut(path: Path) -> None:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(0)
    with listener:
        relay = Relay(beside(path), clock.now())
        clients = [connected(path) for _ in range(3)]
        records = relay.read(clock.now())
        records += relay.retire(clock.now())
        relay.close()
        for client in clients:
            client.close()
    told = [r.text for r in records if isinstance(r, Observed) and r.code == "relay-cut"]
    assert len(told) == 1
    n_connected = sum(isinstance(r, Opened) for r in records)
    assert n_connected < int(told[0].rpartition(" ")[2]) <= len(clients)


def test_a_port_that_is_taken_is_refused_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        here = taken.getsockname()
        plan = Plan(ports=(1,), relay=Relayed(to=("127.0.0.1", 1), listen=here))
        with pytest.raises(GwtopError, match="another port"):
            open_tap(plan, clock.now())


def test_nobody_asked_for_a_relay() -> None:
    assert open_tap(Plan(ports=(9000,)), clock.now()) is None


def test_beside_a_unix_socket_it_needs_linux_and_says_what_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(GwtopError, match="gwtop tap LISTEN:unix:PATH"):
        open_tap(Plan(relay=Relayed(to="/run/app.sock", listen=None)), clock.now())


def test_a_killed_process_of_the_relay_is_told_and_followed_by_another(path: Path) -> None:
    with unix_listener(path) as listener:
        relay = Relay(beside(path), clock.now())
        records: list[Record] = []
        with connected(path) as client:
            until(relay, records, lambda: any(isinstance(r, Opened) for r in records))
            listener.accept()[0].close()
            os.kill(relay._lanes[0].pid, signal.SIGKILL)
            until(relay, records, lambda: any(isinstance(r, Missed) for r in records))
            assert client.recv(10) == b""
        told = [r for r in records if isinstance(r, Observed) and r.code == "relay-broken"]
        assert len(told) == 1
        assert [(r.what, r.n) for r in records if isinstance(r, Missed)] == [("requests", None)]
        later: list[Record] = []
        with connected(path) as client:
            client.sendall(b"again")
            until(relay, later, lambda: any(isinstance(r, Chunk) for r in later))
            with listener.accept()[0] as worker:
                assert worker.recv(10) == b"again"
        (opened,) = [r for r in later if isinstance(r, Opened)]
        assert opened.conn not in [r.conn for r in records if isinstance(r, Opened)]
        relay.close()
    assert [one.name for one in path.parent.iterdir()] == ["app.sock"]


def test_a_process_that_ends_as_it_begins_is_not_begun_over_and_over(path: Path) -> None:
    with unix_listener(path):
        relay = Relay(beside(path), clock.now())
        relay.read(clock.now())
        os.kill(relay._lanes[0].pid, signal.SIGKILL)
        records: list[Record] = []
        until(relay, records, lambda: any(isinstance(r, Missed) for r in records))
        relay.read(clock.now())
        assert not relay._lanes
        until(relay, records, lambda: bool(relay._lanes))
        relay.close()


def test_what_there_was_to_say_is_still_said_at_the_end(path: Path) -> None:
    with unix_listener(path):
        relay = Relay(beside(path), clock.now())
        relay.read(clock.now())
        relay._note("relay-full", "warn", "just now")
        records = relay.retire(clock.now())
        relay.close()
    assert [r.code for r in records if isinstance(r, Observed)] == ["relay-full"]
