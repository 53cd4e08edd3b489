"""`gwtop attach` beside real servers: its facts against nginx's log, tcpdump and the client."""

import http.client
import os
import signal
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live._running import (
    Fact,
    Running,
    need_program,
    need_root,
    nginx,
    of_type,
    run_gwtop,
    running,
    uwsgi,
)

pytestmark = pytest.mark.live

PASS = {
    "uwsgi": "include /etc/nginx/uwsgi_params; uwsgi_pass {to};",
    "fastcgi": "include /etc/nginx/fastcgi_params; fastcgi_param SCRIPT_NAME ''; "
    "fastcgi_param PATH_INFO $uri; fastcgi_pass {to};",
}


LENGTH = {
    "uwsgi": "$upstream_response_length",
    # nginx counts what is left of the records into that of FastCGI: 32 bytes of framing more.
    "fastcgi": "$body_bytes_sent",
}


@contextmanager
def pool(
    folder: Path, protocol: str = "uwsgi", host: str = "127.0.0.1"
) -> Iterator[tuple[int, int, Path, int]]:
    """nginx before uWSGI: nginx's port, uWSGI's port, nginx's log, uWSGI's master."""
    need_root()
    need_program("nginx", "nginx-light")
    shown = f"[{host}]" if ":" in host else host
    with uwsgi(folder, protocol, host) as (port, master):
        location = PASS[protocol].format(to=f"{shown}:{port}")
        with nginx(folder, f"location / {{ {location} }}", host, LENGTH[protocol]) as (front, log):
            yield front, port, log, master


def ask(client: http.client.HTTPConnection, n: int) -> tuple[str, str, int, int, str]:
    """One of a fixed mix of requests; what the client saw of it."""
    kinds = [
        ("GET", f"/?n={n}", b""),
        ("POST", f"/echo?n={n}", b"x" * (n * 37 % 5000 + 1)),
        ("GET", f"/big?bytes={n * 997 % 90000}", b""),
        ("GET", f"/nowhere/{n}", b""),
        ("GET", f"/error?n={n}", b""),
    ]
    method, target, body = kinds[n % len(kinds)]
    client.request(method, target, body or None)
    answer = client.getresponse()
    n_bytes = len(answer.read())
    return method, target, answer.status, n_bytes, answer.getheader("X-Worker-Pid") or ""


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("protocol", ["uwsgi", "fastcgi"])
def test_facts_equal_nginxs_own_log(tmp_path: Path, protocol: str, host: str) -> None:
    with (
        pool(tmp_path, protocol, host) as (front, port, log, _),
        running("attach", "--port", str(port), "--requests", "200", "--json") as gwtop,
    ):
        hello = gwtop.await_type("hello")
        assert all(tap["state"] == "open" for tap in hello["taps"])
        client = http.client.HTTPConnection(host, front, timeout=20)
        for n in range(200):
            ask(client, n)
        assert gwtop.finish() == 0
        told = Counter(
            f"{f['method']} {f['target']} {f['status']} {f['response_body_bytes']}"
            for f in of_type(gwtop.facts, "request")
        )
        assert told == Counter(log.read_text().splitlines())
        assert sum(told.values()) == 200
        assert gwtop.facts[-1]["model"] == "worker-pool"
        assert set(gwtop.facts[-1]["missed"].values()) == {0}


def test_big_bodies_and_long_heads_are_told_to_the_byte(tmp_path: Path) -> None:
    ten_mb = 10_000_000
    with (
        pool(tmp_path) as (front, port, _, _),
        running("attach", "--port", str(port), "--requests", "3", "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        client = http.client.HTTPConnection("127.0.0.1", front, timeout=60)
        client.request("POST", "/echo", b"b" * ten_mb)
        assert len(client.getresponse().read()) == ten_mb
        client.request("GET", f"/big?bytes={ten_mb}")
        assert len(client.getresponse().read()) == ten_mb
        long_headers = {f"X-Long-{n}": "v" * 3000 for n in range(10)}
        client.request("GET", "/", headers=long_headers)
        client.getresponse().read()
        assert gwtop.finish() == 0
    echo, big, long = of_type(gwtop.facts, "request")
    assert (echo["request_body_bytes"], echo["response_body_bytes"]) == (ten_mb, ten_mb)
    assert (big["request_body_bytes"], big["response_body_bytes"]) == (0, ten_mb)
    assert long["request_head_bytes"] > 30_000
    assert sum(name.startswith("HTTP_X_LONG") for name, _ in long["fields"]) == 10
    assert [r["outcome"] for r in (echo, big, long)] == ["done"] * 3
    assert {r["lost_bytes"] for r in (echo, big, long)} == {0}


def test_a_client_that_leaves_makes_an_aborted_request(tmp_path: Path) -> None:
    with (
        pool(tmp_path) as (front, port, _, _),
        running("attach", "--port", str(port), "--requests", "1", "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        with socket.create_connection(("127.0.0.1", front)) as client:
            client.sendall(b"GET /slow?ms=1500 HTTP/1.1\r\nHost: h\r\n\r\n")
            gwtop.await_fact(lambda f: f["type"] == "tick" and bool(f["in_flight"]))
        assert gwtop.finish() == 0
    (request,) = of_type(gwtop.facts, "request")
    assert (request["outcome"], request["target"]) == ("aborted", "/slow?ms=1500")
    assert "aborted-by-front" in [note["code"] for note in request["notes"]]


def test_a_worker_killed_in_mid_request_is_an_aborted_request_and_an_exit_by_signal(
    tmp_path: Path,
) -> None:
    with (
        pool(tmp_path) as (front, port, _, _),
        running("attach", "--port", str(port), "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        client = http.client.HTTPConnection("127.0.0.1", front, timeout=20)
        client.request("GET", "/")
        answer = client.getresponse()
        answer.read()
        workers = {f["pid"] for f in of_type(gwtop.facts, "process_seen")}
        workers |= {
            gwtop.await_fact(lambda f: f["type"] == "process_sample" and f["role"] == "worker")[
                "pid"
            ]
        }
        client.request("GET", "/slow?ms=20000")
        gwtop.await_fact(lambda f: f["type"] == "tick" and bool(f["in_flight"]))
        roles = {f["pid"]: f["role"] for f in of_type(gwtop.facts, "process_sample")}
        for pid, role in roles.items():
            if role == "worker":
                os.kill(pid, signal.SIGKILL)
        assert client.getresponse().status == 502
        request = gwtop.await_fact(lambda f: f["type"] == "request" and "slow" in f["target"])
        exited = [
            gwtop.await_fact(lambda f: f["type"] == "process_exited")
            if not of_type(gwtop.facts, "process_exited")
            else of_type(gwtop.facts, "process_exited")[0]
        ]
        gwtop.await_fact(lambda f: f["type"] == "process_born")
        assert gwtop.interrupt() == 130
    assert request["outcome"] == "aborted"
    assert {n["code"] for n in request["notes"]} & {
        "closed-without-answer",
        "reset-without-answer",
    }
    assert exited[0]["signal"] == signal.SIGKILL
    assert gwtop.facts[-1]["type"] == "summary"


def same(fact: Fact) -> tuple[object, ...]:
    """What a capture of the same traffic must tell again (INTERFACE.md, Reading a capture)."""
    keys = (
        *("stream", "sequence", "protocol", "client", "server", "method", "target", "status"),
        *("outcome", "request_head_bytes", "response_head_bytes", "request_body_bytes"),
        *("response_body_bytes", "lost_bytes", "keep_alive", "stderr"),
    )
    return tuple(fact[key] for key in keys)


def ns_of(instant: str) -> int:
    hours, minutes, seconds = instant[11:-1].split(":")
    whole, _, fraction = seconds.partition(".")
    return ((int(hours) * 60 + int(minutes)) * 60 + int(whole)) * 10**9 + int(fraction)


@pytest.mark.parametrize("protocol", ["uwsgi", "fastcgi"])
def test_a_capture_made_meanwhile_tells_the_same_requests(tmp_path: Path, protocol: str) -> None:
    tcpdump = need_program("tcpdump", "tcpdump")
    capture = tmp_path / "meanwhile.pcap"
    with pool(tmp_path, protocol) as (front, port, _, _):
        dump = subprocess.Popen(
            [tcpdump, "-i", "lo", "-U", "-B", "8192", "-w", capture, f"tcp port {port}"],
            stderr=subprocess.PIPE,
        )
        assert dump.stderr is not None
        assert any(b"listening on" in line for line in iter(dump.stderr.readline, b""))
        with running("attach", "--port", str(port), "--requests", "100", "--json") as gwtop:
            gwtop.await_type("hello")
            client = http.client.HTTPConnection("127.0.0.1", front, timeout=20)
            for n in range(100):
                ask(client, n)
            assert gwtop.finish() == 0
        await_quiet(capture, port)
        dump.send_signal(signal.SIGINT)
        dump.wait(timeout=10)
    live = sorted(of_type(gwtop.facts, "request"), key=same)
    status, facts, errors = run_gwtop("read", str(capture), "--json")
    assert status == 0, errors
    again = sorted(of_type(facts, "request"), key=same)
    assert [same(f) for f in again] == [same(f) for f in live]
    for then, now in zip(live, again, strict=True):
        for key in ("at", "began_at"):
            assert abs(ns_of(then[key]) - ns_of(now[key])) < 1_000_000
        assert now["pid"] is None and now["evidence"] is None


def await_quiet(capture: Path, port: int) -> None:
    """tcpdump drops its last ring block when stopped at once: wait for a marker of our own."""
    import threading

    pause = threading.Event()
    for _ in range(100):
        with socket.socket() as probe:
            probe.connect_ex(("127.0.0.1", port))
        before = capture.stat().st_size
        if pause.wait(0.05) or (capture.stat().st_size == before and _ > 25):
            return


def test_a_port_without_a_listener_is_waited_for(tmp_path: Path) -> None:
    need_root()
    from tests.live._running import free_port

    port = free_port()
    with running("attach", "--port", str(port), "--requests", "1", "--json") as gwtop:
        note = gwtop.await_type("note")
        assert note["code"] == "listener-awaited"
        with wsgiref_on(port):
            seen = gwtop.await_type("process_seen")
            client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            client.request("GET", "/late")
            client.getresponse().read()
            assert gwtop.finish() == 0
        (request,) = of_type(gwtop.facts, "request")
        assert (request["target"], request["pid"], request["evidence"]) == (
            "/late",
            seen["pid"],
            "kernel",
        )


@contextmanager
def wsgiref_on(port: int) -> Iterator[None]:
    import sys

    from tests.live._running import await_listening

    process = subprocess.Popen(
        [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)],
        stderr=subprocess.DEVNULL,
    )
    try:
        await_listening("127.0.0.1", port, process)
        yield
    finally:
        process.kill()
        process.wait()


def test_where_process_events_are_refused_polling_says_what_it_cannot_see() -> None:
    need_root()
    unshare = need_program("unshare", "util-linux")
    import json
    import sys

    command = [unshare, "--pid", "--fork", "--mount-proc", sys.executable, "-m", "gwtop"]
    done = subprocess.run(
        [
            *command,
            "demo",
            "cgi",
            "--requests",
            "20",
            "--rate",
            "5",
            "--path",
            "/slow?ms=400",
            "--json",
        ],
        capture_output=True,
        timeout=60,
        cwd="/",
    )
    assert done.returncode == 0, done.stderr.decode()
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    states = {tap["name"]: tap["state"] for tap in facts[0]["taps"]}
    assert states["births"] in ("refused", "absent")
    assert "births-polled" in [f["code"] for f in of_type(facts, "note")]
    assert b"births" in done.stderr
    born = of_type(facts, "process_born")
    assert len(born) >= 15, "a script that sleeps 400 ms is found by looking ten times a second"
    summary = facts[-1]
    assert summary["missed"]["process_events"] is None
    assert summary["model"] in ("process-per-request", None), "a verdict that is not wrong"
    told = {f["pid"] for f in of_type(facts, "request")}
    assert told <= {f["pid"] for f in born} | {None}


def test_an_attach_that_is_interrupted_still_sums_up(tmp_path: Path) -> None:
    with (
        pool(tmp_path) as (_, port, _, _),
        running("attach", "--port", str(port), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        assert stop(gwtop, signal.SIGTERM) == 143
        assert gwtop.facts[-1]["type"] == "summary"


def stop(gwtop: Running, number: int) -> int:
    gwtop.process.send_signal(number)
    return gwtop.finish()
