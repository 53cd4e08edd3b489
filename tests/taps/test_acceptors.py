"""Listeners whose connections are seen in calls: which they are, and what is open there."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gwtop.nouns.plan import Plan, Relayed
from gwtop.taps import acceptors, diag, listeners
from gwtop.taps.acceptors import Acceptors
from gwtop.taps.listeners import Listener


def link_of(one: socket.socket) -> str:
    return os.readlink(f"/proc/self/fd/{one.fileno()}")


def listening(family: int, host: str, port: int = 0, **options: int) -> socket.socket:
    one = socket.socket(family)
    for name, value in options.items():
        level = socket.IPPROTO_IPV6 if name.startswith("IPV6") else socket.SOL_SOCKET
        one.setsockopt(level, getattr(socket, name), value)
    one.bind((host, port))
    one.listen()
    return one


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as one:
        yield one


@pytest.mark.parametrize(
    ("plan", "ports"),
    [
        pytest.param(Plan(ports=(1, 2), capture="calls"), (1, 2), id="asked for"),
        pytest.param(Plan(ports=(1, 2)), (), id="packets are captured"),
        pytest.param(
            Plan(ports=(1,), capture="calls", relay=Relayed(("::1", 2), ("::1", 1))),
            (),
            id="a relay is in the path",
        ),
    ],
)
def test_ports_are_watched_like_this_when_it_was_asked_for(
    plan: Plan, ports: tuple[int, ...]
) -> None:
    assert acceptors.ports_of(plan) == ports


def test_every_socket_of_a_port_is_a_listener(stack: ExitStack) -> None:
    one = stack.enter_context(listening(socket.AF_INET, "127.0.0.1", SO_REUSEPORT=1))
    port = one.getsockname()[1]
    two = stack.enter_context(listening(socket.AF_INET, "127.0.0.1", port, SO_REUSEPORT=1))
    six = stack.enter_context(listening(socket.AF_INET6, "::1", port, IPV6_V6ONLY=1))
    other = stack.enter_context(listening(socket.AF_INET, "127.0.0.1"))
    where = Acceptors(None, [port])
    where.look()
    assert where.links == {link_of(one), link_of(two), link_of(six)}
    assert where.name_of(link_of(two)) == f"127.0.0.1:{port}"
    assert where.name_of(link_of(six)) == f"[::1]:{port}"
    assert where.name_of(link_of(other)) is where.name_of(None) is None


def test_a_host_narrows_and_any_address_is_of_every_host(stack: ExitStack) -> None:
    one = stack.enter_context(listening(socket.AF_INET, "127.0.0.1"))
    everywhere = stack.enter_context(listening(socket.AF_INET6, "::"))
    ports = [one.getsockname()[1], everywhere.getsockname()[1]]
    where = Acceptors(None, ports, "127.0.0.2")
    where.look()
    assert where.links == {link_of(everywhere)}


def test_what_is_no_listener_of_ours_is_asked_about_once_a_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    n_asked = 0

    def tcp() -> list[Listener]:
        nonlocal n_asked
        n_asked += 1
        return [Listener("127.0.0.1", 9000, 1, None)]

    monkeypatch.setattr(listeners, "tcp", tcp)
    where = Acceptors(None, [9000])
    assert [where.name_of("socket:[2]") for _ in range(5)] == [None] * 5
    assert n_asked == 1
    where.look()
    where.name_of("socket:[2]")
    assert n_asked == 3


def test_what_was_accepted_has_both_ends(stack: ExitStack, tmp_path: Path) -> None:
    one = stack.enter_context(listening(socket.AF_INET6, "::", IPV6_V6ONLY=0))
    port = one.getsockname()[1]
    client = stack.enter_context(socket.create_connection(("127.0.0.1", port)))
    taken = stack.enter_context(one.accept()[0])
    path = str(tmp_path / "s")
    bound = stack.enter_context(socket.socket(socket.AF_UNIX))
    bound.bind(path)
    bound.listen()
    stack.enter_context(socket.socket(socket.AF_UNIX)).connect(path)
    unix = stack.enter_context(bound.accept()[0])
    found = Acceptors(path, [port]).accepted()
    asked_from = client.getsockname()[1]
    assert found[link_of(taken)] == (f"127.0.0.1:{port}", f"127.0.0.1:{asked_from}")
    assert found[link_of(unix)] == (f"unix:{path}", "unix:")


def test_where_nothing_lists_sockets_nothing_is_open_already(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(_: object) -> list[object]:
        raise PermissionError

    monkeypatch.setattr(diag, "tcp_connected", refuse)
    assert Acceptors(None, [9000]).accepted() == {}


def test_one_thing_that_is_watched_has_a_name() -> None:
    assert Acceptors("/x", ()).listen == "unix:/x"
    assert Acceptors(None, [80]).listen == "*:80"
    assert Acceptors(None, [80], "127.0.0.1").listen == "127.0.0.1:80"
    assert Acceptors(None, [80, 81]).listen is None
    assert Acceptors("/x", [80]).listen is None
