"""The relay against real servers: their own requests, their own pids, and what is left after a
kill. gwtop needs no right for it; root is needed only where a test changes users."""

import os
import signal
import socket
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.live._running import (
    Running,
    as_nobody,
    free_port,
    need_root,
    nginx,
    of_type,
    running,
    uwsgi,
)
from tests.live._unix import (
    GATEWAYS,
    behind_nginx,
    drive,
    short_folder,
    sort,
    told,
)
from tests.live._unix import fpm as fpm_on_socket
from tests.live._unix import uwsgi as uwsgi_on_socket

pytestmark = pytest.mark.live
N_REQUESTS = 200
RESTORED_S = 2.0
GIGABYTE = 1 << 30
PIECE = os.urandom(1 << 20)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if ".sock" in path.name)


def notes_of(gwtop: Running) -> set[str]:
    return {note["code"] for note in of_type(gwtop.facts, "note")}


def connects_within(path: Path, deadline_s: float) -> bool:
    """Whether a new connection succeeds by then; tried again and again."""
    waiting = threading.Event()
    for _ in range(int(deadline_s / 0.02)):
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(path))
            except OSError:
                waiting.wait(0.02)
            else:
                return True
    return False


@pytest.mark.parametrize("keeps", [False, True], ids=["a connection each", "kept"])
@pytest.mark.parametrize("gateway", list(GATEWAYS))
def test_requests_over_a_unix_socket_are_what_client_and_application_saw(
    gateway: str, keeps: bool
) -> None:
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps) as port,
    ):
        with running("tap", f"unix:{path}", "--json", "--requests", str(N_REQUESTS)) as gwtop:
            gwtop.await_type("hello")
            rows = drive(port, N_REQUESTS)
            assert gwtop.finish() == 0
        assert names_in(folder) == [path.name]
        after = drive(port, 4)
    requests = of_type(gwtop.facts, "request")
    assert sort(told(requests)) == sort(rows)
    assert {request["evidence"] for request in requests} == {"relay"}
    assert {request["outcome"] for request in requests} == {"done"}
    assert [row.status for row in after] == [200] * 4


def test_requests_to_a_relayed_port_have_their_workers_pids_or_none(tmp_path: Path) -> None:
    """uWSGI closes as it answers, so its workers are not always seen in time; never a wrong one."""
    listen = free_port()
    location = f"location / {{ include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{listen}; }}"
    with (
        uwsgi(tmp_path) as (port, _),
        nginx(tmp_path, location) as (front, _),
        running("tap", f"{listen}:{port}", "--json", "--requests", "60") as gwtop,
    ):
        gwtop.await_type("hello")
        rows = drive(front, 60)
        assert gwtop.finish() == 0
    requests = sort(told(of_type(gwtop.facts, "request")))
    for found, asked in zip(requests, sort(rows), strict=True):
        assert replace(asked, pid=found.pid) == found
        assert found.pid in (asked.pid, None)
    print(f"{sum(row.pid is not None for row in requests)} of 60 have a pid")
    assert {request["evidence"] for request in of_type(gwtop.facts, "request")} <= {
        "kernel",  # as root, the worker's own reads of the relay's connections are seen too
        "relay",
        None,
    }
    assert {request["server"] for request in of_type(gwtop.facts, "request")} == {
        f"127.0.0.1:{port}"
    }


def test_a_relayed_ports_workers_are_named_though_they_close_as_they_answer(
    tmp_path: Path,
) -> None:
    """By their descriptors alone: without the right to trace anything. uWSGI is not even woken
    before bytes are there."""
    nobody = as_nobody()
    listen = free_port()
    location = f"location / {{ include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{listen}; }}"
    rights = "-all,+sys_ptrace,+dac_read_search"  # for uWSGI is root's here
    prefix = [part.replace("inh-caps=-all", f"inh-caps={rights}") for part in nobody]
    prefix = [part for part in prefix if not part.startswith("--bounding-set")]
    prefix.insert(1, f"--ambient-caps={rights}")
    with uwsgi(tmp_path) as (port, _), nginx(tmp_path, location) as (front, _):
        asked = ("tap", f"{listen}:{port}", "--json", "--requests", "40")
        with running(*asked, prefix=prefix) as gwtop:
            gwtop.await_fact(lambda fact: fact["type"] == "tick")
            rows = drive(front, 40)
            assert gwtop.finish() == 0
    requests = sort(told(of_type(gwtop.facts, "request")))
    known = [found for found in requests if found.pid is not None]
    print(f"{len(known)} of 40 have a pid")
    assert len(known) >= 10  # 37 to 40 on a busy machine
    assert all(found in rows for found in known)
    assert {r["evidence"] for r in of_type(gwtop.facts, "request")} <= {"relay", "socket", None}


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_after_any_end_of_the_relay_new_connections_succeed(number: signal.Signals) -> None:
    with (
        short_folder() as folder,
        uwsgi_on_socket(folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        running("tap", f"unix:{path}", "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        drive(port, 8)
        open_one = socket.socket(socket.AF_UNIX)
        open_one.connect(str(path))
        gwtop.await_fact(lambda fact: fact["type"] == "tick")
        gwtop.process.send_signal(number)
        gwtop.process.wait(timeout=10)
        assert connects_within(path, RESTORED_S)
        open_one.close()
        said = gwtop.error_text()  # its end is the janitor's, too
        assert names_in(folder) == [path.name]
        assert [row.status for row in drive(port, 8)] == [200] * 8
    if number == signal.SIGKILL:
        assert "1 connections in the relay were broken" in said


def processes_of(path: Path) -> set[int]:
    """Everything that was started with this route: the engine, its janitor, its lanes."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"unix:{path}".encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.add(int(folder.name))
        except OSError:  # it has gone
            continue
    return found


def all_end(path: Path) -> bool:
    """Whether they have within two seconds: who is killed holds its sockets a moment longer."""
    waiting = threading.Event()
    return any(not processes_of(path) or waiting.wait(0.02) for _ in range(100))


def test_a_relay_that_was_killed_with_its_janitor_is_healed_by_the_next() -> None:
    with short_folder() as folder, uwsgi_on_socket(folder) as (path, lines):
        with running("tap", f"unix:{path}", "--json") as gwtop:
            gwtop.await_fact(lambda fact: fact["type"] == "tick")
            every = processes_of(path)
            assert len(every) >= 3  # the engine, its janitor, a lane
            os.kill(gwtop.process.pid, signal.SIGSTOP)  # it would have a new lane at once
            for pid in every - {gwtop.process.pid}:
                os.kill(pid, signal.SIGKILL)
            gwtop.process.kill()
            gwtop.process.wait(timeout=10)
        assert all_end(path)
        assert not connects_within(path, 0.1)
        with (
            running("tap", f"unix:{path}", "--json", "--requests", "8") as gwtop,
            behind_nginx(folder, path, lines, keeps=False) as port,
        ):
            gwtop.await_type("hello")
            assert [row.status for row in drive(port, 8)] == [200] * 8
            assert gwtop.finish() == 0
        assert "relay-recovered" in notes_of(gwtop)
        assert names_in(folder) == [path.name]
        assert all_end(path)


def test_a_killed_lane_costs_its_connections_and_no_more() -> None:
    with (
        short_folder() as folder,
        uwsgi_on_socket(folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        running("tap", f"unix:{path}", "--json") as gwtop,
    ):
        gwtop.await_fact(lambda fact: fact["type"] == "tick")
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(path))
            gwtop.await_fact(lambda fact: fact["type"] == "tick")
            own = gwtop.process.pid
            children = Path(f"/proc/{own}/task/{own}/children").read_text().split()
            (lane,) = (int(pid) for pid in children)
            os.kill(lane, signal.SIGKILL)
            gwtop.await_fact(lambda fact: fact.get("code") == "relay-broken")
            client.settimeout(5)
            assert client.recv(1) == b""
        assert [row.status for row in drive(port, 8)] == [200] * 8
        gwtop.interrupt()
    (summary,) = of_type(gwtop.facts, "summary")
    assert summary["missed"]["requests"] is None
    assert summary["outcomes"].get("done") == 8


def test_no_request_fails_while_the_relay_comes_and_goes() -> None:
    with short_folder() as folder, uwsgi_on_socket(folder) as (path, lines):
        with behind_nginx(folder, path, lines, keeps=False) as port:
            done, statuses = threading.Event(), []

            def ask_for_ever() -> None:
                while not done.is_set():
                    statuses.extend(row.status for row in drive(port, 16))

            asking = threading.Thread(target=ask_for_ever)
            asking.start()
            try:
                for _ in range(3):
                    with running("tap", f"unix:{path}", "--json", "--requests", "30") as gwtop:
                        assert gwtop.finish() == 0
            finally:
                done.set()
                asking.join()
        assert names_in(folder) == [path.name]
    assert set(statuses) == {200}


def test_a_server_that_is_restarted_keeps_its_new_socket() -> None:
    with (
        short_folder() as folder,
        uwsgi_on_socket(folder) as (path, _),
        running("tap", f"unix:{path}", "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        path.unlink()
        with uwsgi_on_socket(folder) as (path, lines):
            gwtop.await_fact(lambda fact: fact.get("code") == "relay-rebound")
            gwtop.interrupt()
            with behind_nginx(folder, path, lines, keeps=False) as port:
                assert [row.status for row in drive(port, 4)] == [200] * 4
            assert path.name in names_in(folder)
            assert not [name for name in names_in(folder) if "gwtop" in name]


def test_as_the_sockets_owner_without_any_right() -> None:
    """A pool that runs as nobody, watched by nobody."""
    need_root()
    nobody = 65534
    with short_folder() as folder, fpm_on_socket(folder) as (path, lines):
        os.chown(folder, nobody, nobody)
        os.chown(path, nobody, nobody)
        asked = ("tap", f"unix:{path}", "--json", "--requests", "40")
        with behind_nginx(folder, path, lines, keeps=False) as port:
            with running(*asked, user=nobody) as gwtop:
                gwtop.await_type("hello")
                rows = drive(port, 40)
                assert gwtop.finish() == 0
            assert names_in(folder) == [path.name]
    requests = of_type(gwtop.facts, "request")
    assert sort(told(requests)) == sort(rows)
    assert {request["evidence"] for request in requests} == {"relay"}


def test_a_socket_of_somebody_else_is_refused_and_left_alone() -> None:
    need_root()
    with short_folder() as folder, fpm_on_socket(folder) as (path, _):
        path.chmod(0o660)
        folder.chmod(0o777)
        with running("tap", f"unix:{path}", "--json", user=65534) as gwtop:
            assert gwtop.finish() == 1
            assert "run as its owner, or as root" in gwtop.error_text()
        assert names_in(folder) == [path.name]


def test_a_gigabyte_passes_without_a_byte_lost(tmp_path: Path) -> None:
    """Out and back through an echo server; 4 connections at once, far more than any buffer."""
    with short_folder() as folder:
        path = folder / "echo.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen(8)
        threading.Thread(target=_echo_four, args=(listener,), daemon=True).start()
        with running("tap", f"unix:{path}", "--json") as gwtop:
            gwtop.await_type("hello")
            right: list[bool] = []
            senders = [
                threading.Thread(target=_send_and_compare, args=(path, right)) for _ in range(4)
            ]
            for sender in senders:
                sender.start()
            for sender in senders:
                sender.join()
            assert right == [True] * 4
            gwtop.interrupt()
        listener.close()


def _echo_four(listener: socket.socket) -> None:
    def echo(one: socket.socket) -> None:
        with one:
            while data := one.recv(1 << 18):
                one.sendall(data)

    for _ in range(4):
        threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


def _send_and_compare(path: Path, right: list[bool]) -> None:
    """An eighth of a gigabyte each way and connection."""
    n_pieces = GIGABYTE // 8 // len(PIECE)
    with socket.socket(socket.AF_UNIX) as one:
        one.connect(str(path))

        def send() -> None:
            for _ in range(n_pieces):
                one.sendall(PIECE)
            one.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        wanted = PIECE
        n_bytes, is_right = 0, True
        while data := one.recv(len(PIECE)):
            start = n_bytes % len(wanted)
            head = wanted[start : start + len(data)]
            expected = head + wanted[: len(data) - len(head)]
            is_right &= data == expected
            n_bytes += len(data)
        sender.join()
        right.append(is_right and n_bytes == n_pieces * len(PIECE))
