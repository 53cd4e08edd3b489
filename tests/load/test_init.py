"""The load against a server of the test's own: what it sends, what it counts, when it ends."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from tempfile import TemporaryFile
from threading import Barrier, Thread

import pytest
from aiohttp import ClientSession

from gwtop.errors import GwtopError
from gwtop.load import Config, RunningLoad, Summary, start_load
from gwtop.load.sending import Load, Mix, shot

Seen = tuple[str, str, int, str]
"""Method, target, length of the body, the client's port."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, together: int = 1) -> None:
        self.seen: Queue[Seen] = Queue()
        self.together = Barrier(together, timeout=20)
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def all_seen(self) -> list[Seen]:
        return [self.seen.get_nowait() for _ in range(self.seen.qsize())]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        port = str(self.client_address[1])
        self.server.seen.put((self.command, self.path, len(body), port))
        if self.path == "/hang-up":
            self.close_connection = True
            return
        self.server.together.wait()
        self.send_response(500 if self.path == "/error" else 200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def serving(together: int = 1) -> Iterator[Server]:
    server = Server(together)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def finished(load: RunningLoad) -> Summary:
    assert select.select([load], [], [], 30)[0], "the load did not end"
    summary = load.stop()
    assert summary is not None
    return summary


def test_the_mix_is_the_same_each_time_and_all_of_it_comes() -> None:
    first, second = Mix(), Mix()
    shots = [first.next() for _ in range(200)]
    assert shots == [second.next() for _ in range(200)]
    assert {s.path.partition("?")[0] for s in shots} == {"/", "/slow", "/big", "/echo"}
    assert all((s.method == "POST") == (s.path == "/echo") == bool(s.body) for s in shots)


def test_only_echo_is_posted() -> None:
    assert shot("/echo?x=1").method == "POST"
    assert (shot("/echoes").method, shot("/echoes").body) == ("GET", b"")


def test_so_many_requests_are_sent_and_then_it_ends() -> None:
    with serving() as server:
        summary = finished(start_load(server.url, rate=0, n_requests=30, concurrency=4))
        seen = server.all_seen()
    assert len(seen) == 30
    assert len(summary["took_ns"]) == 30
    assert 0 < max(summary["took_ns"]) <= summary["elapsed_ns"] <= sum(summary["took_ns"])
    assert {key: told for key, told in summary.items() if not key.endswith("_ns")} == {
        "sent": 30,
        "statuses": {"200": 30},
        "errors": 0,
        "failures": {},
        "in_flight": 0,
    }


def test_one_client_keeps_one_connection() -> None:
    with serving() as server:
        finished(start_load(server.url, rate=0, n_requests=10, concurrency=1, path="/"))
        assert len({port for _, _, _, port in server.all_seen()}) == 1


def test_as_many_as_the_concurrency_are_in_flight_together() -> None:
    with serving(together=4) as server:  # nobody is answered before four are there
        load = start_load(server.url, rate=0, n_requests=8, concurrency=4, path="/")
        assert finished(load)["statuses"] == {"200": 8}


def test_a_path_is_sent_as_it_was_asked_for() -> None:
    odd = "/a%2Fb//%41?x=%20&y"
    with serving() as server:
        finished(start_load(server.url, rate=100, n_requests=2, path=odd))
        assert [target for _, target, _, _ in server.all_seen()] == [odd, odd]


def test_a_path_without_a_slash_is_refused() -> None:
    with pytest.raises(GwtopError, match="does not begin with /; try /slow"):
        start_load("http://127.0.0.1:1/", path="slow")


def test_a_paused_load_sends_only_what_it_is_told_to() -> None:
    with serving() as server:
        load = start_load(server.url, rate=0, n_requests=3, path="/", paused=True)
        load.send({"send": "/error"})
        assert server.seen.get(timeout=20)[1] == "/error"
        load.send({"send": "/echo"})
        assert server.seen.get(timeout=20)[:2] == ("POST", "/echo")
        load.send({"path": "/other", "pause": False})
        assert finished(load)["statuses"] == {"200": 4, "500": 1}
        assert [target for _, target, _, _ in server.all_seen()] == ["/other"] * 3


def test_a_load_that_stands_still_stops_nobody_who_wishes() -> None:
    with serving() as server:
        load = start_load(server.url, rate=0.001, n_requests=1, path="/")
        server.seen.get(timeout=20)
        os.kill(load._process.pid, signal.SIGSTOP)
        try:
            for _ in range(10_000):  # 240 KB into a pipe of 64
                load.send({"rate": 0.001})
        finally:
            os.kill(load._process.pid, signal.SIGCONT)
        assert finished(load)["sent"] == 1


def test_the_rate_can_be_raised_while_it_waits() -> None:
    with serving() as server:
        load = start_load(server.url, rate=0.001, n_requests=5, path="/")
        server.seen.get(timeout=20)  # the next would be due in a quarter of an hour
        load.send({"rate": 0})
        assert finished(load)["sent"] == 5


def test_connections_that_fail_are_counted_and_no_traceback(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with serving() as server:
        load = start_load(server.url, rate=0, n_requests=3, path="/hang-up")
        summary = finished(load)
        closed_url = server.url
    assert (summary["errors"], summary["statuses"]) == (3, {})
    refused = finished(start_load(closed_url, rate=0, n_requests=4))
    assert (refused["sent"], refused["errors"]) == (4, 4)
    assert refused["failures"] == {"ClientConnectorError": 4}
    assert capfd.readouterr().err == ""


def test_an_endless_load_is_stopped_and_says_what_it_did() -> None:
    with serving() as server:
        load = start_load(server.url, rate=0, path="/")
        for _ in range(20):
            server.seen.get(timeout=20)
        assert load.poll() is None
        summary = load.stop()
        assert summary is not None and summary == load.stop()
        assert summary["sent"] - summary["in_flight"] == summary["statuses"]["200"] >= 19


def test_a_killed_load_has_no_summary() -> None:
    with serving(together=2) as server:  # nobody is answered
        load = start_load(server.url, rate=0, path="/")
        server.seen.get(timeout=20)
        load._process.send_signal(signal.SIGKILL)
        assert load.stop() is None


def test_a_load_that_does_not_end_in_time_is_ended_and_that_is_no_trouble(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gwtop.load.STOP_DEADLINE_S", 0.05)
    with TemporaryFile() as said:
        waits = [sys.executable, "-c", "import signal; signal.pause()"]
        pipe = subprocess.PIPE
        load = RunningLoad(subprocess.Popen(waits, stdin=pipe, stdout=pipe, stderr=said), said)
        assert load.stop() is None
        assert load.poll() == -signal.SIGKILL and load.trouble() is None


def test_it_ends_with_its_stdin() -> None:
    with serving() as server:
        load = start_load(server.url, rate=0, path="/")
        server.seen.get(timeout=20)
        assert load._process.stdin is not None
        load._process.stdin.close()
        assert load._process.wait(timeout=20) == 0


def test_it_ends_with_its_parent_although_its_stdin_stays_open() -> None:
    ours, its = socket.socketpair()
    with serving() as server, ours:
        program = (
            "import subprocess, sys\n"
            "load = subprocess.Popen([sys.executable, '-m', 'gwtop.load', sys.argv[1]])\n"
            "print(load.pid, flush=True)\n"
            "load.wait()\n"
        )
        config = Config(server.url, 0, None, 1, "/", False)
        parent = subprocess.Popen(
            [sys.executable, "-c", program, json.dumps(asdict(config))],
            stdin=its.fileno(),
            stdout=subprocess.PIPE,
        )
        its.close()
        assert parent.stdout is not None
        with parent.stdout:
            load = os.pidfd_open(int(parent.stdout.readline()))
            server.seen.get(timeout=20)
            parent.kill()
            parent.wait()
            assert select.select([load], [], [], 20)[0], "the load lives"
            os.close(load)


def test_what_is_missing_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(GwtopError, match=r"needs aiohttp; pip install 'gwtop\[demos\]'"):
        start_load("http://127.0.0.1:1/")


def test_importing_the_load_does_not_import_the_client() -> None:
    assert Load.__module__ == "gwtop.load.sending"
    code = "import gwtop.load.sending, sys; print('aiohttp' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert json.loads(done.stdout.strip().lower()) is False


async def test_a_path_that_no_client_sends_is_a_request_that_failed() -> None:
    with serving() as server:
        async with ClientSession() as session:
            load = Load(Config(server.url, 1, 1, 1, "/\0", False), session)
            await load._send(shot("/\0"))
    assert (load.summary()["failures"], load.summary()["in_flight"]) == ({"ValueError": 1}, 0)
