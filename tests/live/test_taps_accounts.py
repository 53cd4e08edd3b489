"""What processes that end have spent, against what their parent is told by wait4.

Needs taskstats and perf events; skips where they are not to be had.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

import pytest

from gwtop import clock
from gwtop.nouns.records import Record, Spent
from gwtop.nouns.times import MILLISECOND_NS
from gwtop.taps import taskclock, taskstats
from gwtop.taps.taskclock import Taskclock
from gwtop.taps.taskstats import Taskstats

pytestmark = pytest.mark.live

BUSY = """
import sys, threading, time
ms, kilobytes, n_threads = map(int, sys.argv[1:])
kept = b"x" * (kilobytes * 1024)
def work():
    until = time.thread_time_ns() + ms * 1_000_000
    while time.thread_time_ns() < until:
        pass
threads = [threading.Thread(target=work) for _ in range(n_threads)]
for thread in threads:
    thread.start()
work()
for thread in threads:
    thread.join()
"""
PARENT = """
import os, struct, sys
sys.stdout.write("up\\n"); sys.stdout.flush()
for line in sys.stdin:
    words = eval(line)
    if words == "fork":  # 2 ms of work without an exec
        pid = os.fork()
        if pid == 0:
            import time
            until = time.thread_time_ns() + 2_000_000
            while time.thread_time_ns() < until:
                pass
            os._exit(0)
    else:
        pid = os.posix_spawn(words[0], words, {})
    _, _, usage = os.wait4(pid, 0)
    print(pid, round((usage.ru_utime + usage.ru_stime) * 1e9), usage.ru_maxrss * 1024, flush=True)
"""


@dataclass
class Ended:
    pid: int
    cpu_ns: int
    max_rss_bytes: int


class Parent:
    """A process whose children we are told the rusage of."""

    def __init__(self) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            [sys.executable, "-c", PARENT], stdin=pipe, stdout=pipe, text=True
        )
        self.pid = self._process.pid
        assert self._process.stdout and self._process.stdout.readline() == "up\n"

    def runs(self, words: list[str] | str) -> Ended:
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(f"{words!r}\n")
        self._process.stdin.flush()
        return Ended(*map(int, self._process.stdout.readline().split()))

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def parent() -> Iterator[Parent]:
    with closing(Parent()) as process:
        yield process


def busy(ms: int, kilobytes: int, n_threads: int = 0) -> list[str]:
    return [sys.executable, "-SIc", BUSY, str(ms), str(kilobytes), str(n_threads)]


def told(tap: Taskstats | Taskclock, ended: Ended) -> Spent:
    tap.follow([])
    records: list[Record] = tap.read(clock.now())
    (account,) = [r for r in records if isinstance(r, Spent) and r.pid == ended.pid]
    return account


def stats() -> Taskstats:
    if error := taskstats.unavailable():
        pytest.skip(f"needs taskstats: {taskstats.reason_of(error)}")
    return Taskstats(clock.now())


def counting(parent: Parent) -> Taskclock:
    if error := taskclock.unavailable():
        pytest.skip(f"needs perf events: {error}")
    tap = Taskclock(clock.now())
    tap.follow([parent.pid])
    return tap


def test_the_peak_of_memory_is_that_of_the_program_that_ended(parent: Parent) -> None:
    with closing(stats()) as tap:
        for kilobytes in (0, 30_000, 60_000):
            ended = parent.runs(busy(1, kilobytes))
            account = told(tap, ended)
            assert account.max_rss_bytes is not None
            # wait4's includes the pages that were the parent's before the exec.
            assert kilobytes * 1024 < account.max_rss_bytes <= ended.max_rss_bytes + 300_000
            assert kilobytes == 0 or account.max_rss_bytes > ended.max_rss_bytes - 1_000_000


def test_taskstats_lacks_no_more_than_ticks_of_a_long_process(parent: Parent) -> None:
    with closing(stats()) as tap:
        ended = parent.runs(busy(100, 0))
        assert ended.cpu_ns - 15 * MILLISECOND_NS < told(tap, ended).cpu_ns <= ended.cpu_ns


def test_taskstats_tells_a_thread_group_once_with_the_sum_of_its_threads(parent: Parent) -> None:
    with closing(stats()) as tap:
        ended = parent.runs(busy(50, 0, n_threads=3))
        assert ended.cpu_ns > 200 * MILLISECOND_NS
        assert ended.cpu_ns - 25 * MILLISECOND_NS < told(tap, ended).cpu_ns <= ended.cpu_ns


def close_to(ended: Ended) -> object:
    """Giving memory back is not counted: 0.1 ms, 0.9 for Python."""
    return pytest.approx(ended.cpu_ns, abs=1.5 * MILLISECOND_NS, rel=0.05)


def test_a_process_of_two_milliseconds_is_told_to_a_part_of_one(parent: Parent) -> None:
    with closing(counting(parent)) as tap:
        parent.runs("fork")
        differences = []
        for _ in range(20):
            ended = parent.runs("fork")
            account = told(tap, ended)
            assert account.cpu_ns == close_to(ended)
            differences.append(abs(account.cpu_ns - ended.cpu_ns))
        assert sorted(differences)[10] < 500_000
        assert account.lifetime_ns >= account.cpu_ns and account.max_rss_bytes is None


def test_all_threads_of_a_program_count_and_are_told_once(parent: Parent) -> None:
    with closing(counting(parent)) as tap:
        for n_threads in (0, 1, 5):
            ended = parent.runs(busy(4, 0, n_threads))
            assert told(tap, ended).cpu_ns == close_to(ended)


def test_grandchildren_count_and_what_their_parents_spent_is_not_theirs(parent: Parent) -> None:
    nested = f"import subprocess; subprocess.run({busy(20, 0)!r})"
    with closing(counting(parent)) as tap:
        ended = parent.runs([sys.executable, "-SIc", nested])
        tap.follow([])
        spent = {r.pid: r.cpu_ns for r in tap.read(clock.now()) if isinstance(r, Spent)}
        assert len(spent) == 2
        # wait4 adds the waited-for children's to their parent's.
        assert sum(spent.values()) == pytest.approx(ended.cpu_ns, rel=0.1)
        assert min(spent[pid] for pid in spent if pid != ended.pid) > 20 * MILLISECOND_NS


def test_a_stranger_is_no_business_of_the_clocks(parent: Parent) -> None:
    with closing(counting(parent)) as tap:
        subprocess.run(busy(1, 0), check=True)
        tap.follow([])
        assert tap.read(clock.now()) == []


def test_losses_are_counted_by_the_kernels_numbers(parent: Parent) -> None:
    if error := taskstats.unavailable():
        pytest.skip(f"needs taskstats: {taskstats.reason_of(error)}")
    with closing(Taskstats(clock.now(), buffer_bytes=1)) as tap:
        n = 60
        for _ in range(n):
            parent.runs("fork")
        tap.follow([])
        for _ in range(8):  # on every CPU some process has to end for its gap to show
            for cpu in os.sched_getaffinity(0):
                subprocess.run(["taskset", "-c", str(cpu), "true"], check=True)
        tap.follow([])
        records = tap.read(clock.now())
    n_told = sum(isinstance(r, Spent) for r in records)
    n_missed = sum(getattr(r, "n", 0) for r in records)
    assert n_missed > 0 and n_told + n_missed >= n
