"""Pools whose workers come and go: what is told of their lives, and of the requests meanwhile, is
what the servers did. X-Worker-Pid is the witness, and gwtop never reads it."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from gwtop.taps import tracefs
from tests.live._php import passed_to, pool
from tests.live._running import (
    Fact,
    Running,
    need_program,
    need_root,
    nginx,
    of_type,
    running,
    uwsgi,
)

pytestmark = pytest.mark.live
TO_UWSGI = "location / {{ include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{}; }}"
ITSELF = ("--binary-path", sys.executable)  # what the master executes at a reload
MORTAL = ("--min-worker-lifetime", "0")  # else 60 s, whatever it has served

SAME_PID = """
import os, socket, time
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
wanted, n = None, 0
while True:
    client, _ = listener.accept()
    head = client.recv(65536)
    n += 1
    if wanted:
        with open("/proc/sys/kernel/ns_last_pid", "w") as last:
            last.write(str(wanted - 1))
    pid = os.fork()
    if pid == 0:
        until = time.thread_time() + (0.02 if n % 5 == 0 else 0)
        while time.thread_time() < until:
            pass
        head = f"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nX-Worker-Pid: {os.getpid()}"
        client.sendall(f"{head}\\r\\n\\r\\nok".encode())
        os._exit(0)
    wanted = wanted or pid
    os.waitpid(pid, 0)
    client.close()
"""


def need_tracefs() -> None:
    need_root()
    if not tracefs.may_make():
        pytest.skip("needs tracefs (mount -t tracefs nodev /sys/kernel/tracing)")


def ask(port: int, target: str = "/") -> int:
    """The pid that answered, in its own words."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        client.request("GET", target)
        answer = client.getresponse()
        answer.read()
        assert answer.status == 200
        return int(answer.getheader("X-Worker-Pid") or 0)
    finally:
        client.close()


def at_once(port: int, target: str, n: int) -> None:
    threads = [threading.Thread(target=ask, args=(port, target)) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def check_requests(facts: list[Fact], n: int) -> None:
    requests = of_type(facts, "request")
    assert len(requests) == n
    assert {r["evidence"] for r in requests} == {"kernel"}
    told = [str(r["pid"]) for r in requests]
    assert told == [dict(r["response_fields"]).get("X-Worker-Pid") for r in requests]
    assert not any(r["births"] for r in requests), "a worker is born for nobody"


def await_exits(gwtop: Running, pids: set[int]) -> None:
    while pids - {f["pid"] for f in of_type(gwtop.facts, "process_exited")}:
        gwtop.await_type("process_exited")


def test_a_pool_that_grows_and_shrinks_is_told_worker_by_worker(tmp_path: Path) -> None:
    need_tracefs()
    need_program("nginx", "nginx-light")
    dynamic = ("pm = dynamic", "pm.max_children = 5", "pm.start_servers = 1")
    dynamic += ("pm.min_spare_servers = 1", "pm.max_spare_servers = 1")
    with (
        pool(tmp_path, 5, *dynamic) as (back, page),
        nginx(tmp_path, passed_to(back, page)) as (front, _),
        running("attach", "--port", str(back), "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        at_once(front, "/?ms=2500", 6)
        while not of_type(gwtop.facts, "process_exited"):
            gwtop.await_type("process_exited")
        for _ in range(10):
            ask(front)
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] >= 16)
        assert gwtop.interrupt() == 130
    check_requests(gwtop.facts, 16)
    grown = {f["pid"] for f in of_type(gwtop.facts, "process_born")}
    exited = of_type(gwtop.facts, "process_exited")
    assert len(grown) >= 2 and exited
    assert all(f["signal"] is not None or f["code"] == 0 for f in exited)
    summary = gwtop.facts[-1]
    assert summary["model"] == "worker-pool"
    assert (summary["processes_born"], summary["processes_exited"]) == (len(grown), len(exited))


def test_a_reload_replaces_every_worker_and_the_counts_go_on(tmp_path: Path) -> None:
    need_tracefs()
    with (
        uwsgi(tmp_path, "uwsgi", "127.0.0.1", 2, *ITSELF) as (back, master),
        nginx(tmp_path, TO_UWSGI.format(back)) as (front, _),
        running("attach", "--port", str(back), "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        before = {ask(front) for _ in range(20)}
        os.kill(master, signal.SIGHUP)
        await_exits(gwtop, before)
        after = {ask(front) for _ in range(20)}
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] >= 40)
        assert gwtop.interrupt() == 130
    assert not before & after
    check_requests(gwtop.facts, 40)
    assert after <= {f["pid"] for f in of_type(gwtop.facts, "process_born")}
    assert gwtop.facts[-1]["model"] == "worker-pool"


def test_workers_that_leave_after_a_hundred_requests_served_a_hundred(tmp_path: Path) -> None:
    need_tracefs()
    n, each = 500, 100
    with (
        uwsgi(tmp_path, "uwsgi", "127.0.0.1", 2, "--max-requests", str(each), *MORTAL) as (back, _),
        nginx(tmp_path, TO_UWSGI.format(back)) as (front, _),
        running("attach", "--port", str(back), "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        served = Counter(ask(front) for _ in range(n))
        full = {pid for pid, n_served in served.items() if n_served >= each}
        await_exits(gwtop, full)
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] >= n)
        assert gwtop.interrupt() == 130
    check_requests(gwtop.facts, n)
    exited = {f["pid"]: f["requests"] for f in of_type(gwtop.facts, "process_exited")}
    assert len(full) >= 3
    assert {pid: exited[pid] for pid in full} == {pid: served[pid] for pid in full}
    summary = gwtop.facts[-1]
    assert summary["model"] == "worker-pool"
    assert summary["processes_born"] == len(of_type(gwtop.facts, "process_born"))
    assert summary["processes_born"] >= len(full) - 2, "two were there before"


def test_a_process_is_enough_to_find_what_to_watch(tmp_path: Path) -> None:
    need_tracefs()
    with (
        uwsgi(tmp_path, "uwsgi", "127.0.0.1", 2) as (back, master),
        nginx(tmp_path, TO_UWSGI.format(back)) as (front, _),
        running("attach", "--pid", str(master), "--json", "--requests", "5") as gwtop,
    ):
        hello = gwtop.await_type("hello")
        assert hello["watch"] == [{"listen": f"*:{back}", "protocol": None}]
        told = [ask(front) for _ in range(5)]
        assert gwtop.finish() == 0
    assert [f["pid"] for f in of_type(gwtop.facts, "request")] == told
    assert "tree-listens" in {f["code"] for f in of_type(gwtop.facts, "note")}
    assert master in {f["pid"] for f in of_type(gwtop.facts, "process_seen")}


def test_a_tree_that_does_not_listen_has_its_lives_told() -> None:
    need_root()
    idle = subprocess.Popen(["sh", "-c", "read line; (exit 3); read line"], stdin=subprocess.PIPE)
    assert idle.stdin is not None
    try:
        with running("attach", "--pid", str(idle.pid), "--json") as gwtop:
            assert gwtop.await_type("hello")["watch"] == []
            gwtop.await_fact(lambda f: f["type"] == "note" and f["code"] == "tree-silent")
            idle.stdin.write(b"\n")
            idle.stdin.flush()
            assert gwtop.await_type("process_exited")["code"] == 3
            assert gwtop.interrupt() == 130
    finally:
        idle.kill()
        idle.communicate()


def test_a_pid_that_comes_back_each_time_is_another_process_each_time() -> None:
    need_tracefs()
    if not os.path.exists("/proc/sys/kernel/ns_last_pid"):
        pytest.skip("needs a kernel that lets us choose pids (CONFIG_CHECKPOINT_RESTORE)")
    n = 40
    server = subprocess.Popen([sys.executable, "-c", SAME_PID], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        port = server.stdout.readline().strip()
        with running("attach", "--port", port, "--json", "--details") as gwtop:
            gwtop.await_type("hello")
            told = [ask(int(port)) for _ in range(n)]
            gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] >= n)
            assert gwtop.interrupt() == 130
    finally:
        server.kill()
        server.communicate()
    (pid, n_same), *_ = Counter(told).most_common(1)
    assert n_same > n / 2, "its pid was taken by somebody else, over and over"
    requests = of_type(gwtop.facts, "request")
    assert [(f["pid"], f["births"]) for f in requests] == [(p, [p]) for p in told]
    lives = [f for f in gwtop.facts if f["type"] in ("process_born", "process_exited")]
    its = [f for f in lives if f["pid"] == pid]
    assert [f["type"] for f in its] == ["process_born", "process_exited"] * n_same
    births, exits = its[::2], its[1::2]
    asked = [f["id"] for f in requests if f["pid"] == pid]
    # Where the request is settled by the time the birth is told, it is the right one.
    assert all(f["request"] in (None, id) for f, id in zip(births, asked, strict=True))
    assert sum(f["request"] is not None for f in births) >= n_same / 2
    assert {f["requests"] for f in exits} == {1}
    # Every fifth one works for 20 ms; each has its own time.
    assert all(death["max_rss_bytes"] > 1_000_000 for death in exits)
    slow = [death["cpu_ns"] > 15_000_000 for death in exits]
    assert slow == [id % 5 == 0 for id in asked]


def test_one_process_behind_a_watched_front_is_single_and_can_be_sole(tmp_path: Path) -> None:
    need_root()
    with (
        uwsgi(tmp_path, "uwsgi", "127.0.0.1", 1) as (back, master),
        nginx(tmp_path, TO_UWSGI.format(back)) as (front, _),
        running("attach", "--port", str(front), "--port", str(back), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        for _ in range(10):
            ask(front)
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] >= 20)
        gwtop.await_type("process_sample")
        assert gwtop.interrupt() == 130
    roles = {f["pid"]: f["role"] for f in of_type(gwtop.facts, "process_sample")}
    assert roles[master] == "master" and sorted(roles.values()).count("worker") >= 2
    assert gwtop.facts[-1]["model"] == "single-process"
    tick = of_type(gwtop.facts, "tick")[-1]
    assert tick["busy"] is None or tick["busy"] + tick["idle"] == 1, "the front does not answer"
