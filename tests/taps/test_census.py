"""The census on a made-up machine: who is present, who is left to `births`, who was lost.

psutil is replaced by the same table. In tests/live it looks at real processes.
"""

from types import SimpleNamespace

import psutil
import pytest

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Exited, Forked, Missed, Observed, Present, Sampled
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import census
from gwtop.taps.census import Census

MS = 1_000_000
OPENED = 100 * SECOND_NS


@pytest.fixture
def server(machine, monkeypatch: pytest.MonkeyPatch):
    """A master 100 with a worker 101 on port 9000, and psutil that knows the same people."""
    machine.born(100, 50, 10 * SECOND_NS)
    machine.listens(100, 9000, 7)
    machine.forked(101, 100, 20 * SECOND_NS)
    monkeypatch.setattr(psutil, "Process", lambda pid: known(machine, pid))
    return machine


def known(machine, pid: int) -> SimpleNamespace:
    if pid not in machine.people:
        raise psutil.NoSuchProcess(pid)
    return SimpleNamespace(
        is_running=lambda: pid in machine.people,
        oneshot=lambda: pytest.MonkeyPatch.context(),
        cpu_times=lambda: SimpleNamespace(user=1.23, system=0.02),
        status=lambda: psutil.STATUS_SLEEPING,
        num_threads=lambda: 3,
        memory_info=lambda: SimpleNamespace(rss=4096),
        num_fds=lambda: 5,
    )


def opened(no_births: str | None = None) -> Census:
    return Census(Plan(ports=(9000,)), OPENED, no_births)


def pids(records: list, kind: type) -> list[int]:
    return [record.pid for record in records if isinstance(record, kind)]


def test_the_tree_is_present_oldest_first_and_sampled(server) -> None:
    records = opened().read(OPENED)
    assert pids(records, Present) == [100, 101]
    person = (100, 50, 10 * SECOND_NS, (b"srv",), b"/srv", b"srv", True)
    assert records[0] == Present(OPENED, *person, listens=frozenset({"127.0.0.1:9000"}))
    looks = (1_250 * MS, 4096, 3, 5, "S", True)
    assert records[2] == Sampled(OPENED, 100, *looks, listens=frozenset({"127.0.0.1:9000"}))


def test_samples_come_once_a_second_and_of_the_tree_only(server) -> None:
    tap = opened()
    tap.read(OPENED)
    tap.follow({100})
    assert tap.due_at() == OPENED + SECOND_NS
    assert tap.read(OPENED + 10 * MS) == []
    assert pids(tap.read(OPENED + SECOND_NS), Sampled) == [100]


def test_who_was_born_after_we_opened_is_left_to_births(server) -> None:
    server.born(102, 100, OPENED + 20 * MS, (b"cgi",), b"/cgi")
    assert pids(opened().read(OPENED + 50 * MS), Present) == [100, 101]


def test_a_server_that_comes_later_is_present_with_its_old_workers(server) -> None:
    server.stops_listening(7)
    tap = opened()
    assert [r.code for r in tap.read(OPENED) if isinstance(r, Observed)] == ["listener-awaited"]
    server.born(200, 50, OPENED + 100 * MS)
    server.listens(200, 9000, 8)
    server.forked(201, 200, OPENED + 150 * MS)
    assert pids(tap.read(OPENED + 250 * MS), Present) == [200]  # 201's fork is kept by births
    server.forked(202, 200, OPENED + 9 * SECOND_NS)
    tap.follow({200})
    late = tap.read(OPENED + 10 * SECOND_NS)
    assert pids(late, Present) == [201]


def test_a_zombie_is_not_present(server) -> None:
    server.state(101, "Z")
    assert pids(opened().read(OPENED), Present) == [100]


def test_who_is_absent_from_two_samples_has_exited_somehow(server) -> None:
    tap = opened()
    tap.read(OPENED)
    tap.follow({100, 101})
    server.dies(101)
    assert pids(tap.read(OPENED + SECOND_NS), Exited) == []
    later = OPENED + 2 * SECOND_NS
    assert Exited(later, 101, None, None) in tap.read(later)
    assert pids(tap.read(OPENED + 3 * SECOND_NS), Exited) == []


def test_without_process_events_it_polls_and_says_what_that_misses(server) -> None:
    tap = opened(no_births="a container")
    first = tap.read(OPENED)
    said = [r for r in first if isinstance(r, Observed)]
    assert [(s.code, s.severity) for s in said] == [("births-polled", "warn")]
    assert "100 ms" in said[0].text and "a container" in said[0].text
    assert Missed(OPENED, "census", "process_events", None) in first
    tap.follow({100, 101})
    assert tap.due_at() == OPENED + 100 * MS
    server.born(102, 101, OPENED + 40 * MS, (b"cgi",), b"/cgi")
    assert pids(tap.read(OPENED + 100 * MS), Forked) == [102]


def test_whose_descriptors_are_hidden_may_hold_the_listener(server) -> None:
    server.people[101].hidden = True
    present = [r for r in opened().read(OPENED) if isinstance(r, Present)]
    assert [(p.pid, p.holds_listener) for p in present] == [(100, True), (101, None)]


def test_a_plan_that_names_nothing_asks_for_no_census() -> None:
    assert census.open_tap(Plan(), 0) is None
