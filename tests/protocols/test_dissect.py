"""Dissecting: what has no layer to be compared with (heads, chunks, named values, bodies).

The fields of records are compared with scapy's layers in tests/layers/test_dissected.py.
"""

from typing import Any

import pytest

from gwtop.nouns.wire import CLIENT, SERVER, Side
from gwtop.protocols import discover
from gwtop.protocols._dissect import CONTINUED, Content, Dissected, Field, Span
from gwtop.protocols._dissect_heads import looks_like_head, take_head
from gwtop.protocols._http_fields import dissect


def named(found: Dissected) -> list[tuple[bytes, bytes]]:
    return [(value.name, found.at(value.spans)) for value in found.values]


def shown(found: Dissected, record: int = 0) -> list[tuple[str, str]]:
    """The fields of a record, with their values as words."""
    return [
        (f.name, f.value if isinstance(f.value, str) else found.at(f.value).decode())
        for f in found.records[record].fields
    ]


def body(found: Dissected) -> bytes:
    return found.at(tuple(found.body))


def test_a_request_head_is_its_line_its_fields_and_its_end() -> None:
    data = b"POST /a?b=c HTTP/1.1\r\nHost: x\r\nCookie:  k=v \r\n\r\nbody"
    found = dissect(CLIENT, data, 0)
    assert [(r.name, r.span) for r in found.records] == [
        ("request head", Span(0, 48)),
        ("body", Span(48, 4)),
    ]
    assert shown(found) == [
        ("request-line", "POST"),
        ("method", "POST"),
        ("request-target", "/a?b=c"),
        ("HTTP-version", "HTTP/1.1"),
        ("Host", "x"),
        ("field-name", "Host"),
        ("field-value", "x"),
        ("Cookie", "k=v"),
        ("field-name", "Cookie"),
        ("field-value", "k=v"),
        ("end of head", "\r\n"),
    ]
    assert named(found) == [(b"request-target", b"/a?b=c"), (b"Host", b"x"), (b"Cookie", b"k=v")]
    assert body(found) == b"body"


def test_a_folded_line_belongs_to_the_name_before_it() -> None:
    found = dissect(CLIENT, b"GET / HTTP/1.1\r\nCookie: a=1;\r\n b=2\r\n\r\n", 0)
    assert named(found)[1:] == [(b"Cookie", b"a=1;"), (b"Cookie", b" b=2")]


def test_chunks_are_records_and_their_data_is_the_body() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    found = dissect(SERVER, head + b"5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: 1\r\n\r\n", 0)
    names = ["response head", "chunk", "chunk", "last chunk"]
    assert [r.name for r in found.records] == names
    assert shown(found, 1) == [
        ("chunk-size", "5 (0x5)"),
        ("chunk-ext", ";x=y"),
        ("chunk-data", "hello"),
    ]
    assert ("T", "1") in shown(found, 3)
    assert body(found) == b"hello!"


def test_interim_heads_come_before_the_final_one() -> None:
    data = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx"
    found = dissect(SERVER, data, 0)
    names = ["interim head 100", "response head", "body"]
    assert [r.name for r in found.records] == names


def test_what_is_no_http_is_not_understood() -> None:
    found = dissect(CLIENT, b"\x16\x03\x01", 0)
    assert [r.name for r in found.records] == ["not understood"]
    assert found.untold == [Span(0, 3)]
    answer = dissect(SERVER, b"no head at all", 0)
    assert [r.name for r in answer.records] == ["body"]


@pytest.mark.parametrize("cut", range(1, 60))
def test_a_pair_that_goes_over_two_records_says_so(cut: int) -> None:
    pair = bytes([11, 5]) + b"HTTP_COOKIE" + b"a=b;c"
    block = pair + bytes([12, 40]) + b"QUERY_STRING" + b"q" * 40
    first, second = block[:cut], block[cut:]
    data = b"".join(
        b"\1\4\0\1" + len(part).to_bytes(2, "big") + b"\3\0" + part + b"\0\0\0"
        for part in (first, second)
    )
    found = discover()["fastcgi"].dissect(CLIENT, data, 1)
    assert named(found) == [(b"HTTP_COOKIE", b"a=b;c"), (b"QUERY_STRING", b"q" * 40)]
    assert [r.fields[-1].name for r in found.records] == ["paddingData"] * 2
    continued = [f.name for f in found.records[1].fields if f.name.endswith(CONTINUED)]
    assert bool(continued) == (cut not in (len(pair),))


def test_an_answers_head_may_go_over_two_records_and_its_body_is_what_follows() -> None:
    parts = (b"Status: 404\r\nSet-Coo", b"kie: k=v\r\n\r\nbo", b"dy")
    data = b"".join(b"\1\6\0\1\0" + bytes([len(p)]) + b"\0\0" + p for p in parts)
    found = discover()["fastcgi"].dissect(SERVER, data, 1)
    assert named(found) == [(b"Status", b"404"), (b"Set-Cookie", b"k=v")]
    assert body(found) == b"body"


@pytest.mark.parametrize(
    ("protocol", "side", "data", "why"),
    [
        pytest.param("fastcgi", CLIENT, b"\1\5\0\1\0\x09\0\0abc", "STDIN, cut", id="record"),
        pytest.param("fastcgi", CLIENT, b"\1\5\0", "a record header, cut", id="header"),
        pytest.param("uwsgi", CLIENT, b"\0\x09\0\0\x01\0A", "uwsgi packet: WSGI, cut", id="uwsgi"),
        pytest.param("scgi", CLIENT, b"9:A\0b", "netstring, cut", id="scgi"),
        pytest.param("ajp", SERVER, b"AB\0\x09\3\0\7abc", "SEND_BODY_CHUNK, cut", id="ajp"),
        pytest.param("scgi", CLIENT, b"no length", "not understood", id="no netstring"),
    ],
)
def test_what_is_cut_is_told_as_far_as_it_goes(
    protocol: str, side: Side, data: bytes, why: str
) -> None:
    found = discover()[protocol].dissect(side, data, 1)
    assert found.records[0].name == why
    assert found.records[0].span == Span(0, len(data))


def test_records_behind_rubbish_are_found_again() -> None:
    record = b"\1\6\0\1\0\2\0\0ok"
    found = discover()["fastcgi"].dissect(SERVER, b"\7rubbish" + record, 1)
    assert [r.name for r in found.records] == ["not understood", "STDOUT"]


def test_the_end_of_the_record_before_is_padding() -> None:
    found = discover()["fastcgi"].dissect(SERVER, b"\0\0\0\1\6\0\1\0\2\0\0ok", 1)
    assert [r.name for r in found.records] == ["padding of the record before", "STDOUT"]


def test_a_ping_may_come_before_a_request() -> None:
    found = discover()["uwsgi"].dissect(CLIENT, b"\x64\0\0\0" + b"\0\5\0\0\1\0A\0\0", 0)
    assert [r.name for r in found.records] == ["uwsgi packet: ping", "uwsgi packet: WSGI"]


def test_an_answer_without_a_head_is_all_body() -> None:
    found = discover()["scgi"].dissect(SERVER, b"just words here\n", 0)
    assert [r.name for r in found.records] == ["body"]
    assert not looks_like_head(b"just words here\n")
    assert looks_like_head(b"\r\nbody") and looks_like_head(b"Status: 200\n")


def test_bytes_of_a_stream_are_put_into_the_records_that_they_lie_in() -> None:
    found = Dissected(b"..A: b....\r\n\r\n")
    one: list[Field] = []
    two: list[Field] = []
    content = Content(found)
    content.add(Span(2, 4), one)
    content.add(Span(10, 4), two)
    assert content.data == b"A: b\r\n\r\n"
    assert take_head(content) == 8
    assert [f.name for f in one] == ["A", "field-name", "field-value"]
    assert [f.name for f in two] == ["A" + CONTINUED, "end of head"]
    assert content.spans(3, 5) == (Span(5, 1), Span(10, 1))


def test_a_piece_may_lie_in_many_records_and_an_empty_one_holds_nothing() -> None:
    content = Content(Dissected(b"abcdef"))
    lengths = (2, 0, 1, 3)
    at = 0
    for length in lengths:
        content.add(Span(at, length), [])
        at += length
    assert content.spans(0, 6) == (Span(0, 2), Span(2, 1), Span(3, 3))
    assert content.spans(1, 4) == (Span(1, 1), Span(2, 1), Span(3, 1))
    assert content.spans(2, 3) == (Span(2, 1),)
    assert content.spans(6, 6) == () and content.spans(3, 3) == ()


class Counting(list[Any]):
    """Counts how often it is looked at."""

    n_looks = 0

    def __getitem__(self, place: Any) -> Any:
        self.n_looks += 1
        return super().__getitem__(place)


def test_what_a_hostile_stream_costs_does_not_grow_with_its_records() -> None:
    content = Content(Dissected(bytes(1000)))
    for at in range(1000):
        content.add(Span(at, 1), [])
    parts = content._parts = Counting(content._parts)
    for at in range(1000):
        content.named(b"", at, at)
    assert parts.n_looks <= 2 * 1000
