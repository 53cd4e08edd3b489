"""An answer that the close ends: its head, its body, and what is said of its length."""

import pytest

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Control,
    Event,
    Hole,
    Remark,
    ResponseEnd,
    ResponseHead,
)
from gwtop.nouns.wire import Side
from gwtop.protocols._base import CUT_HEAD
from gwtop.protocols._closing_answer import ClosingAnswer


def fed(*pieces: bytes | int, method: bytes | None = b"GET") -> list[Event]:
    """A number is a gap."""
    answer, events = ClosingAnswer(), list[Event]()
    for n, piece in enumerate(pieces):
        if isinstance(piece, int):
            answer.lost(piece, events)
        else:
            answer.feed(piece, n, method, events)
    answer.close(events)
    assert answer.held_bytes() == 0
    return events


def codes(events: list[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, Remark)]


def test_the_close_ends_an_answer() -> None:
    assert fed(b"A: b\n", b"\nx", b"y") == [
        ResponseHead(0, 0, 200, 6, b"A: b\n\n"),
        Body(0, Side.SERVER, b"x"),
        Body(0, Side.SERVER, b"y"),
        ResponseEnd(0, False),
    ]


def test_no_answer_at_all_is_an_abort() -> None:
    assert fed() == [Aborted(0)]


@pytest.mark.parametrize("data", [b"<html>", b"Stat"])
def test_an_answer_without_header_block_is_body_and_said(data: bytes) -> None:
    events = fed(data)
    assert codes(events) == ["no-answer-header"]
    assert events[0] == ResponseHead(0, 0, None, 0, b"")
    assert Body(0, Side.SERVER, data) in events


@pytest.mark.parametrize(
    ("data", "status"),
    [(b"Status: 201\r\n", 201), (b"X: y\r\nStat", None), (b"HTTP/1.1 2", None)],
)
def test_a_head_that_the_close_cuts_is_no_end_of_an_answer(data: bytes, status: int | None) -> None:
    assert fed(data) == [ResponseHead(0, 0, status, len(data), data), Aborted(0)]


@pytest.mark.parametrize(
    ("head", "method", "said"),
    [
        (b"Content-Length: 3\n\n", b"GET", True),
        (b"Content-Length: 1\n\n", b"GET", False),
        (b"Content-Length: 3\n\n", b"HEAD", False),
        (b"Status: 304\nContent-Length: 3\n\n", b"GET", False),
    ],
)
def test_a_length_that_differs_is_said(head: bytes, method: bytes, said: bool) -> None:
    assert bool(codes(fed(head + b"x", method=method))) == said


def test_a_gap_in_the_body_is_body() -> None:
    events = fed(b"Content-Length: 9\n\nxx", 5, b"yy")
    assert Hole(0, Side.SERVER, 5, True) in events and not codes(events)


def test_a_gap_in_the_head_keeps_what_was_seen() -> None:
    assert fed(b"Status: 404\nA", 5, b"yy") == [
        ResponseHead(0, 0, 404, 13, b"Status: 404\nA"),
        Hole(0, Side.SERVER, 5, False),
        Control(0, Side.SERVER, CUT_HEAD, 2),
        ResponseEnd(0, False),
    ]


def test_a_length_that_is_reached_ends_the_answer_and_what_follows_is_none_of_it() -> None:
    events = fed(b"Content-Length: 2\n\na", b"bc", b"d")
    assert events[1:3] == [Body(0, Side.SERVER, b"a"), Body(0, Side.SERVER, b"b")]
    assert events[3] == ResponseEnd(0, False) and events.count(events[3]) == 1
    assert [e.n_bytes for e in events if isinstance(e, Confused)] == [1, 1]
    assert codes(events) == ["content-length-mismatch"]  # once, however the rest is cut


def test_a_gap_can_reach_the_length_and_more() -> None:
    events = fed(b"Content-Length: 4\n\na", 5)
    assert events[2:] == [
        Hole(0, Side.SERVER, 3, True),
        ResponseEnd(0, False),
        Hole(0, Side.SERVER, 2, False),
    ]


@pytest.mark.parametrize("method", [b"HEAD", None])
def test_without_the_method_or_with_head_a_length_ends_nothing(method: bytes | None) -> None:
    events = fed(b"Content-Length: 0\n\n", method=method)
    assert events[-1] == ResponseEnd(0, False) and not codes(events)
    assert len(events) == 2
