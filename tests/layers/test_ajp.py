"""AJP13 packets for scapy: bytes written out by hand from the reference, both directions."""

import pytest

from gwtop.layers.ajp import (
    AJP,
    AJP13,
    AJPAttribute,
    AJPCommand,
    AJPEndResponse,
    AJPForwardRequest,
    AJPGetBodyChunk,
    AJPRequestBody,
    AJPRequestHeader,
    AJPResponseHeader,
    AJPSendBodyChunk,
    AJPSendHeaders,
    joined,
)


def string(text: bytes) -> bytes:
    return len(text).to_bytes(2, "big") + text + b"\0"


FORWARD_DATA = (
    b"\x02"  # prefix_code: FORWARD_REQUEST
    b"\x04"  # method: POST
    + string(b"HTTP/1.1")  # protocol
    + string(b"/echo")  # req_uri
    + string(b"10.0.0.7")  # remote_addr
    + b"\xff\xff"  # remote_host: null
    + string(b"example.org")  # server_name
    + b"\x01\xbb"  # server_port: 443
    + b"\x01"  # is_ssl
    + b"\x00\x03"  # num_headers
    + b"\xa0\x0b" + string(b"example.org")  # host
    + b"\xa0\x08" + string(b"5")  # content-length
    + string(b"X-Mine") + string(b"")  # a name that has no code
    + b"\x05" + string(b"a=1")  # attribute: query_string
    + b"\x0b\x01\x00"  # attribute: ssl_key_size, an integer
    + b"\x0a" + string(b"AJP_REMOTE_PORT") + string(b"4711")  # req_attribute
    + b"\xff"  # request_terminator
)  # fmt: skip
FORWARD = b"\x12\x34" + len(FORWARD_DATA).to_bytes(2, "big") + FORWARD_DATA
BODY = b"\x12\x34\x00\x07\x00\x05hello"
EMPTY_BODY = b"\x12\x34\x00\x00"
HEADERS_DATA = (
    b"\x04"  # prefix_code: SEND_HEADERS
    b"\x00\xc8" + string(b"OK")  # http_status_code, http_status_msg
    + b"\x00\x02"  # num_headers
    + b"\xa0\x01" + string(b"text/plain")  # Content-Type
    + string(b"X-Worker-Pid") + string(b"77")
)  # fmt: skip
HEADERS = b"AB" + len(HEADERS_DATA).to_bytes(2, "big") + HEADERS_DATA
CHUNK = b"AB\x00\x09\x03\x00\x05hello\x00"
GET_CHUNK = b"AB\x00\x03\x06\x1f\xfa"
END = b"AB\x00\x02\x05\x01"
PING, PONG = b"\x12\x34\x00\x01\x0a", b"AB\x00\x01\x09"


def test_a_forward_request_dissects_to_its_last_attribute() -> None:
    pkt = AJP13(FORWARD)
    data = pkt.data
    assert isinstance(data, AJPForwardRequest)
    assert data.sprintf("%method% %protocol%").startswith("POST")
    assert (data.req_uri, data.remote_addr, data.remote_host) == (b"/echo", b"10.0.0.7", None)
    assert (data.server_name, data.server_port, data.is_ssl) == (b"example.org", 443, 1)
    assert data.headers() == [
        (b"host", b"example.org"),
        (b"content-length", b"5"),
        (b"X-Mine", b""),
    ]
    assert [a.pair() for a in data.attributes] == [
        (b"query_string", b"a=1"),
        (b"ssl_key_size", b"256"),
        (b"AJP_REMOTE_PORT", b"4711"),
    ]
    assert data.request_terminator == 0xFF


def test_a_forward_request_builds_from_its_fields() -> None:
    crafted = AJPForwardRequest(
        method="POST",
        req_uri=b"/echo",
        remote_addr=b"10.0.0.7",
        server_name=b"example.org",
        server_port=443,
        is_ssl=1,
        request_headers=[
            AJPRequestHeader(req_header_name=0xA00B, req_header_value=b"example.org"),
            AJPRequestHeader(req_header_name=0xA008, req_header_value=b"5"),
            AJPRequestHeader(req_header_name=b"X-Mine", req_header_value=b""),
        ],
        attributes=[
            AJPAttribute(attribute_name="query_string", attribute_value=b"a=1"),
            AJPAttribute(attribute_name="ssl_key_size", key_size=256),
            AJPAttribute(
                attribute_name="req_attribute",
                req_attribute_name=b"AJP_REMOTE_PORT",
                attribute_value=b"4711",
            ),
        ],
    )
    assert bytes(AJP13(data=crafted)) == FORWARD


def test_send_headers_dissects_and_builds() -> None:
    data = AJP13(HEADERS).data
    assert isinstance(data, AJPSendHeaders)
    assert (data.http_status_code, data.http_status_msg) == (200, b"OK")
    assert data.headers() == [(b"Content-Type", b"text/plain"), (b"X-Worker-Pid", b"77")]
    crafted = AJPSendHeaders(
        response_headers=[
            AJPResponseHeader(res_header_name=0xA001, res_header_value=b"text/plain"),
            AJPResponseHeader(res_header_name=b"X-Worker-Pid", res_header_value=b"77"),
        ]
    )
    assert bytes(AJP13(magic=0x4142, data=crafted)) == HEADERS


@pytest.mark.parametrize(
    ("raw", "kind", "field", "value"),
    [
        pytest.param(BODY, AJPRequestBody, "chunk", b"hello", id="request body"),
        pytest.param(CHUNK, AJPSendBodyChunk, "chunk", b"hello", id="send body chunk"),
        pytest.param(GET_CHUNK, AJPGetBodyChunk, "requested_length", 8186, id="get body chunk"),
        pytest.param(END, AJPEndResponse, "reuse", 1, id="end response"),
        pytest.param(PING, AJPCommand, "prefix_code", 10, id="cping"),
        pytest.param(PONG, AJPCommand, "prefix_code", 9, id="cpong"),
    ],
)
def test_each_small_packet_has_its_class(
    raw: bytes, kind: type, field: str, value: bytes | int
) -> None:
    pkt = AJP13(raw)
    assert isinstance(pkt.data, kind)
    assert getattr(pkt.data, field) == value
    assert bytes(pkt) == raw


def test_both_directions_are_lists_of_packets() -> None:
    asked = AJP(FORWARD + BODY + EMPTY_BODY + PING)
    kinds = [type(p.data) for p in asked.packets]
    assert kinds == [AJPForwardRequest, AJPRequestBody, type(None), AJPCommand]
    assert joined(asked.packets) == b"hello"
    answered = AJP(GET_CHUNK + HEADERS + CHUNK + CHUNK + END)
    assert [p.data.prefix_code for p in answered.packets] == [6, 4, 3, 3, 5]
    assert joined(answered.packets) == b"hellohello"


def test_a_body_that_begins_like_a_forward_request_is_a_body() -> None:
    # 516 bytes: the size 0x0204 reads as FORWARD_REQUEST and POST.
    raw = b"\x12\x34\x02\x06\x02\x04" + b"x" * 516
    assert isinstance(AJP13(raw).data, AJPRequestBody)


def test_a_stored_method_and_an_unknown_header_code_are_shown() -> None:
    data = FORWARD_DATA.replace(b"\x02\x04", b"\x02\xff", 1).replace(b"\xa0\x0b", b"\xa0\x7f", 1)
    pkt = AJP13(b"\x12\x34" + len(data).to_bytes(2, "big") + data)
    assert pkt.data.sprintf("%method%") == "STORED"
    assert pkt.data.headers()[0] == (b"0xA07F", b"example.org")


def test_reassembly_gives_whole_packets_and_keeps_the_rest() -> None:
    assert AJP.tcp_reassemble(FORWARD[:-1], {}, {}) is None
    pkt = AJP.tcp_reassemble(FORWARD + BODY[:6], {}, {})
    assert pkt is not None
    assert len(pkt.packets) == 1
    assert pkt.payload.load == BODY[:6]
