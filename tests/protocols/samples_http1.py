"""HTTP/1.x conversations, written by hand from RFC 9112."""

from gwtop.nouns.wire import Side

C, S = Side.CLIENT, Side.SERVER

GET = b"GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
POST = b"POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"


def conversations() -> list[list[tuple[Side, bytes]]]:
    """Whole connections from their first byte; both sides close after the last block."""
    return [
        [(C, GET), (S, OK)],
        [(C, POST % 600 + b"b" * 600), (S, b"HTTP/1.0 200 OK\r\n\r\n" + b"until the close " * 40)],
        [
            (C, POST % 300 + b"p" * 300),
            (S, CHUNKS + b'12c;name="v"\r\n' + b"c" * 300 + b"\r\n0\r\nTrailer: t\r\n\r\n"),
            (C, b"HEAD /h HTTP/1.1\r\n\r\n"),
            (S, b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"),
            (C, GET),
            (S, OK),
        ],
        [
            (C, b"PUT /e HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"),
            (S, b"HTTP/1.1 100 Continue\r\n\r\n"),
            (C, b"abc"),
            (S, b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n"),
        ],
        [(C, GET + GET), (S, OK + b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")],
        [
            (C, b"GET /ws HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
            (S, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x05hello"),
            (C, b"\x81\x80\1\2\3\4"),
        ],
    ]
