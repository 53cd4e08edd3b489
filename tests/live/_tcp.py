"""Real gateways on TCP behind a real nginx, and clients of which some leave before their answer.

In: a folder. Out: the gateway's port and the nginx lines that pass to "GATE"; nginx's port; what
was asked and answered.
"""

import socket
import struct
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from tests.live._php import need_fpm
from tests.live._running import (
    DEMOS,
    Fact,
    Running,
    free_port,
    need_root,
    need_uwsgi,
    of_type,
    running,
    server,
)
from tests.live._unix import N_WORKERS, before
from tests.live.test_evidence import need_tracefs

HOST = "127.0.0.1"
PROXIED = "proxy_set_header Host $host; proxy_pass http://GATE;"
Gateway = Callable[[Path], AbstractContextManager[tuple[int, str]]]


@contextmanager
def fpm(folder: Path) -> Iterator[tuple[int, str]]:
    port, conf = free_port(), folder / "fpm.conf"
    conf.write_text(
        f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\n"
        f"[www]\nuser = root\nlisten = {HOST}:{port}\n"
        f"pm = static\npm.max_children = {N_WORKERS}\n"
    )
    lines = (
        "include /etc/nginx/fastcgi_params; "
        f"fastcgi_param SCRIPT_FILENAME {DEMOS}/_application.php; fastcgi_pass GATE;"
    )
    with server([need_fpm(), "-F", "-R", "-y", str(conf)], HOST, port, folder):
        yield port, lines


def uwsgi(option: str, lines: str, *more: str) -> Gateway:
    """Six processes; the sockets of its statistics and its router are nobody's business."""

    @contextmanager
    def start(folder: Path) -> Iterator[tuple[int, str]]:
        port = free_port()
        command = [
            *need_uwsgi(),
            *("--master", "--die-on-term", "--need-app", "--disable-logging"),
            *("--processes", str(N_WORKERS), "--buffer-size", "65535", "--listen", "64"),
            *(option, f"{HOST}:{port}", "--stats", f"{HOST}:{free_port()}", *more),
            *("--wsgi-file", str(DEMOS / "_application.py"), "--pythonpath", str(DEMOS)),
        ]
        with server(command, HOST, port, folder):
            yield port, lines

    return start


def gunicorn(*options: str) -> Gateway:
    @contextmanager
    def start(folder: Path) -> Iterator[tuple[int, str]]:
        program = Path(sys.executable).with_name("gunicorn")
        if not program.exists():
            pytest.skip("needs gunicorn (pip install gunicorn)")
        port = free_port()
        command = [str(program), "--bind", f"{HOST}:{port}", *options]
        command += ["--no-control-socket", "--chdir", str(DEMOS), "_application:application"]
        with server(command, HOST, port, folder):
            yield port, PROXIED

    return start


GATEWAYS: dict[str, Gateway] = {
    "fpm": fpm,
    "uwsgi": uwsgi("--uwsgi-socket", "include /etc/nginx/uwsgi_params; uwsgi_pass GATE;"),
    "uwsgi-http": uwsgi("--http-socket", PROXIED, "--http-keepalive"),
    "sync": gunicorn("--workers", str(N_WORKERS)),
    "gthread": gunicorn("--workers", "2", "--threads", "4"),
}


def behind_nginx(folder: Path, port: int, lines: str, keeps: bool) -> AbstractContextManager[int]:
    return before(folder, f"{HOST}:{port}", lines, keeps)


def leave(
    port: int, target: str, resets: bool, n_bytes: int = 1, stay: Callable[[], object] = bool
) -> None:
    """Asks, and goes once so many bytes of the answer are there and `stay` has returned."""
    with socket.create_connection((HOST, port), timeout=30) as client:
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        while n_bytes > 0:
            n_bytes -= len(client.recv(n_bytes))
        stay()
        if resets:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def watching(port: int, *more: str) -> Iterator[Running]:
    need_root()
    need_tracefs()
    with running("attach", "--port", str(port), "--json", *more) as gwtop:
        hello = gwtop.await_type("hello")
        assert {tap["state"] for tap in hello["taps"]} == {"open"}
        yield gwtop


def in_calls(port: int, *more: str) -> AbstractContextManager[Running]:
    return watching(port, "--capture", "calls", *more)


def await_requests(gwtop: Running, n: int) -> list[Fact]:
    """So many, or what there is ten seconds after the last one."""
    n_ticks = 0
    while len(of_type(gwtop.facts, "request")) < n and n_ticks < 10:
        fact = gwtop.await_fact(lambda f: f["type"] in ("request", "tick"))
        n_ticks = n_ticks + 1 if fact["type"] == "tick" else 0
    return of_type(gwtop.facts, "request")
