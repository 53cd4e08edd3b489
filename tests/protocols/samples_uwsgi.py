"""uwsgi conversations, written by hand from Protocol.rst."""

import struct

from gwtop.nouns.wire import Side

C, S = Side.CLIENT, Side.SERVER


def variables(*pairs: tuple[bytes, bytes]) -> bytes:
    return b"".join(
        struct.pack("<H", len(part)) + part  # key size or value size, then its bytes
        for pair in pairs
        for part in pair
    )


def packet(block: bytes, modifier1: int = 0, modifier2: int = 0) -> bytes:
    return struct.pack("<BHB", modifier1, len(block), modifier2) + block


def request(method: bytes, uri: bytes, n_body: int = 0, *more: tuple[bytes, bytes]) -> bytes:
    length = b"%d" % n_body if n_body else b""
    return packet(
        variables(
            (b"QUERY_STRING", uri.partition(b"?")[2]),
            (b"REQUEST_METHOD", method),
            (b"CONTENT_LENGTH", length),
            (b"REQUEST_URI", uri),
            *more,
        )
    )


KEPT = b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello"


def conversations() -> list[list[tuple[Side, bytes]]]:
    """Whole connections from their first byte; both sides close after the last block."""
    return [
        [(C, request(b"GET", b"/a?b=c")), (S, b"HTTP/1.1 200 OK\r\nX: y\r\n\r\nhello")],
        [(C, request(b"POST", b"/p", 600) + b"p" * 600), (S, b"Status: 201\r\n\r\n" + b"a" * 500)],
        [
            (C, request(b"POST", b"/1", 300) + b"p" * 300),
            (S, KEPT),
            (C, request(b"HEAD", b"/2")),
            (S, b"HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: 9\r\n\r\n"),
            (C, request(b"GET", b"/3")),
            (S, KEPT),
        ],
        [(C, request(b"GET", b"/error")), (S, b"HTTP/1.1 500 Internal Server Error\r\n\r\noops")],
        [(C, b"\x64\0\0\0"), (S, b"\x64\0\0\0"), (C, request(b"GET", b"/")), (S, KEPT)],
    ]
