"""SCGI conversations, written by hand from the specification and from what servers send."""

from gwtop.nouns.wire import Side

C, S = Side.CLIENT, Side.SERVER


def netstring(block: bytes) -> bytes:
    return b"%d:%s," % (len(block), block)


def variables(*pairs: tuple[bytes, bytes]) -> bytes:
    return b"".join(name + b"\0" + value + b"\0" for name, value in pairs)


def request(method: bytes, uri: bytes, body: bytes = b"", *more: tuple[bytes, bytes]) -> bytes:
    block = variables(
        (b"CONTENT_LENGTH", b"%d" % len(body)),
        (b"SCGI", b"1"),
        (b"REQUEST_METHOD", method),
        (b"REQUEST_URI", uri),
        *more,
    )
    return netstring(block) + body


OK = b"Status: 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


def conversations() -> list[list[tuple[Side, bytes]]]:
    body = bytes(range(256)) * 50
    cookie = (b"HTTP_COOKIE", b"c" * 9_000)
    return [
        # the specification's own example
        [
            (
                C,
                b"70:CONTENT_LENGTH\0" + b"27\0SCGI\0" + b"1\0REQUEST_METHOD\0POST\0"
                b"REQUEST_URI\0/deepthought\0,What is the answer to life?",
            ),
            (S, b"Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n42"),
        ],
        [(C, request(b"GET", b"/one?x=1")), (S, OK)],
        [(C, request(b"POST", b"/echo", body, cookie)), (S, b"A: b\n\n" + body)],
        [
            (C, request(b"POST", b"/echo", body)[:300]),
            (C, request(b"POST", b"/echo", body)[300:]),
            (S, b"HTTP/1.1 201 Created\r\nA: b\r\n\r\n"),
            (S, body[:5_000]),
            (S, body[5_000:]),
        ],
        # HEAD, a redirect, an error
        [(C, request(b"HEAD", b"/")), (S, b"Content-Length: 99\r\n\r\n")],
        [(C, request(b"GET", b"/old")), (S, b"Location: /new\r\n\r\n")],
        [(C, request(b"GET", b"/error")), (S, b"Status: 500 Oops\r\n\r\nsorry")],
        # the worker dies without an answer
        [(C, request(b"GET", b"/crash"))],
    ]


def endless() -> list[tuple[list[tuple[Side, bytes]], Side, bytes]]:
    """What comes first, and the block that a hostile peer then sends for ever."""
    return [
        ([], C, b"9"),
        ([(C, b"999999:")], C, b"A\0"),
        ([(C, b"1048576:A\0")], C, b"A" * 60_000),
        ([(C, request(b"GET", b"/"))], S, b"X-Padding: " + b"x" * 30_000),
    ]
