"""HTTP/1.x: messages written by hand from RFC 9112 and RFC 9110, told three ways."""

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwtop.nouns.events import (
    Body,
    Hole,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
    Resynced,
)
from gwtop.protocols import http1
from gwtop.protocols._base import Claim
from tests.protocols._feeding import bytewise, normal
from tests.protocols._ways import C, S, Talk, codes, controls, of, tell, three_ways

GET = b"GET /a HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"


def test_a_request_and_its_answer_are_one_exchange() -> None:
    head = OK[:-2]
    assert three_ways(http1, [(C, GET), (S, OK)]) == [
        RequestHead(0, 1, b"GET", b"/a", True, len(GET), GET),
        RequestEnd(0),
        ResponseHead(0, 2, 200, len(head), head),
        Body(0, S, b"hi"),
        ResponseEnd(0, False),
    ]


@pytest.mark.parametrize(
    ("fields", "minor", "stays"),
    [
        pytest.param(b"", b"1", True, id="1.1 stays by itself"),
        pytest.param(b"Connection: Close\r\n", b"1", False, id="1.1 told to close"),
        pytest.param(b"", b"0", False, id="1.0 closes by itself"),
        pytest.param(b"Connection: x, Keep-Alive\r\n", b"0", True, id="1.0 asked to stay"),
        pytest.param(b"Connection: x,\r\n close\r\n", b"1", False, id="folded"),
    ],
)
def test_keep_alive_is_what_the_client_asked_for(fields: bytes, minor: bytes, stays: bool) -> None:
    head = b"GET / HTTP/1." + minor + b"\r\n" + fields + b"\r\n"
    (request,) = of(three_ways(http1, [(C, head)]), RequestHead)
    assert isinstance(request, RequestHead) and request.keep_alive is stays


def test_chunks_lose_their_framing_and_trailers() -> None:
    body = b"3;ext=1\r\nabc\r\n2\nde\r\n0\r\nTrailer: t\r\n\r\n"
    talk: Talk = [(C, b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n" + body)]
    assert Body(0, C, b"abcde") in three_ways(http1, talk)
    assert controls(http1, talk) == [(C, "framing", len(body) - 5)]


@pytest.mark.parametrize("head", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_has_no_body_ends_with_its_head(head: bytes) -> None:
    answer = b"HTTP/1.1 " + head + b"\r\nContent-Length: 9\r\n\r\n"
    events = three_ways(http1, [(C, GET), (S, answer), (C, GET), (S, OK)])
    assert [e.status for e in events if isinstance(e, ResponseHead)] == [int(head[:3]), 200]


def test_the_answer_to_head_has_no_body_even_when_pipelined() -> None:
    ask = GET + b"HEAD /b HTTP/1.1\r\n\r\n" + GET
    events = three_ways(http1, [(C, ask), (S, OK + OK[:-2] + OK)])
    assert len(of(events, ResponseEnd)) == 3 and len(of(events, Body)) == 2


def test_interim_answers_are_not_counted() -> None:
    ask = b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    talk: Talk = [(C, ask), (S, b"HTTP/1.1 100 Continue\r\n\r\n"), (C, b"abc"), (S, OK)]
    assert len(of(three_ways(http1, talk), ResponseHead)) == 1
    assert controls(http1, talk) == [(S, "interim 100", 25)]


def test_a_client_that_was_refused_may_leave_its_body_out() -> None:
    ask = b"PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 300\r\n\r\n"
    no = b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"
    events = three_ways(http1, [(C, ask), (S, no), (C, GET), (S, OK)])
    targets = [e.target for e in events if isinstance(e, RequestHead)]
    assert targets == [b"/", b"/a"] and len(of(events, ResponseEnd)) == 2


def test_an_answer_may_come_while_the_body_is_still_being_sent() -> None:
    ask = b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\n"
    events = three_ways(http1, [(C, ask + b"abc"), (S, OK), (C, b"def" + GET), (S, OK)])
    assert [e.data for e in events if isinstance(e, Body)] == [b"abc", b"hi", b"def", b"hi"]


@pytest.mark.parametrize("last", [b"\r\n\r\n", b"\n\n"])
def test_empty_lines_before_a_request_and_bare_line_feeds_are_taken(last: bytes) -> None:
    talk: Talk = [(C, b"\r\n\nGET http://x/y HTTP/1.0" + last)]
    (head,) = of(three_ways(http1, talk), RequestHead)
    assert isinstance(head, RequestHead)
    assert (head.target, head.head_bytes) == (b"http://x/y", 23 + len(last))
    assert controls(http1, talk) == [(C, "framing", 3)]


def test_after_an_upgrade_the_rest_is_skipped_with_a_note() -> None:
    answer = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
    talk: Talk = [(C, GET), (S, answer + b"\x81\0"), (C, GET)]
    events = three_ways(http1, talk)
    assert len(of(events, RequestHead)) == 1 and codes(events) == [("upgraded", "info")]
    assert controls(http1, talk) == [(S, "skipped", 2), (C, "skipped", len(GET))]


def test_connect_is_a_tunnel_only_when_it_was_granted() -> None:
    ask = b"CONNECT x:443 HTTP/1.1\r\n\r\n"
    granted = three_ways(http1, [(C, ask), (S, b"HTTP/1.1 200 OK\r\n\r\nzz"), (C, b"\x16\3")])
    assert codes(granted) == [("connected", "info")] and not of(granted, Body)
    no = b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n"
    refused = three_ways(http1, [(C, ask), (S, no), (C, GET), (S, OK)])
    assert len(of(refused, ResponseEnd)) == 2


def test_an_answer_whose_request_nobody_saw_is_skipped() -> None:
    talk: Talk = [(S, b"tail of something" + OK), (C, GET), (S, OK)]
    events = three_ways(http1, talk, from_start=False)
    assert len(of(events, ResponseHead)) == 1 and not codes(events)


def test_a_gap_inside_a_body_of_known_length_costs_only_a_hole() -> None:
    talk: Talk = [(C, GET), (S, b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab"), (S, 5)]
    events = three_ways(http1, [*talk, (S, b"yz"), (C, GET), (S, OK)])
    assert Hole(0, S, 5, True) in events and not of(events, Resynced)
    assert len(of(events, ResponseEnd)) == 2


def test_a_head_that_a_gap_cuts_is_told_before_its_hole() -> None:
    events = three_ways(http1, [(C, GET[:20]), (C, 30), (S, OK[:18]), (S, 40), (C, GET), (S, OK)])
    assert events[:4] == [
        RequestHead(0, 1, b"GET", b"/a", None, 20, GET[:20]),
        Hole(0, C, 30, False),
        ResponseHead(0, 3, 200, 18, OK[:18]),
        Hole(0, S, 40, False),
    ]
    assert [e.target for e in events if isinstance(e, RequestHead)] == [b"/a", b"/a"]


def test_what_a_gap_leaves_of_a_request_line_is_no_request() -> None:
    events = three_ways(http1, [(C, 2), (C, b"T /x HTTP/1.1\r\n\r\n" + GET), (S, OK)])
    assert [e.target for e in events if isinstance(e, RequestHead)] == [b"/a"]


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        pytest.param(b"\x16\x03\x01\x02", ("tls-on-http-port", "error"), id="TLS"),
        pytest.param(b"\x01\x01\0\x01\0\x08", ("gateway-on-http-port", "error"), id="binary"),
        pytest.param(b"70:CONTENT_LENGTH", ("gateway-on-http-port", "error"), id="netstring"),
    ],
)
def test_another_protocol_is_named_as_what_it_is_not(
    first: bytes, expected: tuple[str, str]
) -> None:
    assert codes(three_ways(http1, [(C, first)])) == [expected]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        (b"Content-Length: 1\r\nTransfer-Encoding: chunked", "length-and-chunked"),
        (b"Content-Length: 1\r\nContent-Length: 2", "content-length-unusable"),
    ],
)
def test_lengths_that_front_and_back_may_read_differently_are_warned_of(
    fields: bytes, code: str
) -> None:
    head = b"POST / HTTP/1.1\r\n" + fields + b"\r\n\r\n0\r\n\r\n"
    assert codes(three_ways(http1, [(C, head)])) == [(code, "warn")]


def test_a_body_that_the_server_cut_short_is_a_mismatch_but_not_one_the_client_gave_up() -> None:
    talk: Talk = [(C, GET), (S, OK[:-1])]
    assert codes(three_ways(http1, talk, first=S)) == [("content-length-mismatch", "warn")]
    assert not codes(three_ways(http1, talk, first=C))


@pytest.mark.parametrize(
    ("prefix", "claim"),
    [
        (b"", Claim.MORE),
        (b"\r\nGE", Claim.MORE),
        (b"GET / HTTP/1.1\r\n", Claim.YES),
        (b"GET /\r\n", Claim.NO),
        (b"PRI * HTTP/2.0\r\n", Claim.NO),
        (b"\0\x1b\0\0", Claim.NO),
        (b"H\x10\0\0", Claim.NO),
        (b"12:", Claim.NO),
        (b"GET /" + b"a" * 5000, Claim.YES),
    ],
)
def test_claims_need_a_request_line(prefix: bytes, claim: Claim) -> None:
    assert http1.claims(prefix) is claim


def test_a_claim_of_a_long_line_stands_whatever_follows() -> None:
    line = b"PUT /" + b"x" * 4091
    assert http1.claims(line[:-1]) is Claim.MORE
    for rest in (b"", b"\0", b" HTTP/2.0\r\n"):
        assert http1.claims(line + rest) is Claim.YES


REFUSED: Talk = [
    (C, b"POST / HTTP/1.1\r\nContent-Length: 90000\r\nExpect: 100-continue\r\n\r\n"),
    (S, b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"),
]


@pytest.mark.parametrize("before", [[], REFUSED], ids=["at first", "refused"])
@pytest.mark.parametrize(
    ("first", "rest"),
    [
        pytest.param(b"\0", b"\0" * 70_000, id="more than a head of no HTTP"),
        pytest.param(b"GET", b" /\0" + b"x" * 70_000, id="no HTTP late"),
        pytest.param(b"PUT /" + b"x" * 4091, b"\0", id="sure, then no HTTP"),
        pytest.param(b"FOO x" + b"x" * 4091, b"\0", id="unsure, then no HTTP"),
        pytest.param(b"FOO x" + b"x" * 8187, b" HTTP/1.1\r\n\r\n", id="a line late"),
    ],
)
def test_long_beginnings_are_judged_the_same_however_they_come(
    before: Talk, first: bytes, rest: bytes
) -> None:
    def cut(block: bytes) -> Iterator[bytes]:
        yield from (first, rest) if block == first + rest else (block,)

    talk = [*before, (C, first + rest)]
    for from_start in (True, False):
        whole = normal(tell(http1, talk, from_start=from_start))
        assert normal(tell(http1, talk, cut, from_start)) == whole


PIECES = st.sampled_from(
    [
        GET,
        OK,
        b"HTTP/1.1 200 OK\r\n",
        b"Content-Length: 5\r\n",
        b"\r\n",
        b"abcde",
        b"5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"HEAD / HTTP/1.0\r\n",
        b"0\r\n",
        b"\x00",
        b"PUT ",
        b"HTTP/1.1 101 S\r\n",
        b"Expect: 100-continue\r\n",
        b"CONNECT a HTTP/1.1\r\n",
    ]
)
BLOCKS = st.one_of(st.lists(PIECES, min_size=1, max_size=6).map(b"".join), st.integers(1, 9))


@given(talk=st.lists(st.tuples(st.sampled_from([C, S]), BLOCKS), max_size=9), start=st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_conversation_is_told_the_same_byte_by_byte(talk: Talk, start: bool) -> None:
    told = normal(tell(http1, talk, from_start=start))
    assert told == normal(tell(http1, talk, bytewise, start))
