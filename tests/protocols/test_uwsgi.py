"""uwsgi: packets written by hand from Protocol.rst, told three ways."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwtop.nouns.events import Body, Hole, RequestEnd, RequestHead, ResponseEnd, ResponseHead
from gwtop.protocols import uwsgi
from gwtop.protocols._base import Claim
from tests.protocols._feeding import bytewise, normal
from tests.protocols._ways import C, S, Talk, codes, controls, of, tell, three_ways
from tests.protocols.samples_uwsgi import KEPT, packet, request, variables

GET = request(b"GET", b"/a?b=c")
CLOSED = b"HTTP/1.1 200 OK\r\n\r\n"


def test_a_request_is_its_variables_and_the_answer_ends_by_close() -> None:
    block = GET[4:]
    assert three_ways(uwsgi, [(C, GET), (S, CLOSED + b"hello")]) == [
        RequestHead(0, 1, b"GET", b"/a?b=c", None, len(block), block),
        RequestEnd(0),
        ResponseHead(0, 2, 200, len(CLOSED), CLOSED),
        Body(0, S, b"hello"),
        ResponseEnd(0, False),
    ]
    assert uwsgi.request_fields(block)[0] == (b"QUERY_STRING", b"b=c")


def test_the_target_is_rebuilt_where_there_is_no_request_uri() -> None:
    block = variables((b"SCRIPT_NAME", b"/s"), (b"PATH_INFO", b"/p"), (b"QUERY_STRING", b"q"))
    (head,) = of(three_ways(uwsgi, [(C, packet(block))]), RequestHead)
    assert isinstance(head, RequestHead) and head.target == b"/s/p?q"


def test_a_body_has_the_length_that_the_variables_say() -> None:
    events = three_ways(uwsgi, [(C, request(b"POST", b"/", 5) + b"hello"), (S, CLOSED)])
    assert events[1:3] == [Body(0, C, b"hello"), RequestEnd(0)]


def test_a_kept_connection_ends_answers_by_their_length() -> None:
    events = three_ways(uwsgi, [(C, GET), (S, KEPT), (C, GET), (S, KEPT)])
    kinds = [type(e) for e in of(events, RequestHead, ResponseEnd)]
    assert kinds == [RequestHead, ResponseEnd, RequestHead, ResponseEnd]


def test_the_next_request_ends_an_answer_that_said_no_length() -> None:
    events = three_ways(uwsgi, [(C, GET), (S, CLOSED + b"x"), (C, GET), (S, CLOSED)])
    kinds = [type(e) for e in of(events, RequestHead, ResponseEnd)]
    assert kinds == [RequestHead, ResponseEnd, RequestHead, ResponseEnd]


def test_what_is_sent_for_head_is_counted_and_its_content_length_is_not_believed() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nxy"
    events = three_ways(uwsgi, [(C, request(b"HEAD", b"/")), (S, answer)])
    assert Body(0, S, b"xy") in events and not codes(events)
    assert len(of(events, ResponseEnd)) == 1


@pytest.mark.parametrize(
    ("modifier1", "name"), [(100, "ping"), (10, "management"), (110, "signal"), (173, "RPC")]
)
def test_packets_that_are_no_requests_are_controls(modifier1: int, name: str) -> None:
    talk: Talk = [(C, packet(b"abc", modifier1)), (S, b"back"), (C, GET), (S, KEPT)]
    assert len(of(three_ways(uwsgi, talk), RequestHead)) == 1
    assert controls(uwsgi, talk)[:2] == [(C, name, 7), (S, f"answer to {name}", 4)]


def test_http_at_a_uwsgi_port_is_named() -> None:
    events = three_ways(uwsgi, [(C, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")])
    assert codes(events) == [("http-on-gateway-port", "error")] and not of(events, RequestHead)


def test_a_size_that_reads_as_big_endian_is_named() -> None:
    block = variables((b"REQUEST_METHOD", b"GET"), (b"A", b"bcd"))
    swapped = b"\0" + len(block).to_bytes(2, "big") + b"\0" + block
    events = three_ways(uwsgi, [(C, swapped)])
    assert codes(events) == [("size-big-endian", "error")]
    lengths_too = b"\0\0\x1b\0" + b"\0\x0eREQUEST_METHOD\0\x03GET"
    assert codes(three_ways(uwsgi, [(C, lengths_too)])) == [("size-big-endian", "error")]


def test_a_large_block_is_an_info_when_answered_and_a_warning_when_not() -> None:
    large = request(b"GET", b"/", 0, (b"HTTP_COOKIE", b"c" * 5000))
    answered = three_ways(uwsgi, [(C, large), (S, CLOSED)])
    assert codes(answered) == [("uwsgi-block-over-4096", "info")]
    assert codes(three_ways(uwsgi, [(C, large)])) == [("uwsgi-block-over-4096", "warn")]


def test_a_variable_sent_twice_is_told() -> None:
    same = request(b"GET", b"/", 0, (b"A", b"1"), (b"A", b"1"))
    differ = request(b"GET", b"/", 0, (b"A", b"1"), (b"A", b"2"))
    assert codes(three_ways(uwsgi, [(C, same)])) == [("duplicate-variable", "info")]
    assert codes(three_ways(uwsgi, [(C, differ)])) == [("duplicate-variable", "warn")]


@pytest.mark.parametrize(
    ("talk", "first"),
    [
        pytest.param([(C, request(b"POST", b"/", 5) + b"abc")], C, id="request short"),
        pytest.param([(C, GET + b"abcdef"), (S, CLOSED)], C, id="request long"),
        pytest.param([(C, GET), (S, KEPT[:-1])], S, id="answer short"),
        pytest.param([(C, GET), (S, KEPT + b"!")], S, id="answer long"),
    ],
)
def test_a_body_that_is_not_as_long_as_was_said_is_a_mismatch(talk: Talk, first: object) -> None:
    events = three_ways(uwsgi, talk, first=C if first is C else S)
    assert codes(events) == [("content-length-mismatch", "warn")]


def test_an_answer_without_any_header_is_told_as_body() -> None:
    events = three_ways(uwsgi, [(C, GET), (S, b"Traceback (most recent call last)\n")])
    assert codes(events) == [("no-answer-header", "error")]
    assert ResponseHead(0, 2, None, 0, b"") in events


def test_a_gap_in_the_variables_costs_no_step_when_the_length_of_the_body_was_seen() -> None:
    ask = request(b"POST", b"/p", 5, (b"HTTP_X", b"x" * 60))
    talk: Talk = [(C, ask[:-50]), (C, 40), (C, ask[-10:] + b"hello"), (S, KEPT), (C, GET)]
    events = three_ways(uwsgi, [*talk, (S, KEPT)])
    assert Hole(0, C, 40, False) in events and Body(0, C, b"hello") in events
    assert [e.method for e in events if isinstance(e, RequestHead)] == [b"POST", b"GET"]


def test_an_answer_to_a_request_that_a_gap_hid_is_told() -> None:
    events = three_ways(uwsgi, [(C, 300), (S, b"HTTP/1.1 404 Not Found\r\n\r\n")])
    assert [e.status for e in events if isinstance(e, ResponseHead)] == [404]


PIECES = st.sampled_from(
    [
        GET,
        KEPT,
        CLOSED,
        request(b"POST", b"/", 5),
        b"hello",
        b"d\x00\x00\x00",
        GET[:20],
        GET[7:],
        b"\x00",
        b"Status: 404\r\n",
        b"\r\n",
        b"GET / HTTP/1.1\r\n",
        b"\x00\x00\x1b\x00",
    ]
)
BLOCKS = st.one_of(st.lists(PIECES, min_size=1, max_size=4).map(b"".join), st.integers(1, 9))


@given(talk=st.lists(st.tuples(st.sampled_from([C, S]), BLOCKS), max_size=9), start=st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_conversation_is_told_the_same_byte_by_byte(talk: Talk, start: bool) -> None:
    told = normal(tell(uwsgi, talk, from_start=start))
    assert told == normal(tell(uwsgi, talk, bytewise, start))


def test_a_packet_whose_lengths_are_all_big_endian_is_claimed_and_told() -> None:
    block = b"\x00\x0eREQUEST_METHOD\x00\x03GET"
    packet = b"\x00\x00" + bytes([len(block)]) + b"\x00" + block
    assert uwsgi.claims(packet) is Claim.YES
    assert uwsgi.claims(packet[:8]) is Claim.MORE
    assert uwsgi.claims(packet.replace(b"REQUEST_METHOD", b"request-method")) is Claim.NO
    events = three_ways(uwsgi, [(C, packet)])
    assert ("size-big-endian", "error") in codes(events)
