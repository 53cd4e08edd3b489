"""Holders: who has the other end, before the request is passed on and when its answer comes."""

import os
import socket
from collections.abc import Iterator
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess

import pytest

from gwtop import clock
from gwtop.taps import holders
from gwtop.taps.holders import HOLD_NS, MAX_HELD_A_WINDOW, STEP_NS, WINDOW_NS, Holders
from gwtop.taps.piped import Piped


class Server:
    """A server of two processes, this one and a child, that do what the test says."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        from multiprocessing import Pipe

        self._here, there = Pipe()
        self._child = ForkProcess(target=_work, args=(self.listener, there), daemon=True)
        self._child.start()
        assert self._child.pid is not None
        self.pid = self._child.pid
        self.tree = {self.pid, os.getpid()}
        self._n = 0
        self._open: list[Piped] = []

    def connect(self) -> Piped:
        client, near = socket.socketpair()
        client.close()
        self._n += 1
        made = Piped(self._n, near, socket.create_connection(self.listener.getsockname()))
        self._open.append(made)
        return made

    def child(self, word: str) -> None:
        self._here.send(word)
        assert self._here.recv() == word

    def close(self) -> None:
        self._here.send("end")
        self._child.join()
        self._here.close()
        self.listener.close()
        for piped in self._open:
            piped.close()


def _work(listener: socket.socket, orders: Connection) -> None:
    taken = None
    while (word := orders.recv()) != "end":
        if word == "accept":
            taken = listener.accept()[0]
        elif taken is not None:
            taken.close()
        orders.send(word)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def found(server: Server) -> Iterator[Holders]:
    made = Holders()
    made.follow(server.tree)
    yield made
    made.close()


AT = 1_000_000_000


def test_who_has_accepted_is_known_at_once_and_nobody_waits(server: Server, found: Holders) -> None:
    piped = server.connect()
    server.child("accept")
    found.before(piped, AT)
    assert not piped.is_held
    assert found.of(piped) == server.pid


def test_a_client_waits_until_its_server_has_accepted(server: Server, found: Holders) -> None:
    piped = server.connect()
    found.before(piped, AT)
    assert piped.is_held
    assert found.due_at() == AT + STEP_NS
    assert found.look(AT + STEP_NS) == []
    server.child("accept")
    assert found.look(AT + 2 * STEP_NS) == [piped]
    assert not piped.is_held
    assert found.due_at() is None
    server.child("close")  # it answers and closes at once
    assert found.of(piped) == server.pid


def test_no_client_waits_longer_than_a_moment(server: Server, found: Holders) -> None:
    piped = server.connect()
    found.before(piped, AT)
    assert found.look(AT + HOLD_NS) == [piped]
    server.child("accept")  # late, but there when the answer comes
    assert found.of(piped) == server.pid


def test_waiting_in_vain_is_given_up_for_a_while(server: Server, found: Holders) -> None:
    n_held, at = 0, AT
    for _ in range(40):
        piped = server.connect()
        at += WINDOW_NS
        if at - AT > holders.VAIN_NS and n_held < holders.MAX_IN_VAIN:
            break
        found.before(piped, at)
        n_held += piped.is_held
        found.look(at + HOLD_NS)
        if not piped.is_held and n_held == holders.MAX_IN_VAIN:
            break
    assert n_held == holders.MAX_IN_VAIN
    piped = server.connect()
    found.before(piped, at + WINDOW_NS // 2)
    assert not piped.is_held
    piped = server.connect()
    found.before(piped, at + 2 * holders.VAIN_NS)
    assert piped.is_held


def test_where_many_connections_come_nobody_waits(server: Server, found: Holders) -> None:
    held = []
    server.listener.listen(2 * MAX_HELD_A_WINDOW)
    for _ in range(MAX_HELD_A_WINDOW + 3):
        piped = server.connect()
        found._saved_ns = holders.MAX_SAVED_NS
        found.before(piped, AT)
        held.append(piped.is_held)
    assert held == [True] * MAX_HELD_A_WINDOW + [False] * 3


def test_who_has_given_a_connection_away_is_never_taken_for_the_one_who_answers(
    server: Server, found: Holders
) -> None:
    """This process accepts, and the child has a copy of it when the answer comes."""
    piped = server.connect()
    taken, _ = server.listener.accept()
    found.before(piped, AT)
    heir = os.fork()
    if heir == 0:
        _wait_for_ever()
    found.follow(server.tree | {heir})
    taken.close()
    assert found.of(piped) == heir
    os.kill(heir, 9)
    os.waitpid(heir, 0)
    piped = server.connect()
    taken, _ = server.listener.accept()
    found.before(piped, AT)
    taken.close()
    assert found.of(piped) is None


def _wait_for_ever() -> None:
    import signal

    while True:
        signal.pause()


def test_a_connection_that_two_hold_is_nobodys(server: Server, found: Holders) -> None:
    piped = server.connect()
    taken, _ = server.listener.accept()
    heir = os.fork()
    if heir == 0:
        _wait_for_ever()
    found.follow(server.tree | {heir})
    found.before(piped, AT)
    assert found.of(piped) is None
    os.kill(heir, 9)
    os.waitpid(heir, 0)
    taken.close()


def test_a_server_that_is_woken_by_bytes_gets_the_first_one_alone(found: Holders) -> None:
    """Nobody accepts a connection that is half open; what was passed on is told with the rest."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
    with socket.create_server(("127.0.0.1", 0)) as front:
        client = socket.create_connection(front.getsockname())
        near, _ = front.accept()
    near.setblocking(False)
    piped = Piped(77, near, socket.create_connection(listener.getsockname()))
    client.sendall(b"request")
    found.before(piped, AT)
    assert piped.is_held
    worker, _ = listener.accept()
    found.follow({os.getpid()})
    assert found.look(AT + STEP_NS) in ([], [piped])
    assert worker.recv(100) == b"r"
    came = piped.readable(near)
    assert came is not None and came.data == b"request"
    assert worker.recv(100) == b"equest"
    for one in (client, worker, listener):
        one.close()
    piped.close()


def test_looking_costs_no_more_than_its_share(server: Server, found: Holders) -> None:
    piped = server.connect()
    server.child("accept")
    found._saved_ns = -10 * holders.MAX_SAVED_NS
    found.before(piped, AT)
    assert not piped.is_held
    found._saved_ns, found._saved_at_ns = 0, clock.monotonic_ns() - 10**9
    assert found.of(piped) == server.pid
