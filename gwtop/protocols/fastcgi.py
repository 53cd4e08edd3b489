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

from gwtop.nouns.events import (
    Body,
    Confused,
    Control,
    ErrorText,
    Event,
    Hole,
    Remark,
    RequestHead,
    Resynced,
)
from gwtop.nouns.times import MILLISECOND_NS, Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols import _fastcgi_wire as wire
from gwtop.protocols._base import (
    FRAMING,
    UNSEEN,
    Claim,
    Pair,
    header_fields,
    http_on_gateway_port,
    is_http_request,
)
from gwtop.protocols._fastcgi_exchange import Exchange

NAME = "fastcgi"

MAX_RECORD_BYTES = 65_535  # 3.3: contentLength has 16 bits
MAX_PARAMS_BYTES = 1024 * 1024
"""Of one request; nginx sends at most one record of 64 KiB, Apache and lighttpd little more."""
MAX_OPEN = 64
"""Exchanges at once on one connection. Nobody multiplexes; this bounds what a hostile client can
make us keep."""
MAX_HELD_BYTES = 4 * 1024 * 1024
"""PARAMS and answer heads of all open exchanges of a connection."""
KEEP_GRACE_NS = 1_000 * MILLISECOND_NS
"""A server that closes later than this after its answer did keep the connection."""

_unpack_header = wire.HEADER.unpack_from


def claims(prefix: bytes) -> Claim:
    """A connection begins with BEGIN_REQUEST, or GET_VALUES where a front asks first (4.1)."""
    if not prefix:
        return Claim.MORE
    verdict = wire.plausible(prefix, 0, True, ())
    if verdict is None:
        return Claim.MORE
    return Claim.YES if verdict else Claim.NO


def request_fields(block: bytes) -> list[Pair]:
    return wire.pairs(block)[0]


def response_fields(block: bytes) -> list[Pair]:
    return header_fields(block)


class _Way:
    """One direction: where in a record it is."""

    __slots__ = (
        "closed",
        "confused_why",
        "exchange",
        "framing",
        "hole_at",
        "hole_bytes",
        "in_step",
        "kind",
        "kinds",
        "left",
        "opaque",
        "opaque_name",
        "padding",
        "partial",
        "partial_at",
        "resync_due",
        "side",
        "started",
        "stream",
    )

    def __init__(self, side: Side, in_step: bool) -> None:
        self.side = side
        self.kinds = wire.FROM_CLIENT if side is Side.CLIENT else wire.FROM_SERVER
        self.in_step = in_step
        self.started = not in_step
        """A record was read, or the connection's beginning was not seen."""
        self.resync_due = False
        self.confused_why = "before the first record that was seen whole"
        self.partial = b""
        """The beginning of a record header, and of an 8-byte body; at most 15 bytes."""
        self.partial_at: Nanos = 0
        self.kind = 0
        self.stream = 0
        self.exchange: Exchange | None = None
        """Of the current record. None: of no known exchange, or over."""
        self.closed = False
        self.left = 0
        """Content bytes of the current record that have not come."""
        self.padding = 0
        self.framing = 0
        self.opaque = 0
        """Bytes of the current record that a Control will tell."""
        self.opaque_name = ""
        self.hole_bytes = 0
        """A gap that no event has told, for it may have hidden a whole request."""
        self.hole_at: Nanos = 0

    def flush_framing(self, stream: int, events: list[Event]) -> None:
        if self.framing:
            events.append(Control(stream, self.side, FRAMING, self.framing))
            self.framing = 0

    def flush_opaque(self, events: list[Event]) -> None:
        if self.opaque:
            events.append(Control(self.stream, self.side, self.opaque_name, self.opaque))
            self.opaque = 0

    def flush_hole(self, stream: int, events: list[Event]) -> None:
        if self.hole_bytes:
            events.append(Hole(stream, self.side, self.hole_bytes, False))
            self.hole_bytes = 0

    def confuse(self, n_bytes: int, events: list[Event]) -> None:
        if n_bytes:
            self.resync_due = True
            events.append(Confused(self.side, n_bytes, self.confused_why))


class Decoder:
    """See `gwtop.protocols._base.Decoder`."""

    __slots__ = ("_answering", "_asking", "_client", "_ended_at", "_kept", "_n_open", "_server")

    def __init__(self, from_start: bool) -> None:
        self._client = _Way(Side.CLIENT, from_start)
        self._server = _Way(Side.SERVER, from_start)
        self._asking: dict[int, Exchange] = {}
        """The newest exchange of each id, until its request and its answer are over."""
        self._answering: dict[int, Exchange] = {}
        """The oldest exchange of each id that has no END_REQUEST."""
        self._n_open = 0
        self._kept = False
        """The newest exchange that ended had asked to keep the connection."""
        self._ended_at: Nanos = 0

    def held_bytes(self) -> int:
        total = 0
        for way in (self._client, self._server):
            total += len(way.partial) + way.framing + way.opaque + way.hole_bytes
        return total + self._held_heads()

    def _held_heads(self) -> int:
        total = 0
        for first in self._answering.values():
            exchange: Exchange | None = first
            while exchange is not None:
                total += exchange.held_bytes()
                exchange = exchange.following
        return total

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        events: list[Event] = []
        way = self._client if side is Side.CLIENT else self._server
        n_old = len(way.partial)
        if n_old:
            data = way.partial + data
            way.partial = b""
        pos = 0
        if way.left or way.padding:
            pos = self._continue(way, data, at, events)
        end = len(data)
        while pos < end:
            if way.in_step:
                pos = self._records(way, data, pos, n_old, at, events)
            else:
                pos = self._search(way, data, pos, n_old, at, events)
        return events

    def _records(
        self, way: _Way, data: bytes, pos: int, n_old: int, at: Nanos, events: list[Event]
    ) -> int:
        """Reads records from a record boundary on; returns where it stopped: the end of `data`,
        or where no record can be."""
        end = len(data)
        while end - pos >= wire.HEADER_BYTES:
            version, kind, stream, length, padding, _ = _unpack_header(data, pos)
            content = pos + wire.HEADER_BYTES
            everyday = version == wire.VERSION_1 and stream and kind in way.kinds
            if not (everyday or _tolerable(version, kind, stream, way.kinds)):
                return self._lose_step(way, data, pos, events)
            if kind in wire.FIXED:
                if length != wire.FIXED_BYTES:
                    return self._lose_step(way, data, pos, events)
                if end - content < wire.FIXED_BYTES:
                    break
            stop = content + length
            after = stop + padding
            way.framing += wire.HEADER_BYTES + padding
            way.kind, way.stream = kind, stream
            if after > end:
                way.left = stop - end if stop > end else 0
                way.padding = padding if stop > end else after - end
                way.framing -= way.padding
            record_at = way.partial_at if pos < n_old else at
            if way is self._client:
                self._from_client(data[content:stop], length, padding, record_at, events)
            else:
                self._from_server(data[content:stop], length, at, events)
            if way.opaque and not way.left:
                way.flush_opaque(events)
            pos = after
        way.started = True
        if pos < end:
            if pos >= n_old:
                way.partial_at = at
            way.partial = data[pos:]
        return end

    def _continue(self, way: _Way, data: bytes, at: Nanos, events: list[Event]) -> int:
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

    def _piece(self, way: _Way, piece: bytes, at: Nanos, events: list[Event]) -> None:
        """Content of the current record, not empty; its first byte need not be in it."""
        kind, exchange = way.kind, way.exchange
        if way.opaque:
            way.opaque += len(piece)
        elif exchange is None:
            way.framing += len(piece)
        elif kind == wire.STDOUT:
            exchange.add_stdout(piece, at, events)
        elif kind == wire.STDIN:
            if not exchange.told:
                exchange.tell_head(False, events)
            exchange.body_bytes += len(piece)
            events.append(Body(way.stream, Side.CLIENT, piece))
        elif kind == wire.PARAMS:
            exchange.add_params(piece, events)
            if len(exchange.params) > MAX_RECORD_BYTES or self._n_open > 1:
                self._bound_params(exchange, events)
        elif kind == wire.STDERR:
            events.append(ErrorText(way.stream, piece))
        else:
            way.framing += len(piece)

    def _bound_params(self, exchange: Exchange, events: list[Event]) -> None:
        if len(exchange.params) > MAX_PARAMS_BYTES or self._held_heads() > MAX_HELD_BYTES:
            exchange.tell_head(False, events)
            text = (
                f"PARAMS of more than {MAX_PARAMS_BYTES} bytes: no application server takes so "
                "many variables; what came later of them was not read."
            )
            events.append(Remark(exchange.stream, "params-too-long", "warn", text))

    def _from_client(
        self, piece: bytes, length: int, padding: int, record_at: Nanos, events: list[Event]
    ) -> None:
        """A record of the front begins; `piece` is as much of its content as has come."""
        way = self._client
        kind, stream = way.kind, way.stream
        if kind == wire.BEGIN_REQUEST:
            self._begin(piece, record_at, events)
            return
        exchange = way.exchange = self._asking.get(stream)
        if exchange is None or (kind != wire.PARAMS and kind != wire.STDIN):
            self._opaque(way, piece, events)
        elif length:
            if kind == wire.PARAMS and not exchange.told:
                if length + padding > wire.MAX_RECORD_AND_PADDING_BYTES:
                    exchange.over_record = True
                if exchange.params:
                    exchange.begin_record()
            if piece:
                self._piece(way, piece, record_at, events)
        elif kind == wire.STDIN or exchange.role == wire.AUTHORIZER:
            if not exchange.told:
                exchange.tell_head(kind == wire.PARAMS, events)
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
            self._forget(old)
        if self._n_open >= MAX_OPEN:
            way.exchange = None
            self._opaque(way, content, events)
            return
        role, keep_alive = wire.RESPONDER, None
        if len(content) == wire.FIXED_BYTES:
            role, flags, _ = wire.BEGIN_BODY.unpack(content)
            keep_alive = flags & wire.KEEP_CONN != 0
        way.framing += len(content)
        way.exchange = Exchange(stream, at, role, keep_alive)
        self._open(way.exchange)

    def _open(self, exchange: Exchange) -> None:
        stream = exchange.stream
        self._asking[stream] = exchange
        self._n_open += 1
        last = self._answering.get(stream)
        if last is None:
            self._answering[stream] = exchange
            return
        while last.following is not None:
            last = last.following
        last.following = exchange

    def _forget(self, exchange: Exchange) -> None:
        """It is over; its id may be taken again."""
        stream = exchange.stream
        self._n_open -= 1
        if exchange.following is None:
            del self._answering[stream]
        else:
            self._answering[stream] = exchange.following
        unread = not exchange.stdin_closed and len(self._asking) <= MAX_OPEN
        if not unread and self._asking.get(stream) is exchange:
            del self._asking[stream]

    def _opaque(self, way: _Way, piece: bytes, events: list[Event]) -> None:
        """A record that one Control will tell: management, abort, data, or of no known request."""
        kind, exchange = way.kind, way.exchange
        name = wire.NAMES.get(kind)
        if name is None:
            name = f"type {kind}"
            stream = way.stream if exchange is not None else None
            events.append(_unknown_type(stream, kind))
        elif exchange is None and kind < wire.GET_VALUES:
            name = UNSEEN
        elif kind == wire.ABORT_REQUEST and exchange is not None:
            exchange.aborting = True
        way.opaque_name = name
        way.opaque = wire.HEADER_BYTES + len(piece)
        way.framing -= wire.HEADER_BYTES

    def _from_server(self, piece: bytes, length: int, at: Nanos, events: list[Event]) -> None:
        """A record of the application server begins."""
        way = self._server
        kind, stream = way.kind, way.stream
        exchange = self._answering.get(stream)
        if exchange is None and self._client.hole_bytes and kind in _ANSWERING and stream:
            exchange = self._ghost(stream, events)
        way.exchange = exchange
        if exchange is None or kind not in _ANSWERING:
            self._opaque(way, piece, events)
        elif kind == wire.END_REQUEST:
            way.framing += len(piece)
            self._end(exchange, piece, at, events)
        elif piece:
            if not exchange.told:
                exchange.tell_head(False, events)
            self._piece(way, piece, at, events)
        elif not length and kind == wire.STDOUT:
            exchange.stdout_closed = True

    def _ghost(self, stream: int, events: list[Event]) -> Exchange:
        """An answer to a request that was wholly in a hole of the client's side."""
        client = self._client
        exchange = Exchange(stream, client.hole_at, wire.RESPONDER, None)
        exchange.told = exchange.touched = True
        events.append(RequestHead(stream, client.hole_at, None, None, None, 0, b""))
        client.flush_hole(stream, events)
        self._open(exchange)
        return exchange

    def _end(self, exchange: Exchange, content: bytes, at: Nanos, events: list[Event]) -> None:
        """END_REQUEST (5.5); `content` is short when a hole lies in it."""
        self._server.flush_framing(exchange.stream, events)
        exchange.end_answer(content, events)
        self._kept = exchange.keep_alive is True
        self._ended_at = at
        self._forget(exchange)
        self._server.exchange = None

    def _lose_step(self, way: _Way, data: bytes, pos: int, events: list[Event]) -> int:
        """No record can begin at `pos`."""
        way.in_step = False
        way.confused_why = "no record header where one had to be"
        if way is self._client and not way.started and is_http_request(data[pos : pos + 8]):
            way.confused_why = "HTTP"
            events.append(http_on_gateway_port("FastCGI"))
        way.started = True
        for exchange in self._answering.values():
            exchange.touched = True
        return pos

    def _search(
        self, way: _Way, data: bytes, pos: int, n_old: int, at: Nanos, events: list[Event]
    ) -> int:
        """Looks for the next place where a record can begin; returns it, or the end of `data`."""
        begin, end = pos, len(data)
        from_client = way is self._client
        known: Container[int] | None = self._asking if from_client else self._answering
        if not from_client and (not self._answering or self._client.hole_bytes):
            known = None
        verdict: bool | None = False
        while not verdict:
            pos = data.find(b"\x01", pos)
            if pos < 0:
                way.confuse(end - begin, events)
                return end
            verdict = wire.plausible(data, pos, from_client, known)
            if verdict is None:
                way.confuse(pos - begin, events)
                if pos >= n_old:
                    way.partial_at = at
                way.partial = data[pos:]
                return end
            pos += not verdict
        way.confuse(pos - begin, events)
        way.flush_hole(0, events)
        way.in_step = True
        if way.resync_due:
            way.resync_due = False
            events.append(Resynced(way.side))
        return pos

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        events: list[Event] = []
        way = self._client if side is Side.CLIENT else self._server
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
            self._lost_header(way, n_bytes - n_padding, at, events)
        return events

    def _cut_partial(self, way: _Way, at: Nanos, events: list[Event]) -> None:
        """A hole begins in a record header, or in the 8 bytes after one."""
        partial, way.partial = way.partial, b""
        if not way.in_step or len(partial) < wire.HEADER_BYTES:
            way.confuse(len(partial), events)
            return
        _, way.kind, way.stream, length, way.padding, _ = _unpack_header(partial)
        content = partial[wire.HEADER_BYTES :]
        way.left = length - len(content)
        way.framing += wire.HEADER_BYTES
        if way is self._client:
            self._from_client(content, length, 0, way.partial_at, events)
        elif way.kind != wire.END_REQUEST:
            self._from_server(content, length, at, events)
        else:
            way.framing += len(content)
            way.exchange = self._answering.get(way.stream)

    def _lost_content(self, way: _Way, n_bytes: int, at: Nanos, events: list[Event]) -> None:
        """A hole in the current record's content: nothing else is hurt."""
        kind, exchange = way.kind, way.exchange
        in_body = False
        stream = way.stream if exchange is not None else 0
        if exchange is not None:
            if not exchange.told:
                exchange.tell_head(False, events)
            if kind == wire.STDIN:
                exchange.body_bytes += n_bytes
                in_body = True
            elif kind == wire.STDOUT and exchange.answered and not exchange.answering_cut:
                exchange.answer_bytes += n_bytes
                in_body = True
            else:
                exchange.touched = True
                if kind == wire.STDOUT:
                    exchange.cut_answer_head(events)
        events.append(Hole(stream, way.side, n_bytes, in_body))
        if kind == wire.END_REQUEST and exchange is not None and not exchange.over:
            self._end(exchange, b"", at, events)

    def _lost_header(self, way: _Way, n_bytes: int, at: Nanos, events: list[Event]) -> None:
        """A hole over a record header: which exchange it hurt is not known, so each that it can
        have hurt is marked."""
        way.in_step, way.resync_due, way.started = False, True, True
        way.confused_why = "after a hole"
        hurt = [exchange for exchange in self._all_open() if not _is_complete(exchange, way.side)]
        if not hurt and way is self._client:
            if not way.hole_bytes:
                way.hole_at = at
            way.hole_bytes += n_bytes
        elif not hurt:
            events.append(Hole(0, way.side, n_bytes, False))
        for exchange in hurt:
            exchange.touched = True
            if not exchange.told:
                exchange.tell_head(False, events)
            if way is self._server:
                exchange.cut_answer_head(events)
            events.append(Hole(exchange.stream, way.side, n_bytes, False))
            n_bytes = 0

    def _all_open(self) -> list[Exchange]:
        found = []
        for first in self._answering.values():
            exchange: Exchange | None = first
            while exchange is not None:
                found.append(exchange)
                exchange = exchange.following
        return found

    def close(self, side: Side, at: Nanos) -> list[Event]:
        events: list[Event] = []
        way = self._client if side is Side.CLIENT else self._server
        way.closed = True
        way.flush_opaque(events)
        if way.partial:
            way.confused_why = "cut by the end of the connection"
            way.confuse(len(way.partial), events)
            way.partial = b""
        way.flush_hole(0, events)
        if self._server.closed:
            for exchange in self._all_open():
                exchange.break_off(events)
                self._forget(exchange)
        way.flush_framing(0, events)
        kept = self._kept and not self._client.closed and at - self._ended_at < KEEP_GRACE_NS
        if kept and way is self._server:
            events.append(_KEEP_CONN_CLOSED)
        return events


_ANSWERING = frozenset({wire.STDOUT, wire.STDERR, wire.END_REQUEST})

_KEEP_CONN_CLOSED = Remark(
    None,
    "keep-conn-closed",
    "info",
    "The front asked to keep the connection (FCGI_KEEP_CONN), the application server closed it: "
    "each request pays for a new one.",
)


def _unknown_type(stream: int | None, kind: int) -> Remark:
    text = f"Record type {kind} is not in FastCGI 1.0; it was skipped by its length."
    return Remark(stream, "unknown-record-type", "warn", text)


def _tolerable(version: int, kind: int, stream: int, kinds: frozenset[int]) -> bool:
    """A header that is not an everyday one can still be a record: management (id 0), or a type
    that a later edition might add (4.2)."""
    if version != wire.VERSION_1:
        return False
    if kind in kinds:
        return stream != 0 or kind >= wire.GET_VALUES
    return kind == 0 or kind > wire.UNKNOWN_TYPE


def _is_complete(exchange: Exchange, side: Side) -> bool:
    """A hole on this side cannot have hurt the exchange any more."""
    return exchange.stdin_closed if side is Side.CLIENT else exchange.over
