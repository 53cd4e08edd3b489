"""Requests on unix sockets, seen in the calls of real workers that nobody restarted: they are what
client and application saw, whoever else is spared, and nothing is left behind. Needs root."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from gwtop.taps import libcs, probes, proc, tracefs
from tests.live._running import Fact, Running, need_root, need_uwsgi, of_type, running
from tests.live._unix import (
    GATEWAYS,
    behind_nginx,
    drive,
    on_socket,
    short_folder,
    sort,
    told,
)
from tests.live.test_evidence import need_tracefs

pytestmark = pytest.mark.live
N_REQUESTS = 300
GONE_S = 2.0
BREAKPOINT = b"\xcc"  # INT3
KEEPS = pytest.mark.parametrize("keeps", [False, True], ids=["a connection each", "kept"])


@contextmanager
def watching(path: Path, *more: str) -> Iterator[Running]:
    need_root()
    need_tracefs()
    with running("attach", "--socket", str(path), "--json", *more) as gwtop:
        gwtop.await_type("hello")
        yield gwtop


def ask_all(gwtop: Running, port: int, n: int, seed: int = 7) -> tuple[list[object], list[Fact]]:
    """What was asked and answered, and as many facts."""
    before = len(of_type(gwtop.facts, "request"))
    rows = drive(port, n, seed)
    while len(of_type(gwtop.facts, "request")) < before + n:
        gwtop.await_type("request")
    return list(sort(rows)), of_type(gwtop.facts, "request")[before:]


@KEEPS
@pytest.mark.parametrize("gateway", list(GATEWAYS))
def test_requests_seen_in_the_calls_are_what_client_and_application_saw(
    gateway: str, keeps: bool
) -> None:
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps) as port,
        watching(path) as gwtop,
    ):
        rows, requests = ask_all(gwtop, port, N_REQUESTS)
        assert gwtop.interrupt() == 130
    assert sort(told(requests)) == rows
    assert {request["evidence"] for request in requests} == {"kernel"}
    assert {request["outcome"] for request in requests} == {"done"}
    assert all(request["queue_ns"] >= 0 for request in requests)
    assert {request["lost_bytes"] for request in requests} == {0}
    assert all(request["duration_ns"] > 0 for request in requests)
    summary = gwtop.facts[-1]
    assert summary["missed"] == {"frames": 0, "process_events": 0, "bytes": 0, "requests": 0}
    several = {request["pid"] for request in requests if request["thread"] != request["pid"]}
    assert bool(several) == (gateway == "gthread")


@pytest.mark.parametrize("gateway", list(GATEWAYS))
def test_connections_that_were_open_before_the_start_are_seen(gateway: str) -> None:
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=True) as port,
    ):
        drive(port, 40, seed=1)
        with watching(path) as gwtop:
            rows, requests = ask_all(gwtop, port, 80)
            assert gwtop.interrupt() == 130
    assert sort(told(requests)) == rows


def first_bytes(pid: int) -> dict[int, bytes]:
    """What stands at each site in this process's memory."""
    table = libcs.Libcs()
    found: dict[int, bytes] = {}
    try:
        for libc in table.of(pid):
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                words = line.split()
                if words[-1] != libc.path or "x" not in words[1]:
                    continue
                start, end = (int(word, 16) for word in words[0].split("-"))
                begins = int(words[2], 16)
                with open(f"/proc/{pid}/mem", "rb") as memory:
                    for site in libc.found.sites:
                        if begins <= site.offset < begins + end - start:
                            memory.seek(start + site.offset - begins)
                            found[site.offset] = memory.read(1)
    finally:
        table.close()
    assert found
    return found


def test_only_the_watched_processes_have_breakpoints_and_none_when_it_is_over() -> None:
    unrelated = os.getpid()
    before = first_bytes(unrelated)
    with (
        short_folder() as folder,
        GATEWAYS["fpm"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
    ):
        with watching(path) as gwtop:
            rows, requests = ask_all(gwtop, port, 20)
            workers = {request["pid"] for request in requests}
            assert workers
            for pid in workers:
                assert set(first_bytes(pid).values()) == {BREAKPOINT}
            assert first_bytes(unrelated) == before
            assert gwtop.interrupt() == 130
        for pid in workers:
            assert first_bytes(pid) == before
    assert len(rows) == 20


def left_of(pid: int) -> list[str]:
    """Definitions and trace instances of a gwtop that has ended."""
    place = tracefs.mounted()
    assert place is not None
    groups = [group for group, _ in probes.parse(Path(place, probes.FILE).read_text())]
    names = groups + os.listdir(f"{place}/instances")
    return [name for name in names if name.replace("_", "-").startswith(f"gwtop-{pid}-")]


def test_a_killed_gwtop_leaves_no_probe_and_no_instance() -> None:
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        watching(path) as gwtop,
    ):
        _, requests = ask_all(gwtop, port, 20)
        pid = gwtop.process.pid
        assert left_of(pid)
        gwtop.process.send_signal(signal.SIGKILL)
        waiting = threading.Event()
        n_looks = 0
        while left_of(pid) and n_looks < GONE_S / 0.02:
            n_looks += 1
            waiting.wait(0.02)
        assert not left_of(pid)
        for request in requests:
            assert BREAKPOINT not in first_bytes(request["pid"]).values()
        assert [row.status for row in drive(port, 8)] == [200] * 8


def test_what_a_killed_janitor_could_not_remove_the_next_start_removes() -> None:
    """Its definitions are made here: a group whose maker has gone."""
    need_root()
    need_tracefs()
    place, name = tracefs.mounted(), f"gwtop_{os.getpid()}_1_"
    assert place is not None
    libc = next(iter(libcs.Libcs().of(os.getpid())))
    line = probes.definition(name, "calls1", libc.path, libc.found.sites[0].offset)
    descriptor = os.open(f"{place}/{probes.FILE}", os.O_WRONLY | os.O_APPEND)
    os.write(descriptor, line.encode())
    os.close(descriptor)
    assert name in Path(place, probes.FILE).read_text()
    with short_folder() as folder, GATEWAYS["uwsgi"](folder) as (path, _), watching(path):
        assert name not in Path(place, probes.FILE).read_text()


@pytest.mark.parametrize("copy_bytes", [512, 2048, 262144])
def test_what_is_not_copied_is_counted_all_the_same(copy_bytes: int) -> None:
    """Of bodies; heads are copied, for they are shorter."""
    with (
        short_folder() as folder,
        GATEWAYS["gthread"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        watching(path, "--copy", str(copy_bytes)) as gwtop,
    ):
        rows, requests = ask_all(gwtop, port, 60)
        assert gwtop.interrupt() == 130
    assert sort(told(requests)) == rows
    assert {request["lost_bytes"] for request in requests} == {0}


def test_while_the_ring_is_half_full_heads_are_worth_more_than_bodies() -> None:
    """gwtop sleeps while 320 answers of 64 KiB pass, more than its ring of 16 MiB holds."""
    n, n_bytes = 320, 64_000
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        watching(path) as gwtop,
    ):
        gwtop.process.send_signal(signal.SIGSTOP)
        for _ in range(n):
            with urlopen(f"http://127.0.0.1:{port}/big?bytes={n_bytes}", timeout=10) as answer:
                assert len(answer.read()) == n_bytes
        gwtop.process.send_signal(signal.SIGCONT)
        requests = [gwtop.await_type("request") for _ in range(n)]
        gwtop.interrupt()
    told_bytes = {(one["outcome"], one["response_body_bytes"]) for one in requests}
    assert told_bytes == {("done", n_bytes)}
    assert gwtop.facts[-1]["missed"]["frames"] == 0


def master_of(worker: int) -> int:
    stat = proc.stat(worker)
    assert stat is not None
    return stat.parent


def test_a_worker_born_later_and_a_server_started_anew_are_seen() -> None:
    with (
        short_folder() as folder,
        GATEWAYS["fpm"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        watching(path) as gwtop,
    ):
        _, requests = ask_all(gwtop, port, 20)
        old = {request["pid"] for request in requests}
        master = master_of(min(old))
        for pid in old:
            os.kill(pid, signal.SIGKILL)
        gwtop.await_fact(lambda f: f["type"] == "process_exited" and f["pid"] in old)
        rows, requests = ask_all(gwtop, port, 40, seed=2)
        assert sort(told(requests)) == rows
        assert not {request["pid"] for request in requests} <= old
        os.kill(master, signal.SIGQUIT)
        gwtop.await_fact(lambda f: f["type"] == "note" and f["code"] == "listener-awaited")
        with GATEWAYS["fpm"](folder):
            gwtop.await_fact(lambda f: f["type"] == "process_seen")
            gwtop.await_type("tick")
            rows, requests = ask_all(gwtop, port, 40, seed=3)
        assert sort(told(requests)) == rows
        gwtop.interrupt()


SECRET = "a line of somebody's key"


def test_bytes_of_other_descriptors_are_nowhere(tmp_path: Path) -> None:
    """The application reads a file; neither facts nor the report have a byte of it."""
    (tmp_path / "key").write_text(SECRET * 50)
    report = tmp_path / "report"
    application = tmp_path / "reads_key.py"
    application.write_text(
        "def application(environ, start_response):\n"
        f"    data = open({str(tmp_path / 'key')!r}, 'rb', 0).read()\n"
        "    start_response('200 OK', [('X-Worker-Pid', '1')])\n"
        "    return [str(len(data)).encode()]\n"
    )
    path = tmp_path / "s"
    command = [*need_uwsgi(), "--die-on-term", "--uwsgi-socket", str(path), "--need-app"]
    command += ["--wsgi-file", str(application), "--chmod-socket=666"]
    lines = "include /etc/nginx/uwsgi_params; uwsgi_pass GATE;"
    with (
        on_socket(command, path, tmp_path),
        behind_nginx(tmp_path, path, lines, keeps=False) as port,
        watching(path, "--details", "--bodies", "9999", "--debug", str(report)) as gwtop,
    ):
        for _ in range(8):
            with urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
                assert answer.read() == str(50 * len(SECRET)).encode()
        requests = [gwtop.await_type("request") for _ in range(8)]
        gwtop.interrupt()
    assert {request["response_body"] for request in requests} == {str(50 * len(SECRET))}
    assert SECRET not in json.dumps(gwtop.facts)
    assert SECRET not in report.read_text()


READS = """
import os, time
zero = os.open("/dev/zero", os.O_RDONLY)
def spent(n):
    began = time.process_time_ns()
    for _ in range(n):
        os.read(zero, 8)
    return (time.process_time_ns() - began) / n
spent(1000)
print(min(spent(20_000) for _ in range(5)))
"""
ALIKE = 1.5
"""Two runs of one program on a busy machine; a read that traps takes three times as long at least
in C, and would show here as 0.7 us or more."""


def cost_of_a_read_ns() -> float:
    done = subprocess.run([sys.executable, "-c", READS], capture_output=True, check=True)
    return float(done.stdout)


def test_an_unrelated_process_reads_as_fast_as_before() -> None:
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
    ):
        before = cost_of_a_read_ns()
        with watching(path) as gwtop:
            ask_all(gwtop, port, 8)
            meanwhile = cost_of_a_read_ns()
            gwtop.interrupt()
    print(
        f"a read of an unrelated process: {before:.0f} ns before, {meanwhile:.0f} ns beside gwtop"
    )
    assert meanwhile < before * ALIKE + 100


FUNCTIONS = ["read", "recv", "recvfrom", "recvmsg", "recvmmsg", "readv", "writev", "sendmsg"]
FUNCTIONS += ["sendmmsg", "sendto", "sendfile", "splice", "peek", "shutdown", "dup2", "fork"]


def get(path: Path, target: str) -> tuple[int, int]:
    """Length of the body and the pid that the answer tells."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(path))
        client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return len(answer.read()), int(answer.headers["X-Worker-Pid"])


def test_every_function_that_reads_or_writes_is_seen() -> None:
    """One worker, a request by each; bodies on both sides of what is copied."""
    with short_folder() as folder:
        path = folder / "s"
        program = str(Path(__file__).parent / "apps/every_call.py")
        with (
            on_socket([sys.executable, program, str(path)], path, folder),
            watching(path) as gwtop,
        ):
            asked = {}
            for n_bytes in (0, 10, 5_000, 40_000):
                for name in FUNCTIONS:
                    target = f"/{name}?n={n_bytes}"
                    asked[target] = get(path, target)
                    assert asked[target][0] == n_bytes
            requests = [gwtop.await_type("request") for _ in asked]
            gwtop.interrupt()
    seen = {fact["target"]: fact["response_body_bytes"] for fact in requests}
    assert seen == {target: n_bytes for target, (n_bytes, _) in asked.items()}
    for fact in requests:
        assert (fact["outcome"], fact["status"], fact["lost_bytes"]) == ("done", 200, 0), fact
        if not fact["target"].startswith("/fork"):
            assert fact["pid"] == asked[fact["target"]][1]
