"""What a worker reads that is no watched connection never leaves the kernel: neither room in the
ring is spent on it, nor is a byte of it in our memory. Needs root."""

import http.client
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from gwtop.taps import proc
from tests.live._running import Fact, Running, need_uwsgi, of_type
from tests.live._unix import behind_nginx, fpm, on_socket, short_folder
from tests.live.test_calls import watching

pytestmark = pytest.mark.live
MARKER, ASKED = b"a row of somebody's database", b"what-was-asked"
FILE_BYTES, PIECE_BYTES = 200_000_000, 65_536
N_REQUESTS = 16
PYTHON = """
import os, socket
def application(environ, start_response):
    fd = os.open({file!r}, os.O_RDONLY)
    n = 0
    while piece := os.read(fd, 65536):
        n += len(piece)
    os.close(fd)
    with socket.socket(socket.AF_UNIX) as database:
        database.connect({database!r})
        while row := database.recv(65536):
            n += len(row)
    start_response('200 OK', [('X-Worker-Pid', str(os.getpid()))])
    return [str(n).encode()]
"""
PHP = """<?php
$n = 0;
$file = fopen("{file}", "rb");
stream_set_read_buffer($file, 0);
stream_set_chunk_size($file, 65536);
while (($piece = fread($file, 65536)) !== "" && $piece !== false) $n += strlen($piece);
fclose($file);
$database = stream_socket_client("unix://{database}");
while (($row = fread($database, 65536)) !== "" && $row !== false) $n += strlen($row);
fclose($database);
header("X-Worker-Pid: " . getmypid());
echo $n;
"""


def big_file(path: Path) -> None:
    """The marker is in every piece of it."""
    with path.open("wb") as file:
        file.truncate(FILE_BYTES)
        for at in range(0, FILE_BYTES - PIECE_BYTES, PIECE_BYTES):
            file.seek(at)
            file.write(MARKER)
    path.chmod(0o644)


@contextmanager
def database(path: Path) -> Iterator[None]:
    """Gives rows to whoever connects."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(64)

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                with client:
                    client.sendall(MARKER * 100)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def uwsgi(folder: Path) -> Iterator[tuple[Path, str]]:
    application, path = folder / "reads.py", folder / "s"
    application.write_text(PYTHON.format(file=f"{folder}/file", database=f"{folder}/db"))
    command = [*need_uwsgi(), "--master", "--processes", "2", "--die-on-term", "--need-app"]
    command += ["--uwsgi-socket", str(path), "--chmod-socket=666", "--disable-logging"]
    command += ["--wsgi-file", str(application)]
    with on_socket(command, path, folder):
        yield path, "include /etc/nginx/uwsgi_params; uwsgi_pass GATE;"


@contextmanager
def php(folder: Path) -> Iterator[tuple[Path, str]]:
    page = folder / "reads.php"
    page.write_text(PHP.replace("{file}", f"{folder}/file").replace("{database}", f"{folder}/db"))
    with fpm(folder, n_workers=2, page=page) as found:
        yield found


def in_memory(gwtop: Running, what: bytes) -> int:
    """How often it is in the memory of its processes, the kernel's ring among that."""
    pids = {gwtop.process.pid}
    while more := {child for pid in pids for child in proc.children(pid)} - pids:
        pids |= more
    found = 0
    for pid in pids:
        lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
        with open(f"/proc/{pid}/mem", "rb") as memory:
            for words in map(str.split, lines):
                if "r" in words[1] and "[v" not in words[-1]:
                    found += _count(memory.fileno(), words[0], what)
    return found


def _count(memory: int, place: str, what: bytes) -> int:
    start, end = (int(word, 16) for word in place.split("-"))
    try:
        return os.pread(memory, end - start, start).count(what)
    except OSError:  # nothing of it is there
        return 0


def ask(port: int, n_bytes: int) -> None:
    def one(number: int) -> None:
        url = f"http://127.0.0.1:{port}/{ASKED.decode()}?n={number}"
        with urlopen(url, timeout=60) as answer:
            assert answer.read() == str(n_bytes).encode()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(one, range(N_REQUESTS)))


@pytest.mark.parametrize("keeps", [False, True], ids=["a connection each", "kept"])
@pytest.mark.parametrize("gateway", [uwsgi, php])
def test_files_and_databases_take_no_room_in_the_ring(gateway: object, keeps: bool) -> None:
    assert callable(gateway)
    with short_folder() as folder, database(folder / "db"), gateway(folder) as (path, lines):
        big_file(folder / "file")
        with behind_nginx(folder, path, lines, keeps) as port, watching(path) as gwtop:
            ask(port, FILE_BYTES + 100 * len(MARKER))
            requests: list[Fact] = [gwtop.await_type("request") for _ in range(N_REQUESTS)]
            assert in_memory(gwtop, ASKED) > 0
            assert in_memory(gwtop, MARKER) == 0
            assert gwtop.interrupt() == 130
    assert {(one["outcome"], one["lost_bytes"]) for one in requests} == {("done", 0)}
    assert {one["evidence"] for one in requests} == {"kernel"}
    assert len({one["target"] for one in requests}) == N_REQUESTS
    summary = gwtop.facts[-1]
    assert summary["missed"] == {"frames": 0, "process_events": 0, "bytes": 0, "requests": 0}
    assert len(of_type(gwtop.facts, "request")) == N_REQUESTS


def test_workers_born_later_are_kept_out_as_their_like() -> None:
    with short_folder() as folder, database(folder / "db"), php(folder) as (path, lines):
        big_file(folder / "file")
        with behind_nginx(folder, path, lines, keeps=False) as port, watching(path) as gwtop:
            ask(port, FILE_BYTES + 100 * len(MARKER))
            old = {gwtop.await_type("request")["pid"] for _ in range(N_REQUESTS)}
            for pid in old:
                os.kill(pid, signal.SIGKILL)
            gwtop.await_fact(lambda f: f["type"] == "process_exited" and f["pid"] in old)
            ask(port, FILE_BYTES + 100 * len(MARKER))
            requests = [gwtop.await_type("request") for _ in range(N_REQUESTS)]
            assert in_memory(gwtop, MARKER) == 0
            gwtop.interrupt()
    assert not {one["pid"] for one in requests} & old
    assert {(one["outcome"], one["lost_bytes"]) for one in requests} == {("done", 0)}


def asking(path: Path, target: str) -> socket.socket:
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(str(path))
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return client


def answered(client: socket.socket) -> int:
    """By whom."""
    with client:
        answer = http.client.HTTPResponse(client)
        answer.begin()
        assert answer.read() == b"ok"
        return int(answer.headers["X-Worker-Pid"])


def test_a_connection_that_a_child_was_given_is_seen_though_the_child_accepts_too() -> None:
    """And a child that was given none is kept to what it accepts."""
    with short_folder() as folder:
        big_file(folder / "file")
        path, program = folder / "s", str(Path(__file__).parent / "apps/hands_on.py")
        command = [sys.executable, program, str(path), f"{folder}/file"]
        with on_socket(command, path, folder), watching(path) as gwtop:
            by = {"/own": answered(asking(path, "/own"))}
            given, other = asking(path, "/given"), asking(path, "/other")
            by |= {"/other": answered(other), "/given": answered(given)}
            by["/none"] = answered(asking(path, "/none"))
            requests = [gwtop.await_type("request") for _ in by]
            by["/file"] = answered(asking(path, "/file"))
            requests.append(gwtop.await_type("request"))
            assert in_memory(gwtop, MARKER) == 0
            gwtop.interrupt()
    assert {one["target"] for one in requests} == set(by)
    children = {one["target"]: one["pid"] for one in requests if one["pid"] != by["/own"]}
    assert children.items() >= {(target, by[target]) for target in by if target != "/own"}
    assert {(one["outcome"], one["lost_bytes"]) for one in requests} == {("done", 0)}
    assert gwtop.facts[-1]["missed"]["frames"] == 0
