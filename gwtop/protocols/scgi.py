"""SCGI: one request a connection: a netstring of variables, a body, an answer until the close.

Spec: "SCGI: A Simple Common Gateway Interface alternative", Neil Schemenauer, revision 2008-06-23;
numbers in comments are its sections (2 protocol, 3 request format, 4 response format). Answers are
CGI answers (RFC 3875 6), or begin with an HTTP status line (uWSGI's scgi-nph). Refuses to know what
a variable means beyond method, target and length.

Everything behind the netstring is body, so a gap costs no more than itself unless it hides the
netstring's length. A connection whose beginning was not seen has nothing to tell: it carries one
request, and that one had begun.
"""

import re

from gwtop.nouns.events import (
    Body,
    Confused,
    Control,
    Event,
    Hole,
    Remark,
    RequestEnd,
    RequestHead,
)
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import (
    CUT_HEAD,
    FRAMING,
    UNSEEN,
    ByteQueue,
    Claim,
    Pair,
    cgi_target,
    decimal,
    duplicate_variable,
    header_fields,
    http_on_gateway_port,
    is_http_request,
    malformed_variables,
    same_length_remark,
)
from gwtop.protocols._closing_answer import ClosingAnswer
from gwtop.protocols._scgi_fields import dissect as dissect
from gwtop.protocols._scgi_repeat import repeat as repeat

NAME = "scgi"

MAX_HEAD_BYTES = 1024 * 1024
"""Of the netstring. nginx, Apache and lighttpd send what fits their own header limits, 8 to 64 KiB
and a few hundred bytes of variables."""

# 3: the netstring's length, no leading zero, up to the 7 digits of MAX_HEAD_BYTES; then the first
# name, which ends in NUL.
_BEGINNING = re.compile(rb"[1-9][0-9]{0,6}:[A-Za-z_][A-Za-z0-9_.-]{0,63}\0")
_MAY_BEGIN = re.compile(rb"[1-9][0-9]{0,6}(?::(?:[A-Za-z_][A-Za-z0-9_.-]{0,63})?)?|")
_LENGTH = re.compile(rb"([1-9][0-9]{0,6}):")
_MAY_BE_LENGTH = re.compile(rb"[1-9][0-9]{0,6}")

CLAIM_BYTES = 80  # the longest beginning that can still become one of _BEGINNING
FIRST_BYTES = 8
"""So many bytes decide whether a connection that does not begin with a length speaks HTTP."""


def claims(prefix: bytes) -> Claim:
    if _BEGINNING.match(prefix):
        return Claim.YES
    return Claim.MORE if _MAY_BEGIN.fullmatch(prefix) else Claim.NO


def request_fields(block: bytes) -> list[Pair]:
    parts = block.split(b"\0")
    return list(zip(parts[0:-1:2], parts[1::2], strict=False))


def response_fields(block: bytes) -> list[Pair]:
    return header_fields(block)


# Where the client's side is.
_HEAD = 0
_CUT = 1
"""In a netstring of known length of which a part was lost."""
_BODY = 2
_NO_PLACE = 3
"""The netstring's length was lost: what is head and what is body is not known."""
_NOT_OURS = 4
_UNSEEN = 5


class Decoder:
    """See `gwtop.protocols._base.Decoder`."""

    __slots__ = (
        "_answer",
        "_began_at",
        "_body_bytes",
        "_content_length",
        "_ended",
        "_framing",
        "_from_start",
        "_head_begin",
        "_head_bytes",
        "_left",
        "_method",
        "_over",
        "_queue",
        "_state",
        "_told",
        "_touched",
    )

    def __init__(self, from_start: bool) -> None:
        self._from_start = from_start
        self._state = _HEAD
        self._queue = ByteQueue()
        self._head_bytes = 0
        """The netstring's length; 0 before it was read."""
        self._head_begin = 0
        """Bytes of the netstring's length and its colon."""
        self._began_at: Nanos = 0
        self._left = 0
        """In _CUT: bytes of the netstring, comma included, that have not come."""
        self._framing = 0
        self._told = False
        self._method: bytes | None = None
        self._content_length: int | None = None
        self._body_bytes = 0
        self._ended = False
        self._answer = ClosingAnswer()
        self._touched = False
        self._over = False

    def held_bytes(self) -> int:
        return len(self._queue) + self._framing + self._answer.held_bytes()

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        events: list[Event] = []
        if side is Side.SERVER:
            self._from_server(data, at, events)
            return events
        if self._state == _HEAD:
            self._queue.push(data, at)
            data = self._read_head(events)
        elif self._state == _CUT:
            data = self._skip_cut_head(data, events)
        if data:
            self._behind_head(data, events)
        return events

    def _read_head(self, events: list[Event]) -> bytes:
        """Reads the netstring when it is whole; returns what came behind it."""
        queue = self._queue
        if not self._head_bytes:
            start = queue.peek(FIRST_BYTES)
            length = _LENGTH.match(start)
            if length is None or int(length[1]) > MAX_HEAD_BYTES:
                if len(start) < FIRST_BYTES or _MAY_BE_LENGTH.fullmatch(start):
                    return b""
                return self._refuse(events)
            if not self._from_start:
                claim = claims(queue.peek(CLAIM_BYTES))
                if claim is not Claim.YES:
                    return b"" if claim is Claim.MORE else self._refuse(events)
            self._began_at = queue.at
            self._head_bytes = int(length[1])
            self._head_begin = length.end()
        if len(queue) <= self._head_begin + self._head_bytes:
            return b""
        if queue.peek(1, self._head_begin + self._head_bytes) != b",":  # 3: the netstring's end
            return self._refuse(events)
        self._framing = self._head_begin + 1
        queue.skip(self._head_begin)
        self._tell_head(queue.take(self._head_bytes), True, events)
        queue.skip(1)
        self._state = _BODY
        rest = queue.take_all()
        if self._content_length == 0:
            self._end_request(events)
        return rest

    def _refuse(self, events: list[Event]) -> bytes:
        """What the client sends is no SCGI request; returns it, to be told as such."""
        data = self._queue.take_all()
        self._state = _NOT_OURS if self._from_start else _UNSEEN
        if self._from_start and is_http_request(data[:FIRST_BYTES]):
            events.append(http_on_gateway_port("SCGI"))
        return data

    def _tell_head(self, block: bytes, whole: bool, events: list[Event]) -> None:
        self._told = True
        fields = request_fields(block)
        found = dict(fields)
        self._method = found.get(b"REQUEST_METHOD")
        target = cgi_target(found, whole)
        events.append(RequestHead(0, self._began_at, self._method, target, None, len(block), block))
        self._content_length = decimal(found.get(b"CONTENT_LENGTH", b""))
        if len(found) != len(fields):
            events.append(duplicate_variable(0, fields))
        if whole and block.count(b"\0") % 2:
            events.append(malformed_variables(0, len(block) - block.rfind(b"\0", 0, -1) - 1))
        if whole and fields[:1] and fields[0][0] != b"CONTENT_LENGTH":
            events.append(_LENGTH_NOT_FIRST)
        if whole and found.get(b"SCGI") != b"1":
            events.append(_NOT_MARKED)

    def _behind_head(self, data: bytes, events: list[Event]) -> None:
        """Bytes of the client that are not in the netstring."""
        if self._state != _BODY:
            self._without_place(Side.CLIENT, len(data), events)
            return
        body = data
        if self._content_length is not None:
            body = data[: self._content_length - self._body_bytes]
        if body:
            self._body_bytes += len(body)
            events.append(Body(0, Side.CLIENT, body))
        if self._body_bytes == self._content_length:
            self._end_request(events)
        if len(body) < len(data):
            why = "behind the end of the request"
            events.append(Confused(Side.CLIENT, len(data) - len(body), why))

    def _without_place(self, side: Side, n_bytes: int, events: list[Event]) -> None:
        if self._state == _NOT_OURS:
            events.append(Confused(side, n_bytes, "no SCGI request"))
        elif self._state == _UNSEEN or not self._told:
            events.append(Control(0, side, UNSEEN, n_bytes))
        else:
            events.append(Control(0, side, CUT_HEAD, n_bytes))

    def _end_request(self, events: list[Event]) -> None:
        if self._ended:
            return
        self._ended = True
        self._flush_framing(events)
        events.append(RequestEnd(0))

    def _flush_framing(self, events: list[Event]) -> None:
        if self._framing:
            events.append(Control(0, Side.CLIENT, FRAMING, self._framing))
            self._framing = 0

    def _skip_cut_head(self, data: bytes, events: list[Event]) -> bytes:
        skipped = min(self._left, len(data))
        self._left -= skipped
        events.append(Control(0, Side.CLIENT, CUT_HEAD, skipped))
        self._enter_body(events)
        return data[skipped:]

    def _enter_body(self, events: list[Event]) -> None:
        if not self._left:
            self._state = _BODY
            if self._content_length == 0:
                self._end_request(events)

    def _cut_head(self, events: list[Event]) -> None:
        """Tells a request of whose netstring no more will come, or not in order."""
        queue = self._queue
        if self._state != _HEAD or not len(queue):
            return
        if self._head_bytes:
            self._left = self._head_begin + self._head_bytes + 1 - len(queue)
            self._framing = self._head_begin
            queue.skip(self._head_begin)
            self._state = _CUT
            self._tell_cut_block(queue.take_all(), events)
        elif self._from_start and _MAY_BE_LENGTH.fullmatch(queue.peek(FIRST_BYTES)):
            self._framing = len(queue)
            self._began_at = queue.at
            queue.clear()
            self._state = _NO_PLACE
            self._tell_head(b"", False, events)
        else:
            self._behind_head(self._refuse(events), events)

    def _tell_cut_block(self, block: bytes, events: list[Event]) -> None:
        end = block.rfind(b"\0") + 1
        if block.count(b"\0") % 2:  # a name without its value
            end = block.rfind(b"\0", 0, end - 1) + 1
        self._tell_head(block[:end], False, events)
        if end < len(block):
            events.append(Control(0, Side.CLIENT, CUT_HEAD, len(block) - end))

    def _from_server(self, data: bytes, at: Nanos, events: list[Event]) -> None:
        """Part of the answer (4)."""
        if not self._told:
            self._cut_head(events)
        if not self._told:
            self._without_place(Side.SERVER, len(data), events)
        else:
            self._answer.feed(data, at, self._method, events)
            self._over = self._over or self._answer.ended

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        events: list[Event] = []
        if side is Side.SERVER:
            self._lost_answer(n_bytes, events)
            return events
        if self._state == _HEAD:
            if not self._from_start and not self._head_bytes:
                self._behind_head(self._refuse(events), events)
            elif not len(self._queue):
                self._began_at = at
                self._state = _NO_PLACE
                self._tell_head(b"", False, events)
            self._cut_head(events)
        if self._told:
            self._touched = True
        n_head = min(self._left, n_bytes) if self._state == _CUT else 0
        if n_head:
            self._left -= n_head
            events.append(Hole(0, Side.CLIENT, n_head, False))
            self._enter_body(events)
        if n_bytes > n_head:
            self._lost_body(n_bytes - n_head, events)
        return events

    def _lost_body(self, n_bytes: int, events: list[Event]) -> None:
        n_body = n_bytes if self._state == _BODY else 0
        if n_body and self._content_length is not None:
            n_body = min(n_body, self._content_length - self._body_bytes)
        if n_body:
            self._body_bytes += n_body
            events.append(Hole(0, Side.CLIENT, n_body, True))
            if self._body_bytes == self._content_length:
                self._end_request(events)
        if n_bytes > n_body:
            events.append(Hole(0, Side.CLIENT, n_bytes - n_body, False))

    def _lost_answer(self, n_bytes: int, events: list[Event]) -> None:
        if not self._told:
            self._cut_head(events)
        if self._told:
            self._answer.lost(n_bytes, events)
            self._over = self._over or self._answer.ended
        else:
            events.append(Hole(0, Side.SERVER, n_bytes, False))

    def close(self, side: Side, at: Nanos) -> list[Event]:
        events: list[Event] = []
        self._cut_head(events)
        if side is Side.CLIENT:
            self._close_client(events)
        elif self._told and not self._over:
            self._over = True
            self._answer.close(events)
        return events

    def _close_client(self, events: list[Event]) -> None:
        said = self._content_length
        if self._state == _BODY and not self._ended:
            if said is None:
                self._end_request(events)
            elif not self._touched and not self._over:
                events.append(same_length_remark(0, "request", said, self._body_bytes))
        self._flush_framing(events)


_LENGTH_NOT_FIRST = Remark(
    0,
    "scgi-length-not-first",
    "warn",
    "The first variable is not CONTENT_LENGTH, as SCGI demands; strict servers refuse the request.",
)
_NOT_MARKED = Remark(
    0,
    "scgi-not-marked",
    "warn",
    "The variable SCGI is missing or not 1, as SCGI demands; strict servers refuse the request.",
)
