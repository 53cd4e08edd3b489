"""SCGI, the front's side (SCGI: A Simple Common Gateway Interface, 2008): a netstring of
variables, then the bare body."""

import socket
from collections.abc import Generator, Iterator

from _sending import connected, sending

PIECE_BYTES = 64 * 1024


def netstring(variables: dict[str, str]) -> bytes:
    """CONTENT_LENGTH must come first and be there, and SCGI must be 1."""
    first = {"CONTENT_LENGTH": variables.get("CONTENT_LENGTH", "0"), "SCGI": "1"}
    content = b"".join(
        name.encode() + b"\0" + text.encode("latin-1") + b"\0"
        for name, text in (first | variables | first).items()
    )
    return b"%d:%b," % (len(content), content)


def ask(
    target: str, variables: dict[str, str], body: Iterator[bytes] | None
) -> Generator[bytes, None, None]:
    with connected(target) as link:
        link.sendall(netstring(variables))
        with sending(body, link.sendall, lambda: link.shutdown(socket.SHUT_RDWR)):
            while piece := link.recv(PIECE_BYTES):  # the end of the connection ends the answer
                yield piece
