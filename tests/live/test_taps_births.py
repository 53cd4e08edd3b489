"""Process events of the real kernel: all of a burst, or the rest in `missed`; read at exec.

Needs the initial pid and user namespaces; skips where the connector is not to be had.
"""

import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import closing

import pytest

from gwtop import clock
from gwtop.nouns.records import Execed, Exited, Forked, Missed, Record
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS
from gwtop.taps import births
from gwtop.taps.births import Births

pytestmark = pytest.mark.live

PARENT = """
import os, signal, sys, threading
print("up", flush=True)
def spawn(*argv, environ={}):
    pid = os.posix_spawn(argv[0], argv, environ)
    os.waitpid(pid, 0)
    return pid
for line in sys.stdin:
    exec(line)
    print("done", flush=True)
"""
N_SHORT = 1_000
LIMIT_NS = 10 * SECOND_NS


class Parent:
    """A process that does what it is told, a line at a time."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe, text=True
        )
        self.pid = self._process.pid
        self._answer("up")

    def _answer(self, expected: str) -> None:
        assert self._process.stdout and self._process.stdout.readline() == expected + "\n"

    def starts(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def does(self, line: str) -> None:
        self.starts(line)
        self._answer("done")

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def parent() -> Iterator[Parent]:
    with closing(Parent()) as process:
        yield process


def opened(buffer_bytes: int = births.BUFFER_BYTES) -> Births:
    if reason := births.unavailable():
        pytest.skip(f"needs the proc connector: {reason}")
    return Births(clock.now(), buffer_bytes)


def read_until(tap: Births, enough: Callable[[list[Record]], bool]) -> list[Record]:
    records: list[Record] = []
    deadline = clock.monotonic_ns() + LIMIT_NS
    while not enough(records) and clock.monotonic_ns() < deadline:
        due_at = tap.due_at()
        assert due_at is not None, "strangers are read now and then"
        select.select([tap], [], [], max(0, due_at - clock.now()) / SECOND_NS)
        records += tap.read(clock.now())
    return records


def of(kind: type, records: Collection[Record]) -> list[Record]:
    return [record for record in records if isinstance(record, kind)]


def exits(n: int) -> Callable[[list[Record]], bool]:
    return lambda records: len(of(Exited, records)) >= n


def test_a_thousand_short_processes_are_all_told(parent: Parent) -> None:
    with closing(opened()) as tap:
        tap.follow({parent.pid})
        parent.starts(f"for _ in range({N_SHORT}): spawn('/bin/true')")
        records = read_until(tap, exits(N_SHORT))
    born = {r.pid for r in records if isinstance(r, Forked) and r.parent == parent.pid}
    assert len(of(Forked, records)) == len(of(Execed, records)) == N_SHORT
    assert {r.pid for r in records if isinstance(r, Exited) and r.code == 0} == born
    assert of(Missed, records) == []


def test_a_fresh_process_is_read_at_its_exec(parent: Parent) -> None:
    with closing(opened()) as tap:
        tap.follow({parent.pid})
        environ = {"REQUEST_METHOD": "GET", "REQUEST_URI": "/a?b"}
        before = clock.now()
        parent.starts(f"spawn('/bin/sleep', '0.2', environ={environ})")
        records = read_until(tap, exits(1))
    forked, execed, exited = records
    assert isinstance(forked, Forked) and isinstance(execed, Execed) and isinstance(exited, Exited)
    assert execed.argv == (b"/bin/sleep", b"0.2")
    assert execed.exe and execed.exe.endswith(b"/sleep")
    assert execed.environ == tuple((k.encode(), v.encode()) for k, v in environ.items())
    assert before <= forked.at <= execed.at <= exited.at <= clock.now()
    assert exited.at - execed.at >= 200 * MILLISECOND_NS


def test_grandchildren_are_told_and_threads_are_not(parent: Parent) -> None:
    with closing(opened()) as tap:
        tap.follow({parent.pid})
        parent.does("t = threading.Thread(target=int); t.start(); t.join()")
        parent.does("spawn('/bin/sh', '-c', '/bin/true; exit 3')")
        records = read_until(tap, exits(2))
    forks = [r for r in records if isinstance(r, Forked)]
    assert [f.parent for f in forks] == [parent.pid, forks[0].pid]
    assert [(r.pid, r.code) for r in records if isinstance(r, Exited)] == [
        (forks[1].pid, 0),
        (forks[0].pid, 3),
    ]


def test_a_killed_process_has_a_signal_and_no_code(parent: Parent) -> None:
    with closing(opened()) as tap:
        tap.follow({parent.pid})
        parent.does("spawn('/bin/sh', '-c', 'kill -KILL $$')")
        records = read_until(tap, exits(1))
    exited = of(Exited, records)[0]
    assert isinstance(exited, Exited) and (exited.code, exited.signal) == (None, signal.SIGKILL)


def test_processes_outside_the_tree_are_not_told(parent: Parent) -> None:
    with closing(opened()) as tap, closing(Parent()) as stranger:
        tap.follow({parent.pid})
        stranger.does("spawn('/bin/true')")
        parent.does("spawn('/bin/true')")
        records = read_until(tap, exits(1))
    assert {r.parent for r in records if isinstance(r, Forked)} == {parent.pid}


def test_a_child_born_before_its_parent_was_followed_is_told(parent: Parent) -> None:
    with closing(opened()) as tap:
        parent.does("spawn('/bin/true')")
        assert tap.read(clock.now()) == []
        tap.follow({parent.pid})
        records = read_until(tap, exits(1))
    assert [type(record) for record in records] == [Forked, Execed, Exited]


def test_a_buffer_too_small_for_a_burst_counts_what_it_missed(parent: Parent) -> None:
    n_burst = N_SHORT // 10
    with closing(opened(buffer_bytes=0)) as tap:  # the kernel makes its minimum of it
        tap.follow({parent.pid})
        parent.does(f"for _ in range({n_burst}): spawn('/bin/true')")  # nobody reads meanwhile
        records = read_until(tap, lambda records: accounted(records) >= 3 * n_burst)
    assert accounted(records) >= 3 * n_burst
    assert of(Missed, records)


def accounted(records: Collection[Record]) -> int:
    """Events of the tree that were told, and those of the machine that were missed."""
    told = sum(isinstance(record, Forked | Execed | Exited) for record in records)
    return told + sum(r.n or 0 for r in records if isinstance(r, Missed))


def test_a_connector_that_overran_goes_on(parent: Parent) -> None:
    with closing(opened(buffer_bytes=0)) as tap:
        tap.follow({parent.pid})
        for _ in range(3):
            parent.does("for _ in range(20): spawn('/bin/true')")
            assert of(Missed, tap.read(clock.now()))
            tap.read(clock.now())
        parent.starts("spawn('/bin/sleep', '0.01')")
        assert of(Exited, read_until(tap, exits(1)))


def test_in_a_container_it_is_absent_at_once() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to make a pid namespace")
    opened().close()
    script = (
        "from gwtop import clock\nfrom gwtop.nouns.plan import Plan\n"
        "from gwtop.taps import births, census\n"
        "plan, began = Plan(pid=1), clock.monotonic_ns()\n"
        "tap = births.open_tap(plan, 5)\n"
        "print(tap.state.state, (clock.monotonic_ns() - began) < 10**8, tap.state.needs)\n"
        "print([getattr(r, 'code', None) for r in census.open_tap(plan, 5).read(clock.now())])\n"
    )
    inside = ["unshare", "--pid", "--fork", "--mount-proc", sys.executable, "-c", script]
    done = subprocess.run(inside, capture_output=True, text=True)
    state, seen = done.stdout.splitlines()
    assert state == "absent True process events are not told inside another pid namespace"
    assert "births-polled" in seen


def test_strangers_do_not_wake_a_quiet_tree_and_a_child_of_it_does(parent: Parent) -> None:
    with closing(opened()) as tap, closing(Parent()) as stranger:
        tap.follow({parent.pid})
        fall_asleep(tap)
        stranger.does("spawn('/bin/true')")
        assert not select.select([tap], [], [], 0)[0]
        parent.does("spawn('/bin/sh', '-c', '/bin/true; exit 3')")
        assert select.select([tap], [], [], 1)[0]
        assert len(of(Exited, read_until(tap, exits(2)))) == 2
        fall_asleep(tap)
        assert not select.select([tap], [], [], 0)[0], "what rang is heard once"


def fall_asleep(tap: Births) -> None:
    awake = tap.fileno()
    deadline = clock.monotonic_ns() + LIMIT_NS
    while tap.fileno() == awake and clock.monotonic_ns() < deadline:
        select.select([tap], [], [], max(0, (tap.due_at() or 0) - clock.now()) / SECOND_NS)
        tap.read(clock.now())
    assert tap.fileno() != awake


def test_children_born_while_nobody_looked_come_with_their_parent(parent: Parent) -> None:
    with closing(opened()) as tap:
        fall_asleep(tap)
        parent.does("spawn('/bin/true')")
        tap.follow({parent.pid})
        assert [type(one) for one in tap.read(clock.now())] == [Forked, Execed, Exited]
