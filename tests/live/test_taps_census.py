"""The census of real servers: found by their port, followed through a restart, sampled, polled.

Needs only Linux; what a Python process listens on loopback, started and ended here.
"""

import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import (
    Execed,
    Exited,
    Forked,
    Missed,
    Observed,
    Present,
    Record,
    Sampled,
)
from gwtop.nouns.times import SECOND_NS
from gwtop.taps.births import Births, unavailable
from gwtop.taps.census import Census

pytestmark = pytest.mark.live

SERVER = """
import os, socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
address = (sys.argv[1], int(sys.argv[2]))
server = socket.create_server(address, family=family, reuse_port=True)
workers = []
for _ in range(2):
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        os.close(writing)
        os.read(reading, 1)  # until the master is gone
        os._exit(0)
    os.close(reading)
    workers.append(pid)
print(*workers, flush=True)
for line in sys.stdin:
    pid = os.posix_spawn("/bin/sleep", ["sleep", line.strip()], {"REQUEST_URI": "/x"})
    os.waitpid(pid, 0)
    print("done", flush=True)
"""
LIMIT_NS = 20 * SECOND_NS


class Server:
    """A master with two workers that hold one listener; runs `sleep` for each line."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", SERVER, host, str(port)]
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        self.pid = self._process.pid
        assert self._process.stdout
        self.workers = [int(word) for word in self._process.stdout.readline().split()]
        assert len(self.workers) == 2

    def starts_sleep(self, seconds: float) -> None:
        assert self._process.stdin
        print(seconds, file=self._process.stdin, flush=True)

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as reserved:
        free = reserved.getsockname()[1]
    yield free


def opened(port: int, no_births: str | None = None, **plan: object) -> Census:
    return Census(Plan(ports=(port,), **plan), clock.now(), no_births)


class Reader:
    """Reads its taps as the engine does, and keeps the tree as the tracker does."""

    def __init__(self, *taps: Births | Census) -> None:
        self._taps = taps
        self._tree: set[int] = set()

    def _await(self) -> None:
        dues = [tap.due_at() for tap in self._taps]
        due_at = min(due for due in dues if due is not None)
        readable = [tap for tap in self._taps if tap.fileno() >= 0]
        select.select(readable, [], [], max(0, (due_at - clock.now()) / SECOND_NS))

    def until(self, enough: Callable[[list[Record]], bool]) -> list[Record]:
        records: list[Record] = []
        deadline = clock.monotonic_ns() + LIMIT_NS
        while not enough(records) and clock.monotonic_ns() < deadline:
            self._await()
            for tap in self._taps:
                records += self._ingest(tap.read(clock.now()))
        return records

    def _ingest(self, news: list[Record]) -> list[Record]:
        for record in news:
            if isinstance(record, Present | Forked):
                self._tree.add(record.pid)
            elif isinstance(record, Exited):
                self._tree.discard(record.pid)
        for tap in self._taps:
            tap.follow(self._tree)
        return news


def pids(kind: type, records: list[Record]) -> list[int]:
    return [record.pid for record in records if isinstance(record, kind)]


def has(kind: type, n: int) -> Callable[[list[Record]], bool]:
    return lambda records: len(pids(kind, records)) >= n


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_tree_of_a_listener_is_found_and_sampled(port: int, host: str) -> None:
    with closing(Server(port, host)) as server, closing(opened(port, "not asked")) as census:
        records = Reader(census).until(has(Sampled, 3))
    present = [r for r in records if isinstance(r, Present)]
    assert {p.pid for p in present} == {server.pid, *server.workers}
    assert all(
        p.holds_listener and p.argv and p.argv[0] == sys.executable.encode() for p in present
    )
    assert [p.parent for p in present[1:]] == [server.pid, server.pid]
    assert all(p.born_at and 0 < p.at - p.born_at < LIMIT_NS for p in present)
    sample = next(r for r in records if isinstance(r, Sampled) and r.pid == server.pid)
    assert sample.rss_bytes and sample.rss_bytes > 1_000_000
    assert sample.n_threads == 1 and sample.n_fds and sample.n_fds >= 4
    assert sample.state == "S" and sample.holds_listener


def test_a_listener_that_appears_later_and_a_restart_are_followed(port: int) -> None:
    with closing(opened(port)) as census:
        reader = Reader(census)
        awaited = reader.until(has(Observed, 1))
        assert [r.code for r in awaited if isinstance(r, Observed)] == ["listener-awaited"]
        for _ in range(2):
            with closing(Server(port)) as server:
                records = reader.until(has(Present, 1))
                assert pids(Present, records) == [server.pid]


def test_births_and_census_together_tell_every_process_once(port: int) -> None:
    if reason := unavailable():
        pytest.skip(f"needs the proc connector: {reason}")
    with closing(Births(clock.now())) as births, closing(opened(port)) as census:
        reader = Reader(births, census)
        reader.until(has(Observed, 1))
        with closing(Server(port)) as server:
            server.starts_sleep(0.01)  # before anybody knows the server
            server.starts_sleep(0.01)
            records = reader.until(has(Exited, 2))
    assert pids(Present, records) == [server.pid]
    assert set(server.workers) <= set(pids(Forked, records))
    assert len(pids(Forked, records)) == len(set(pids(Forked, records))) == 4
    assert [e.code for e in records if isinstance(e, Exited)] == [0, 0]


def test_polling_finds_a_process_that_lives_long_enough(port: int) -> None:
    with closing(Server(port)) as server, closing(opened(port, "a test")) as census:
        reader = Reader(census)
        reader.until(has(Sampled, 3))
        server.starts_sleep(0.5)
        records = reader.until(has(Exited, 1))
    assert [type(r) for r in records if isinstance(r, Forked | Execed | Exited)] == [
        Forked,
        Execed,
        Exited,
    ]
    execed = next(r for r in records if isinstance(r, Execed))
    assert execed.argv == (b"sleep", b"0.5")
    assert execed.environ == ((b"REQUEST_URI", b"/x"),)
    forked = next(r for r in records if isinstance(r, Forked))
    assert forked.parent == server.pid and forked.at <= execed.at


def test_polling_says_that_it_cannot_count(port: int) -> None:
    with closing(opened(port, "a test")) as census:
        records = census.read(clock.now())
    assert [(m.what, m.n) for m in records if isinstance(m, Missed)] == [("process_events", None)]
    assert "births-polled" in [o.code for o in records if isinstance(o, Observed)]


def test_a_named_pid_is_the_root_of_what_is_told(port: int) -> None:
    with closing(Server(port)) as server:
        with closing(opened(port, "not asked", pid=server.workers[0])) as census:
            records = Reader(census).until(has(Sampled, 1))
        assert pids(Present, records) == [server.workers[0]]
