"""SCGI connections: the netstring, the body, the answer, and what a gap leaves of them."""

import pytest

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Control,
    Event,
    Hole,
    Remark,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
)
from gwtop.nouns.wire import Side
from gwtop.protocols import scgi
from gwtop.protocols._base import CUT_HEAD, UNSEEN, Claim
from tests.protocols._feeding import Conversation, at_random, bytewise, normal, tell, whole
from tests.protocols.samples_scgi import OK, C, S, netstring, variables

LENGTH, MARK = (b"CONTENT_LENGTH", b"3"), (b"SCGI", b"1")
METHOD, URI = (b"REQUEST_METHOD", b"PUT"), (b"REQUEST_URI", b"/u")
BLOCK = variables(LENGTH, MARK, METHOD, URI)
PUT = netstring(BLOCK) + b"abc"


def told(talk: Conversation, from_start: bool = True) -> list[Event]:
    expected = normal(tell(scgi, talk, whole, from_start))
    for cut in (bytewise, at_random(1)):
        assert normal(tell(scgi, talk, cut, from_start)) == expected
    return expected[0]


def codes(talk: Conversation) -> list[str]:
    return [event.code for event in told(talk) if isinstance(event, Remark)]


def names(events: list[Event]) -> list[str]:
    return [type(e).__name__ for e in events]


def test_an_exchange_is_two_heads_two_bodies_and_two_ends() -> None:
    head = b"Status: 201 Made\r\n\r\n"
    assert told([(C, PUT), (S, head + b"xyz")]) == [
        RequestHead(0, 1_000, b"PUT", b"/u", None, len(BLOCK), BLOCK),
        Body(0, C, b"abc"),
        RequestEnd(0),
        ResponseHead(0, 1_000, 201, len(head), head),
        Body(0, S, b"xyz"),
        ResponseEnd(0, False),
    ]


def test_heads_keep_the_instant_of_their_first_byte() -> None:
    decoder = scgi.Decoder(True)
    events: list[Event] = []
    for side, data, start in ((C, PUT, 100), (S, OK, 900)):
        for n, byte in enumerate(data):
            events += decoder.feed(side, bytes([byte]), start + n)
    assert [e.began_at for e in events if isinstance(e, RequestHead | ResponseHead)] == [100, 900]


@pytest.mark.parametrize(
    ("pairs", "code"),
    [
        ((MARK, LENGTH, METHOD, URI), "scgi-length-not-first"),
        ((MARK, METHOD, URI), "scgi-length-not-first"),
        ((LENGTH, METHOD, URI), "scgi-not-marked"),
        ((LENGTH, MARK, METHOD, METHOD), "duplicate-variable"),
    ],
)
def test_what_the_specification_demands_is_said(
    pairs: tuple[tuple[bytes, bytes], ...], code: str
) -> None:
    talk = [(C, netstring(variables(*pairs)) + b"abc"), (S, OK)]
    assert codes(talk) == [code]


def test_a_name_without_value_is_said() -> None:
    block = variables(LENGTH, MARK) + b"A\0"
    assert codes([(C, netstring(block) + b"abc"), (S, OK)]) == ["params-malformed"]


def test_a_body_shorter_than_its_length_is_said() -> None:
    decoder = scgi.Decoder(True)
    events = decoder.feed(C, PUT[:-1], 1) + decoder.close(C, 2)
    assert [e.code for e in events if isinstance(e, Remark)] == ["content-length-mismatch"]
    assert not [e for e in events if isinstance(e, RequestEnd)]


def test_without_a_length_the_body_ends_with_the_connection() -> None:
    decoder = scgi.Decoder(True)
    events = decoder.feed(C, netstring(variables(MARK, METHOD)) + b"abc", 1)
    assert RequestEnd(0) not in events
    assert RequestEnd(0) in decoder.close(C, 2)


def test_bytes_behind_the_request_are_confusing() -> None:
    assert Confused(C, 2, "behind the end of the request") in told([(C, PUT + b"xx"), (S, OK)])


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"GET / HTTP/1.1\r\n\r\n", ["http-on-gateway-port"]), (b"\1\1\0\1\0\x08\0\0" * 3, [])],
)
def test_what_is_no_netstring_is_no_request(data: bytes, code: list[str]) -> None:
    talk = [(C, data), (S, OK)]
    assert codes(talk) == code
    assert [e.n_bytes for e in told(talk) if isinstance(e, Confused)] == [len(data), len(OK)]


@pytest.mark.parametrize("data", [b"9999999:A\0", b"5:A\0b\0Xrest", b"0:,", b"12", b"x"])
def test_a_broken_netstring_invents_nothing(data: bytes) -> None:
    heads = [e for e in told([(C, data)]) if isinstance(e, RequestHead)]
    assert not [head for head in heads if head.method or head.target or head.block]


def test_a_front_that_leaves_in_mid_head_is_told_with_its_whole_pairs() -> None:
    cut = PUT[: PUT.index(b"REQUEST_URI") + 5]
    events = told([(C, cut)])
    assert names(events) == ["RequestHead", "Aborted"]
    assert events[0][2:4] == (b"PUT", None)


def test_a_close_without_an_answer_aborts() -> None:
    assert told([(C, PUT)])[-1] == Aborted(0)


def test_an_answer_to_half_a_request_comes_after_its_head() -> None:
    events = told([(C, PUT[:20]), (S, OK)])
    assert names(events) == ["RequestHead", "ResponseHead", "Body", "ResponseEnd"]


def test_a_beginning_in_mid_connection_has_nothing_to_tell() -> None:
    talk = [(C, b"the rest of a body"), (S, OK)]
    assert told(talk, from_start=False) == []
    assert Control(0, S, UNSEEN, len(OK)) in tell(scgi, talk, from_start=False)
    assert told([(S, OK)], from_start=False) == []


def test_a_beginning_on_a_boundary_works_at_once() -> None:
    assert told([(C, PUT), (S, OK)], from_start=False) == told([(C, PUT), (S, OK)])


def holed(begin: int, n_bytes: int, side: Side = C) -> list[Event]:
    decoder = scgi.Decoder(True)
    events: list[Event] = []
    for who, data in ((C, PUT), (S, OK)):
        if who is side:
            events += decoder.feed(who, data[:begin], 1) if begin else []
            events += decoder.lost(who, n_bytes, 2)
            data = data[begin + n_bytes :]
        events += decoder.feed(who, data, 3) if data else []
    return events + decoder.close(S, 4) + decoder.close(C, 4)


def test_gap_inside_a_body_costs_only_a_hole() -> None:
    events = normal(holed(len(PUT) - 2, 1))[0]
    assert events[1:5] == [
        Body(0, C, b"a"),
        Hole(0, C, 1, True),
        Body(0, C, b"c"),
        RequestEnd(0),
    ]


def test_gap_inside_the_head_leaves_the_body_where_it_is() -> None:
    begin = PUT.index(b"REQUEST_URI")
    events = holed(begin, 4)
    prefix = variables(LENGTH, MARK, METHOD)
    assert events[:2] == [
        RequestHead(0, 1, b"PUT", None, None, len(prefix), prefix),
        Hole(0, C, 4, False),
    ]
    assert Control(0, C, CUT_HEAD, len(PUT) - begin - 4 - 3) in events
    assert Body(0, C, b"abc") in events and RequestEnd(0) in events


def test_gap_over_the_heads_end_is_split_where_the_body_begins() -> None:
    events = holed(len(PUT) - 6, 5)
    holes = [e for e in events if isinstance(e, Hole)]
    assert holes == [Hole(0, C, 3, False), Hole(0, C, 2, True)]


@pytest.mark.parametrize("begin", [0, 1])
def test_gap_over_the_length_leaves_a_request_without_name(begin: int) -> None:
    events = holed(begin, 5)
    assert events[0] == RequestHead(0, 2 - begin, None, None, None, 0, b"")
    assert Control(0, C, CUT_HEAD, len(PUT) - begin - 5) in events
    assert ResponseEnd(0, False) in events and RequestEnd(0) not in events


def test_gap_behind_the_request_is_in_no_body() -> None:
    assert Hole(0, C, 7, False) in holed(len(PUT), 7)


def test_gap_inside_the_answer_is_told_by_where_it_lies() -> None:
    assert Hole(0, S, 2, True) in holed(len(OK) - 3, 2, S)
    assert Hole(0, S, 2, False) in holed(20, 2, S)


@pytest.mark.parametrize(
    ("prefix", "claim"),
    [
        (b"", Claim.MORE),
        (b"70", Claim.MORE),
        (b"70:", Claim.MORE),
        (b"70:CONTENT_LENGTH", Claim.MORE),
        (b"70:CONTENT_LENGTH\0", Claim.YES),
        (b"70:content-type\0", Claim.YES),
        (b"070:A", Claim.NO),
        (b"12345678", Claim.NO),
        (b"70:\0", Claim.NO),
        (b"70:" + b"A" * 65, Claim.NO),
        (b"GET", Claim.NO),
    ],
)
def test_a_connection_is_ours_when_it_begins_a_netstring(prefix: bytes, claim: Claim) -> None:
    assert scgi.claims(prefix) is claim


def test_fields_are_named_in_wire_order() -> None:
    assert scgi.request_fields(BLOCK) == [LENGTH, MARK, METHOD, URI]
    assert scgi.response_fields(b"A: b\r\n\r\n") == [(b"A", b"b")]
