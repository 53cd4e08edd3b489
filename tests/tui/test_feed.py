"""The feed: slices, lines that are no facts, and the end."""

import pytest

from gwtop.model import Model
from gwtop.tui.feed import FREEZE_LINES, SLICE_LINES, Feed
from tests.screens._facts import T0, pool, request, summary
from tests.screens._stage import Script


def test_a_slice_is_bounded_and_says_whether_more_waits() -> None:
    script = Script([request(n, T0 + n) for n in range(SLICE_LINES + 1)])
    feed = Feed(script, Model())
    assert feed.next_slice() and feed.model.requests.n_told == SLICE_LINES
    assert not feed.next_slice() and feed.model.requests.n_told == SLICE_LINES + 1


def test_what_is_no_fact_is_counted_and_what_is_of_next_year_is_not() -> None:
    script = Script(pool())
    script.lines.extend([b"no json", b'{"type":"request"}', b'{"type":"of_next_year"}'])
    script.n_dropped = 5
    feed = Feed(script, Model())
    while feed.next_slice():
        pass
    assert feed.model.n_unread == 7


def test_an_end_without_a_summary_was_cut_off() -> None:
    script = Script([request(1, T0)])
    feed = Feed(script, Model())
    script.ended = True
    assert not feed.has_ended, "a line still waits"
    feed.next_slice()
    assert feed.has_ended and feed.was_cut_off
    script.add([summary(T0, 1)])
    feed.next_slice()
    assert feed.has_ended and not feed.was_cut_off


def test_the_collector_is_told_to_leave_alone_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("gc.collect", lambda generation: told.append(f"collect {generation}"))
    monkeypatch.setattr("gc.freeze", lambda: told.append("freeze"))
    feed = Feed(Script([request(n, T0 + n) for n in range(2 * FREEZE_LINES)]), Model())
    while feed.next_slice():
        pass
    assert told[:2] == ["collect 1", "freeze"] and 1 <= told.count("freeze") <= 2
