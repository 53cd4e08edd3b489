"""A gateway's CGI-style answer (RFC 3875 6) as an HTTP/1.1 one.

Pieces of bytes come in; a head, and a body in HTTP's framing, go out. Knows no socket.
"""

from collections.abc import Iterator
from dataclasses import dataclass

MAX_HEAD_BYTES = 64 * 1024
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding"}  # RFC 9110 7.6.1


class GatewayError(Exception):
    """There is no head that could be passed on."""


@dataclass
class Head:
    status: str
    """ "200 OK" """
    headers: list[tuple[str, str]]

    def get(self, wanted: str) -> str | None:
        return next((text for name, text in self.headers if name.lower() == wanted), None)

    def encoded(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status}", *(f"{name}: {text}" for name, text in self.headers)]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


@dataclass
class Frames:
    pieces: Iterator[bytes]
    until_close: bool
    """The end of the connection is the end of the body."""


def read_head(answer: Iterator[bytes]) -> tuple[Head, Iterator[bytes]]:
    """The head, and the pieces of the body."""
    held = b""
    try:
        for piece in answer:
            held = (held + piece).replace(b"\r\n\r\n", b"\n\n", 1)
            lines, blank, first = held.partition(b"\n\n")
            if blank:
                return _head(lines.decode("latin-1")), _pieces(first, answer)
            if len(held) > MAX_HEAD_BYTES:
                raise GatewayError("the gateway's answer begins with too long a head")
    except OSError as why:
        raise GatewayError(f"the gateway cannot be asked: {why}") from None
    raise GatewayError("the worker died without an answer")


def _head(text: str) -> Head:
    lines = text.splitlines()
    status = ""
    if lines and lines[0].startswith("HTTP/"):  # uWSGI says it so
        status = lines.pop(0).partition(" ")[2]
    fields = [line.partition(":") for line in lines]
    if not all(colon for _, colon, _ in fields):
        raise GatewayError("the gateway's answer begins with no head")
    head = Head("", [(name, text.strip()) for name, _, text in fields])
    redirected = head.get("location") is not None  # RFC 3875 6.2.3
    head.status = status or head.get("status") or ("302 Found" if redirected else "200 OK")
    head.headers = [
        (name, text) for name, text in head.headers if name.lower() not in HOP_BY_HOP | {"status"}
    ]
    return head


def _pieces(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def framed(head: Head, body: Iterator[bytes], method: str, version: str) -> Frames:
    """The body as HTTP wants it; adds to the head what that takes (RFC 9112 6)."""
    if method == "HEAD" or head.status[:3] in ("204", "304"):
        return Frames(_nothing(body), until_close=False)
    if (length := head.get("content-length")) is not None:
        return Frames(_up_to(int(length), body), until_close=False)
    if version == "HTTP/1.1":
        head.headers.append(("Transfer-Encoding", "chunked"))
        return Frames(_chunked(body), until_close=False)
    return Frames(body, until_close=True)


# Each of these reads its source to the end: only so does a gateway end by itself.


def _nothing(body: Iterator[bytes]) -> Iterator[bytes]:
    for _ in body:
        pass
    yield from ()


def _up_to(n_bytes: int, body: Iterator[bytes]) -> Iterator[bytes]:
    for piece in body:
        if n_bytes:
            yield piece[:n_bytes]
            n_bytes -= len(piece[:n_bytes])
    if n_bytes:
        raise ConnectionError("the worker died in mid-answer: a close is all that can tell it")


def _chunked(body: Iterator[bytes]) -> Iterator[bytes]:
    for piece in body:
        yield b"%x\r\n%b\r\n" % (len(piece), piece)
    yield b"0\r\n\r\n"
