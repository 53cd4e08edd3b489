"""Real gateways on unix sockets behind a real nginx, and a client that remembers what it asked.

In: a folder. Out: the socket's path and nginx's port; rows of what was asked and answered. Paths
are short, for a socket's name has 108 bytes.
"""

import http.client
import random
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live._php import need_fpm
from tests.live._running import DEMOS, Fact, need_uwsgi, nginx, stop

N_WORKERS = 6
"""More than kept connections: php-fpm gives each of them a worker for good."""
N_THREADS = 4


@dataclass(frozen=True)
class Row:
    """A request as its client knows it."""

    method: str
    target: str
    status: int
    request_body_bytes: int
    response_body_bytes: int
    pid: int


@contextmanager
def short_folder() -> Iterator[Path]:
    """Open to every user, for servers that give up root."""
    folder = Path(tempfile.mkdtemp(prefix="gw", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def on_socket(command: Sequence[str], path: Path, cwd: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server in the foreground, once it listens there."""
    with (cwd / f"log-{path.stem}").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=cwd, process_group=0
        )
        try:
            await_socket(path, process)
            yield process
        finally:
            stop(process)


def await_socket(path: Path, process: subprocess.Popen[bytes]) -> None:
    """Until somebody listens there, by the kernel's table: no connection is spent on it."""
    waiting = threading.Event()
    for _ in range(1000):
        for line in Path("/proc/net/unix").read_text(errors="replace").splitlines():
            if line.endswith(f" {path}") and line.split()[3] == "00010000":
                return
        if process.poll() is not None:
            pytest.fail(f"{process.args!r} ended with {process.returncode}")
        waiting.wait(0.02)
    pytest.fail(f"nobody listens at {path}")


@contextmanager
def fpm(
    folder: Path,
    n_workers: int = N_WORKERS,
    page: Path = DEMOS / "_application.php",
    backlog: int = 511,
) -> Iterator[tuple[Path, str]]:
    """php-fpm; its socket and the nginx lines that pass to "GATE" what is asked."""
    path, conf = folder / "fpm.sock", folder / "fpm.conf"
    conf.write_text(
        f"[global]\nerror_log = {folder}/fpm.log\ndaemonize = no\n"
        f"[www]\nuser = root\nlisten = {path}\nlisten.mode = 0666\nlisten.backlog = {backlog}\n"
        f"pm = static\npm.max_children = {n_workers}\n"
    )
    lines = (
        "include /etc/nginx/fastcgi_params; "
        f"fastcgi_param SCRIPT_FILENAME {page}; fastcgi_pass GATE;"
    )
    with on_socket([need_fpm(), "-F", "-R", "-y", str(conf)], path, folder):
        yield path, lines


@contextmanager
def uwsgi(folder: Path, n_workers: int = N_WORKERS) -> Iterator[tuple[Path, str]]:
    path = folder / "uwsgi.sock"
    command = [
        *need_uwsgi(),
        *("--master", "--die-on-term", "--need-app", "--disable-logging"),
        *("--processes", str(n_workers), "--buffer-size", "65535", "--chmod-socket=666"),
        *("--uwsgi-socket", str(path), "--listen", "64"),
        *("--wsgi-file", str(DEMOS / "_application.py"), "--pythonpath", str(DEMOS)),
    ]
    with on_socket(command, path, folder):
        yield path, "include /etc/nginx/uwsgi_params; uwsgi_pass GATE;"


@contextmanager
def gthread(folder: Path) -> Iterator[tuple[Path, str]]:
    """gunicorn, two processes with four threads each."""
    program = Path(sys.executable).with_name("gunicorn")
    if not program.exists():
        pytest.skip("needs gunicorn (pip install gunicorn)")
    path = folder / "gunicorn.sock"
    command = [str(program), "--bind", f"unix:{path}", "--workers", "2", "--threads", "4"]
    command += ["--no-control-socket", "--chdir", str(DEMOS), "_application:application"]
    with on_socket(command, path, folder):
        yield path, "proxy_set_header Host $host; proxy_pass http://GATE;"


GATEWAYS: dict[str, Callable[[Path], object]] = {"fpm": fpm, "uwsgi": uwsgi, "gthread": gthread}


def behind_nginx(folder: Path, path: Path, lines: str, keeps: bool) -> AbstractContextManager[int]:
    return before(folder, f"unix:{path}", lines, keeps)


@contextmanager
def before(folder: Path, gate: str, lines: str, keeps: bool) -> Iterator[int]:
    """The port of an nginx that passes on to `gate`. `keeps`: it keeps its connections there."""
    upstream = f"upstream gate {{ server {gate}; {'keepalive 4;' if keeps else ''} }}"
    passed = lines.replace("GATE", "gate")
    if keeps:
        passed += ' fastcgi_keep_conn on; proxy_http_version 1.1; proxy_set_header Connection "";'
    with nginx(folder, f"location / {{ {passed} }}", upstream=upstream) as (port, _):
        yield port


def drive(port: int, n_requests: int, seed: int = 7) -> list[Row]:
    """Asks a mix over a few kept connections; what was asked and what came back."""
    choice = random.Random(seed)
    asks = [_ask(choice, number) for number in range(n_requests)]
    with ThreadPoolExecutor(N_THREADS) as pool:
        parts = pool.map(lambda part: _drive(port, part), [asks[n::N_THREADS] for n in range(4)])
        return [row for rows in parts for row in rows]


Ask = tuple[str, str, bytes | None]


def _ask(choice: random.Random, number: int) -> Ask:
    match choice.randrange(5):
        case 0:
            return "POST", f"/echo?n={number}", bytes(choice.randrange(1, 60_000))
        case 1:
            return "GET", f"/big?bytes={choice.randrange(200_000)}&n={number}", None
        case 2:
            return "GET", f"/slow?ms={choice.randrange(15)}&n={number}", None
        case _:
            return "GET", f"/?n={number}", None


def _drive(port: int, asks: Sequence[Ask]) -> list[Row]:
    rows = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for method, target, body in asks:
        connection.request(method, target, body)
        answer = connection.getresponse()
        data = answer.read()
        pid = int(answer.headers["X-Worker-Pid"])
        rows.append(Row(method, target, answer.status, len(body or b""), len(data), pid))
    connection.close()
    return rows


def told(requests: Sequence[Fact]) -> list[Row]:
    """The same rows as facts have them."""
    return [
        Row(
            fact["method"],
            fact["target"],
            fact["status"],
            fact["request_body_bytes"],
            fact["response_body_bytes"],
            fact["pid"],
        )
        for fact in requests
    ]


def sort(rows: Sequence[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: (row.target, row.method))
