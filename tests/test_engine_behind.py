"""The end of a run on a busy machine: what the taps are behind with is read, or told as missed.

Taps, tracker and sink are the fakes of test_engine.
"""

from dataclasses import replace

import pytest

from gwtop.nouns import records
from gwtop.nouns.times import MILLISECOND_NS
from tests.test_engine import LIVE, FakeTap, FakeTracker, ListSink, observed, run, types


def test_what_a_tap_is_behind_with_at_the_end_is_read() -> None:
    sink = ListSink()
    tap = FakeTap(batches=[[observed("a")], [observed("b")], [observed("c")]])
    tap.behind_at = 1
    tap.on_read = lambda: is_behind_until_its_last(tap)
    assert run(tap, FakeTracker(), sink, replace(LIVE, for_ns=0)) == 0
    assert types(sink.told) == ["Hello", "a", "b", "c", "Summary"]


def is_behind_until_its_last(tap: FakeTap) -> None:
    tap.behind_at = 1 if len(tap.batches) > 1 else None


def test_what_nobody_had_time_to_read_at_the_end_is_told_as_missed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gwtop.engine.REST_NS", MILLISECOND_NS)
    tap, tracker = FakeTap(), FakeTracker()
    tap.state = records.TapState(0, "fake", "open", None, ("process_events",))
    tap.behind_at = 1
    run(tap, tracker, plan=replace(LIVE, for_ns=0))
    lost = [record for record in tracker.seen if isinstance(record, records.Missed)]
    assert [(one.tap, one.what, one.n) for one in lost] == [("fake", "process_events", None)]
