"""Requests on TCP ports, seen in the calls of real workers where packets are left alone: they are
what client and application saw, and what the packets of the same traffic say. Needs root."""

import os
import threading
from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from gwtop import demos
from tests.live._running import (
    Fact,
    Running,
    need_program,
    need_root,
    of_type,
    run_gwtop,
    running,
)
from tests.live._tcp import (
    GATEWAYS,
    HOST,
    await_requests,
    behind_nginx,
    in_calls,
    leave,
    watching,
)
from tests.live._unix import GATEWAYS as UNIX_GATEWAYS
from tests.live._unix import Row, drive, short_folder, sort, told
from tests.live._unix import behind_nginx as behind_nginx_unix
from tests.live.test_calls import GONE_S, left_of
from tests.live.test_evidence import need_tracefs

pytestmark = pytest.mark.live
N_REQUESTS = 300
BIG = 30_000_000
"""More than any send buffer: the worker is still writing when its client leaves."""
CASES = [
    pytest.param(gateway, keeps, id=f"{gateway}-{'kept' if keeps else 'a connection each'}")
    for gateway in GATEWAYS
    for keeps in (False, True)
    # uWSGI says nothing of closing and closes: now and then nginx writes to where nobody is.
    if not (gateway == "uwsgi-http" and keeps)
]
SAME = (
    *("method", "target", "status", "outcome", "protocol", "client", "server", "keep_alive"),
    *("request_head_bytes", "response_head_bytes", "request_body_bytes", "lost_bytes", "stderr"),
    *("sequence", "pid", "thread", "reader", "evidence", "births"),
)


def mixed(front: int, n: int, calls: Running) -> list[Row]:
    """What those who stayed asked and got; a few leave, by closing or by a reset."""
    rows = drive(front, n // 2, seed=1)
    for number in range(4):
        leave(front, f"/big?bytes={BIG}&leave={number}", resets=number % 2 == 0)
        target = f"/slow?ms=4000&leave={number}"
        seen = partial(calls.await_fact, partial(has_in_flight, target))
        leave(front, target, number % 2 == 0, n_bytes=0, stay=seen)
    return rows + drive(front, n - n // 2, seed=2)


def has_in_flight(target: str, fact: Fact) -> bool:
    """A tick that tells who is at work on it."""
    flying = fact["in_flight"] if fact["type"] == "tick" else []
    return any(one["target"] == target and one["pid"] for one in flying)


def same(facts: Sequence[Fact]) -> list[tuple[object, ...]]:
    """What both say of it; an answer's length only where all of it was wanted."""
    return sorted(
        (
            str([fact[key] for key in SAME]),
            fact["outcome"] == "done" and fact["response_body_bytes"],
        )
        for fact in facts
    )


@pytest.mark.parametrize(("gateway", "keeps"), CASES)
def test_requests_are_what_client_application_and_packets_say(gateway: str, keeps: bool) -> None:
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (port, lines),
        behind_nginx(folder, port, lines, keeps) as front,
        watching(port) as ring,
        in_calls(port) as calls,
    ):
        rows = mixed(front, N_REQUESTS, calls)
        n_left = 8
        packets, requests = (await_requests(one, len(rows) + n_left) for one in (ring, calls))
        calls.await_type("tick")
        assert (ring.interrupt(), calls.interrupt()) == (130, 130)
    stayed = [fact for fact in requests if "leave" not in fact["target"]]
    assert sort(told(stayed)) == sort(rows)
    assert same(requests) == same(packets)
    assert Counter(f["outcome"] for f in requests) == {"done": len(rows), "aborted": n_left}
    assert {fact["evidence"] for fact in requests} == {"kernel"}
    summary = calls.facts[-1]
    assert summary["missed"] == {"frames": 0, "process_events": 0, "bytes": 0, "requests": 0}
    assert summary["connections"] == ring.facts[-1]["connections"]
    assert summary["model"] == ring.facts[-1]["model"]
    tick = of_type(calls.facts, "tick")[-1]
    assert [queue["listen"] for queue in tick["queues"]] == [f"{HOST}:{port}"]
    assert tick["queues"][0]["limit"] > 0
    assert tick["calls"]["missed"] == 0
    assert of_type(calls.facts, "process_sample")


@pytest.mark.parametrize("gateway", ["fpm", "uwsgi", "gthread"])
def test_connections_that_were_open_before_the_start_are_seen(gateway: str) -> None:
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (port, lines),
        behind_nginx(folder, port, lines, keeps=True) as front,
    ):
        drive(front, 40, seed=1)
        with in_calls(port) as gwtop:
            rows = drive(front, 80)
            requests = await_requests(gwtop, len(rows))
            assert gwtop.interrupt() == 130
    assert sort(told(requests)) == sort(rows)
    assert all(fact["client"].startswith(f"{HOST}:") for fact in requests)


def test_two_hops_on_ports_are_paired() -> None:
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (port, lines),
        behind_nginx(folder, port, lines, keeps=False) as front,
        in_calls(front, "--port", str(port)) as gwtop,
    ):
        rows = drive(front, 60)
        requests = await_requests(gwtop, 2 * len(rows))
        gwtop.interrupt()
    assert_paired(requests, len(rows), str(port))


@pytest.mark.parametrize("front_by", ["packets", "calls"])
def test_a_port_in_front_and_a_unix_socket_behind_are_paired(front_by: str) -> None:
    more = ("--capture", "calls") if front_by == "calls" else ()
    with (
        short_folder() as folder,
        UNIX_GATEWAYS["uwsgi"](folder) as (path, lines),
        behind_nginx_unix(folder, path, lines, keeps=False) as front,
        watching(front, "--socket", str(path), *more) as gwtop,
    ):
        rows = drive(front, 60)
        requests = await_requests(gwtop, 2 * len(rows))
        gwtop.await_type("tick")
        gwtop.interrupt()
    assert_paired(requests, len(rows), str(path))
    queues = of_type(gwtop.facts, "tick")[-1]["queues"]
    assert {queue["listen"] for queue in queues} == {f"{HOST}:{front}", f"unix:{path}"}


def assert_paired(requests: Sequence[Fact], n: int, behind: str) -> None:
    backs = [fact for fact in requests if fact["server"].endswith(behind)]
    fronts = {fact["id"]: fact for fact in requests if not fact["server"].endswith(behind)}
    assert len(fronts) == len(backs) == n
    assert sorted(fact["pair"] for fact in backs) == sorted(fronts)
    assert all(fronts[fact["pair"]]["target"] == fact["target"] for fact in backs)


WITHOUT_PACKETS = {
    "root": ["--bounding-set=-all,+perfmon,+bpf,+sys_ptrace,+dac_read_search"],
    "somebody": [
        *("--reuid=65534", "--regid=65534", "--clear-groups"),
        "--inh-caps=-all,+perfmon,+bpf,+dac_override,+dac_read_search,+sys_ptrace",
        "--ambient-caps=-all,+perfmon,+bpf,+dac_override,+dac_read_search,+sys_ptrace",
    ],
}


def without_packets(who: str) -> list[str]:
    need_root()
    need_tracefs()
    return [need_program("setpriv", "util-linux"), *WITHOUT_PACKETS[who]]


@pytest.mark.parametrize("who", list(WITHOUT_PACKETS))
def test_where_packets_are_refused_calls_are_chosen_and_it_is_said(who: str) -> None:
    with (
        short_folder() as folder,
        GATEWAYS["fpm"](folder) as (port, lines),
        behind_nginx(folder, port, lines, keeps=True) as front,
        running("attach", "--port", str(port), "--json", prefix=without_packets(who)) as gwtop,
    ):
        gwtop.await_type("hello")
        rows = drive(front, 60)
        requests = await_requests(gwtop, len(rows))
        gwtop.await_type("tick")
        assert gwtop.interrupt() == 130
        assert "packets are refused (CAP_NET_RAW shows them)" in gwtop.error_text()
    assert sort(told(requests)) == sort(rows)
    notes = [fact["code"] for fact in of_type(gwtop.facts, "note")]
    assert notes.count("packets-refused") == 1
    assert of_type(gwtop.facts, "tick")[-1]["queues"]


def test_packets_that_were_asked_for_are_insisted_on() -> None:
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (port, _),
        running(
            *("attach", "--port", str(port), "--json", "--capture", "ring"),
            prefix=without_packets("root"),
        ) as gwtop,
    ):
        hello = gwtop.await_type("hello")
        gwtop.interrupt()
    states = {tap["name"]: tap["state"] for tap in hello["taps"]}
    assert states["ring"] == "refused" and "calls" not in states


@pytest.mark.parametrize("name", ["fastcgi", "cgi", "mod_php", "mod_wsgi-daemon", "tornado"])
def test_every_kind_of_demo_is_seen_in_calls(name: str) -> None:
    need_root()
    need_tracefs()
    info = demos.find(name)
    if info.missing:
        pytest.skip(f"needs {', '.join(info.missing)} ({info.install})")
    words = ("demo", name, "--requests", "30", "--rate", "0", "--json", "--capture", "calls")
    status, facts, _ = run_gwtop(*words)
    requests = of_type(facts, "request")
    assert (status, len(requests)) == (0, 30)
    best = "environ" if info.process_model == "process-per-request" else "kernel"
    assert {fact["evidence"] for fact in requests} == {best}
    assert {fact["outcome"] for fact in requests} == {"done"}
    assert facts[-1]["model"] == info.process_model
    assert "ring" not in {tap["name"] for tap in facts[0]["taps"]}


def test_a_demo_is_seen_in_calls_where_packets_are_refused() -> None:
    words = ("demo", "fastcgi", "--requests", "30", "--rate", "0", "--json")
    with running(*words, prefix=without_packets("root")) as gwtop:
        assert gwtop.finish() == 0
    requests = of_type(gwtop.facts, "request")
    assert len(requests) == 30
    assert {fact["evidence"] for fact in requests} == {"kernel"}
    assert {fact["server"].startswith(f"{HOST}:") for fact in requests} == {True}


def test_a_port_that_is_wished_for_later_is_seen(tmp_path: Path) -> None:
    pipe = tmp_path / "wishes"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    prefix = ("sh", "-c", 'exec "$@" <"$0"', str(pipe))
    need_root()
    need_tracefs()
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (port, lines),
        behind_nginx(folder, port, lines, keeps=False) as front,
        running(
            *("attach", "--port", str(front), "--json", "--capture", "calls"), prefix=prefix
        ) as gwtop,
    ):
        gwtop.await_type("hello")
        os.write(descriptor, b'{"wish":"watch","port":%d}\n' % port)
        gwtop.await_fact(lambda f: f["type"] == "tick" and len(f["queues"]) == 2)
        rows = drive(front, 20)
        requests = await_requests(gwtop, 40)
        gwtop.interrupt()
    os.close(descriptor)
    assert_paired(requests, len(rows), str(port))


def test_a_killed_gwtop_leaves_no_probe() -> None:
    with (
        short_folder() as folder,
        GATEWAYS["uwsgi"](folder) as (port, lines),
        behind_nginx(folder, port, lines, keeps=False) as front,
        in_calls(port) as gwtop,
    ):
        drive(front, 8)
        await_requests(gwtop, 8)
        pid = gwtop.process.pid
        assert left_of(pid)
        gwtop.process.kill()
        waiting = threading.Event()
        n_looks = 0
        while left_of(pid) and n_looks < GONE_S / 0.02:
            n_looks += 1
            waiting.wait(0.02)
        assert not left_of(pid)
        assert [row.status for row in drive(front, 8)] == [200] * 8
