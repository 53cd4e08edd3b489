"""FastCGI conversations, written record by record. The builders here are the tests' own."""

import struct

from gwtop.nouns.wire import Side

C, S = Side.CLIENT, Side.SERVER
BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR, DATA = range(1, 9)
GET_VALUES, GET_VALUES_RESULT, UNKNOWN_TYPE = 9, 10, 11


def record(kind: int, stream: int, content: bytes = b"", padding: int = 0) -> bytes:
    header = struct.pack("!BBHHBB", 1, kind, stream, len(content), padding, 0)
    return header + content + b"\0" * padding


def begin(stream: int = 1, keep: bool = False, role: int = 1) -> bytes:
    return record(BEGIN, stream, struct.pack("!HB5x", role, keep))


def end(stream: int = 1, app_status: int = 0, protocol_status: int = 0) -> bytes:
    return record(END, stream, struct.pack("!IB3x", app_status, protocol_status))


def length(n_bytes: int) -> bytes:
    return bytes([n_bytes]) if n_bytes < 128 else struct.pack("!I", n_bytes | 1 << 31)


def pair(name: bytes, value: bytes) -> bytes:
    return length(len(name)) + length(len(value)) + name + value


def variables(method: bytes = b"GET", uri: bytes = b"/", *more: tuple[bytes, bytes]) -> bytes:
    pairs = [(b"REQUEST_METHOD", method), (b"REQUEST_URI", uri), *more]
    return b"".join(pair(*each) for each in pairs)


def request(
    params: bytes, body: bytes = b"", stream: int = 1, keep: bool = False, padding: int = 0
) -> bytes:
    stdin = record(STDIN, stream, body, padding) if body else b""
    return (
        begin(stream, keep)
        + record(PARAMS, stream, params, padding)
        + record(PARAMS, stream)
        + stdin
        + record(STDIN, stream)
    )


def answer(content: bytes, stream: int = 1, padding: int = 0) -> bytes:
    return record(STDOUT, stream, content, padding) + record(STDOUT, stream) + end(stream)


OK = b"Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"


def _post(n_bytes: int, *more: tuple[bytes, bytes]) -> bytes:
    return variables(b"POST", b"/echo?q=1", (b"CONTENT_LENGTH", b"%d" % n_bytes), *more)


def conversations() -> list[list[tuple[Side, bytes]]]:
    body = bytes(range(256)) * 40
    big = b"x" * 60_000
    long_params = variables(b"GET", b"/long", (b"HTTP_COOKIE", b"c" * 40_000))
    first = request(variables(b"GET", b"/one"), stream=1, keep=True)
    second = request(_post(len(body)), body, stream=1, keep=True)
    return [
        [(C, request(variables(), padding=4)), (S, answer(OK, padding=3))],
        # php-fpm: no empty STDOUT, STDERR first
        [
            (C, request(_post(len(body)), body, padding=6)),
            (S, record(STDERR, 1, b"PHP message: oops", 7)),
            (S, record(STDOUT, 1, b"Status: 500 X\r\n\r\n" + body, 6) + end()),
        ],
        # a kept connection
        [
            (C, first),
            (S, answer(OK)),
            (C, second),
            (S, answer(b"X: y\n\n" + big)),
            (C, request(variables(b"HEAD", b"/three"), keep=True)),
            (S, answer(b"Content-Length: 99\r\n\r\n")),
        ],
        # multiplexed, interleaved both ways
        [
            (C, begin(1, True) + begin(2, True) + record(PARAMS, 2, variables(b"GET", b"/two"))),
            (C, record(PARAMS, 1, _post(3)) + record(PARAMS, 1) + record(STDIN, 1, b"ab")),
            (C, record(PARAMS, 2) + record(STDIN, 2) + record(STDIN, 1, b"c") + record(STDIN, 1)),
            (S, record(STDOUT, 2, b"A: b\r\n\r\ntwo") + record(STDOUT, 1, b"A: b\r\n\r\non")),
            (S, record(STDOUT, 1, b"e") + record(STDERR, 2, b"err") + record(STDERR, 2)),
            (S, record(STDOUT, 2) + end(2) + record(STDOUT, 1) + end(1, app_status=7)),
        ],
        # management, then a filter with data, PARAMS over several records
        [
            (C, record(GET_VALUES, 0, pair(b"FCGI_MAX_CONNS", b""), 2)),
            (S, record(GET_VALUES_RESULT, 0, pair(b"FCGI_MAX_CONNS", b"1"), 1)),
            (C, begin(9, role=3) + record(PARAMS, 9, long_params[:16_000])),
            (C, record(PARAMS, 9, long_params[16_000:]) + record(PARAMS, 9)),
            (C, record(STDIN, 9) + record(DATA, 9, b"filter me") + record(DATA, 9)),
            (S, record(STDOUT, 9, b"HTTP/1.1 201 Created\r\n") + record(STDOUT, 9, b"\r\nyes")),
            (S, record(STDOUT, 9) + end(9)),
        ],
        # refused; and the front gives up
        [
            (C, request(variables(b"GET", b"/busy"), keep=True)),
            (S, end(1, 0, 2)),
            (C, request(variables(b"GET", b"/slow"), keep=True) + record(ABORT, 1)),
            (S, end(1)),
        ],
        # the server leaves in mid-answer
        [(C, request(variables())), (S, record(STDOUT, 1, b"Status: 200 OK\r\n\r\nhal"))],
    ]


def endless() -> list[tuple[list[tuple[Side, bytes]], Side, bytes]]:
    """What comes first, and the block that a hostile peer then sends for ever."""
    header = b"X-Padding: " + b"x" * 30_000
    return [
        ([(C, begin())], C, record(PARAMS, 1, b"v" * 60_000)),
        ([(C, begin() + begin(2))], C, record(PARAMS, 2, b"v" * 300)),
        ([(C, request(variables()))], S, record(STDOUT, 1, header)),
        ([], C, b"".join(begin(n) + record(PARAMS, n, b"v" * 9_000) for n in range(1, 300))),
        ([], C, begin() + record(PARAMS, 1, b"\x01\x01ab" * 200)),
        ([(C, request(variables()))], S, record(99, 1, b"?" * 100)),
    ]
