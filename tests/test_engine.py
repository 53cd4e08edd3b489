"""The engine's loop: order, timers, reasons to stop, slow and dead readers, wishes, its own faults.

Taps, tracker and sink are fakes that do what they are told; the poll, the pipes and the signals
are real.
"""

import os
import signal
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import pytest

from gwtop.cli.signals import Signals
from gwtop.cli.wishes import WishReader
from gwtop.engine import Engine
from gwtop.errors import GwtopError
from gwtop.nouns import facts, records
from gwtop.nouns.anatomy import Anatomy
from gwtop.nouns.facts import Fact
from gwtop.nouns.plan import Plan
from gwtop.nouns.run import Driven, Terms
from gwtop.nouns.times import MILLISECOND_NS, Nanos
from gwtop.outputs.jsonl import JsonLines
from gwtop.tracker import anatomy

AT = "2026-11-22T06:00:42.123456789Z"
MISSING = facts.Missing(0, 0, 0, 0)
LIVE = Plan(ports=(9000,))


def note(code: str, text: str = "") -> facts.Note:
    return facts.Note(AT, code, "info", text, None, None)


def tick() -> facts.Tick:
    return facts.Tick(AT, 0, MISSING, [], None, None, [], None, None, [])


def summary() -> facts.Summary:
    nothing = facts.Percentiles(None, None, None, None)
    return facts.Summary(
        AT, 0, 0, {}, {}, nothing, None, 0, 0, None, 0, None, None, {}, 0, 0, MISSING, {}
    )


@dataclass
class FakeTap:
    """Readable as long as its pipe holds a byte; each read gives the next batch."""

    name: str = "fake"
    batches: list[list[records.Record]] = field(default_factory=list)
    polls: bool = False
    ended: bool = False
    openness: str = "open"
    needs: str | None = None
    followed: list[frozenset[int]] = field(default_factory=list)
    n_closed: int = 0
    on_read: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.write(self.write_fd, b"x" * len(self.batches))
        self.state = records.TapState(0, self.name, self.openness, self.needs)  # type: ignore[arg-type]
        self.behind_at: int | None = None

    def fileno(self) -> int:
        return -1 if self.polls or self.openness != "open" else self.read_fd

    def due_at(self) -> Nanos | None:
        return 0 if self.polls and self.batches else None

    def read(self, now: Nanos) -> list[records.Record]:
        if not self.batches:
            return []
        if not self.polls:
            os.read(self.read_fd, 1)
        self.on_read()
        batch = self.batches.pop(0)
        self.ended = not self.batches
        return batch

    def follow(self, pids: Collection[int]) -> None:
        self.followed.append(frozenset(pids))

    def set_ports(self, ports: tuple[int, ...]) -> None:
        """Sees every port anyhow."""

    def close(self) -> None:
        self.n_closed += 1
        if self.n_closed == 1:
            os.close(self.read_fd)
            os.close(self.write_fd)


@dataclass
class FakeTracker:
    """An `Observed` becomes a note; a `Forked` grows the tree."""

    wanted: int | None = None
    waits_until: Nanos | None = None
    fails_at: str | None = None
    tell_connections: bool = False
    calls: list[str] = field(default_factory=list)
    seen: list[records.Record] = field(default_factory=list)
    pids: frozenset[int] = frozenset()
    tree_version: int = 0
    ports: tuple[int, ...] = ()

    @property
    def satisfied(self) -> bool:
        n = sum(isinstance(record, records.Observed) for record in self.seen)
        return self.wanted is not None and n >= self.wanted

    def begin(self, at: Nanos) -> None:
        self.calls.append("begin")

    def ingest(self, record: records.Record) -> list[Fact]:
        self.seen.append(record)
        match record:
            case records.Observed(code=code) if code == self.fails_at:
                raise ZeroDivisionError(code)
            case records.Observed(code=code, text=text):
                return [note(code, text)]
            case records.Forked(pid=pid):
                self.pids |= {pid}
                self.tree_version += 1
            case records.Tick():
                return [tick()]
        return []

    def settle(self, at: Nanos) -> list[Fact]:
        self.calls.append("settle")
        self.waits_until = None
        return [note("settled")]

    def due_at(self) -> Nanos | None:
        return self.waits_until

    def finish(self, at: Nanos) -> list[Fact]:
        self.calls.append("finish")
        return [summary()]

    def watched_pids(self) -> frozenset[int]:
        return self.pids

    def watch(self) -> list[facts.Watched]:
        return [facts.Watched("127.0.0.1:9000", None)]

    def anatomy(self, seen: Anatomy) -> facts.ProcessDetail:
        return anatomy.told(seen, SimpleNamespace(born_at=None), [], False)

    def detail(self, id: int) -> facts.Detail:
        return facts.Detail(id, False, [], "")

    def set_ports(self, ports: tuple[int, ...]) -> None:
        self.ports = ports


@dataclass
class ListSink:
    told: list[Fact] = field(default_factory=list)
    closed: bool = False
    queued_bytes: int = 0
    is_full: bool = False
    dropped: tuple[int, int] = (0, 0)
    on_put: Callable[[Fact], None] = lambda fact: None

    def fileno(self) -> int:
        return -1

    def put(self, facts: list[Fact]) -> None:
        for fact in facts:
            self.told.append(fact)
            self.on_put(fact)

    def flush(self) -> None:
        pass

    def take_dropped(self) -> tuple[int, int]:
        dropped, self.dropped = self.dropped, (0, 0)
        return dropped


def observed(code: str) -> records.Record:
    return records.Observed(0, code, "info", "")


def types(told: list[Fact]) -> list[str]:
    return [f.code if isinstance(f, facts.Note) else type(f).__name__ for f in told]


def run(
    tap: FakeTap,
    tracker: FakeTracker | None = None,
    sink: object = None,
    plan: Plan = LIVE,
    **terms: object,
) -> int:
    with Signals() as signals:
        given = Terms(signals=signals, **terms)  # type: ignore[arg-type]
        core = FakeTracker() if tracker is None else tracker
        return Engine(plan, [tap], core, sink or ListSink(), given).run()  # type: ignore[arg-type, list-item]


def test_hello_is_first_and_summary_last() -> None:
    sink = ListSink()
    assert run(FakeTap(batches=[[observed("a")]]), FakeTracker(wanted=1), sink) == 0
    assert types(sink.told) == ["Hello", "a", "Summary"]


def test_who_was_there_before_is_followed_before_hello_and_told_after_it() -> None:
    tap = FakeTap(polls=True, batches=[[records.Forked(0, 7, 1), observed("seen")]])
    tracker, sink = FakeTracker(wanted=1), ListSink()
    run(tap, tracker, sink)
    assert types(sink.told) == ["Hello", "seen", "Summary"]
    assert tap.followed[0] == {7}
    assert isinstance(tracker.seen[0], records.TapState)


def test_the_load_starts_after_hello() -> None:
    sink = ListSink()
    heard: list[list[str]] = []

    def start() -> None:
        heard.append(types(sink.told))

    run(FakeTap(batches=[[observed("a")]]), FakeTracker(wanted=1), sink, on_hello=start)
    assert heard == [["Hello"]]


def test_no_open_tap_is_an_error_that_names_what_is_needed() -> None:
    tap = FakeTap(name="ring", openness="refused", needs="CAP_NET_RAW")
    with pytest.raises(GwtopError, match="ring needs CAP_NET_RAW"):
        run(tap)
    assert tap.n_closed == 1


def test_taps_follow_the_tree_as_it_grows() -> None:
    tap = FakeTap(batches=[[records.Forked(0, 7, 1)], [records.Forked(0, 8, 7)], [observed("a")]])
    run(tap, FakeTracker(wanted=1))
    assert tap.followed == [frozenset(), {7}, {7, 8}]


def test_a_run_for_so_long_ends_and_ticks_meanwhile() -> None:
    reads, writes = os.pipe()
    os.write(writes, b'{"wish":"tick","seconds":0.05}\n')
    sink, plan = ListSink(), replace(LIVE, for_ns=200 * MILLISECOND_NS)
    assert run(FakeTap(), sink=sink, plan=plan, wishes=WishReader(reads, False)) == 0
    assert 2 <= types(sink.told).count("Tick") <= 4
    os.close(reads)
    os.close(writes)


def test_what_is_due_is_settled() -> None:
    tracker, sink = FakeTracker(waits_until=1), ListSink()
    run(FakeTap(), tracker, sink, replace(LIVE, for_ns=MILLISECOND_NS))
    assert types(sink.told) == ["Hello", "settled", "Summary"]


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_the_run_with_the_summary(number: signal.Signals, status: int) -> None:
    sink = ListSink()
    tap = FakeTap(batches=[[observed("a")]], on_read=lambda: os.kill(os.getpid(), number))
    assert run(tap, sink=sink) == status
    assert types(sink.told) == ["Hello", "a", "Summary"]


def test_a_reader_that_goes_ends_an_idle_run() -> None:
    reads, writes = os.pipe()

    def leave() -> None:
        os.close(reads)

    assert run(FakeTap(), sink=JsonLines(writes), on_hello=leave) == 0
    os.close(writes)


def test_the_end_of_a_load_ends_the_run_when_all_is_quiet() -> None:
    reads, writes = os.pipe()
    os.close(writes)  # the load has ended
    load: Driven = SimpleNamespace(fileno=lambda: reads)
    sink = ListSink()
    assert run(FakeTap(batches=[[observed("a")]]), sink=sink, on_hello=lambda: load) == 0
    assert types(sink.told) == ["Hello", "a", "Summary"]
    os.close(reads)


def test_a_subject_that_has_ended_is_a_failure() -> None:
    assert run(FakeTap(), has_lost_its_subject=lambda: True) == 1


def test_the_end_of_our_screens_wishes_ends_the_run() -> None:
    with open(os.devnull, "rb") as nothing:
        assert run(FakeTap(), wishes=WishReader(nothing.fileno(), ends_the_run=True)) == 0


def test_the_end_of_anybody_elses_wishes_does_not() -> None:
    plan = replace(LIVE, for_ns=50 * MILLISECOND_NS)
    sink = ListSink()
    with open(os.devnull, "rb") as nothing:
        reader = WishReader(nothing.fileno(), ends_the_run=False)
        run(FakeTap(batches=[[observed("a")]]), sink=sink, plan=plan, wishes=reader)
    assert reader.ended
    assert types(sink.told) == ["Hello", "a", "Summary"]


def wish(*lines: bytes, **known: frozenset[int]) -> tuple[FakeTracker, ListSink]:
    reads, writes = os.pipe()
    os.write(writes, b"\n".join((*lines, b"")))
    os.close(writes)
    tracker, sink = FakeTracker(**known), ListSink()
    run(FakeTap(), tracker, sink, wishes=WishReader(reads, ends_the_run=True))
    os.close(reads)
    return tracker, sink


def test_a_detail_is_told() -> None:
    _, sink = wish(b'{"wish":"detail","id":7}')
    assert facts.Detail(7, False, [], "") in sink.told


def test_a_process_is_looked_at_when_it_is_of_the_watched_tree() -> None:
    for ours in (frozenset({os.getpid()}), frozenset[int]()):
        _, sink = wish(b'{"wish":"process","pid":%d}' % os.getpid(), pids=ours)
        assert [f.state is not None for f in sink.told if hasattr(f, "start_ticks")] == [bool(ours)]


def test_connections_are_told_when_wished() -> None:
    tracker, _ = wish(b'{"wish":"connections","on":true}')
    assert tracker.tell_connections


def test_another_port_is_watched_too() -> None:
    tracker, _ = wish(b'{"wish":"watch","port":3031}')
    assert tracker.ports == (9000, 3031)


def test_a_wish_that_no_tap_can_grant_is_a_note() -> None:
    _, sink = wish(b'{"wish":"copy","bytes":512}')
    assert types(sink.told) == ["Hello", "wish-unmet", "Summary"]


def test_a_bad_wish_is_a_note() -> None:
    _, sink = wish(b"gold", b'{"wish":"detail","id":7}')
    assert types(sink.told) == ["Hello", "bad-wish", "Detail", "Summary"]


def test_what_a_slow_reader_was_not_given_is_missed() -> None:
    tracker, sink = FakeTracker(), ListSink(dropped=(3, 2))
    run(FakeTap(), tracker, sink, replace(LIVE, for_ns=MILLISECOND_NS))
    missed = [(r.what, r.n) for r in tracker.seen if isinstance(r, records.Missed)]
    assert missed == [("requests", 3), ("process_events", 2)]


FILE = Plan(file="x.pcap")


def test_a_file_is_read_to_its_end() -> None:
    sink = ListSink()
    tap = FakeTap(polls=True, batches=[[observed("a")], [observed("b")]])
    assert run(tap, sink=sink, plan=FILE) == 0
    assert types(sink.told) == ["Hello", "a", "b", "Summary"]


def test_a_file_waits_for_a_slow_reader() -> None:
    reads, writes = os.pipe()
    sink = JsonLines(writes)
    big = records.Observed(0, "big", "info", "x" * 1_200_000)  # fills the queue at once
    fullness: list[bool] = []

    def look() -> None:
        fullness.append(sink.is_full)

    tap = FakeTap(polls=True, batches=[[big], [big], [big]], on_read=look)
    child = os.fork()
    if child == 0:  # the slow reader
        os.close(writes)
        n_bytes = 0
        while data := os.read(reads, 65536):
            n_bytes += len(data)
        os._exit(0 if n_bytes > 3_600_000 else 1)
    os.close(reads)
    assert run(tap, sink=sink, plan=FILE) == 0
    os.close(writes)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert fullness == [False, False, False]


def test_a_fault_of_ours_is_told_and_leaves_a_summary() -> None:
    tap = FakeTap(batches=[[observed("bad")], [observed("after")]])
    sink = ListSink()
    with pytest.raises(GwtopError, match=r"gwtop itself failed \(ZeroDivisionError\)"):
        run(tap, FakeTracker(fails_at="bad"), sink)
    assert types(sink.told)[:2] == ["Hello", "engine-failed"]
    assert types(sink.told)[-1] == "Summary"
    assert tap.n_closed == 1
