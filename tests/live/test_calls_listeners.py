"""Every way to listen on TCP is seen in the workers' calls, and nothing else of what they do: not
their database, not their statistics. Needs root."""

import http.client
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gwtop.taps import kinship
from gwtop.taps import listeners as gwtop_listeners
from tests.live._running import free_port, need_root, of_type, running, server
from tests.live._tcp import HOST, await_requests, in_calls
from tests.live.test_evidence import need_tracefs

pytestmark = pytest.mark.live

SECRET = b"what a database keeps to itself"


@contextmanager
def database() -> Iterator[int]:
    """Tells everybody the same; its port."""

    def answer(client: socket.socket) -> None:
        while client.recv(100):
            client.sendall(SECRET)

    def accept() -> None:
        with ExitStack() as stack:
            while True:
                try:
                    client, _ = one.accept()
                except OSError:  # shut down
                    return
                stack.enter_context(client)
                threading.Thread(target=answer, args=(client,), daemon=True).start()

    with socket.create_server((HOST, 0)) as one:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield one.getsockname()[1]
        finally:
            one.shutdown(socket.SHUT_RDWR)
            thread.join()


@contextmanager
def listeners(
    folder: Path, how: str, host: str, port: int | None = None, n_workers: int = 3
) -> Iterator[tuple[int, int]]:
    """A server of ours: its port, and that of its statistics."""
    program = Path(__file__).parent / "apps/listeners.py"
    port, stats = port or free_port(host), free_port()
    with database() as kept:
        words = [how, host, *map(str, (port, n_workers, stats, kept))]
        with server([sys.executable, str(program), *words], host, port, folder):
            yield port, stats


def ask(host: str, port: int, target: str) -> int:
    """The pid of who answered."""
    client = http.client.HTTPConnection(host, port, timeout=10)
    client.request("GET", target)
    answer = client.getresponse()
    assert answer.read() == b"%d bytes" % len(SECRET)
    client.close()
    return int(answer.headers["X-Worker-Pid"])


@pytest.mark.parametrize(
    ("how", "bound", "asked"),
    [
        pytest.param("inherited", "127.0.0.1", ["127.0.0.1"], id="one socket, inherited"),
        pytest.param("own", "127.0.0.1", ["127.0.0.1"], id="a socket each, SO_REUSEPORT"),
        pytest.param("own", "0.0.0.0", ["127.0.0.1", "127.0.0.2"], id="any IPv4 address"),
        pytest.param("inherited", "::1", ["::1"], id="IPv6"),
        pytest.param("own", "::", ["::1", "127.0.0.1"], id="both families"),
    ],
)
def test_every_way_to_listen_is_seen_and_nothing_else_of_the_workers(
    how: str, bound: str, asked: list[str], tmp_path: Path
) -> None:
    with (
        listeners(tmp_path, how, bound) as (port, stats),
        in_calls(port, "--details", "--bodies", "999") as gwtop,
    ):
        pids = {f"/{n}": ask(asked[n % len(asked)], port, f"/{n}") for n in range(24)}
        with socket.create_connection((HOST, stats)) as client:
            client.sendall(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")
            assert client.recv(1000).endswith(b"stats")
        requests = await_requests(gwtop, len(pids))
        gwtop.await_type("tick")
        gwtop.interrupt()
    requests = of_type(gwtop.facts, "request")
    assert {fact["target"]: fact["pid"] for fact in requests} == pids
    assert len(requests) == len(pids) == gwtop.facts[-1]["connections"]
    assert how != "own" or len(set(pids.values())) > 1
    shown = {f"[{host}]" if ":" in host else host for host in asked}
    assert {fact["server"] for fact in requests} == {f"{host}:{port}" for host in shown}
    assert {fact["client"].rpartition(":")[0] for fact in requests} <= {*shown, HOST}
    assert {fact["evidence"] for fact in requests} == {"kernel"}
    assert SECRET.decode() not in json.dumps(gwtop.facts)


def test_a_host_narrows(tmp_path: Path) -> None:
    with (
        listeners(tmp_path, "inherited", "0.0.0.0") as (port, _),
        in_calls(port, "--host", "127.0.0.2") as gwtop,
    ):
        for n in range(4):
            ask(HOST, port, f"/other{n}")
            ask("127.0.0.2", port, f"/{n}")
        requests = await_requests(gwtop, 4)
        gwtop.interrupt()
    assert {fact["target"] for fact in requests} == {f"/{n}" for n in range(4)}
    assert gwtop.facts[-1]["requests"] == 4


def test_a_process_is_enough_to_say(tmp_path: Path) -> None:
    with listeners(tmp_path, "own", HOST) as (port, stats):
        root = owner_of(port)
        with running("attach", "--pid", str(root), "--json", "--capture", "calls") as gwtop:
            need_tracefs()
            gwtop.await_type("hello")
            ask(HOST, port, "/one")
            with socket.create_connection((HOST, stats)) as client:
                client.sendall(b"GET /stats HTTP/1.1\r\nHost: x\r\n\r\n")
                client.recv(1000)
            requests = await_requests(gwtop, 2)
            gwtop.interrupt()
    assert {fact["target"] for fact in requests} == {"/one", "/stats"}


def owner_of(port: int) -> int:
    """The process above those who listen there."""
    links = {one.link for one in gwtop_listeners.tcp() if one.port == port}
    (root,) = kinship.roots(kinship.owners(links).pids)
    return root


def test_a_server_that_comes_later_is_seen(tmp_path: Path) -> None:
    port = free_port()
    need_root()
    need_tracefs()
    with running("attach", "--port", str(port), "--json", "--capture", "calls") as gwtop:
        gwtop.await_fact(lambda f: f["type"] == "note" and f["code"] == "listener-awaited")
        with listeners(tmp_path, "own", HOST, port=port):
            for _ in range(3):
                gwtop.await_fact(lambda f: f["type"] == "process_sample" and f["role"] == "worker")
            pids = {f"/{n}": ask(HOST, port, f"/{n}") for n in range(8)}
            requests = await_requests(gwtop, 8)
        gwtop.interrupt()
    assert {fact["target"]: fact["pid"] for fact in requests} == pids
