"""Unix listeners without their bytes: who is busy, since when, how much went, who waits. Against
real php-fpm and uWSGI behind a real nginx; X-Worker-Pid is the witness."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path

import pytest

from tests.live import _running
from tests.live._running import Fact, need_program, nginx, of_type, running
from tests.live._unix_servers import told_of, unix_pool, unix_uwsgi
from tests.live.test_evidence import HIDING, ask, need_tracefs

pytestmark = pytest.mark.live
UNPROBED = """
import sys
from gwtop.taps import calls
calls.open_tap = lambda plan, now: None
from gwtop.cli import main
sys.exit(main())
"""
"""A gwtop that cannot probe the workers' calls: what a Go program or an older kernel leaves."""
Server = Callable[[Path, int], AbstractContextManager[tuple[Path, str]]]
SERVERS = [pytest.param(unix_pool, "/?ms={}", id="php-fpm")]
SERVERS += [pytest.param(unix_uwsgi, "/slow?ms={}", id="uWSGI")]


def command_of(*arguments: str) -> list[str]:
    return [sys.executable, "-c", UNPROBED, *arguments]


@pytest.fixture(autouse=True)
def unprobed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_running, "gwtop_command", command_of)


def asked_at_once(port: int, target: str, n: int) -> Counter[int]:
    """How many each worker says that it answered."""
    said: list[int] = []

    def one() -> None:
        status, pid = ask(port, target)
        assert status == 200 and pid is not None
        said.append(int(pid))

    threads = [threading.Thread(target=one) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Counter(said)


def idle_again(fact: Fact) -> bool:
    return bool(fact["type"] == "tick" and fact["busy"] == 0)


def began_s(flight: Fact) -> float:
    return datetime.fromisoformat(flight["began_at"][:26] + "+00:00").timestamp()


@pytest.mark.parametrize(("server", "slow"), SERVERS)
def test_who_is_busy_with_how_much_since_when_and_who_waits(
    server: Server, slow: str, tmp_path: Path
) -> None:
    need_tracefs()
    need_program("nginx", "nginx-light")
    with (
        server(tmp_path, 2) as (path, location),
        nginx(tmp_path, f"location / {{ {location} }}") as (front, _),
        running("attach", "--socket", str(path), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["idle"] == 2)
        began = time.time()
        said = asked_at_once(front, slow.format(1500), 10)
        gwtop.await_fact(idle_again)
        gwtop.await_fact(idle_again)
        assert gwtop.interrupt() == 130
    ticks = of_type(gwtop.facts, "tick")
    assert 8 in [queue["pending"] for tick in ticks for queue in tick["queues"]]
    assert ticks[-1]["idle"] == 2
    full = [tick for tick in ticks if tick["busy"] == 2]
    assert len(full) >= 5 and all(tick["idle"] == 0 for tick in full)
    flights = [flight for tick in full for flight in tick["in_flight"]]
    assert {flight["pid"] for flight in flights} == set(said)
    assert all(flight["read_bytes"] > 200 for flight in flights)
    oldest = min(began_s(flight) for flight in flights)
    assert began <= oldest < began + 1
    ids = {flight["id"] for flight in flights}
    assert len(ids) == 10, "each connection is one thing in flight"
    busy_with = [f["busy_with"] for f in of_type(gwtop.facts, "process_sample")]
    assert {one for ones in busy_with for one in ones} <= ids
    assert "all-workers-busy" in gwtop.facts[-1]["notes"]
    assert told_of(gwtop.facts) == said
    assert gwtop.facts[-1]["requests"] == 0, "what passes is not seen"


@pytest.mark.parametrize(("server", "slow"), SERVERS)
def test_connections_are_counted_where_they_were_taken(
    server: Server, slow: str, tmp_path: Path
) -> None:
    need_tracefs()
    need_program("nginx", "nginx-light")
    with (
        server(tmp_path, 3) as (path, location),
        nginx(tmp_path, f"location / {{ {location} }}") as (front, _),
        running("attach", "--socket", str(path), "--json") as gwtop,
    ):
        gwtop.await_type("hello")
        said: Counter[int] = Counter()
        for _ in range(10):
            said += asked_at_once(front, slow.format(5), 8)
        gwtop.await_fact(idle_again)
        gwtop.await_fact(idle_again)
        assert gwtop.interrupt() == 130
    assert told_of(gwtop.facts) == said
    assert gwtop.facts[-1]["missed"]["process_events"] == 0


def test_a_kept_connection_that_waits_for_more_keeps_nobody_busy(tmp_path: Path) -> None:
    """One of them is open before gwtop comes; its next bytes are counted all the same."""
    need_tracefs()
    need_program("nginx", "nginx-light")
    with unix_pool(tmp_path, 2) as (path, location):
        kept = location.replace(f"unix:{path}", "kept") + " fastcgi_keep_conn on;"
        upstream = f"upstream kept {{ server unix:{path}; keepalive 4; }}"
        with nginx(tmp_path, f"location / {{ {kept} }}", upstream=upstream) as (front, _):
            _, first = ask(front)
            with running("attach", "--socket", str(path), "--json") as gwtop:
                gwtop.await_fact(lambda f: f["type"] == "tick" and f["idle"] == 2)
                _, second = ask(front, "/?ms=2500")
                assert second == first, "nginx kept the connection"
                gwtop.await_fact(idle_again)
                assert gwtop.interrupt() == 130
    (flight,) = {
        (flight["pid"], flight["id"])
        for tick in of_type(gwtop.facts, "tick")
        for flight in tick["in_flight"]
    }
    assert flight[0] == int(str(first))
    samples = [f["unix"] for f in of_type(gwtop.facts, "process_sample") if "unix" in f]
    assert samples[-1]["connections"] == 0 and samples[-1]["read_bytes"] > 200


def test_without_tracefs_looks_still_tell_who_is_busy(tmp_path: Path) -> None:
    need_tracefs()
    need_program("nginx", "nginx-light")
    unshare = need_program("unshare", "util-linux")
    with (
        unix_pool(tmp_path, 2) as (path, location),
        nginx(tmp_path, f"location / {{ {location} }}") as (front, _),
    ):
        arguments = ("attach", "--socket", str(path), "--json", "--for", "6")
        gwtop = subprocess.Popen(
            [unshare, "-m", "sh", "-c", HIDING, "sh", *command_of(*arguments)],
            stdout=subprocess.PIPE,
            cwd="/",
        )
        assert gwtop.stdout is not None
        facts = [json.loads(gwtop.stdout.readline())]
        said = asked_at_once(front, "/?ms=3000", 2)
        facts += [json.loads(line) for line in gwtop.stdout]
        assert gwtop.wait(30) == 0
    ticks = of_type(facts, "tick")
    assert {flight["pid"] for tick in ticks for flight in tick["in_flight"]} == set(said)
    assert [t["busy"] for t in ticks].count(2) >= 2
    assert (ticks[-1]["busy"], ticks[-1]["idle"]) == (0, 2)
