"""The server's half of a uwsgi connection by itself: where an answer ends."""

import pytest

from gwtop.nouns.events import Event, Hole, Remark, ResponseEnd, ResponseHead
from gwtop.nouns.wire import Side
from gwtop.protocols._uwsgi_answers import Answers, Asked

HEAD = b"HTTP/1.1 200 OK\r\n"


def ends(method: bytes, answer: bytes) -> bool:
    """Whether the answer is over before anybody closes."""
    reader, out = Answers(True), list[Event]()
    reader.ask(Asked(method, 100, True), out)
    while answer:
        answer = reader.step(answer, 1, out)
    return any(isinstance(e, ResponseEnd) for e in out)


@pytest.mark.parametrize(
    ("method", "answer", "over"),
    [
        (b"GET", HEAD + b"\r\nabc", False),
        (b"GET", HEAD + b"Content-Length: 3\r\n\r\nab", False),
        (b"GET", HEAD + b"Content-Length: 3\r\n\r\nabc", True),
        (b"GET", HEAD + b"Content-Length: 0\r\n\r\n", True),
        (b"HEAD", HEAD + b"Content-Length: 0\r\n\r\n", False),
        (b"HEAD", HEAD + b"Connection: keep-alive\r\nContent-Length: 9\r\n\r\n", True),
        (b"GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n", False),
        (b"GET", HEAD + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", False),
    ],
)
def test_where_an_answer_ends(method: bytes, answer: bytes, over: bool) -> None:
    assert ends(method, answer) is over


def test_a_gap_in_an_answer_without_length_is_body() -> None:
    reader, out = Answers(True), list[Event]()
    reader.ask(Asked(b"GET", 100, True), out)
    reader.step(HEAD + b"\r\n", 1, out)
    reader.lost(70, out)
    reader.close(out)
    assert [type(e) for e in out] == [ResponseHead, Hole, ResponseEnd]
    assert Hole(0, Side.SERVER, 70, True) in out


def test_the_close_tells_a_head_that_it_cuts_and_a_short_text_as_body() -> None:
    for answer, status, n_remarks in ((HEAD + b"X", 200, 0), (b"oops", None, 1)):
        reader, out = Answers(True), list[Event]()
        reader.ask(Asked(b"GET", 100, True), out)
        reader.step(answer, 1, out)
        reader.close(out)
        assert [e.status for e in out if isinstance(e, ResponseHead)] == [status]
        assert len([e for e in out if isinstance(e, Remark)]) == n_remarks
        assert reader.held_bytes() == 0
