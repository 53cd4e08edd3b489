"""uwsgi, the front's side (uwsgi-docs, Protocol.rst): a block of variables, then the bare body."""

import socket
import struct
from collections.abc import Generator, Iterator

from _sending import connected, sending

PYTHON = 0  # modifier1: a WSGI application
MAX_BLOCK_BYTES = 65_535  # its length has 16 bits
PIECE_BYTES = 64 * 1024


def block(variables: dict[str, str]) -> bytes:
    """Each name and each value after its length, which is little-endian, unlike all else here."""
    out = []
    for name, text in variables.items():
        for part in (name.encode(), text.encode("latin-1")):
            out.append(struct.pack("<H", len(part)) + part)
    content = b"".join(out)
    if len(content) > MAX_BLOCK_BYTES:
        raise OSError("the request's head is too long for a uwsgi block")
    return struct.pack("<BHB", PYTHON, len(content), 0) + content


def ask(
    target: str, variables: dict[str, str], body: Iterator[bytes] | None
) -> Generator[bytes, None, None]:
    head = block(variables)
    with connected(target) as link:
        link.sendall(head)
        with sending(body, link.sendall, lambda: link.shutdown(socket.SHUT_RDWR)):
            while piece := link.recv(PIECE_BYTES):  # the end of the connection ends the answer
                yield piece
