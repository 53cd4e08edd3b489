"""Hops of real servers: every gateway request finds its client's, judged by a header that only
that client sent; and the detail says what the front end did to it."""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from gwtop import journal
from gwtop.nouns.facts import Request
from gwtop.panels._hop_diff import changes
from tests.live._asking import AppLog
from tests.live._backs import BACKS
from tests.live._fronts import FRONTS
from tests.live._running import Fact, need_root, of_type, run_gwtop, running
from tests.live._taking import Dump
from tests.live._unix import GATEWAYS, behind_nginx, short_folder
from tests.live._unix import drive as drive_mix

pytestmark = pytest.mark.live

N_CLIENTS, N_EACH = 4, 50
N_ALL = N_CLIENTS * N_EACH

NAMED = [
    "nginx-php-fpm/fastcgi",
    "nginx-uwsgi/uwsgi",
    "nginx-uwsgi/scgi",
    "nginx-fcgiwrap/fastcgi",
    "apache-php-fpm/fastcgi",
    "apache-uwsgi/uwsgi",
    "apache-uwsgi/scgi",
    "apache-flup/ajp",
    "lighttpd-php-fpm/fastcgi",
    "lighttpd-uwsgi/scgi",
]
"""Fronts that write down which connection the request came by."""


@contextmanager
def two_hops(pair: str, folder: Path) -> Iterator[tuple[int, int]]:
    """The front's port and the back end's."""
    need_root()
    front, _, rest = pair.partition("-")
    name, _, protocol = rest.partition("/")
    with ExitStack() as stack:
        behind = stack.enter_context(BACKS[rest](folder, AppLog(folder / "app.log").path))
        yield stack.enter_context(FRONTS[front](folder, behind, protocol, name)), behind


def ask(client: http.client.HTTPConnection, target: str, headers: dict[str, str]) -> int:
    client.request("GET", target, headers=headers)
    answer = client.getresponse()
    answer.read()
    return answer.status


def drive(port: int, target: str = "/echo?for=all") -> None:
    """Clients on kept connections that all ask the same; a tag tells their requests apart."""

    def one(number: int) -> None:
        client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        for n in range(N_EACH):
            ask(client, target.format(number=number, n=n), {"X-Probe": f"{number}-{n}"})

    threads = [threading.Thread(target=one, args=(number,)) for number in range(N_CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def tag_of(fact: Fact) -> str:
    names = ("X-Probe", "HTTP_X_PROBE", "x-probe")
    found: list[str] = [value for name, value in fact["fields"] if name in names]
    assert len(found) == 1, fact["fields"]
    return found[0]


def hops(facts: list[Fact], front: int, behind: int) -> tuple[dict[int, Fact], list[Fact]]:
    """The front's requests by id, the back end's."""
    requests = of_type(facts, "request")
    in_front = {f["id"]: f for f in requests if f["server"].endswith(f":{front}")}
    return in_front, [f for f in requests if f["server"].endswith(f":{behind}")]


def share_paired(facts: list[Fact], front: int, behind: int) -> float:
    """Of the back end's requests; every pair told is checked by its tag."""
    in_front, backs = hops(facts, front, behind)
    assert len(in_front) == len(backs) == N_ALL
    assert all(f["pair"] is None for f in in_front.values())
    paired = [f for f in backs if f["pair"] is not None]
    wrong = [f for f in paired if tag_of(in_front[f["pair"]]) != tag_of(f)]
    assert not wrong, f"{len(wrong)} of {len(paired)} pairs are wrong"
    return len(paired) / N_ALL


@pytest.mark.parametrize("pair", NAMED)
def test_every_request_is_paired_where_the_front_names_the_connection(
    pair: str, tmp_path: Path
) -> None:
    with (
        two_hops(pair, tmp_path) as (front, behind),
        running(
            *("attach", "--port", str(front), "--port", str(behind), "--json", "--details"),
            *("--requests", str(2 * N_ALL)),
        ) as gwtop,
    ):
        gwtop.await_type("hello")
        drive(front)
        assert gwtop.finish() == 0
    assert share_paired(gwtop.facts, front, behind) == 1


@pytest.mark.parametrize(
    ("target", "at_least"), [("/echo", 0.99), ("/odd/{number}/{n}", 0.99)], ids=["same", "each"]
)
def test_a_proxys_pairs_are_never_wrong(target: str, at_least: float, tmp_path: Path) -> None:
    with (
        two_hops("nginx-gunicorn/http", tmp_path) as (front, behind),
        running(
            *("attach", "--port", str(front), "--port", str(behind), "--json", "--details"),
            *("--requests", str(2 * N_ALL)),
        ) as gwtop,
    ):
        gwtop.await_type("hello")
        drive(front, target)
        assert gwtop.finish() == 0
    share = share_paired(gwtop.facts, front, behind)
    print(f"{share:.0%} paired")
    assert share >= at_least


@pytest.mark.parametrize("narrowed", [True, False])
def test_a_capture_of_both_hops_is_paired_too(narrowed: bool, tmp_path: Path) -> None:
    with two_hops("nginx-uwsgi/uwsgi", tmp_path) as (front, behind):
        dump = Dump(front, behind)
        drive(front)
        (tmp_path / "both.pcap").write_bytes(dump.stop())
    ports = ["--port", str(front), "--port", str(behind)] if narrowed else []
    status, facts, _ = run_gwtop("read", str(tmp_path / "both.pcap"), "--json", "--details", *ports)
    assert status == 0
    assert share_paired(facts, front, behind) == 1


def test_what_the_front_dropped_joined_and_renamed_is_told_apart(tmp_path: Path) -> None:
    """Apache's mod_proxy_fcgi leaves a variable over 16 KiB out and goes on (AH02536)."""
    with (
        two_hops("apache-php-fpm/fastcgi", tmp_path) as (front, behind),
        running(
            *("attach", "--port", str(front), "--port", str(behind), "--json", "--details"),
            *("--requests", "2"),
        ) as gwtop,
    ):
        gwtop.await_type("hello")
        client = http.client.HTTPConnection("127.0.0.1", front, timeout=20)
        client.putrequest("GET", "/odd?a=b")
        client.putheader("X-Big", "v" * 17_000)
        for value in ("one", "two"):
            client.putheader("X-Twice", value)
        client.putheader("User-Agent", "tester")
        client.putheader("X-Probe", "probe")
        client.endheaders()
        assert client.getresponse().status == 200
        assert gwtop.finish() == 0
    (front_fact,), (back_fact,) = (
        list(side.values()) if isinstance(side, dict) else side
        for side in hops(gwtop.facts, front, behind)
    )
    in_front, in_back = (_decoded(fact) for fact in (front_fact, back_fact))
    assert back_fact["pair"] == front_fact["id"]
    assert isinstance(in_front.fields, list) and isinstance(in_back.fields, list)
    kinds = {change.name: change.kind for change in changes(in_front.fields, in_back.fields)}
    assert kinds["X-Big"] == "dropped"
    assert kinds["X-Twice"] == "joined"
    assert kinds["User-Agent"] == "renamed"
    assert kinds["SCRIPT_FILENAME"] == kinds["REMOTE_PORT"] == "added"
    assert isinstance(in_front.response_fields, list) and isinstance(in_back.response_fields, list)
    answer = changes(in_back.response_fields, in_front.response_fields)
    assert {c.name: c.kind for c in answer}["Server"] == "added"


def _decoded(fact: Fact) -> Request:
    found = journal.decode(json.dumps(fact).encode())
    assert isinstance(found, Request)
    return found


def test_both_trees_are_watched_and_the_inner_one_is_judged(tmp_path: Path) -> None:
    with (
        two_hops("nginx-fcgiwrap/fastcgi", tmp_path) as (front, behind),
        running("attach", "--port", str(front), "--port", str(behind), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        drive_few(front, 20)
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] == 40)
        assert gwtop.interrupt() == 130
    names = {f["name"] for f in of_type(gwtop.facts, "process_seen")}
    assert {"nginx", "fcgiwrap"} <= names
    in_front, backs = hops(gwtop.facts, front, behind)
    assert all(f["births"] and f["pid"] in f["births"] for f in backs)
    assert not any(f["births"] for f in in_front.values())
    assert gwtop.facts[-1]["model"] == "process-per-request"
    assert "20 requests" in gwtop.facts[-1]["model_evidence"]


def drive_few(port: int, n: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for i in range(n):
        assert ask(client, f"/echo?n={i}", {"X-Probe": str(i)}) == 200


@pytest.mark.parametrize("gateway", list(GATEWAYS))
def test_behind_a_unix_socket_each_request_finds_its_clients(gateway: str) -> None:
    """Packets in front, the workers' calls behind: taps of different delay."""
    need_root()
    with (
        short_folder() as folder,
        GATEWAYS[gateway](folder) as (path, lines),
        behind_nginx(folder, path, lines, keeps=False) as port,
        running("attach", "--port", str(port), "--socket", str(path), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        rows = drive_mix(port, 60)
        gwtop.await_fact(lambda fact: fact["type"] == "tick" and fact["requests"] == 120)
        gwtop.interrupt()
    requests = of_type(gwtop.facts, "request")
    fronts = {r["id"]: r for r in requests if not r["server"].startswith("unix:")}
    backs = [r for r in requests if r["server"].startswith("unix:")]
    assert len(fronts) == len(backs) == len(rows)
    assert sorted(r["pair"] for r in backs) == sorted(fronts)
    assert all(fronts[r["pair"]]["target"] == r["target"] for r in backs)
