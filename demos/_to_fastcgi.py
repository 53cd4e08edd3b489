"""FastCGI, the front's side (FastCGI Specification 1.0): one connection, one request, id 1."""

import socket
import struct
from collections.abc import Generator, Iterator
from typing import BinaryIO

from _sending import connected, sending

VERSION = 1  # 3.3
BEGIN_REQUEST, END_REQUEST, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6  # 8
RESPONDER = 1  # 5.1
REQUEST_ID = 1
MAX_CONTENT_BYTES = 65_528  # php-fpm refuses content and padding over 65,535 together


def record(kind: int, content: bytes) -> bytes:
    """3.3: version, type, id, length, padding, reserved."""
    return struct.pack("!BBHHBx", VERSION, kind, REQUEST_ID, len(content), 0) + content


def pairs(variables: dict[str, str]) -> bytes:
    """3.4: lengths of one byte up to 127, else of four with the top bit set."""
    out = []
    for name, text in variables.items():
        both = name.encode(), text.encode("latin-1")
        for part in both:
            n = len(part)
            out.append(bytes([n]) if n < 128 else struct.pack("!I", n | 1 << 31))
        out += both
    return b"".join(out)


def ask(
    target: str, variables: dict[str, str], body: Iterator[bytes] | None
) -> Generator[bytes, None, None]:
    params = pairs(variables)
    if len(params) > MAX_CONTENT_BYTES:
        # A stream may span records, but uWSGI and php-fpm want whole pairs in each.
        raise OSError("the request's head is too long for one PARAMS record")
    # 5.1: no KEEP_CONN, so the end of the connection follows the end of the answer.
    begin = record(BEGIN_REQUEST, struct.pack("!HB5x", RESPONDER, 0))
    head = begin + record(PARAMS, params) + record(PARAMS, b"")
    with connected(target) as link, link.makefile("rb") as answer:
        link.sendall(head if body else head + record(STDIN, b""))
        # A piece is 64 KiB, and may exceed a record; the empty one at the end ends the stream.
        send = lambda piece: link.sendall(b"".join(_records(piece)))  # noqa: E731
        with sending(body, send, lambda: link.shutdown(socket.SHUT_RDWR)):
            yield from _stdout(answer)


def _records(piece: bytes) -> Iterator[bytes]:
    for start in range(0, max(len(piece), 1), MAX_CONTENT_BYTES):
        yield record(STDIN, piece[start : start + MAX_CONTENT_BYTES])


def _stdout(answer: BinaryIO) -> Iterator[bytes]:
    while len(header := answer.read(8)) == 8:
        _, kind, _, n_content, n_padding = struct.unpack("!BBHHBx", header)
        content = answer.read(n_content)
        answer.read(n_padding)
        if kind == END_REQUEST:
            return
        if kind == STDOUT and content:
            yield content
