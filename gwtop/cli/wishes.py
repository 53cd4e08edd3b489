"""Wishes from a descriptor: bytes in, wishes in order out; what a wish does is the engine's.

A line that is no wish comes out as `BadWish`, and so does a line without an end.
"""

import os

from gwtop.journal import decode_wish
from gwtop.nouns.wishes import BadWish, Wish

MAX_LINE_BYTES = 64 * 1024  # a wish is under 100; whoever sends more is not wishing


class WishReader:
    """A `WishSource` on a pipe, a socket or a file."""

    def __init__(self, fd: int, ends_the_run: bool) -> None:
        self.ended = False
        self.ends_the_run = ends_the_run
        self._fd = fd
        self._rest = b""

    def fileno(self) -> int:
        return self._fd

    def read(self) -> list[Wish | BadWish]:
        """The wishes of what is there now; one read, so it does not block after a `poll`."""
        data = os.read(self._fd, MAX_LINE_BYTES)
        self.ended = not data
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE_BYTES:
            lines.append(self._rest)
            self._rest = b""
        return [decode_wish(line) for line in lines if line.strip()]
