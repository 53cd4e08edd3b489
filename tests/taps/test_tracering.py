"""A trace ring as one stream: order over CPUs, pauses, and what is left for the next read."""

import errno
import os
import select
from struct import pack

import pytest

from gwtop.taps.tracefs import Instance
from gwtop.taps.tracering import ASLEEP_NS, MAX_PAGES_PER_READ, PAUSE_NS, TraceRing
from tests.taps._trace import RecordedInstance

T = 1_000_000_000


def page(*events: tuple[int, bytes], lost: bool = False) -> bytes:
    """Events of four bytes at T + n."""
    body, at = b"", 0
    for when, data in events:
        body += pack("<I", 1 | (when - at) << 5) + data
        at = when
    return pack("<QQ", T, len(body) | (1 << 31 if lost else 0)) + body


def ring_of(instance: RecordedInstance, quiet: RecordedInstance | None = None) -> TraceRing:
    stand_in: Instance = instance  # type: ignore[assignment]  # as far as a ring asks
    other: Instance | None = quiet  # type: ignore[assignment]
    return TraceRing(stand_in, other)


def test_events_of_two_cpus_come_in_the_order_of_their_time() -> None:
    instance = RecordedInstance(n_cpus=2)
    ring = ring_of(instance)
    instance.put(page((10, b"aaaa"), (30, b"cccc")), cpu=1)
    instance.put(page((20, b"bbbb")), cpu=0)
    told = ring.read(T + 1000)
    assert [(e.at_ns - T, e.data) for e in told] == [(10, b"aaaa"), (20, b"bbbb"), (30, b"cccc")]
    ring.close()
    instance.close()


def test_what_happened_after_the_read_began_waits_for_the_next_one() -> None:
    instance = RecordedInstance()
    ring = ring_of(instance)
    instance.put(page((10, b"past"), (500, b"next")))
    assert [e.data for e in ring.read(T + 100)] == [b"past"]
    assert [e.data for e in ring.read(T + 600)] == [b"next"]
    ring.close()
    instance.close()


def test_an_idle_ring_is_waited_for_and_a_busy_one_left_alone_for_a_while() -> None:
    instance = RecordedInstance()
    ring = ring_of(instance)
    assert ring.fileno() >= 0 and ring.due_at_ns() is None
    instance.put(page((10, b"aaaa")))
    ring.read(T + 100)
    assert ring.fileno() == -1 and ring.due_at_ns() == T + 100 + PAUSE_NS
    ring.read(T + 100 + PAUSE_NS)
    assert ring.fileno() >= 0 and ring.due_at_ns() is None
    ring.close()
    instance.close()


def test_a_cpu_with_more_than_one_reads_worth_holds_the_others_back() -> None:
    instance = RecordedInstance(n_cpus=2)
    ring = ring_of(instance)
    for n in range(MAX_PAGES_PER_READ + 1):
        instance.put(page((n * 10, b"many")), cpu=0)
    instance.put(page((5, b"soon"), (90_000, b"late")), cpu=1)
    told = ring.read(T + 100_000)
    newest = T + (MAX_PAGES_PER_READ - 1) * 10
    assert (told[-1].at_ns, ring.unread_since_ns) == (newest, newest)
    assert ring.due_at_ns() == T + 100_000
    assert [e.data for e in ring.read(T + 100_000)] == [b"many", b"late"]
    assert ring.unread_since_ns is None
    ring.close()
    instance.close()


def test_overwritten_events_of_an_unknown_number_stay_unknown() -> None:
    instance = RecordedInstance()
    ring = ring_of(instance)
    instance.put(page((1, b"aaaa"), lost=True))
    instance.put(page((2, b"bbbb")))
    ring.read(T + 100)
    assert ring.n_missed is None
    ring.close()
    instance.close()


def test_a_quiet_instance_is_read_along_and_wakes_nobody() -> None:
    instance, quiet = RecordedInstance(), RecordedInstance()
    ring = ring_of(instance, quiet)
    quiet.put(page((10, b"born"), (30, b"late")))
    assert not select.select([ring.fileno()], [], [], 0)[0]
    instance.put(page((20, b"read")))
    assert select.select([ring.fileno()], [], [], 0)[0]
    assert [event.data for event in ring.read(T + 100)] == [b"born", b"read", b"late"]
    ring.close()
    instance.close()
    quiet.close()


def test_a_cpu_that_was_never_there_is_left_alone_and_followed_when_it_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    instance = RecordedInstance(n_cpus=2)
    absent = instance.open_pipes()[1]
    instance.put(page((20, b"come")), cpu=1)  # its file says that it is ready, as the kernel does
    ring = ring_of(instance)
    is_there, really_read = False, os.read

    def read(descriptor: int, n_bytes: int) -> bytes:
        if descriptor == absent and not is_there:
            raise OSError(errno.ENODEV, "no such device")
        return really_read(descriptor, n_bytes)

    monkeypatch.setattr(os, "read", read)
    instance.put(page((10, b"here")), cpu=0)
    assert [event.data for event in ring.read(T + 100)] == [b"here"]
    assert ring.read(T + 200) == [] and ring.fileno() >= 0
    assert not select.select([ring.fileno()], [], [], 0)[0]
    is_there = True
    assert ring.read(T + 300) == []
    assert [event.data for event in ring.read(T + 300 + ASLEEP_NS)] == [b"come"]
    ring.close()
    instance.close()


def test_a_cpu_that_stays_away_is_tried_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    instance = RecordedInstance()
    instance.put(page((10, b"here")))
    ring = ring_of(instance)
    n_tries = 0

    def refuse(descriptor: int, n_bytes: int) -> bytes:
        nonlocal n_tries
        n_tries += 1
        raise OSError(errno.ENODEV, "no such device")

    monkeypatch.setattr(os, "read", refuse)
    for milliseconds in range(0, 2_500, 100):
        assert ring.read(T + milliseconds * 1_000_000) == []
    assert n_tries <= 4 and ring.n_missed == 0
    ring.close()
    instance.close()
