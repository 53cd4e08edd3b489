"""One exchange by itself: the order of what it tells, and what it says about itself."""

import pytest

from gwtop.nouns.events import (
    Aborted,
    Body,
    Control,
    Event,
    Remark,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
)
from gwtop.nouns.wire import Side
from gwtop.protocols._base import CUT_HEAD
from gwtop.protocols._fastcgi_exchange import MAX_RECORDS_NOTED, Exchange
from gwtop.protocols._fastcgi_wire import PARAMS, STDERR, STDIN, STDOUT
from tests.protocols.samples_fastcgi import end, variables

END = end()[8:]


def exchange(*params: bytes) -> tuple[Exchange, list[Event]]:
    made, events = Exchange(1, 5, 1, True), list[Event]()
    for n, piece in enumerate(params):
        if n:
            made.begin_record()
        made.add_params(piece, events)
    return made, events


def names(events: list[Event]) -> list[str]:
    return [type(e).__name__ for e in events]


def test_params_wait_for_their_end() -> None:
    made, events = exchange(variables())
    assert (events, made.held_bytes()) == ([], len(variables()))
    made.tell_head(True, events)
    block = variables()
    assert events == [RequestHead(1, 5, b"GET", b"/", True, len(block), block)]
    assert made.held_bytes() == 0


def test_params_after_a_cut_head_are_counted_and_not_read() -> None:
    made, events = exchange(b"ab")
    made.tell_head(False, events)
    made.add_params(b"cde", events)
    assert events[1:] == [Control(1, Side.CLIENT, CUT_HEAD, 3)]


def test_an_answer_before_the_heads_end_cuts_it() -> None:
    made, events = exchange(variables())
    made.add_stdout(b"A: b\r\n\r\nx", 7, events)
    assert names(events) == ["RequestHead", "ResponseHead", "Body"]


def test_record_boundaries_are_noted_to_a_limit() -> None:
    made, _ = exchange(*[b"\0\0"] * (MAX_RECORDS_NOTED + 9))
    assert made.cuts is not None and len(made.cuts) == MAX_RECORDS_NOTED


def test_a_request_ends_once() -> None:
    made, events = exchange()
    made.end_request(events)
    made.end_request(events)
    assert events == [RequestEnd(1)]


@pytest.mark.parametrize(
    ("kind", "in_body", "touched"),
    [(STDIN, True, False), (STDOUT, True, False), (STDERR, False, True), (PARAMS, False, True)],
)
def test_a_hole_hurts_what_it_lies_in(kind: int, in_body: bool, touched: bool) -> None:
    made, events = exchange(variables())
    made.add_stdout(b"Content-Length: 9\r\n\r\n", 7, events)
    assert made.lose(kind, 9, events) is in_body
    assert made.touched is touched
    made.stdout_closed = True
    made.end_answer(END, events)
    said = [e.code for e in events if isinstance(e, Remark)]
    assert said == (["content-length-mismatch"] if kind == STDIN else [])


def test_a_hole_in_the_answers_head_hides_where_the_body_begins() -> None:
    made, events = exchange(variables())
    made.add_stdout(b"Status: 404 N\r\nA", 7, events)
    assert made.lose(STDOUT, 9, events) is False
    made.add_stdout(b"bcd", 8, events)
    assert events[1:] == [
        ResponseHead(1, 7, 404, 16, b"Status: 404 N\r\nA"),
        Control(1, Side.SERVER, CUT_HEAD, 3),
    ]


def test_an_end_cut_by_a_hole_is_an_end() -> None:
    made, events = exchange(variables())
    made.end_answer(b"\0\0\0", events)
    assert names(events) == ["RequestHead", "ResponseEnd"] and made.touched and made.over


def test_a_head_without_end_is_body() -> None:
    made, events = exchange(variables())
    made.add_stdout(b"Status: 200\r\n", 7, events)
    made.stdout_closed = True
    made.end_answer(END, events)
    assert names(events)[1:] == ["ResponseHead", "Remark", "Body", "ResponseEnd"]
    assert events[3] == Body(1, Side.SERVER, b"Status: 200\r\n")


@pytest.mark.parametrize(("closed", "last"), [(True, ResponseEnd(1, False)), (False, Aborted(1))])
def test_without_end_request_the_closed_stdout_decides(closed: bool, last: Event) -> None:
    made, events = exchange(variables())
    made.add_stdout(b"A: b\r\n\r\nx", 7, events)
    made.stdout_closed = closed
    made.break_off(events)
    assert events[-1] == last and made.over
