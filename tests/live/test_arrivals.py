"""When requests on unix sockets were sent, and how long they waited for a worker: what real front
ends measured, and what a client did. Needs root and Linux 6.3."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.live._running import Fact, Running, nginx, of_type
from tests.live._tcp import GATEWAYS as TCP_GATEWAYS
from tests.live._tcp import behind_nginx as behind_nginx_on_a_port
from tests.live._unix import GATEWAYS, behind_nginx, drive, short_folder
from tests.live._unix_servers import unix_pool
from tests.live.test_calls import ask_all, watching
from tests.live.test_calls_tcp import in_calls
from tests.live.test_calls_tcp import watching as watching_port

pytestmark = pytest.mark.live
MS_NS = 1_000_000
TIMES = "$upstream_response_time $upstream_connect_time"
KEEPS = pytest.mark.parametrize("keeps", [False, True], ids=["a connection each", "kept"])


def ask(port: int, *targets: str) -> None:
    """All at the same time."""
    with ThreadPoolExecutor(len(targets)) as pool:
        for answer in pool.map(lambda one: urlopen(f"http://127.0.0.1:{port}{one}"), targets):
            with answer:
                assert answer.status == 200


def await_requests(gwtop: Running, n: int) -> list[Fact]:
    while len(of_type(gwtop.facts, "request")) < n:
        gwtop.await_type("request")
    return of_type(gwtop.facts, "request")


def response_ns(log: Path) -> dict[str, int]:
    """By target: how long nginx waited for its answer, from its connect on, to 1 ms."""
    rows = [line.split() for line in log.read_text().splitlines()]
    return {row[1]: round(float(row[3]) * 1e9) for row in rows}


@KEEPS
@pytest.mark.parametrize("gateway", list(GATEWAYS))
def test_every_request_says_how_long_it_waited(gateway: str, keeps: bool) -> None:
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps) as port,
        watching(path) as gwtop,
    ):
        _, requests = ask_all(gwtop, port, 200)
        assert gwtop.interrupt() == 130
    waits = sorted(request["queue_ns"] for request in requests)
    assert waits[0] >= 0
    assert waits[100] < 20 * MS_NS
    for request in requests:
        assert request["queue_ns"] <= request["first_byte_ns"] <= request["duration_ns"]


def test_what_waits_for_a_small_pool_says_how_long_and_nginx_measured_as_much() -> None:
    with (
        short_folder() as folder,
        unix_pool(folder, 2) as (path, lines),
        nginx(folder, f"location / {{ {lines} }}", length=TIMES) as (port, log),
        watching(path) as gwtop,
    ):
        ask(port, *(f"/?ms=200&n={n}" for n in range(10)))
        requests = await_requests(gwtop, 10)
        assert gwtop.interrupt() == 130
        measured = response_ns(log)
    assert len({began_ns(request) // (100 * MS_NS) for request in requests}) <= 3
    for request in requests:
        took_ns = measured[request["target"]]
        assert request["duration_ns"] == pytest.approx(took_ns, abs=30 * MS_NS)
        assert request["queue_ns"] == pytest.approx(took_ns - 200 * MS_NS, rel=0.2, abs=30 * MS_NS)
    assert sum(request["queue_ns"] > 150 * MS_NS for request in requests) == 8


def began_ns(request: Fact) -> int:
    text = request["began_at"]
    whole = datetime.fromisoformat(text[:19] + "+00:00")
    return int(whole.timestamp()) * 10**9 + int(text[20:29])


@pytest.mark.parametrize("gateway", list(TCP_GATEWAYS))
def test_on_a_port_the_calls_say_the_same_as_packets(gateway: str) -> None:
    with (
        short_folder() as folder,
        TCP_GATEWAYS[gateway](folder) as (port, lines),
        behind_nginx_on_a_port(folder, port, lines, keeps=gateway != "uwsgi-http") as front,
        watching_port(port) as ring,
        in_calls(port) as calls,
    ):
        drive(front, 60)
        packets, requests = (
            {request["target"]: request for request in await_requests(gwtop, 60)}
            for gwtop in (ring, calls)
        )
        assert (ring.interrupt(), calls.interrupt()) == (130, 130)
    for of in (began_ns, queue_ns):
        apart = sorted(abs(of(requests[target]) - of(packets[target])) for target in requests)
        assert apart[len(apart) * 9 // 10] < MS_NS  # the others' threads were put off the CPU


def queue_ns(request: Fact) -> int:
    waited: int = request["queue_ns"]
    return waited
