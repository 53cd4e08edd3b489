"""Who listens, asked about sockets made here: this process is their owner."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from gwtop import listening
from gwtop.listening import Ears
from gwtop.nouns.offers import Ear, Heard

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's tables")


def ear_of(listen: str, ears: Ears | None = None) -> Ear:
    return next(one for one in (ears or Ears()).look().ears if one.listen == listen)


def text_of(made: socket.socket) -> str:
    host, port = made.getsockname()
    return f"{host}:{port}"


def test_a_listener_is_found_with_its_owner_and_queue() -> None:
    with (
        socket.create_server(("127.0.0.1", 0), backlog=7) as made,
        socket.create_connection(made.getsockname()),
    ):
        found = ear_of(text_of(made))
    assert (found.pid, found.n_owners, found.pending, found.limit) == (os.getpid(), 1, 1, 7)
    assert found.user and found.name and found.protocol is None and not found.is_gateway


def test_a_unix_listener_is_found_and_an_owner_of_two_processes_is_the_upper_one(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "a.sock")
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(path)
        made.listen(1)
        keep = [sys.executable, "-c", "import sys; sys.stdin.read()"]
        with subprocess.Popen(keep, stdin=subprocess.PIPE, pass_fds=[made.fileno()]) as child:
            found = ear_of(f"unix:{path}")
            assert child.stdin is not None
            child.stdin.close()
    assert (found.pid, found.n_owners, found.port) == (os.getpid(), 2, 0)


def test_what_is_new_or_gone_is_seen_at_the_next_look() -> None:
    ears = Ears()
    before = {one.listen for one in ears.look().ears}
    with socket.create_server(("127.0.0.1", 0)) as made:
        listen = text_of(made)
        assert listen not in before
        assert ear_of(listen, ears).pid == os.getpid()
    assert listen not in {one.listen for one in ears.look().ears}


def test_sockets_that_share_an_address_are_one_row() -> None:
    with socket.socket() as first, socket.socket() as second:
        for made in (first, second):
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        first.bind(("127.0.0.1", 0))
        second.bind(first.getsockname())
        first.listen(3)
        second.listen(4)
        rows = [one for one in Ears().look().ears if one.listen == text_of(first)]
    assert [one.limit for one in rows] == [7]


def test_gateways_come_first_then_web_servers_then_the_rest() -> None:
    def ear(listen: str, protocol: str | None, is_gateway: bool) -> Ear:
        return Ear(listen, 1, protocol, "", is_gateway, None, "", "", 0, None, None)

    rows = [ear("c", None, False), ear("b", "http", False), ear("a", "scgi", True)]
    assert [one.listen for one in sorted(rows, key=listening._place)] == ["a", "b", "c"]


def test_a_program_that_was_told_its_port_is_guessed_without_a_look_at_its_descriptors(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as made:
        port = made.getsockname()[1]
        hold = [sys.executable, "-c", "import sys; sys.stdin.read()", "--socket", f":{port}"]
        with subprocess.Popen(hold, stdin=subprocess.PIPE, executable=sys.executable) as child:
            monkeypatch.setattr(listening, "_holders", lambda links: ({}, [child.pid]))
            monkeypatch.setattr(
                listening, "_words", lambda pid: ["uwsgi", "--socket", f"127.0.0.1:{port}"]
            )
            found = ear_of(text_of(made))
            assert child.stdin is not None
            child.stdin.close()
    assert (found.pid, found.name, found.protocol) == (None, "uwsgi", "uwsgi")


def test_a_settings_file_that_is_none_is_not_waited_for(tmp_path: Path) -> None:
    fifo = tmp_path / "a.ini"
    os.mkfifo(fifo)
    assert listening._text_of(str(fifo)) == ""
    assert listening._text_of("/dev/zero") == ""
    assert listening._text_of(str(tmp_path / "none")) == ""
    assert listening._text_of("relative.ini") == ""


def test_who_listens_cannot_blind_us_with_words_that_json_cannot_say(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(listening, "_words", lambda pid: ["/bin/od\udcffd"])
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(os.fsencode(tmp_path) + b"/\xff.sock")
        made.listen(1)
        heard = Ears().look()
    mine = next(one for one in heard.ears if one.listen == f"unix:{tmp_path}/\\xff.sock")
    assert mine.name == "od\\xffd"
    assert msgspec.json.decode(msgspec.json.encode(heard), type=Heard) == heard
