"""The server's half of an HTTP connection by itself: which request an answer belongs to."""

import pytest

from gwtop.nouns.events import Body, Event, Hole, ResponseEnd, ResponseHead
from gwtop.nouns.wire import Side
from gwtop.protocols._http_answers import Answers
from gwtop.protocols._lane import Lane

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def answers(*methods: bytes) -> Answers:
    made = Answers(Lane(Side.CLIENT, True), True)
    for method in methods:
        made.ask(method, [])
    return made


def read(reader: Answers, data: bytes) -> list[Event]:
    out: list[Event] = []
    while data:
        data = reader.step(data, 1, out)
    return out


def kinds(events: list[Event]) -> list[type]:
    return [type(e) for e in events]


def test_answers_are_read_in_the_order_of_the_questions() -> None:
    told = read(answers(b"GET", b"HEAD"), OK + OK[:-2])
    assert kinds(told) == [ResponseHead, Body, ResponseEnd, ResponseHead, ResponseEnd]


def test_open_answers_are_given_up_when_a_request_follows_a_gap() -> None:
    reader, out = answers(b"GET", b"GET"), list[Event]()
    reader.lost(9, out)
    reader.ask(b"GET", out)
    assert kinds(out) == [Hole, Hole, ResponseEnd, Hole, ResponseEnd] and len(reader.asked) == 1
    told = read(reader, b"rest\n" + OK)
    assert Hole(0, Side.SERVER, 0, False) in told  # pipelined: this one is in doubt, too


@pytest.mark.parametrize("end", [b"\r\n\r\n", b"\r\nA: b\r\n\r\n"])
def test_without_a_length_the_close_ends_the_answer(end: bytes) -> None:
    reader = answers(b"GET")
    out = read(reader, b"HTTP/1.1 200 OK" + end + b"abc")
    reader.close(out)
    assert kinds(out) == [ResponseHead, Body, ResponseEnd] and reader.held_bytes() == 0


def test_a_head_that_the_close_cuts_is_told_as_it_came() -> None:
    reader = answers(b"GET")
    out = read(reader, b"HTTP/1.1 200 OK\r\nCont")
    reader.close(out)
    assert out == [ResponseHead(0, 1, 200, 21, b"HTTP/1.1 200 OK\r\nCont")]
