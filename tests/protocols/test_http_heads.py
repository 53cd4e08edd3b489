"""What a head says of its body and of the connection, from its bytes alone."""

import pytest

from gwtop.nouns.events import Event, Remark
from gwtop.protocols._http_heads import (
    ANSWER_SIGN,
    CHUNKED,
    REQUEST_SIGN,
    asks_to_stay,
    body_length,
    field_values,
)


def test_repeated_and_folded_fields_are_all_found() -> None:
    head = b"get / http/1.1\r\na: 1\r\nb: x\r\na:  2\r\n\t3\r\n\r\n"
    assert field_values(head, b"\na:") == [b"1", b"2 3"]


@pytest.mark.parametrize(
    ("fields", "length", "n_remarks"),
    [
        (b"", 0, 0),
        (b"content-length: 12\r\n", 12, 0),
        (b"content-length: 12, 12\r\n", 12, 0),
        (b"content-length: +12\r\n", None, 1),
        (b"content-length: 1\r\ncontent-length: 2\r\n", None, 1),
        (b"transfer-encoding: chunked\r\n", CHUNKED, 0),
        (b"transfer-encoding: chunked, gzip\r\n", None, 0),
        (b"transfer-encoding: chunked\r\ncontent-length: 2\r\n", CHUNKED, 1),
    ],
)
def test_the_length_of_a_body(fields: bytes, length: int | None, n_remarks: int) -> None:
    out: list[Event] = []
    assert body_length(b"post / http/1.1\r\n" + fields + b"\r\n", out) == length
    assert len([e for e in out if isinstance(e, Remark)]) == n_remarks


def test_connection_options_decide_over_the_version() -> None:
    assert asks_to_stay(b"\n\n", b"1") and not asks_to_stay(b"\n\n", b"0")
    assert not asks_to_stay(b"\nconnection: te, close\n\n", b"1")


def test_signs_need_the_whole_line() -> None:
    assert REQUEST_SIGN.pattern.search(b'{"a":1}GET /x HTTP/1.1\r\n')
    assert not REQUEST_SIGN.pattern.search(b'"GET /x HTTP/1.1" 200\r\n')
    assert not REQUEST_SIGN.pattern.search(b"FORGET /x HTTP/1.1\r\n")
    assert ANSWER_SIGN.pattern.search(b"..HTTP/1.0 404 Not Found\r\n")
    assert not ANSWER_SIGN.pattern.search(b"HTTP/1.1 99\r\n")
