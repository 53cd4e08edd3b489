"""AJP13 conversations, written by hand from the AJPv13 reference."""

import struct

from gwtop.nouns.wire import Side

C, S = Side.CLIENT, Side.SERVER
Header = tuple[int | bytes, bytes]


def string(text: bytes) -> bytes:
    return struct.pack(">H", len(text)) + text + b"\0"


def headers(pairs: tuple[Header, ...]) -> bytes:
    parts = [struct.pack(">H", n) if isinstance(n, int) else string(n) for n, _ in pairs]
    return struct.pack(">H", len(pairs)) + b"".join(
        name + string(value) for name, (_, value) in zip(parts, pairs, strict=True)
    )


def from_web(payload: bytes) -> bytes:
    return b"\x12\x34" + struct.pack(">H", len(payload)) + payload


def from_container(payload: bytes) -> bytes:
    return b"AB" + struct.pack(">H", len(payload)) + payload


def forward(method: int, uri: bytes, *pairs: Header, attributes: bytes = b"") -> bytes:
    return from_web(
        bytes((2, method))  # prefix_code FORWARD_REQUEST, method
        + string(b"HTTP/1.1")  # protocol
        + string(uri)  # req_uri
        + string(b"127.0.0.1")  # remote_addr
        + b"\xff\xff"  # remote_host: null
        + string(b"localhost")  # server_name
        + struct.pack(">H?", 8080, False)  # server_port, is_ssl
        + headers(pairs)  # num_headers, request_headers
        + attributes
        + b"\xff"  # request_terminator
    )


def body(data: bytes) -> bytes:
    return from_web(struct.pack(">H", len(data)) + data)


def send_headers(status: int, *pairs: Header) -> bytes:
    return from_container(b"\x04" + struct.pack(">H", status) + string(b"msg") + headers(pairs))


def chunk(data: bytes) -> bytes:
    return from_container(b"\x03" + struct.pack(">H", len(data)) + data + b"\0")


GET, POST = 2, 4
CONTENT_LENGTH, ANSWER_LENGTH = 0xA008, 0xA003
CPING, CPONG = from_web(b"\x0a"), from_container(b"\x09")
END, GET_BODY = from_container(b"\x05\x01"), from_container(b"\x06\x1f\xfa")
QUERY = b"\x05" + string(b"b=c")


def conversations() -> list[list[tuple[Side, bytes]]]:
    """Whole connections from their first byte; both sides close after the last block."""
    large = 65_530
    return [
        [(C, forward(GET, b"/a", attributes=QUERY)), (S, send_headers(200) + chunk(b"hi") + END)],
        [
            (C, forward(POST, b"/p", (CONTENT_LENGTH, b"%d" % (large + 300)))),
            (C, body(b"p" * large)),
            (S, GET_BODY),
            (C, body(b"\x02" * 300)),
            (S, send_headers(200, (ANSWER_LENGTH, b"900")) + chunk(b"a" * 900) + END),
            (C, forward(GET, b"/after")),
            (S, send_headers(404, (b"X-A", b"b")) + END),
        ],
        [
            (C, forward(POST, b"/c", (b"Transfer-Encoding", b"chunked"))),
            (S, GET_BODY),
            (C, body(b"c" * 500)),
            (S, GET_BODY),
            (C, from_web(b"")),
            (S, send_headers(200) + chunk(b"a" * 400) + chunk(b"") + END),
        ],
        [(C, CPING), (S, CPONG), (C, forward(GET, b"/e")), (S, send_headers(500) + END)],
        [
            (C, forward(POST, b"/early", (CONTENT_LENGTH, b"90000")) + body(b"x" * 8000)),
            (S, send_headers(413) + END),
            (C, body(b"y" * 8000)),
            (C, forward(GET, b"/next")),
            (S, send_headers(200) + chunk(b"z" * 700) + END),
        ],
    ]
