"""Which process answered, by the kernel's word, against real servers: what they say of themselves
in X-Worker-Pid is the witness, and gwtop never reads it."""

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from gwtop.taps import tracefs
from tests.live._php import passed_to, pool
from tests.live._running import (
    DEMOS,
    Fact,
    free_port,
    gwtop_command,
    need_program,
    need_root,
    nginx,
    of_type,
    running,
    server,
    uwsgi,
)

pytestmark = pytest.mark.live
TO_UWSGI = "location / {{ include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{}; }}"
N_AT_FULL_SPEED = 10_000


def need_tracefs() -> None:
    need_root()
    if not tracefs.may_make():
        pytest.skip("needs tracefs (mount -t tracefs nodev /sys/kernel/tracing)")


def witness(request: Fact) -> str | None:
    """What the application said of itself."""
    return dict(request["response_fields"]).get("X-Worker-Pid")


@contextmanager
def gunicorn(folder: Path, *options: str) -> Iterator[int]:
    program = Path(sys.executable).with_name("gunicorn")
    if not program.exists():
        pytest.skip("needs gunicorn (pip install gunicorn)")
    port = free_port()
    command = [str(program), "--bind", f"127.0.0.1:{port}", *options, "--no-control-socket"]
    command += ["--chdir", str(DEMOS), "_application:application"]
    with server(command, "127.0.0.1", port, folder):
        yield port


@contextmanager
def wrk(port: int) -> Iterator[None]:
    """16 clients at full speed, until the end of the block."""
    command = [need_program("wrk", "wrk"), "-c16", "-t1", "-d120s", f"http://127.0.0.1:{port}/"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def ask(port: int, target: str = "/") -> tuple[int, str | None]:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        client.request("GET", target)
        answer = client.getresponse()
        answer.read()
        return answer.status, answer.getheader("X-Worker-Pid")
    finally:
        client.close()


def check_full_speed(back: int, folder: Path) -> None:
    with (
        nginx(folder, TO_UWSGI.format(back)) as (front, _),
        running(
            *("attach", "--port", str(back), "--requests", str(N_AT_FULL_SPEED)),
            *("--json", "--details"),
        ) as gwtop,
    ):
        gwtop.await_type("hello")
        with wrk(front):
            assert gwtop.finish(120) == 0
    requests = [r for r in of_type(gwtop.facts, "request") if r["outcome"] == "done"]
    assert len(requests) >= N_AT_FULL_SPEED * 0.99
    assert {r["evidence"] for r in requests} == {"kernel"}
    assert all(str(r["pid"]) == witness(r) for r in requests)
    assert all(r["reader"] == r["pid"] == r["thread"] for r in requests)
    assert all(r["queue_ns"] is not None and r["queue_ns"] >= 0 for r in requests)
    summary = gwtop.facts[-1]
    assert (summary["model"], summary["workers"]) == ("worker-pool", 4)
    assert summary["missed"]["process_events"] == 0


def test_ten_thousand_requests_at_full_speed_have_their_worker(tmp_path: Path) -> None:
    need_tracefs()
    with uwsgi(tmp_path, "uwsgi", "127.0.0.1", 4) as (back, _):
        check_full_speed(back, tmp_path)


def test_another_server_of_the_same_protocol_too(tmp_path: Path) -> None:
    need_tracefs()
    with gunicorn(tmp_path, "--protocol", "uwsgi", "--workers", "4") as back:
        check_full_speed(back, tmp_path)


def test_kept_connections_that_were_open_before_the_start_are_no_exception(tmp_path: Path) -> None:
    need_tracefs()
    options = (
        "--workers",
        "3",
        "--worker-class",
        "gthread",
        "--threads",
        "4",
        "--keep-alive",
        "60",
    )
    with gunicorn(tmp_path, *options) as port:
        clients = [http.client.HTTPConnection("127.0.0.1", port, timeout=20) for _ in range(6)]
        for client in clients:
            client.request("GET", "/")
            client.getresponse().read()
        with running(
            *("attach", "--port", str(port), "--requests", "30", "--json", "--details")
        ) as gwtop:
            gwtop.await_type("hello")
            for _ in range(5):
                for client in clients:
                    client.request("GET", "/")
                    client.getresponse().read()
            assert gwtop.finish() == 0
        for client in clients:
            client.close()
    requests = of_type(gwtop.facts, "request")
    assert len(requests) == 30
    assert {r["evidence"] for r in requests} == {"kernel"}
    assert all(str(r["pid"]) == witness(r) for r in requests)
    assert any(r["thread"] != r["pid"] for r in requests), "a pool thread is no main thread"


def test_threads_of_one_process_are_seen_as_threads(tmp_path: Path) -> None:
    need_tracefs()
    options = ("--workers", "1", "--worker-class", "gthread", "--threads", "4")
    with (
        gunicorn(tmp_path, *options) as port,
        running(
            *("attach", "--port", str(port), "--requests", "40", "--json", "--details")
        ) as gwtop,
    ):
        gwtop.await_type("hello")
        at_once(port, "/slow?ms=20", 40)
        assert gwtop.finish() == 0
    requests = of_type(gwtop.facts, "request")
    assert all(str(r["pid"]) == witness(r) for r in requests)
    assert gwtop.facts[-1]["model"] == "threaded"
    assert len({r["thread"] for r in requests}) >= 2


def at_once(port: int, target: str, n: int) -> None:
    threads = [threading.Thread(target=ask, args=(port, target)) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_ten_slow_requests_at_a_pool_of_two_wait_as_long_as_their_clients(tmp_path: Path) -> None:
    need_tracefs()
    need_program("nginx", "nginx-light")
    took_ms = 1500
    with (
        pool(tmp_path, 2) as (back, page),
        nginx(tmp_path, passed_to(back, page)) as (front, _),
        running("attach", "--port", str(back), "--requests", "10", "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        waited_ms: dict[str, float] = {}
        threads = [
            threading.Thread(target=clocked, args=(front, took_ms, str(n), waited_ms))
            for n in range(10)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert gwtop.finish() == 0
    ticks = of_type(gwtop.facts, "tick")
    assert 8 in [queue["pending"] for tick in ticks for queue in tick["queues"]]
    full = [tick for tick in ticks if tick["busy"] == 2]
    assert full and all(tick["idle"] == 0 for tick in full)
    assert any(sum(f["pid"] is not None for f in tick["in_flight"]) == 2 for tick in full)
    samples = [f for f in of_type(gwtop.facts, "process_sample") if f["busy_with"]]
    assert len({f["pid"] for f in samples}) == 2
    assert "all-workers-busy" in gwtop.facts[-1]["notes"]
    for request in of_type(gwtop.facts, "request"):
        waited = waited_ms[request["target"].rpartition("=")[2]]
        queued_ms = request["queue_ns"] / 1e6
        assert abs(queued_ms - waited) <= max(0.2 * waited, 60), (queued_ms, waited)


def clocked(port: int, ms: int, name: str, waited_ms: dict[str, float]) -> None:
    """How long the client waited beyond what the page takes."""
    began = time.monotonic_ns()
    ask(port, f"/?ms={ms}&n={name}")
    waited_ms[name] = (time.monotonic_ns() - began) / 1e6 - ms


def test_a_worker_killed_over_a_request_is_told_and_replaced(tmp_path: Path) -> None:
    need_tracefs()
    with (
        uwsgi(tmp_path, "uwsgi", "127.0.0.1", 2) as (back, _),
        nginx(tmp_path, TO_UWSGI.format(back)) as (front, _),
        running("attach", "--port", str(back), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        slow = threading.Thread(target=ask, args=(front, "/slow?ms=20000"))
        slow.start()
        busy = gwtop.await_fact(lambda f: f["type"] == "process_sample" and f["busy_with"])
        os.kill(busy["pid"], signal.SIGKILL)
        note = gwtop.await_fact(lambda f: f["type"] == "note" and f["code"] == "worker-killed")
        assert note["pid"] == busy["pid"] and "signal 9" in note["text"]
        slow.join()
        gwtop.await_type("process_born")
        _, answered = ask(front)
        assert gwtop.interrupt() == 130
    (fallen, *_) = of_type(gwtop.facts, "request")
    assert (fallen["pid"], fallen["evidence"]) == (busy["pid"], "kernel")
    assert fallen["outcome"] == "aborted"
    gone = [f for f in of_type(gwtop.facts, "process_exited") if f["pid"] == busy["pid"]]
    assert [(f["signal"], f["code"]) for f in gone] == [(9, None)]
    assert answered is not None and int(answered) != busy["pid"]
    assert len(of_type(gwtop.facts, "process_born")) == 1


def test_workers_that_are_replaced_after_some_requests_stay_a_pool(tmp_path: Path) -> None:
    need_tracefs()
    with (
        gunicorn(tmp_path, "--workers", "2", "--max-requests", "10") as back,
        running(
            *("attach", "--port", str(back), "--requests", "100", "--json", "--details")
        ) as gwtop,
    ):
        gwtop.await_type("hello")
        for _ in range(100):
            assert ask(back)[0] == 200
        assert gwtop.finish() == 0
    requests = of_type(gwtop.facts, "request")
    assert {r["evidence"] for r in requests} == {"kernel"}
    assert all(str(r["pid"]) == witness(r) for r in requests)
    summary = gwtop.facts[-1]
    assert summary["model"] == "worker-pool" and summary["workers"] >= 5
    assert summary["processes_born"] >= 5


# -- where the kernel does not tell ----------------------------------------------------------------

HIDING = 'mount -t tmpfs none /sys/kernel/tracing && exec "$@"'


def run_blind(*arguments: str) -> list[Fact]:
    """gwtop in a mount namespace where tracefs is hidden."""
    unshare = need_program("unshare", "util-linux")
    command = [unshare, "-m", "sh", "-c", HIDING, "sh", *gwtop_command(*arguments)]
    done = subprocess.run(command, capture_output=True, timeout=60, cwd="/", check=False)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("path", "least_share"),
    [pytest.param("/slow?ms=500", 0.9, id="slow"), pytest.param("/", 0.0, id="fast")],
)
def test_without_tracefs_no_kernel_evidence_appears_and_no_pid_is_wrong(
    path: str, least_share: float, capsys: pytest.CaptureFixture[str]
) -> None:
    need_tracefs()
    facts = run_blind(
        *("demo", "uwsgi", "--requests", "100", "--rate", "0", "--concurrency", "4"),
        *("--path", path, "--json", "--details"),
    )
    taps = {tap["name"]: tap["state"] for tap in facts[0]["taps"]}
    assert (taps["sockets"], taps["sockets_held"]) == ("refused", "open")
    requests = of_type(facts, "request")
    assert len(requests) == 100
    assert {r["evidence"] for r in requests} <= {"socket", None}
    assert all(str(r["pid"]) == witness(r) for r in requests if r["pid"] is not None)
    known = sum(r["pid"] is not None for r in requests)
    with capsys.disabled():
        print(f"\nwithout tracefs, {path}: {known} of 100 pids known, none wrong")
    assert known >= 100 * least_share


def test_without_tracefs_one_process_is_known_because_no_other_could_answer() -> None:
    need_tracefs()
    facts = run_blind(
        *("demo", "wsgiref", "--requests", "30", "--rate", "0"), "--json", "--details"
    )
    requests = of_type(facts, "request")
    assert {r["evidence"] for r in requests} <= {"socket", "sole"}
    assert all(str(r["pid"]) == witness(r) for r in requests)
    assert facts[-1]["model"] == "single-process"


# -- what is left behind ---------------------------------------------------------------------------


def instances_of(pid: int) -> list[str]:
    place = tracefs.mounted()
    return [n for n in os.listdir(f"{place}/instances") if n.startswith(f"gwtop-{pid}-")]


def await_none(pid: int, deadline_s: float = 2.0) -> None:
    late = threading.Event()
    timer = threading.Timer(deadline_s, late.set)
    timer.start()
    while instances_of(pid):
        if late.wait(0.02):
            pytest.fail(f"left behind after {deadline_s} s: {instances_of(pid)}")
    timer.cancel()


def janitors_of(engine: int) -> list[int]:
    """Whoever has the engine's command line and is not the engine."""
    words = Path(f"/proc/{engine}/cmdline").read_bytes()
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if path.parent.name != str(engine) and told(path) == words
    ]


def told(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def test_a_killed_engine_leaves_no_instance_behind_for_two_seconds() -> None:
    need_tracefs()
    with running("attach", "--port", str(free_port()), "--json") as gwtop:
        gwtop.await_type("hello")
        assert instances_of(gwtop.process.pid)
        gwtop.kill()
        await_none(gwtop.process.pid)


def test_an_instance_whose_janitor_was_killed_too_goes_at_the_next_start() -> None:
    need_tracefs()
    with running("attach", "--port", str(free_port()), "--json") as gwtop:
        gwtop.await_type("hello")
        instances = instances_of(gwtop.process.pid)
        (janitor,) = janitors_of(gwtop.process.pid)
        os.kill(janitor, signal.SIGKILL)
        gwtop.kill()
    assert instances and instances_of(gwtop.process.pid) == instances
    with running("attach", "--port", str(free_port()), "--json") as other:
        other.await_type("hello")
        assert instances_of(gwtop.process.pid) == []
        assert other.interrupt() == 130
    assert instances_of(other.process.pid) == []


def test_the_janitor_alone_killed_changes_nothing_for_a_run_that_ends_well() -> None:
    need_tracefs()
    with running("attach", "--port", str(free_port()), "--json") as gwtop:
        gwtop.await_type("hello")
        for janitor in janitors_of(gwtop.process.pid):
            os.kill(janitor, signal.SIGKILL)
        assert gwtop.interrupt() == 130
    assert instances_of(gwtop.process.pid) == []
