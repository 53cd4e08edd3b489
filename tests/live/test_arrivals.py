"""When requests on unix sockets were sent, and how long they waited for a worker: what real front
ends measured, and what a client did. Needs root and Linux 6.3."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed
from gwtop.taps import arrivals, calls
from tests.live._backs import APPS
from tests.live._running import Fact, Running, need_root, nginx, of_type
from tests.live._tcp import GATEWAYS as TCP_GATEWAYS
from tests.live._tcp import behind_nginx as behind_nginx_on_a_port
from tests.live._unix import GATEWAYS, await_socket, behind_nginx, drive, fpm, gthread, short_folder
from tests.live._unix_servers import unix_pool, unix_uwsgi
from tests.live.test_calls import ask_all, watching
from tests.live.test_calls_tcp import in_calls
from tests.live.test_calls_tcp import watching as watching_port
from tests.live.test_evidence import need_tracefs

pytestmark = pytest.mark.live
MS_NS = 1_000_000
TIMES = "$upstream_response_time $upstream_connect_time"
KEEPS = pytest.mark.parametrize("keeps", [False, True], ids=["a connection each", "kept"])


def ask(port: int, *targets: str) -> None:
    """All at the same time."""
    with ThreadPoolExecutor(len(targets)) as pool:
        for answer in pool.map(lambda one: urlopen(f"http://127.0.0.1:{port}{one}"), targets):
            with answer:
                assert answer.status == 200


def await_requests(gwtop: Running, n: int) -> list[Fact]:
    while len(of_type(gwtop.facts, "request")) < n:
        gwtop.await_type("request")
    return of_type(gwtop.facts, "request")


def response_ns(log: Path) -> dict[str, int]:
    """By target: how long nginx waited for its answer, from its connect on, to 1 ms."""
    rows = [line.split() for line in log.read_text().splitlines()]
    return {row[1]: round(float(row[3]) * 1e9) for row in rows}


@KEEPS
@pytest.mark.parametrize("gateway", list(GATEWAYS))
def test_every_request_says_how_long_it_waited(gateway: str, keeps: bool) -> None:
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps) as port,
        watching(path) as gwtop,
    ):
        _, requests = ask_all(gwtop, port, 200)
        assert gwtop.interrupt() == 130
    waits = sorted(request["queue_ns"] for request in requests)
    assert waits[0] >= 0
    assert waits[100] < 20 * MS_NS
    for request in requests:
        assert request["queue_ns"] <= request["first_byte_ns"] <= request["duration_ns"]


@contextmanager
def gthread_of_eight(folder: Path, n_workers: int) -> Iterator[tuple[Path, str]]:
    """gunicorn's two processes with four threads each."""
    assert n_workers == 8
    with gthread(folder) as (path, lines):
        yield path, lines.replace("GATE", f"unix:{path}")


@pytest.mark.parametrize(
    ("pool", "n_workers", "page"),
    [
        pytest.param(unix_pool, 2, "/?ms=200", id="fpm"),
        pytest.param(unix_uwsgi, 2, "/slow?ms=200", id="uwsgi"),
        pytest.param(gthread_of_eight, 8, "/slow?ms=200", id="gthread"),
    ],
)
def test_what_waits_for_a_small_pool_says_how_long_and_nginx_measured_as_much(
    pool: Callable[[Path, int], AbstractContextManager[tuple[Path, str]]], n_workers: int, page: str
) -> None:
    n_requests = 5 * n_workers
    with (
        short_folder() as folder,
        pool(folder, n_workers) as (path, lines),
        nginx(folder, f"location / {{ {lines} }}", length=TIMES) as (port, log),
        watching(path) as gwtop,
    ):
        ask(port, *(f"{page}&n={n}" for n in range(n_requests)))
        requests = await_requests(gwtop, n_requests)
        assert gwtop.interrupt() == 130
        measured = response_ns(log)
    began = sorted(began_ns(request) for request in requests)
    assert began[-1] - began[0] < 150 * MS_NS, "all were sent before the first was answered"
    for request in requests:
        took_ns = measured[request["target"]]
        assert request["duration_ns"] == pytest.approx(took_ns, abs=30 * MS_NS)
        assert request["queue_ns"] == pytest.approx(took_ns - 200 * MS_NS, rel=0.2, abs=30 * MS_NS)
    assert sum(request["queue_ns"] > 150 * MS_NS for request in requests) >= n_requests - n_workers


def began_ns(request: Fact) -> int:
    text = request["began_at"]
    whole = datetime.fromisoformat(text[:19] + "+00:00")
    return int(whole.timestamp()) * 10**9 + int(text[20:29])


@pytest.mark.parametrize("gateway", list(TCP_GATEWAYS))
def test_on_a_port_the_calls_say_the_same_as_packets(gateway: str) -> None:
    with (
        short_folder() as folder,
        TCP_GATEWAYS[gateway](folder) as (port, lines),
        behind_nginx_on_a_port(folder, port, lines, keeps=gateway != "uwsgi-http") as front,
        watching_port(port) as ring,
        in_calls(port) as calls,
    ):
        drive(front, 60)
        packets, requests = (
            {request["target"]: request for request in await_requests(gwtop, 60)}
            for gwtop in (ring, calls)
        )
        assert (ring.interrupt(), calls.interrupt()) == (130, 130)
    for of in (began_ns, queue_ns):
        apart = sorted(abs(of(requests[target]) - of(packets[target])) for target in requests)
        assert apart[len(apart) * 9 // 10] < MS_NS  # the others' threads were put off the CPU


def queue_ns(request: Fact) -> int:
    waited: int = request["queue_ns"]
    return waited


ASK = b"GET /%d HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"
WAITED_S = 0.3
WAITED = pytest.approx(WAITED_S * 1e9, rel=0.2)
AT_ONCE = pytest.approx(0, abs=30 * MS_NS)


class Talk:
    """A client, and a server that reads when it is told to."""

    def __init__(self, path: Path, server: "subprocess.Popen[bytes]", gwtop: Running) -> None:
        self._path, self._server, self._gwtop = path, server, gwtop
        self._client = socket.socket(socket.AF_UNIX)
        self._pause = threading.Event()

    def connect(self) -> None:
        self._client.close()
        self._client = socket.socket(socket.AF_UNIX)
        self._client.connect(str(self._path))

    def send(self, data: bytes) -> None:
        self._client.sendall(data)

    def wait(self, seconds: float = WAITED_S) -> None:
        self._pause.wait(seconds)

    def obey(self, *words: str) -> None:
        for word in words:
            assert self._server.stdin is not None and self._server.stdout is not None
            self._server.stdin.write(word.encode() + b"\n")
            self._server.stdin.flush()
            assert self._server.stdout.readline() == b"ok\n"

    def told(self) -> Fact:
        return self._gwtop.await_type("request")

    def close(self) -> None:
        self._client.close()


@pytest.fixture
def talk() -> Iterator[Talk]:
    with short_folder() as folder:
        path = folder / "x.sock"
        command = [sys.executable, str(APPS / "obeying.py"), str(path)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
            try:
                await_socket(path, server)
                with watching(path) as gwtop:
                    talk = Talk(path, server, gwtop)
                    yield talk
                    talk.close()
            finally:
                server.kill()


@pytest.mark.parametrize(
    "reads",
    [
        pytest.param(["read {}"], id="at once"),
        pytest.param(["peek", "peek", "read {}"], id="after a look at it"),
        pytest.param(["pieces {}"], id="in pieces"),
        pytest.param(["peek", "read 20", "peek", "pieces {rest}"], id="in every way"),
    ],
)
def test_however_it_is_read_its_wait_ends_with_the_first_byte(talk: Talk, reads: list[str]) -> None:
    talk.connect()
    talk.send(ASK % 1)
    talk.wait()
    length = len(ASK % 1)
    talk.obey("accept", *(word.format(length, rest=length - 20) for word in reads), "answer")
    request = talk.told()
    assert request["target"] == "/1"
    assert (request["queue_ns"], request["duration_ns"]) == (WAITED, WAITED)


def test_what_is_accepted_at_once_and_read_later_has_waited(talk: Talk) -> None:
    talk.connect()
    talk.obey("accept")
    talk.send(ASK % 1)
    talk.wait()
    talk.obey(f"read {len(ASK % 1)}", "answer")
    assert talk.told()["queue_ns"] == WAITED


def test_a_client_that_connects_and_says_nothing_does_not_wait(talk: Talk) -> None:
    talk.connect()
    talk.wait()
    talk.send(ASK % 1)
    talk.obey("accept", f"read {len(ASK % 1)}", "answer")
    request = talk.told()
    assert (request["queue_ns"], request["duration_ns"]) == (AT_ONCE, AT_ONCE)


def test_a_request_sent_in_pieces_begins_with_the_first(talk: Talk) -> None:
    talk.connect()
    for part in (ASK[:9], ASK[9:20], ASK[20:]):
        talk.send(part)
        talk.wait(WAITED_S / 3)
    talk.obey("accept", f"read {len(ASK)}", "answer")
    request = talk.told()
    assert (request["queue_ns"], request["duration_ns"]) == (WAITED, WAITED)


def test_a_client_that_goes_on_later_has_not_waited(talk: Talk) -> None:
    talk.connect()
    talk.send(ASK[:9])
    talk.obey("accept", "read 9")
    talk.wait()
    talk.send(ASK[9:])
    talk.obey(f"read {len(ASK) - 9}", "answer")
    request = talk.told()
    assert (request["queue_ns"], request["duration_ns"]) == (AT_ONCE, WAITED)


def test_each_request_of_a_kept_connection_waits_for_itself(talk: Talk) -> None:
    talk.connect()
    talk.obey("accept")
    for number, (pause_s, waited) in enumerate([(0, AT_ONCE), (WAITED_S, WAITED), (0, AT_ONCE)]):
        talk.wait(0.1)
        talk.send(ASK % number)
        talk.wait(pause_s)
        talk.obey(f"pieces {len(ASK % number)}", "answer")
        assert talk.told()["queue_ns"] == waited


def test_what_nobody_read_of_a_connection_is_not_the_next_ones(talk: Talk) -> None:
    """The kernel gives the next socket the place of the one that went."""
    for number in range(20):
        talk.connect()
        talk.send(ASK % number + b"never read")
        talk.obey("accept", f"read {len(ASK % number)}", "answer")
        talk.send(b"nor this")
        assert talk.told()["queue_ns"] == AT_ONCE
        talk.wait(0.03)
        talk.obey("close")


def test_a_kernel_that_tells_no_arrivals_shows_all_else_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    need_root()
    need_tracefs()
    monkeypatch.setattr(arrivals, "READY", b"no_such_place")
    with short_folder() as folder, fpm(folder) as (path, _):
        tap = calls.open_tap(Plan(socket=str(path)), 0)
        assert tap is not None
        try:
            said = [record for record in tap.read(0) if isinstance(record, Observed)]
        finally:
            tap.close()
    assert tap.state.state == "open"
    assert [one.code for one in said] == ["calls-no-arrivals"]
    assert f"unix:{path}" in said[0].text
