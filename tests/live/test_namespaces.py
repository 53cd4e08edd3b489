"""Gateways in another network namespace, and gwtop itself inside a container.

The namespaces are made here under names of their own and are gone afterwards.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from tests.live._running import (
    gwtop_command,
    need_program,
    need_root,
    of_type,
    run_gwtop,
    running,
)

pytestmark = pytest.mark.live

SERVER = """
import http.server, os
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *words):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
print(server.server_port, os.getpid(), flush=True)
server.serve_forever()
"""
ASK = """
import sys, urllib.request
for n in range(int(sys.argv[2])):
    urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[1]}/?n={n}").read()
"""
INSIDE = """
import json, subprocess, sys
server = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE, text=True)
port = server.stdout.readline().split()[0]
gwtop = subprocess.Popen(
    json.loads(sys.argv[3]) + ["attach", "--port", port, "--requests", "3", "--json"],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
)
print(gwtop.stdout.readline().decode(), end="", flush=True)
subprocess.run([sys.executable, "-c", sys.argv[2], port, "3"], check=True)
print(gwtop.stdout.read().decode(), end="", flush=True)
print(json.dumps({"type": "server", "pid": server.pid}))
server.kill()
sys.exit(gwtop.wait())
"""


class Elsewhere(NamedTuple):
    name: str
    port: int
    pid: int

    def ask(self, n: int) -> None:
        command = [sys.executable, "-c", ASK, str(self.port), str(n)]
        subprocess.run(["ip", "netns", "exec", self.name, *command], check=True, timeout=30)


@contextmanager
def elsewhere() -> Iterator[Elsewhere]:
    """A server in a network namespace of its own."""
    need_root()
    need_program("ip", "iproute2")
    name = f"gwtop-test-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True).returncode != 0:
        pytest.skip("needs a kernel that lets us make a network namespace")
    server = None
    try:
        enter = ["ip", "netns", "exec", name]
        subprocess.run([*enter, "ip", "link", "set", "lo", "up"], check=True)
        server = subprocess.Popen(
            [*enter, sys.executable, "-c", SERVER], stdout=subprocess.PIPE, text=True
        )
        assert server.stdout is not None
        port, pid = map(int, server.stdout.readline().split())
        yield Elsewhere(name, port, pid)
    finally:
        if server is not None:
            server.kill()
            server.wait()
        subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.parametrize("how", ["--pid", "--netns", "path"])
def test_a_gateway_in_another_network_is_watched_whole(how: str) -> None:
    with elsewhere() as there:
        told = {
            "--pid": ["--pid", str(there.pid)],
            "--netns": ["--netns", there.name],
            "path": ["--netns", f"/run/netns/{there.name}"],
        }[how]
        with running(
            "attach", "--port", str(there.port), *told, "--requests", "3", "--json"
        ) as gwtop:
            hello = gwtop.await_type("hello")
            there.ask(3)
            assert gwtop.finish() == 0
        states = {tap["name"]: tap["state"] for tap in hello["taps"]}
        assert states["ring"] == states["births"] == states["census"] == "open"
        told_of = of_type(gwtop.facts, "request")
        assert [f["target"] for f in told_of] == ["/?n=0", "/?n=1", "/?n=2"]
        assert {f["pid"] for f in told_of} == {there.pid}
        assert there.pid in {f["pid"] for f in of_type(gwtop.facts, "process_seen")}
        assert "listener-awaited" not in {f["code"] for f in of_type(gwtop.facts, "note")}


def test_without_being_told_we_stay_where_we_are() -> None:
    with (
        elsewhere() as there,
        running("attach", "--port", str(there.port), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        gwtop.await_fact(lambda fact: fact.get("code") == "listener-awaited")
        there.ask(1)
        gwtop.await_type("tick")
        assert gwtop.interrupt() == 130
        assert not of_type(gwtop.facts, "request")


def test_a_namespace_that_is_not_there_is_an_error_with_a_remedy() -> None:
    need_root()
    status, facts, said = run_gwtop("attach", "--port", "1", "--netns", "no-such", "--json")
    assert (status, facts) == (1, [])
    assert "there is no network namespace no-such" in said and len(said.splitlines()) == 1


def test_a_process_that_is_not_there_is_an_error() -> None:
    need_root()
    gone = subprocess.Popen(["true"])
    gone.wait()
    status, _, said = run_gwtop("attach", "--port", "1", "--pid", str(gone.pid), "--json")
    assert status == 1 and f"there is no process {gone.pid}" in said


def test_without_rights_another_network_is_refused_and_not_replaced_by_ours() -> None:
    need_program("setpriv", "util-linux")
    with elsewhere() as there:
        command = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *gwtop_command()]
        command += ["attach", "--port", str(there.port), "--netns", there.name, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, cwd="/")
    assert done.returncode == 1 and not done.stdout
    assert "cannot enter the network namespace" in done.stderr


CONTAINER = ["--pid", "--net", "--mount-proc", "--fork"]


@pytest.mark.parametrize(
    "kind", [CONTAINER, ["--user", "--map-root-user", *CONTAINER]], ids=["root", "user"]
)
def test_inside_a_container_everything_starts_and_says_what_it_cannot_see(kind: list[str]) -> None:
    need_root()
    need_program("unshare", "util-linux")
    if subprocess.run(["unshare", *kind, "true"], capture_output=True).returncode != 0:
        pytest.skip("needs a kernel that lets us make such a namespace")
    script = 'ip link set lo up && exec "$0" -c "$@"'
    inside = [sys.executable, INSIDE, SERVER, ASK, json.dumps(gwtop_command())]
    done = subprocess.run(
        ["unshare", *kind, "sh", "-c", script, *inside], capture_output=True, timeout=60, cwd="/"
    )
    assert done.returncode == 0, done.stderr.decode()
    *facts, server = [json.loads(line) for line in done.stdout.splitlines()]
    taps = {tap["name"]: tap for tap in facts[0]["taps"]}
    assert taps["ring"]["state"] == taps["census"]["state"] == "open"
    assert taps["births"]["state"] == "absent"
    assert "namespace" in taps["births"]["needs"]
    assert "namespace" in taps["sockets"]["needs"]
    assert len(of_type(facts, "request")) == 3
    assert {f["outcome"] for f in of_type(facts, "request")} == {"done"}
    assert {f["pid"] for f in of_type(facts, "request")} <= {server["pid"], None}
    print({(f["pid"], f["reader"], f["evidence"]) for f in of_type(facts, "request")})
    assert "births-polled" in {f["code"] for f in of_type(facts, "note")}
    assert facts[-1]["missed"]["process_events"] is None
    print({tap["name"]: (tap["state"], tap["needs"]) for tap in facts[0]["taps"]})
