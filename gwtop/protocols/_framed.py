"""A body that HTTP/1.x frames: by a length, in chunks, or until the close (RFC 9112 6 and 7).

In: the bytes behind a head, of one side. Out: `Body` events without framing, and what lies behind
the body. Refuses to know: heads, exchanges, which side may send what; bytes that are no chunk are
handed back with `broken` set.

Its own file because both directions of HTTP need it, each with its own place in a body. The size
of a chunk is a line, so only lines are held; chunk data goes through as it comes.
"""

import re

from gwtop.nouns.events import Body, Event, Hole
from gwtop.nouns.wire import Side

MAX_LINE_BYTES = 8 * 1024
"""One chunk-size line or one trailer field. Extensions are rare and short; nginx and Apache stop
at 8 KiB for a header line, and a trailer is one."""

# RFC 9112 7.1: chunk-size [ chunk-ext ] CRLF; white space before ";" is tolerated (7.1.1), a bare
# LF too (2.2). 15 digits are more than any connection lives to send.
_SIZE_LINE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\n]*)?\r?\n")

_CRLF = b"\r\n"
_DONE, _LENGTH, _UNTIL_CLOSE, _SIZE, _DATA, _DATA_END, _TRAILERS = range(7)


class FramedBody:
    """One body after another. `framing_bytes` are those of chunk lines and trailers so far; who
    tells them sets it to 0."""

    __slots__ = ("_left", "_line", "_state", "broken", "framing_bytes", "said_bytes")

    def __init__(self) -> None:
        self._state = _DONE
        self._left = 0
        self._line = bytearray()
        self.framing_bytes = 0
        self.broken: str | None = None
        """Why the bytes are no body; what `take` gave back then begins with the bad line."""
        self.said_bytes = 0
        """The length that the head promised; 0 where it promised none."""

    def begin_length(self, n_bytes: int) -> None:
        self._state, self._left, self.said_bytes = _LENGTH, n_bytes, n_bytes

    def begin_chunked(self) -> None:
        self._state, self.said_bytes, self.broken = _SIZE, 0, None

    def begin_until_close(self) -> None:
        self._state, self.said_bytes = _UNTIL_CLOSE, 0

    def drop(self) -> int:
        """Forgets this body, for it will not go on; returns its untold framing bytes."""
        n_bytes, self.framing_bytes = self.held_bytes(), 0
        self._line.clear()
        self._state = _DONE
        return n_bytes

    @property
    def done(self) -> bool:
        return self._state == _DONE

    @property
    def until_close(self) -> bool:
        return self._state == _UNTIL_CLOSE

    @property
    def missing_bytes(self) -> int:
        """How many bytes of a promised length have not come; 0 without a promise."""
        return self._left if self._state == _LENGTH else 0

    def held_bytes(self) -> int:
        return self.framing_bytes + len(self._line)

    def take(self, side: Side, data: bytes, out: list[Event]) -> bytes:
        """Appends what `data` says and returns what lies behind the body (see `done`)."""
        if self._state == _UNTIL_CLOSE:
            out.append(Body(0, side, data))
            return b""
        if self._state != _LENGTH:
            return self._take_chunks(side, data, out)
        if len(data) < self._left:
            self._left -= len(data)
            out.append(Body(0, side, data))
            return b""
        out.append(Body(0, side, data[: self._left]))
        self._state = _DONE
        return data[self._left :]

    def lost(self, side: Side, n_bytes: int, out: list[Event]) -> int:
        """Appends the holes that the next `n_bytes`, which nobody saw, make in this body for
        sure. What is left of them is behind the body when it is `done`, else in the framing, and
        the place is lost."""
        in_body = n_bytes
        if self._state in (_LENGTH, _DATA):
            in_body = min(n_bytes, self._left)
            self._left -= in_body
            if not self._left:
                self._state = _DONE if self._state == _LENGTH else _DATA_END
        elif self._state != _UNTIL_CLOSE:
            in_body = 0
        if in_body:
            out.append(Hole(0, side, in_body, True))
        return n_bytes - in_body - self._lost_end(side, n_bytes - in_body, out)

    def _lost_end(self, side: Side, n_bytes: int, out: list[Event]) -> int:
        """A chunk ends in CRLF (RFC 9112 7.1): a server that sends each chunk by one call, of
        which the end was not copied, leaves this hole. What more is may be anything."""
        if self._state != _DATA_END or self._line or not 0 < n_bytes <= len(_CRLF):
            return 0
        out.append(Hole(0, side, n_bytes, False, True))
        if n_bytes == len(_CRLF):
            self._state = _SIZE
        return n_bytes

    def _take_chunks(self, side: Side, data: bytes, out: list[Event]) -> bytes:
        begin = 0
        while begin < len(data):
            if self._state == _DATA:
                part = data[begin : begin + self._left]
                out.append(Body(0, side, part))
                begin += len(part)
                self._left -= len(part)
                if not self._left:
                    self._state = _DATA_END
                continue
            end = data.find(b"\n", begin) + 1
            self._line += data[begin : end or len(data)]
            begin = end or len(data)
            if len(self._line) > MAX_LINE_BYTES or (end and not self._take_line()):
                return self._break(data[begin:])
            if self._state == _DONE:
                return data[begin:]
        return b""

    def _take_line(self) -> bool:
        """False: it is not the line that must stand here."""
        line = bytes(self._line)
        if self._state == _SIZE:
            found = _SIZE_LINE.fullmatch(line)
            if found is None:
                return False
            self._left = int(found[1], 16)
            self._state = _DATA if self._left else _TRAILERS  # RFC 9112 7.1.2
        elif line in (b"\r\n", b"\n"):
            self._state = _SIZE if self._state == _DATA_END else _DONE
        elif self._state == _DATA_END:
            return False
        self.framing_bytes += len(line)
        self._line.clear()
        return True

    def _break(self, rest: bytes) -> bytes:
        whole = bytes(self._line) + rest
        self._line.clear()
        self._state = _DONE
        self.broken = "not a chunk"
        return whole
