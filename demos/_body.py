"""The body of an HTTP/1.1 request, in pieces: of a known length, or chunked (RFC 9112 6, 7.1)."""

from collections.abc import Iterator
from io import BufferedIOBase
from typing import IO

PIECE_BYTES = 64 * 1024


Source = IO[bytes] | BufferedIOBase


class BodyError(Exception):
    """The body ends before its length."""


def pieces(source: Source, n_bytes: int) -> Iterator[bytes]:
    while n_bytes:
        piece = source.read(min(n_bytes, PIECE_BYTES))
        if not piece:
            raise BodyError("the body ended early")
        n_bytes -= len(piece)
        yield piece


def chunks(source: Source) -> Iterator[bytes]:
    while n_bytes := int(source.readline(1024).partition(b";")[0], 16):
        yield from pieces(source, n_bytes)
        source.readline(1024)  # the line's end after each chunk
    while source.readline(65536).strip():
        pass  # trailer fields; nobody behind us could take them
