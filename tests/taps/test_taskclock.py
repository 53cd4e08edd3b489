"""Taskclock: how births and counts become one account of each process.

In: records of two CPUs' buffers, by hand. Out: `Spent`. The real counters are in tests/live.
"""

import errno
import os
import struct
from typing import Any

import pytest

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed, Spent
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import cpus, perf, proc, taskclock
from gwtop.taps.taskclock import Taskclock


class Buffers:
    """Two CPUs' buffers, and who has counters."""

    def __init__(self) -> None:
        self.written = {0: b"", 1: b""}
        self.online = [0, 1]
        self.asleep: set[int] = set()
        """CPUs that are listed and do not run any more."""
        self.now_ns = SECOND_NS
        self.opened: list[tuple[int, int, int, bool]] = []
        self.refused: set[int] = set()

    def open_counter(self, thread: int, cpu: int, what: int, inherited: bool) -> int:
        if thread in self.refused:
            raise OSError(errno.EACCES, "no")
        if cpu in self.asleep:
            raise OSError(errno.ENODEV, "no such device")
        self.opened.append((thread, cpu, what, inherited))
        return os.open(os.devnull, os.O_RDONLY)

    def forked(self, at_ns: int, pid: int, thread: int, cpu: int = 0) -> None:
        body = struct.pack("=IIIIQQ", pid, 1, thread, 1, at_ns, at_ns)
        self.written[cpu] += struct.pack("=IHH", 7, 0, 8 + len(body)) + body

    def told(self, at_ns: int, pid: int, thread: int, *cpu_ns: int) -> None:
        for cpu, spent_ns in enumerate(cpu_ns):
            body = struct.pack("=IIQQ", pid, thread, spent_ns, at_ns)
            self.written[cpu] += struct.pack("=IHH", 8, 0, 8 + len(body)) + body


@pytest.fixture
def buffers(monkeypatch: pytest.MonkeyPatch) -> Buffers:
    made = Buffers()

    class Buffer:
        def __init__(self, cpu: int) -> None:
            if cpu in made.asleep:
                raise OSError(errno.ENODEV, "no such device")
            if made.refused:
                raise OSError(errno.EACCES, "no")
            self.cpu = cpu
            made.written[cpu] = b""

        def takes(self, counter: int) -> None:
            assert counter >= 0

        def unread(self) -> bytes:
            data, made.written[self.cpu] = made.written[self.cpu], b""
            return data

        def close(self) -> None:
            made.written[self.cpu] = b""

    monkeypatch.setattr(cpus, "online", lambda: made.online)
    monkeypatch.setattr(clock, "monotonic_ns", lambda: made.now_ns)
    monkeypatch.setattr(perf, "Buffer", Buffer)
    monkeypatch.setattr(perf, "open_counter", made.open_counter)
    monkeypatch.setattr(proc, "threads", lambda pid: [pid, pid + 1] if pid == 100 else [pid])
    monkeypatch.setattr(clock, "monotonic_offset_ns", lambda: 1_000_000)
    return made


def spent(tap: Taskclock, *followed: int) -> list[Spent]:
    tap.follow(followed)
    records = tap.read(0)
    assert all(isinstance(record, Spent) for record in records)
    return [record for record in records if isinstance(record, Spent)]


def test_a_process_is_told_when_each_cpu_has_told(buffers: Buffers) -> None:
    tap = Taskclock(0)
    buffers.forked(5_000, 200, 200)
    buffers.told(9_000, 200, 200, 700)
    assert spent(tap, 200) == []
    buffers.written[1], buffers.written[0] = b"", b""
    buffers.told(9_100, 200, 200, 55)
    assert spent(tap, 200) == [Spent(1_009_100, 200, 755, None, 4_100)]


def test_its_threads_are_a_part_of_it(buffers: Buffers) -> None:
    tap = Taskclock(0)
    buffers.forked(5_000, 200, 200)
    buffers.forked(6_000, 200, 201, cpu=1)
    buffers.told(7_000, 200, 201, 10, 20)
    assert spent(tap, 200) == []
    buffers.told(8_000, 200, 200, 1, 2)
    (account,) = spent(tap, 200)
    assert (account.cpu_ns, account.lifetime_ns) == (33, 3_000)


def test_a_pid_that_is_used_again_at_once_is_two_processes(buffers: Buffers) -> None:
    tap = Taskclock(0)
    for born_ns, cpu_ns in ((5_000, 11), (7_000, 22)):
        buffers.forked(born_ns, 200, 200, cpu=born_ns // 7_000)
        buffers.told(born_ns + 1_000, 200, 200, cpu_ns, 0)
    assert [(a.cpu_ns, a.lifetime_ns) for a in spent(tap)] == [(11, 1_000), (22, 1_000)]


def test_who_was_there_before_gets_counters_and_no_account(buffers: Buffers) -> None:
    tap = Taskclock(0)
    assert spent(tap, 100) == []
    each = [(-1, perf.DUMMY, False), (0, perf.TASK_CLOCK, True), (1, perf.TASK_CLOCK, True)]
    assert buffers.opened == [(thread, *rest) for thread in (100, 101) for rest in each]
    buffers.forked(5_000, 100, 102)  # a thread of it
    buffers.told(6_000, 100, 102, 9, 9)
    assert spent(tap, 100) == []


def test_who_was_born_counted_gets_no_counter_of_its_own(buffers: Buffers) -> None:
    tap = Taskclock(0)
    spent(tap, 100)
    n_opened = len(buffers.opened)
    buffers.forked(5_000, 200, 200)
    spent(tap, 100, 200)
    assert len(buffers.opened) == n_opened


def test_a_refusal_is_no_end_and_is_not_tried_again(buffers: Buffers) -> None:
    tap = Taskclock(0)
    buffers.refused = {300}
    assert spent(tap, 300) == [] and spent(tap, 300, 400) == []
    assert {thread for thread, *_ in buffers.opened} == {400}


def test_counters_leave_descriptors_for_others(
    buffers: Buffers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(taskclock, "MAX_COUNTERS", 7)
    tap = Taskclock(0)
    spent(tap, 300, 400, 500, 600)
    assert len(buffers.opened) == 6
    tap.close()


def test_after_a_drop_nobody_is_told_short(buffers: Buffers) -> None:
    tap = Taskclock(0)
    buffers.forked(5_000, 200, 200)
    body = struct.pack("=QQQ", 1, 3, 6_000)
    buffers.written[0] += struct.pack("=IHH", 2, 0, 8 + len(body)) + body
    buffers.told(9_000, 200, 200, 700, 55)
    assert spent(tap, 200) == []


def test_a_cpu_that_comes_is_counted_on_and_who_lives_then_is_not_told_short(
    buffers: Buffers,
) -> None:
    tap = Taskclock(0)
    buffers.forked(5_000, 200, 200)
    assert spent(tap, 100, 200) == []
    buffers.online, buffers.now_ns = [0, 1, 2], 3 * SECOND_NS
    buffers.opened.clear()
    assert spent(tap, 100, 200) == []
    assert {(thread, cpu) for thread, cpu, *_ in buffers.opened} == {
        (thread, cpu) for thread in (100, 101, 200) for cpu in (-1, 0, 1, 2)
    }
    buffers.told(9_000, 200, 200, 1, 2, 3)
    buffers.forked(10_000, 300, 300)
    buffers.told(11_000, 300, 300, 10, 20, 30)
    assert [(a.pid, a.cpu_ns) for a in spent(tap, 100)] == [(300, 60)]
    tap.close()


def test_a_cpu_that_comes_when_counting_is_refused_is_told_once(buffers: Buffers) -> None:
    tap = Taskclock(0)
    buffers.forked(5_000, 200, 200)
    buffers.online, buffers.now_ns, buffers.refused = [0, 1, 2], 3 * SECOND_NS, {1000}
    tap.follow([200])
    (note,) = tap.read(0)
    assert isinstance(note, Observed) and note.code == "cpu-uncounted" and "CPU 2" in note.text
    buffers.now_ns += 2 * SECOND_NS
    buffers.told(9_000, 200, 200, 700, 55)
    assert [account.cpu_ns for account in spent(tap)] == [755]
    tap.close()


def test_without_a_list_of_cpus_those_that_were_there_go_on(
    buffers: Buffers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unmounted() -> list[int]:
        raise FileNotFoundError(errno.ENOENT, "no such file")

    tap = Taskclock(0)
    buffers.forked(5_000, 200, 200)
    monkeypatch.setattr(cpus, "online", unmounted)
    buffers.now_ns = 3 * SECOND_NS
    buffers.told(9_000, 200, 200, 700, 55)
    assert [account.cpu_ns for account in spent(tap, 200)] == [755]
    tap.close()


def test_a_cpu_that_has_gone_this_moment_costs_one_look(buffers: Buffers) -> None:
    tap = Taskclock(0)
    buffers.asleep = {1}
    assert spent(tap, 300) == []
    buffers.online = [0]
    assert spent(tap, 300, 400) == []
    assert {(thread, cpu) for thread, cpu, *_ in buffers.opened[2:]} == {
        (thread, cpu) for thread in (300, 400) for cpu in (-1, 0)
    }
    buffers.forked(5_000, 500, 500)
    buffers.told(9_000, 500, 500, 42)
    assert [account.cpu_ns for account in spent(tap, 300, 400)] == [42]
    tap.close()


def test_a_cpu_that_is_gone_when_the_tap_opens_is_left_out(buffers: Buffers) -> None:
    buffers.asleep = {1}
    tap = Taskclock(0)
    buffers.forked(5_000, 200, 200)
    buffers.told(9_000, 200, 200, 700)
    assert [account.cpu_ns for account in spent(tap, 200)] == [700]
    tap.close()


@pytest.mark.parametrize(
    ("code", "state"),
    [
        pytest.param(errno.EACCES, "refused", id="paranoid"),
        pytest.param(errno.EPERM, "refused", id="a sandbox"),
        pytest.param(errno.ENOSYS, "absent", id="no perf events"),
    ],
)
def test_without_counters_the_tap_says_why(
    code: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(cpus, "online", lambda: [0])
    monkeypatch.setattr(perf, "Buffer", refuse)
    tap = taskclock.open_tap(Plan(ports=(9000,)), 0)
    assert tap is not None and tap.state.state == state and tap.state.needs
    assert taskclock.unavailable() is not None
    assert taskclock.open_tap(Plan(), 0) is None
