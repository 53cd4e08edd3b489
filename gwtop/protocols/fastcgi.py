"""FastCGI: a connection's bytes in, what its requests and answers say out.

Spec: "FastCGI Specification", Mark R. Brown, Open Market, version 1.0, 29 April 1996; numbers in
comments are its sections. Refuses to know what a variable means beyond method, target and length.

A record is no segment and no message: servers write header and content apart (uWSGI), pad to 8
bytes (php-fpm, nginx) or not, and may leave out the empty STDOUT that ends the stream (php-fpm).
So contents are told as they come, and only record headers, the 8-byte bodies, PARAMS and an
answer's head wait for their rest. Nobody multiplexes (nginx, Apache and lighttpd send id 1 only),
but the specification lets them, so all state is kept per request id.

**Losing bytes.** Inside a record the length of everything is known: a gap there is a Hole and the
decoder stays in step. A gap over a record header loses the step: open exchanges are marked by a
Hole each, and the next place where a record can begin is searched by a strict test (version,
type, reserved bytes, fixed lengths, an id that is open). A request whose beginning was in the gap
shows only when its answer comes: then it is told with method and target None.
"""

from collections.abc import Container

from gwtop.nouns.events import Body, ErrorText, Event, Hole
from gwtop.nouns.times import MILLISECOND_NS, Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Side
from gwtop.protocols import _fastcgi_wire as wire
from gwtop.protocols._base import (
    Claim,
    Pair,
    header_fields,
)
from gwtop.protocols._fastcgi_book import MAX_OPEN, Book
from gwtop.protocols._fastcgi_exchange import Exchange
from gwtop.protocols._fastcgi_fields import dissect as dissect
from gwtop.protocols._fastcgi_remarks import KEEP_CONN_CLOSED, params_too_long, spoke_http
from gwtop.protocols._fastcgi_repeat import repeat as repeat
from gwtop.protocols._fastcgi_way import Way
from gwtop.protocols._fastcgi_wire import (
    AUTHORIZER,
    BEGIN_BODY,
    BEGIN_REQUEST,
    END_REQUEST,
    FIXED,
    FIXED_BYTES,
    HEADER,
    HEADER_BYTES,
    KEEP_CONN,
    MAX_RECORD_AND_PADDING_BYTES,
    PARAMS,
    RESPONDER,
    STDERR,
    STDIN,
    STDOUT,
    USUAL_BEGIN,
    VERSION_1,
    tolerable,
    usual_request,
)

NAME = "fastcgi"

MAX_RECORD_BYTES = 65_535  # 3.3: contentLength has 16 bits
MAX_PARAMS_BYTES = 1024 * 1024
"""Of one request; nginx sends at most one record of 64 KiB, Apache and lighttpd little more."""
MAX_HELD_BYTES = 4 * 1024 * 1024
"""PARAMS and answer heads of all open exchanges of a connection."""
KEEP_GRACE_NS = 1_000 * MILLISECOND_NS
"""A server that closes later than this after its answer did keep the connection."""

_ANSWERING = frozenset({STDOUT, STDERR, END_REQUEST})
_unpack_header = HEADER.unpack_from


def claims(prefix: bytes) -> Claim:
    """A connection begins with BEGIN_REQUEST, or GET_VALUES where a front asks first (4.1)."""
    verdict = wire.plausible(prefix, 0, True, ()) if prefix else None
    if verdict is None:
        return Claim.MORE
    return Claim.YES if verdict else Claim.NO


def request_fields(block: bytes) -> list[Pair]:
    return wire.pairs(block)[0]


def response_fields(block: bytes) -> list[Pair]:
    return header_fields(block)


class Decoder:
    """See `gwtop.protocols._base.Decoder`."""

    __slots__ = ("_answering", "_asking", "_book", "_client", "_ended_at", "_kept", "_server")

    def __init__(self, from_start: bool) -> None:
        self._client = Way(CLIENT, from_start)
        self._server = Way(SERVER, from_start)
        self._book = Book()
        self._asking = self._book.asking
        self._answering = self._book.answering
        self._kept = False
        """The newest exchange that ended had asked to keep the connection."""
        self._ended_at: Nanos = 0

    def held_bytes(self) -> int:
        return self._client.held_bytes() + self._server.held_bytes() + self._book.held_bytes()

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        events: list[Event] = []
        way = self._client if side is CLIENT else self._server
        n_old = len(way.partial)
        if n_old:
            data = way.partial + data
            way.partial = b""
        elif way is self._client and data.startswith(USUAL_BEGIN) and self._usual(data, at, events):
            return events
        pos = 0
        if way.left or way.padding:
            pos = self._continue(way, data, at, events)
        end = len(data)
        while pos < end:
            if way.in_step:
                pos = self._records(way, data, pos, n_old, at, events)
            else:
                pos = way.search(data, pos, n_old, self._known(way), at, events)
        return events

    def _usual(self, data: bytes, at: Nanos, events: list[Event]) -> bool:
        """Takes a request as nearly all are sent; the record loop says the same in three times
        the time. False: it is another thing."""
        way = self._client
        if way.left or way.padding or not way.in_step or 1 in self._answering:
            return False
        found = usual_request(data)
        if found is None or self._book.n_open >= MAX_OPEN:
            return False
        way.started = True
        exchange = Exchange(1, at, RESPONDER, found[1])
        exchange.params = found[0]
        self._book.open(exchange)
        exchange.tell_head(True, events)
        way.framing += len(data) - len(found[0])
        way.flush_framing(1, events)
        exchange.end_request(events)
        return True

    def _records(
        self, way: Way, data: bytes, pos: int, n_old: int, at: Nanos, events: list[Event]
    ) -> int:
        """Reads records from a record boundary on; returns where it stopped: the end of `data`,
        or where no record can be."""
        end = len(data)
        kinds = way.kinds
        # What `unpack` gives is said to be int, so that compiled code need not ask.
        version: int
        kind: int
        stream: int
        length: int
        padding: int
        while end - pos >= HEADER_BYTES:
            version, kind, stream, length, padding, _ = _unpack_header(data, pos)
            content = pos + HEADER_BYTES
            odd = version != VERSION_1 or kind not in kinds or not stream
            if odd and not tolerable(version, kind, stream, kinds):
                return self._lose_step(way, data, pos, events)
            if kind in FIXED:
                if length != FIXED_BYTES:
                    return self._lose_step(way, data, pos, events)
                if end - content < FIXED_BYTES:
                    break
            stop = content + length
            after = stop + padding
            way.framing += HEADER_BYTES + padding
            way.kind = kind
            way.stream = stream
            if after > end:
                way.left = stop - end if stop > end else 0
                way.padding = padding if stop > end else after - end
                way.framing -= way.padding
            piece = data[content:stop]
            if way is self._client:
                record_at = way.came_at(pos) if pos < n_old else at
                self._from_client(piece, length, padding, record_at, events)
            else:
                self._from_server(piece, length, at, events)
            if way.opaque and not way.left:
                way.flush_opaque(events)
            pos = after
        if pos < end:
            way.keep(data, pos, n_old, at)
        return end

    def _continue(self, way: Way, data: bytes, at: Nanos, events: list[Event]) -> int:
        """The rest of a record whose beginning came earlier; returns where it ends in `data`."""
        pos = 0
        if way.left:
            piece = data[: way.left]
            pos = len(piece)
            way.left -= pos
            self._piece(way, piece, at, events)
            if way.opaque and not way.left:
                way.flush_opaque(events)
        skipped = min(way.padding, len(data) - pos)
        way.padding -= skipped
        way.framing += skipped
        return pos + skipped

    def _piece(self, way: Way, piece: bytes, at: Nanos, events: list[Event]) -> None:
        """Content of the current record, not empty; its first byte need not be in it."""
        kind, exchange = way.kind, way.exchange
        if way.opaque:
            way.opaque += len(piece)
        elif exchange is None:
            way.framing += len(piece)
        elif kind == STDOUT:
            exchange.add_stdout(piece, at, events)
        elif kind == STDIN:
            if not exchange.told:
                exchange.tell_head(False, events)
            exchange.body_bytes += len(piece)
            events.append(Body(way.stream, CLIENT, piece))
        elif kind == PARAMS:
            exchange.add_params(piece, events)
            if len(exchange.params) > MAX_RECORD_BYTES or self._book.n_open > 1:
                self._bound_params(exchange, events)
        elif kind == STDERR:
            if not exchange.told:
                exchange.tell_head(False, events)
            events.append(ErrorText(way.stream, piece))
        else:
            way.framing += len(piece)

    def _bound_params(self, exchange: Exchange, events: list[Event]) -> None:
        if len(exchange.params) > MAX_PARAMS_BYTES or self._book.held_bytes() > MAX_HELD_BYTES:
            exchange.tell_head(False, events)
            events.append(params_too_long(exchange.stream, MAX_PARAMS_BYTES))

    def _from_client(
        self, piece: bytes, length: int, padding: int, record_at: Nanos, events: list[Event]
    ) -> None:
        """A record of the front begins; `piece` is as much of its content as has come."""
        way = self._client
        kind, stream = way.kind, way.stream
        if kind == BEGIN_REQUEST:
            self._begin(piece, record_at, events)
            return
        exchange = way.exchange = self._asking.get(stream)
        if exchange is None or (kind != PARAMS and kind != STDIN):
            way.begin_opaque(piece, events)
        elif length:
            if kind == PARAMS and not exchange.told:
                if length + padding > MAX_RECORD_AND_PADDING_BYTES:
                    exchange.over_record = True
                if exchange.params:
                    exchange.begin_record()
            if piece:
                self._piece(way, piece, record_at, events)
        elif kind == STDIN or exchange.role == AUTHORIZER:
            if not exchange.told:
                exchange.tell_head(kind == PARAMS, events)
            way.flush_framing(stream, events)
            exchange.end_request(events)
            if exchange.over:
                del self._asking[stream]
        elif not exchange.told:
            exchange.tell_head(True, events)

    def _begin(self, content: bytes, at: Nanos, events: list[Event]) -> None:
        """BEGIN_REQUEST (5.1); `content` is short when a hole lies in it."""
        way = self._client
        stream = way.stream
        old = self._answering.get(stream)
        if old is not None and (old.touched or old.aborting or old.stdout_closed):
            self._server.flush_framing(stream, events)
            old.break_off(events)
            self._book.forget(old)
        if self._book.n_open >= MAX_OPEN:
            way.exchange = None
            way.begin_opaque(content, events)
            return
        role, keep_alive = RESPONDER, None
        if len(content) == FIXED_BYTES:
            role, flags, _ = BEGIN_BODY.unpack(content)
            keep_alive = flags & KEEP_CONN != 0
        way.framing += len(content)
        way.exchange = Exchange(stream, at, role, keep_alive)
        self._book.open(way.exchange)

    def _from_server(self, piece: bytes, length: int, at: Nanos, events: list[Event]) -> None:
        """A record of the application server begins."""
        way = self._server
        kind, stream = way.kind, way.stream
        exchange = self._answering.get(stream)
        if exchange is None and self._client.hole_bytes and kind in _ANSWERING and stream:
            exchange = self._book.ghost(stream, self._client, events)
        way.exchange = exchange
        if exchange is None or kind not in _ANSWERING:
            way.begin_opaque(piece, events)
        elif kind == END_REQUEST:
            way.framing += len(piece)
            self._end(exchange, piece, at, events)
        elif piece:
            self._piece(way, piece, at, events)
        elif not length and kind == STDOUT:
            exchange.stdout_closed = True

    def _end(self, exchange: Exchange, content: bytes, at: Nanos, events: list[Event]) -> None:
        """END_REQUEST (5.5); `content` is short when a hole lies in it."""
        self._server.flush_framing(exchange.stream, events)
        exchange.end_answer(content, events)
        self._kept = exchange.keep_alive is True
        self._ended_at = at
        self._book.forget(exchange)
        self._server.exchange = None

    def _lose_step(self, way: Way, data: bytes, pos: int, events: list[Event]) -> int:
        """No record can begin at `pos`."""
        way.in_step = False
        way.confused_why = "no record header where one had to be"
        remark = None if way.started or way.kind else spoke_http(way.side, data[pos : pos + 8])
        if remark is not None:
            way.confused_why = "HTTP"
            events.append(remark)
        way.started = True
        for exchange in self._answering.values():
            exchange.touched = True
        return pos

    def _known(self, way: Way) -> Container[int] | None:
        """Ids that a record may have where the step was lost. None: any."""
        if way is self._client:
            return self._asking
        return None if not self._answering or self._client.hole_bytes else self._answering

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        events: list[Event] = []
        way = self._client if side is CLIENT else self._server
        if way.partial:
            self._cut_partial(way, at, events)
        if way.left:
            n_content = min(way.left, n_bytes)
            way.left -= n_content
            n_bytes -= n_content
            self._lost_content(way, n_content, at, events)
            if way.opaque and not way.left:
                way.flush_opaque(events)
        n_padding = min(way.padding, n_bytes) if not way.left else 0
        way.padding -= n_padding
        way.framing += n_padding
        if n_bytes > n_padding:
            way.in_step, way.resync_due, way.started = False, True, True
            way.confused_why = "after a hole"
            self._book.hurt(way, n_bytes - n_padding, at, events)
        return events

    def _cut_partial(self, way: Way, at: Nanos, events: list[Event]) -> None:
        """A hole begins in a record header, or in the 8 bytes after one."""
        partial, way.partial = way.partial, b""
        if not way.in_step or len(partial) < HEADER_BYTES:
            way.confused_why = "a record header cut by a hole"
            way.confuse(len(partial), events)
            return
        _, way.kind, way.stream, length, way.padding, _ = _unpack_header(partial)
        content = partial[HEADER_BYTES:]
        way.left = length - len(content)
        way.framing += HEADER_BYTES
        if way is self._client:
            self._from_client(content, length, 0, way.came_at(0), events)
        elif way.kind != END_REQUEST:
            self._from_server(content, length, at, events)
        else:
            way.framing += len(content)
            way.exchange = self._answering.get(way.stream)

    def _lost_content(self, way: Way, n_bytes: int, at: Nanos, events: list[Event]) -> None:
        """A hole in the current record's content: nothing else is hurt."""
        kind, exchange = way.kind, way.exchange
        stream = way.stream if exchange is not None else 0
        in_body = exchange is not None and exchange.lose(kind, n_bytes, events)
        events.append(Hole(stream, way.side, n_bytes, in_body))
        if kind == END_REQUEST and exchange is not None and not exchange.over:
            self._end(exchange, b"", at, events)

    def close(self, side: Side, at: Nanos) -> list[Event]:
        events: list[Event] = []
        way = self._client if side is CLIENT else self._server
        way.closed = True
        way.flush_opaque(events)
        if way.partial:
            way.confused_why = "cut by the end of the connection"
            way.confuse(len(way.partial), events)
            way.partial = b""
        way.flush_hole(0, events)
        if self._server.closed:
            for exchange in self._book.all_open():
                exchange.break_off(events)
                self._book.forget(exchange)
        way.flush_framing(0, events)
        kept = self._kept and not self._client.closed and at - self._ended_at < KEEP_GRACE_NS
        if kept and way is self._server:
            events.append(KEEP_CONN_CLOSED)
        return events
