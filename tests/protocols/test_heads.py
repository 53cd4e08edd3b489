"""Heads of answers: where they end, what they say, and when there is none."""

import pytest

from gwtop.protocols._heads import (
    MAX_ANSWER_HEAD_BYTES,
    Answer,
    AnswerHead,
    answer_status,
    cgi_target,
    decimal,
    header_fields,
    known_status,
    may_begin_head,
)


@pytest.mark.parametrize(
    ("block", "status"),
    [
        pytest.param(b"Status: 404 Not Found\r\n\r\n", 404, id="status field"),
        pytest.param(b"A: b\nSTATUS:500\n\n", 500, id="any case, LF, no space, no reason"),
        pytest.param(b"A: b\r\n\r\n", 200, id="no status means 200"),
        pytest.param(b"Location: /x\r\n\r\n", 302, id="location alone means 302"),
        pytest.param(b"Location: /x\r\nStatus: 201 C\r\n\r\n", 201, id="status wins over location"),
        pytest.param(b"HTTP/1.1 204 No\r\nA: b\r\n\r\n", 204, id="status line"),
        pytest.param(b"HTTP/1.1 302\r\nStatus: 200\r\n\r\n", 302, id="line wins over field"),
        pytest.param(b"Status: fine\r\n\r\n", None, id="no number"),
        pytest.param(b"X-Status: 404\r\n\r\n", 200, id="another field's name ends alike"),
        pytest.param(b"\r\n", 200, id="nothing but the blank line"),
    ],
)
def test_the_status_of_a_head(block: bytes, status: int | None) -> None:
    assert answer_status(block) == status
    assert AnswerHead().take(block + b"body", 1) == Answer(status, block, None, b"body", None)


@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_a_head_is_found_however_it_is_cut(size: int) -> None:
    data = b"Content-Type: a\r\nContent-Length: 12\r\n\r\nbody\r\n\r\n"
    reader = AnswerHead()
    for n in range(0, len(data), size):
        answer = reader.take(data[n : n + size], n + 1)
        if answer is not None:
            break
    assert answer is not None
    assert (answer.status, answer.content_length) == (200, 12)
    assert (answer.block + answer.rest, reader.began_at) == (data[: n + size], 1)
    assert answer.block.endswith(b"12\r\n\r\n") and len(reader) == 0


def test_the_earlier_of_two_blank_lines_ends_the_head() -> None:
    assert AnswerHead().take(b"A: b\n\nc\r\n\r\n", 1) == Answer(
        200, b"A: b\n\n", None, b"c\r\n\r\n", None
    )


def test_a_bare_blank_line_before_one_of_crlf_ends_the_head_however_it_is_cut() -> None:
    whole, reader = b"n:\n\n\r\n", AnswerHead()
    expected = Answer(200, b"n:\n\n", None, b"\r\n", None)
    assert AnswerHead().take(whole, 1) == expected
    assert [reader.take(whole[n : n + 1], 1) for n in range(4)] == [
        None,
        None,
        None,
        expected._replace(rest=b""),
    ]


def test_spaces_between_name_and_colon_may_come_in_pieces() -> None:
    assert AnswerHead().take(b"n \t:\n\n", 1) == Answer(200, b"n \t:\n\n", None, b"", None)
    assert may_begin_head(b"n ") and may_begin_head(b"n \t")
    assert not may_begin_head(b" ") and not may_begin_head(b"n o")


@pytest.mark.parametrize(
    "data", [b"<html>\n\n", b"hello world\r\n\r\n", b"no colon\n", b": empty name\n\n", b"a" * 256]
)
def test_what_is_no_head_is_all_body(data: bytes) -> None:
    for size in (1, len(data)):
        reader = AnswerHead()
        rest = b""
        for n in range(0, len(data), size):
            answer = reader.take(data[n : n + size], 1)
            if answer is not None:
                assert answer.why_not and answer.status is None and answer.block == b""
                rest = answer.rest + data[n + size :]
                break
        assert rest == data


def test_a_head_without_end_is_given_up_at_its_limit() -> None:
    reader = AnswerHead()
    line = b"X: " + b"y" * 997 + b"\n"
    answers = [reader.take(line, 1) for _ in range(MAX_ANSWER_HEAD_BYTES // len(line) + 1)]
    assert answers[:-1] == [None] * (len(answers) - 1)
    assert answers[-1] is not None and answers[-1].rest == line * len(answers)


def test_a_held_head_can_be_seen_and_taken_away() -> None:
    reader = AnswerHead()
    reader.take(b"Status: 40", 1)
    assert (reader.peek(), len(reader)) == (b"Status: 40", 10)
    assert (reader.flush(), len(reader)) == (b"Status: 40", 0)


@pytest.mark.parametrize(
    ("data", "may_be"),
    [
        (b"Stat", True),
        (b"HT", True),
        (b"HTTP/1.1 2", True),
        (b"\r", True),
        (b"a b", False),
        (b"<", False),
    ],
)
def test_first_bytes_tell_whether_a_head_can_come(data: bytes, may_be: bool) -> None:
    assert may_begin_head(data) == may_be


@pytest.mark.parametrize(
    ("block", "status"),
    [
        (b"Status: 404 N\r\nA: ", 404),
        (b"Status: 40", None),
        (b"A: b\r\n", None),
        (b"HTTP/1.1 500 X\r\nA", 500),
        (b"HTTP/1.1 500", None),
    ],
)
def test_a_cut_head_has_a_status_only_when_its_line_was_seen(
    block: bytes, status: int | None
) -> None:
    assert known_status(block) == status


def test_fields_come_in_wire_order_without_start_line() -> None:
    block = b"HTTP/1.1 200 OK\r\nA: 1\r\nb : 2 \r\nA:3\r\n folded\r\nno colon\r\n\r\nbody: x"
    assert header_fields(block) == [(b"A", b"1"), (b"b", b"2"), (b"A", b"3 folded")]


def test_a_request_line_with_a_colon_is_no_field() -> None:
    assert header_fields(b"GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n") == [(b"Host", b"a")]


@pytest.mark.parametrize(
    ("text", "number"),
    [(b"0", 0), (b"42", 42), (b"", None), (b"-1", None), (b"1x", None), (b"9" * 19, None)],
)
def test_a_length_is_digits(text: bytes, number: int | None) -> None:
    assert decimal(text) == number


@pytest.mark.parametrize(
    ("variables", "target"),
    [
        ({b"REQUEST_URI": b"/a?b", b"SCRIPT_NAME": b"/x"}, b"/a?b"),
        ({b"REQUEST_URI": b"", b"SCRIPT_NAME": b"/x"}, b"/x"),
        ({b"SCRIPT_NAME": b"/x", b"PATH_INFO": b"/y", b"QUERY_STRING": b"q=1"}, b"/x/y?q=1"),
        ({b"PATH_INFO": b"/y", b"QUERY_STRING": b""}, b"/y"),
        ({b"HTTP_HOST": b"h"}, None),
    ],
)
def test_the_target_is_sent_or_rebuilt(variables: dict[bytes, bytes], target: bytes | None) -> None:
    assert cgi_target(variables) == target


def test_a_cut_block_without_the_whole_target_has_none() -> None:
    assert cgi_target({b"PATH_INFO": b"/a"}, whole=False) is None
    assert cgi_target({b"PATH_INFO": b"/a", b"REQUEST_URI": b"/a?b"}, whole=False) == b"/a?b"
