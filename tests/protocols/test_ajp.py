"""AJP13: packets written by hand from the AJPv13 reference, told three ways."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwtop.nouns.events import Body, Hole, RequestEnd, RequestHead, ResponseEnd, ResponseHead
from gwtop.protocols import ajp
from tests.protocols._feeding import bytewise, normal
from tests.protocols._ways import C, S, Talk, codes, controls, of, tell, three_ways
from tests.protocols.samples_ajp import (
    ANSWER_LENGTH,
    CONTENT_LENGTH,
    CPING,
    CPONG,
    END,
    GET,
    GET_BODY,
    POST,
    QUERY,
    body,
    chunk,
    forward,
    from_web,
    send_headers,
)

ASK = forward(GET, b"/a", (0xA00B, b"host"), attributes=QUERY)
ANSWER = send_headers(200, (ANSWER_LENGTH, b"2")) + chunk(b"hi") + END


def test_a_request_and_its_answer_are_one_exchange() -> None:
    head = send_headers(200, (ANSWER_LENGTH, b"2"))[4:]
    assert three_ways(ajp, [(C, ASK), (S, ANSWER)]) == [
        RequestHead(0, 1, b"GET", b"/a?b=c", True, len(ASK) - 4, ASK[4:]),
        RequestEnd(0),
        ResponseHead(0, 2, 200, len(head), head),
        Body(0, S, b"hi"),
        ResponseEnd(0, False),
    ]
    assert ajp.response_fields(head) == [(b"Content-Length", b"2")]


def test_a_body_packet_that_looks_like_a_request_is_body_where_body_is_due() -> None:
    data = ASK[4:] + b"\x02" * 400
    ask = forward(POST, b"/p", (CONTENT_LENGTH, b"%d" % len(data)))
    events = three_ways(ajp, [(C, ask + body(data)), (S, ANSWER), (C, ASK), (S, ANSWER)])
    assert Body(0, C, data) in events and len(of(events, RequestHead)) == 2


def test_a_large_post_on_a_kept_connection_does_not_cost_the_next_request() -> None:
    data = b"d" * 65_530
    talk: Talk = [(C, forward(POST, b"/p", (CONTENT_LENGTH, b"131060"))), (C, body(data))]
    talk += [(S, GET_BODY), (C, body(data)), (S, ANSWER), (C, ASK), (S, ANSWER)]
    events = three_ways(ajp, talk)
    assert [e.target for e in events if isinstance(e, RequestHead)] == [b"/p", b"/a?b=c"]


def test_an_answer_before_the_end_of_the_body_leaves_the_connection_in_step() -> None:
    ask = forward(POST, b"/p", (CONTENT_LENGTH, b"900"))
    talk: Talk = [
        (C, ask + body(b"b" * 300)),
        (S, ANSWER),
        (C, body(b"b" * 300) + ASK),
        (S, ANSWER),
    ]
    events = three_ways(ajp, talk)
    assert len(of(events, ResponseEnd)) == 2 and not codes(events)
    assert (C, "body after the answer", 306) in controls(ajp, talk)


def test_a_chunked_body_ends_with_an_empty_packet() -> None:
    ask = forward(POST, b"/c", (b"transfer-encoding", b"chunked"))
    talk: Talk = [(C, ask), (S, GET_BODY), (C, body(b"abc")), (S, GET_BODY), (C, from_web(b""))]
    events = three_ways(ajp, [*talk, (S, ANSWER)])
    assert events[1:3] == [Body(0, C, b"abc"), RequestEnd(0)]


def test_pings_are_controls() -> None:
    talk: Talk = [(C, CPING), (S, CPONG), (C, ASK), (S, ANSWER)]
    assert len(of(three_ways(ajp, talk), RequestHead)) == 1
    assert controls(ajp, talk)[:2] == [(C, "CPING", 5), (S, "CPONG", 5)]


def test_a_gap_inside_packets_of_known_length_leaves_both_sides_in_step() -> None:
    talk: Talk = [(C, ASK[:30]), (C, len(ASK) - 35), (C, ASK[-5:])]
    talk += [(S, send_headers(200) + chunk(b"0123456789")[:9]), (S, 6), (S, b"89\0" + END)]
    events = three_ways(ajp, [*talk, (C, ASK), (S, ANSWER)])
    assert Hole(0, S, 6, True) in events and Hole(0, C, len(ASK) - 35, False) in events
    heads = [(e.method, e.target) for e in events if isinstance(e, RequestHead)]
    assert heads == [(b"GET", None), (b"GET", b"/a?b=c")]
    assert len(of(events, ResponseEnd)) == 2


def test_after_a_gap_of_unknown_extent_the_next_exchange_is_found() -> None:
    talk: Talk = [(C, ASK), (S, ANSWER[:4]), (S, 90), (S, b"rest"), (C, 9), (C, b"??" + ASK)]
    events = three_ways(ajp, [*talk, (S, ANSWER)])
    assert len(of(events, RequestHead)) == len(of(events, ResponseEnd)) == 2


def test_an_answer_shorter_than_it_said_is_a_mismatch() -> None:
    answer = send_headers(200, (ANSWER_LENGTH, b"9")) + chunk(b"hi") + END
    told = codes(three_ways(ajp, [(C, ASK), (S, answer)]))
    assert told == [("content-length-mismatch", "warn")]


PIECES = st.sampled_from(
    [
        ASK,
        ANSWER,
        END,
        CPING,
        CPONG,
        GET_BODY,
        body(b"hello"),
        from_web(b""),
        ASK[:9],
        ASK[5:],
        forward(POST, b"/p", (CONTENT_LENGTH, b"5")),
        send_headers(200),
        chunk(b""),
        END[:3],
        b"\x00",
    ]
)
BLOCKS = st.one_of(st.lists(PIECES, min_size=1, max_size=4).map(b"".join), st.integers(1, 9))


@given(talk=st.lists(st.tuples(st.sampled_from([C, S]), BLOCKS), max_size=9), start=st.booleans())
@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
def test_any_conversation_is_told_the_same_byte_by_byte(talk: Talk, start: bool) -> None:
    told = normal(tell(ajp, talk, from_start=start))
    assert told == normal(tell(ajp, talk, bytewise, start))
