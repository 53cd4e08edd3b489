"""The exchanges of a FastCGI connection: which are asked, which are answered, which a hole hurts.

In: exchanges that begin and end. Out: the exchange of a request id. An id may be taken again when
its END_REQUEST has come (FastCGI 3.3); one that is taken before queues behind the other, so that an
answer belongs to the oldest and a request's bytes to the newest of its id.
"""

from gwtop.nouns.events import Event, Hole, RequestHead
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Side
from gwtop.protocols import _fastcgi_wire as wire
from gwtop.protocols._fastcgi_exchange import Exchange
from gwtop.protocols._fastcgi_way import Way

MAX_OPEN = 64
"""Exchanges at once on one connection. Nobody multiplexes; this bounds what a hostile client can
make us keep."""


class Book:
    __slots__ = ("answering", "asking", "n_open")

    def __init__(self) -> None:
        self.asking: dict[int, Exchange] = {}
        """The newest exchange of each id, until its request and its answer are over."""
        self.answering: dict[int, Exchange] = {}
        """The oldest exchange of each id that has no END_REQUEST."""
        self.n_open = 0

    def held_bytes(self) -> int:
        total = 0
        for first in self.answering.values():
            exchange: Exchange | None = first
            while exchange is not None:
                total += exchange.held_bytes()
                exchange = exchange.following
        return total

    def open(self, exchange: Exchange) -> None:
        stream = exchange.stream
        self.asking[stream] = exchange
        self.n_open += 1
        last = self.answering.get(stream)
        if last is None:
            self.answering[stream] = exchange
            return
        while last.following is not None:
            last = last.following
        last.following = exchange

    def forget(self, exchange: Exchange) -> None:
        """It is over; its id may be taken again."""
        stream = exchange.stream
        self.n_open -= 1
        if exchange.following is None:
            del self.answering[stream]
        else:
            self.answering[stream] = exchange.following
        unread = not exchange.stdin_closed and len(self.asking) <= MAX_OPEN
        if not unread and self.asking.get(stream) is exchange:
            del self.asking[stream]

    def ghost(self, stream: int, client: Way, events: list[Event]) -> Exchange:
        """An answer to a request that was wholly in a hole of the client's side."""
        exchange = Exchange(stream, client.hole_at, wire.RESPONDER, None)
        exchange.told = exchange.touched = True
        events.append(RequestHead(stream, client.hole_at, None, None, None, 0, b""))
        client.flush_hole(stream, events)
        self.open(exchange)
        return exchange

    def all_open(self) -> list[Exchange]:
        found = []
        for first in self.answering.values():
            exchange: Exchange | None = first
            while exchange is not None:
                found.append(exchange)
                exchange = exchange.following
        return found

    def hurt(self, way: Way, n_bytes: int, at: Nanos, events: list[Event]) -> None:
        """A hole over a record header: which exchange it hurt is not known, so each that it can
        have hurt is marked. Where there is none, it may have hidden a whole request: the client's
        way keeps it until that shows."""
        hurt = [exchange for exchange in self.all_open() if not _is_complete(exchange, way.side)]
        if not hurt and way.side is CLIENT:
            if not way.hole_bytes:
                way.hole_at = at
            way.hole_bytes += n_bytes
        elif not hurt:
            events.append(Hole(0, way.side, n_bytes, False))
        for exchange in hurt:
            exchange.touched = True
            if not exchange.told:
                exchange.tell_head(False, events)
            if way.side is SERVER:
                exchange.cut_answer_head(events)
            events.append(Hole(exchange.stream, way.side, n_bytes, False))
            n_bytes = 0


def _is_complete(exchange: Exchange, side: Side) -> bool:
    """A hole on this side cannot have hurt the exchange any more."""
    return exchange.stdin_closed if side is CLIENT else exchange.over
