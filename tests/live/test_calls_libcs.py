"""Workers with other C libraries, with none of their own, with an io_uring: their calls are seen,
or a note says why not. One server in C, linked every way there is. Needs root and a compiler."""

import http.client
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live._running import Running, need_program, of_type
from tests.live._unix import on_socket, short_folder
from tests.live.test_calls import watching

pytestmark = pytest.mark.live
SOURCE = Path(__file__).parent / "apps/serve.c"
COMPILERS = {"gcc": "gcc", "musl-gcc": "musl-tools"}
N_REQUESTS = 40
NO_RING = 3  # the program's own status


@contextmanager
def serving(compiler: str, *flags: str, n_threads: int, more: str = "") -> Iterator[Path]:
    """The socket's path."""
    need_program(compiler, COMPILERS[compiler])
    with short_folder() as folder:
        program, path = folder / "serve", folder / "s"
        built = [compiler, "-O2", *flags, "-o", str(program), str(SOURCE), "-pthread"]
        subprocess.run(built, check=True, capture_output=True)
        command = [str(program), str(path), str(n_threads), *more.split()]
        with on_socket(command, path, folder):
            yield path


def ask(path: Path, n_bytes: int, body: bytes = b"") -> tuple[str, int, int]:
    """Target, length of the answer's body, the pid that it tells."""
    target = f"/?bytes={n_bytes}"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        head = f"{'POST' if body else 'GET'} {target} HTTP/1.1\r\nHost: x\r\n"
        client.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return target, len(answer.read()), int(answer.headers["X-Worker-Pid"])


def ask_all(path: Path) -> list[tuple[str, int, int]]:
    with ThreadPoolExecutor(4) as pool:
        asked = [
            pool.submit(ask, path, 40_000 * (n % 5) + n, bytes(9_000 * (n % 3)))
            for n in range(N_REQUESTS)
        ]
        return sorted(one.result() for one in asked)


def codes(gwtop: Running) -> set[str]:
    return {note["code"] for note in of_type(gwtop.facts, "note")}


@pytest.mark.parametrize("n_threads", [1, 4])
@pytest.mark.parametrize("compiler", list(COMPILERS))
def test_requests_are_seen_whatever_the_c_library(compiler: str, n_threads: int) -> None:
    """Those of threads that slept in accept before the probes came, too."""
    with serving(compiler, n_threads=n_threads) as path, watching(path) as gwtop:
        rows = ask_all(path)
        requests = [gwtop.await_type("request") for _ in rows]
        assert gwtop.interrupt() == 130
    found = [(one["target"], one["response_body_bytes"], one["pid"]) for one in requests]
    assert sorted(found) == rows
    assert {(one["outcome"], one["lost_bytes"]) for one in requests} == {("done", 0)}
    assert {one["evidence"] for one in requests} == {"kernel"}
    assert len({one["thread"] for one in requests}) == n_threads
    assert not {code for code in codes(gwtop) if code.startswith("calls-")}


@pytest.mark.parametrize(
    ("compiler", "flags", "code"),
    [
        pytest.param("gcc", ["-static"], "calls-static", id="glibc, static"),
        pytest.param("musl-gcc", ["-static"], "calls-static", id="musl, static"),
        pytest.param("gcc", ["-static", "-DLIKE_GO"], "calls-go", id="like Go"),
    ],
)
def test_where_calls_are_not_seen_a_note_says_so_and_the_work_is_told(
    compiler: str, flags: list[str], code: str
) -> None:
    with serving(compiler, *flags, n_threads=1) as path, watching(path) as gwtop:
        note = gwtop.await_type("note")
        assert (note["code"], note["severity"]) == (code, "warn")
        assert "gwtop tap" in note["text"]
        rows = ask_all(path)
        sample = gwtop.await_fact(
            lambda f: (
                f["type"] == "process_sample" and f.get("unix", {}).get("connections") == len(rows)
            )
        )
        assert sample["pid"] == rows[0][2]
        gwtop.interrupt()
    assert not of_type(gwtop.facts, "request")


def test_an_io_uring_is_a_note_beside_what_is_seen() -> None:
    try:
        with serving("gcc", n_threads=1, more="ring") as path, watching(path) as gwtop:
            rows = ask_all(path)
            requests = [gwtop.await_type("request") for _ in rows]
            gwtop.interrupt()
    except pytest.fail.Exception as failed:
        if f"ended with {NO_RING}" in str(failed):
            pytest.skip("needs a kernel that gives an io_uring (kernel.io_uring_disabled)")
        raise
    assert sorted(one["target"] for one in requests) == [target for target, _, _ in rows]
    assert "calls-io-uring" in codes(gwtop)
