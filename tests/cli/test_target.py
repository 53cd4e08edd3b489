"""Addresses and sockets as people write them."""

import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from gwtop.cli.target import file_of, host_of, socket_of
from gwtop.errors import GwtopError


@pytest.mark.parametrize(
    ("typed", "host"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "::1"),
        ("[::1]", "::1"),
        ("0:0::0001", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%eth0]", "fe80::1"),
        ("::ffff:127.0.0.2", "127.0.0.2"),
    ],
)
def test_an_address_is_written_as_frames_carry_it(typed: str, host: str) -> None:
    assert host_of(typed) == host


@pytest.mark.parametrize("typed", ["", "localhost", "127.1", "127.0.0.1:80", "[::1]:80", "*"])
def test_what_is_no_address_is_wrong_usage(typed: str) -> None:
    with pytest.raises(click.UsageError):
        host_of(typed)


@pytest.fixture
def live(tmp_path: Path) -> Iterator[str]:
    """A socket that somebody listens on, in a folder that a link leads to as well."""
    (tmp_path / "run").mkdir()
    (tmp_path / "var").symlink_to("run")
    path = str(tmp_path / "run" / "app.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        yield path


@pytest.mark.parametrize(
    "typed", ["run/app.sock", "./run/app.sock", "var/app.sock", "run/../var/app.sock"]
)
def test_a_socket_has_the_name_that_its_server_gave_it(
    live: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, typed: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert socket_of(typed) == socket_of(str(tmp_path / typed)) == live


def test_a_server_that_came_through_the_link_is_found_without_it(live: str, tmp_path: Path) -> None:
    bound = str(tmp_path / "var" / "other.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(bound)
        listener.listen()
        assert socket_of(str(tmp_path / "run" / "other.sock")) == bound


def test_a_socket_that_is_not_there_yet_is_awaited_by_its_whole_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert socket_of("app.sock") == str(tmp_path / "app.sock")


def test_what_is_no_socket_is_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(GwtopError, match="is no socket"):
        socket_of(str(tmp_path))


def test_no_name_is_wrong_usage() -> None:
    with pytest.raises(click.UsageError):
        socket_of("")


def test_an_abstract_socket_keeps_its_name_and_a_datagram_socket_is_refused(tmp_path: Path) -> None:
    assert socket_of("@app") == file_of("@app") == "@app"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as one:
        one.bind(str(tmp_path / "log"))
        with pytest.raises(GwtopError, match="datagram"):
            socket_of(str(tmp_path / "log"))


def test_a_relay_stands_beside_the_file_that_a_link_leads_to(live: str, tmp_path: Path) -> None:
    assert file_of(str(tmp_path / "var" / "app.sock")) == live
