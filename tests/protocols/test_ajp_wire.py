"""AJP13 payloads alone: codes, strings, attributes, and what is cut."""

import struct

import pytest

from gwtop.protocols._ajp_wire import METHODS, Request, answer_headers, answer_status, claims
from gwtop.protocols._base import Claim
from tests.protocols.samples_ajp import CPING, GET, QUERY, body, forward, send_headers, string


def test_a_forward_request_is_told_under_the_names_of_the_protocol() -> None:
    attributes = QUERY + b"\x0a" + string(b"AJP_REMOTE_PORT") + string(b"4711")
    attributes += b"\x0b" + struct.pack(">H", 256) + b"\x0c" + string(b"hush")
    block = forward(GET, b"/a", (0xA00E, b"ua"), (b"X-Y", b"z"), attributes=attributes)[4:]
    assert Request(block).fields() == [
        (b"method", b"GET"),
        (b"protocol", b"HTTP/1.1"),
        (b"req_uri", b"/a"),
        (b"remote_addr", b"127.0.0.1"),
        (b"remote_host", b""),
        (b"server_name", b"localhost"),
        (b"server_port", b"8080"),
        (b"is_ssl", b"0"),
        (b"user-agent", b"ua"),
        (b"X-Y", b"z"),
        (b"query_string", b"b=c"),
        (b"AJP_REMOTE_PORT", b"4711"),
        (b"ssl_key_size", b"256"),
        (b"secret", b"hush"),
    ]


@pytest.mark.parametrize(("code", "name"), [(1, b"OPTIONS"), (8, b"PROPFIND"), (27, b"MKACTIVITY")])
def test_methods_are_coded(code: int, name: bytes) -> None:
    assert len(METHODS) == 28 and Request(forward(code, b"/")[4:]).method == name


def test_a_method_without_a_code_is_stored_as_an_attribute() -> None:
    block = forward(0xFF, b"/", attributes=b"\x0d" + string(b"BREW"))[4:]
    assert Request(block).method == b"BREW"


def test_a_cut_request_says_no_target_that_may_lack_its_query() -> None:
    block = forward(GET, b"/a", attributes=QUERY)[4:]
    for size in range(len(block)):
        cut = Request(block[:size])
        assert not cut.whole and cut.target in (None, b"/a?b=c")


def test_every_code_of_an_answer_header_has_its_name() -> None:
    block = send_headers(302, (0xA006, b"/l"), (0xA00B, b"Basic"), (0xA0FF, b"?"))[4:]
    names = [name for name, _ in answer_headers(block)]
    assert names == [b"Location", b"WWW-Authenticate", b"0xa0ff"]
    assert answer_status(block) == 302 and answer_status(block[:2]) is None


def test_claims_need_a_forward_request_or_a_ping() -> None:
    ask = forward(GET, b"/")
    assert all(claims(ask[:size]) is Claim.MORE for size in range(13))
    assert claims(ask) is claims(CPING) is Claim.YES
    assert claims(body(b"x" * 20)) is claims(b"AB\0\1\x09") is claims(b"\x12\x35") is Claim.NO
