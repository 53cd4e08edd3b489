"""Exchanges: protocol events of one connection in, requests out. Knows no process and no clock.

In: events of one connection's decoder with the `at` they were fed at, and how its sides closed.
Out: `Exchange`s, each handed to `over` once, when it has ended. What an exchange was worth in
words (a fact) and who answered it are other files' business.

The pairing rule is the one of `nouns/events.py`: on one stream a request event belongs to the
newest exchange, an answer event to the oldest that is unanswered. An answer whose request was
never seen makes an exchange of its own, without method and target: it happened, so it is told.
"""

from collections.abc import Callable, Iterable
from typing import assert_never

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Control,
    ErrorText,
    Event,
    Hole,
    Remark,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
    Resynced,
)
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Side
from gwtop.protocols._base import Decoder
from gwtop.tracker.endings import unread, why_fallen
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.kept import Tape

MAX_OPEN = 1024  # pipelined and never answered: more on one connection is an attack or our mistake
SHEBANG = b"#!/"  # an answer that begins so may be a script that nobody ran
MAX_STDERR_BYTES = 64 * 1024  # a traceback is 4 KiB; a worker in a logging loop has no end


class Link:
    """One connection that speaks a known protocol, and its open exchanges."""

    __slots__ = (
        "_astray",
        "_client_closed_at",
        "_closing",
        "_decoder",
        "_fallen",
        "_heard_at",
        "_n_unpaired",
        "_newest",
        "_open",
        "closed_by",
        "hop",
        "n_bodies_bytes",
        "n_requests",
        "next_id",
        "opened",
        "orphan_lost_bytes",
        "over",
        "said",
        "tape",
    )

    def __init__(
        self,
        hop: Hop,
        from_start: bool,
        next_id: Callable[[], int],
        opened: Callable[[Exchange], None],
        over: Callable[[Exchange], None],
        bodies_bytes: int,
        said: Callable[[Remark, Nanos], None],
    ) -> None:
        self.hop = hop
        self.next_id = next_id
        self.opened = opened
        """Called when an exchange is known to exist."""
        self.over = over
        """Called once for each exchange, when it has ended."""
        self.said = said
        """Called with a remark on a connection that has carried no request."""
        self.tape: Tape | None = None
        """Where the bytes of its exchanges are kept, if somebody may ask for them."""
        self.n_bodies_bytes = bodies_bytes
        self.n_requests = 0
        self.orphan_lost_bytes = 0
        """Lost where no exchange was open; the next answer without a request takes them."""
        self._client_closed_at: Nanos = 0
        self._heard_at: Nanos = 0
        self._astray: set[Side] = set()
        """Sides of which the decoder looks for the next message behind a gap."""
        self._n_unpaired = 0
        """Answers that may still come for requests that a gap parted from them."""
        self.closed_by: Side | None = None
        """Who said first that it will send no more."""
        self._decoder: Decoder = hop.protocol.Decoder(from_start)
        self._open: dict[int, list[Exchange]] = {}
        self._newest: dict[int, Exchange] = {}
        self._fallen = False
        """The server has closed, or the connection was reset."""
        self._closing = False
        """True while the events of a close are applied: a close brings no byte of an exchange."""

    # -- what the wire says -------------------------------------------------------------------

    def feed(self, side: Side, data: bytes, at: Nanos) -> None:
        if side is SERVER:
            self._heard_at = at
        if self.tape is not None:
            self.tape.feed(side, data, at)
        for event in self._decoder.feed(side, data, at):
            self._apply(event, at)

    def lost(self, side: Side, n_bytes: int, at: Nanos, left_out: bool) -> int:
        """A gap; how many of its bytes count as lost.

        What was left out on purpose and lies in a body is body, not loss.
        """
        if self.tape is not None:
            self.tape.lost(side, n_bytes, at)
        events = self._decoder.lost(side, n_bytes, at)
        if sum(e.n_bytes for e in events if isinstance(e, Hole) and e.is_placed) < n_bytes:
            self._astray.add(side)
        for event in events:
            if left_out and isinstance(event, Hole) and event.is_placed:
                self._count_body(event.stream, event.side, event.n_bytes * event.in_body, at)
                n_bytes -= event.n_bytes
                if self.tape is not None:
                    self.tape.told(event)
            else:
                self._apply(event, at)
        return n_bytes

    def close(self, side: Side, at: Nanos) -> None:
        """One side has sent FIN. After the server's no open exchange can be answered any more."""
        if self.closed_by is None:
            self.closed_by = side
        if side is Side.CLIENT:
            self._client_closed_at = at
        self._closing = True
        for event in self._decoder.close(side, at):
            self._apply(event, at)
        self._closing = False
        if side is SERVER:
            self._fall(at, SERVER, "fin")

    def reset(self, side: Side, at: Nanos) -> None:
        """The connection was reset by this side."""
        by = self.closed_by or side
        if not self._fallen:
            self._close_unanswered(at)
        if side is CLIENT and self._heard_at < self._client_closed_at and not self._fallen:
            # Over TCP its kernel refuses what came after the close, and we saw nothing come.
            for exchange in self.open_exchanges():
                exchange.cut |= not self.hop.is_unix
        self._fall(at, by, "rst")
        if side is CLIENT and self.closed_by is CLIENT:
            unread(self._newest.values(), self._client_closed_at)

    def _close_unanswered(self, at: Nanos) -> None:
        """A reset is no close, and ends no answer. But a request whose head it cut was made, and
        what a decoder says of a request that it closed upon stands."""
        events = self._decoder.close(SERVER, at)
        for event in events:
            if isinstance(event, RequestHead):
                self._apply(event, at)
        if all(exchange.answered_at is None for exchange in self.open_exchanges()):
            for event in events:
                if isinstance(event, Remark):
                    self._apply(event, at)

    def cut(self, at: Nanos) -> None:
        """The capture ended, or the close was missed: what is open is partial."""
        for exchange in self.open_exchanges():
            exchange.cut = True
            self._finish(exchange, at)
        self._open.clear()

    def open_exchanges(self) -> list[Exchange]:
        return [exchange for line in self._open.values() for exchange in line]

    @property
    def is_idle(self) -> bool:
        """No exchange is open, and no byte waits for more."""
        return not self._decoder.held_bytes() and not self.open_exchanges()

    # -- what the decoder says ----------------------------------------------------------------

    def _apply(self, event: Event, at: Nanos) -> None:
        match event:
            case Body():
                self._body(event, at)
            case Control():
                self._control(event, at)
            case RequestHead():
                self._request_head(event, at)
            case ResponseHead():
                self._response_head(event, at)
            case RequestEnd():
                exchange = self._asking(event.stream)
                if exchange is not None and exchange.over_at is None:
                    exchange.last_at = at
            case ResponseEnd():
                exchange = self._answering(event.stream, at)
                exchange.failed = event.failed
                if not self._closing:
                    exchange.last_at = at
                self._close_exchange(exchange, at)
            case Hole():
                self._hole(event, at)
            case ErrorText():
                self._error_text(event, at)
            case Aborted():
                self._aborted(event, at)
            case Confused():
                self._confused(event)
            case Resynced():
                self._astray.discard(event.side)
            case Remark():
                self._remark(event, at)
            case _:
                assert_never(event)
        if self.tape is not None:
            self.tape.told(event)

    def _request_head(self, event: RequestHead, at: Nanos) -> None:
        exchange = self._begin(event.stream, event.began_at)
        exchange.asked = True
        exchange.method = event.method
        exchange.target = event.target
        exchange.keep_alive = event.keep_alive
        exchange.block = event.block
        exchange.request_head_bytes = event.head_bytes
        exchange.last_at = at
        self.opened(exchange)

    def _response_head(self, event: ResponseHead, at: Nanos) -> None:
        exchange = self._answering(event.stream, event.began_at)
        if self._n_unpaired:
            self._n_unpaired -= 1
        if exchange.answered_at is None:
            exchange.answered_at = event.began_at
        exchange.last_at = at
        if event.status is None and not event.head_bytes:
            return  # an answer without a head has no first byte of one
        exchange.first_byte_at = event.began_at
        exchange.status = event.status
        exchange.response_block = event.block
        exchange.response_head_bytes = event.head_bytes

    def _body(self, event: Body, at: Nanos) -> None:
        exchange = self._count_body(event.stream, event.side, len(event.data), at)
        if exchange is None:
            return
        failed = exchange.status is not None and exchange.status >= 500
        if self.n_bodies_bytes or failed or event.data.startswith(SHEBANG):
            exchange.keep(event, self.n_bodies_bytes)

    def _count_body(self, stream: int, side: Side, n_bytes: int, at: Nanos) -> Exchange | None:
        if side is CLIENT:
            asking = self._asking(stream)
            if asking is not None:
                asking.request_body_bytes += n_bytes
                if asking.over_at is None:
                    asking.last_at = at
            return asking
        exchange = self._answering(stream, at)
        if exchange.answered_at is None:
            exchange.answered_at = at
        exchange.response_body_bytes += n_bytes
        exchange.last_at = at
        return exchange

    def _control(self, event: Control, at: Nanos) -> None:
        line = self._open.get(event.stream)
        if line:
            exchange = line[-1] if event.side is CLIENT else line[0]
            exchange.last_at = at

    def _hole(self, event: Hole, at: Nanos) -> None:
        line = self._open.get(event.stream, ())
        if event.side is CLIENT:
            exchange = self._asking(event.stream)
            if exchange is not None and exchange.over_at is not None and not event.is_placed:
                exchange = None
        else:
            exchange = line[0] if line else None
        if exchange is None:
            self.orphan_lost_bytes += event.n_bytes
        else:
            exchange.lose(event.n_bytes, at)
        if event.side is SERVER and len(line) > 1 and not event.is_placed:
            self._unpair(line, at)

    def _unpair(self, line: Iterable[Exchange], at: Nanos) -> None:
        """Requests were pipelined, and a gap may hold the end of an answer: which of them the next
        answer is for, nobody can tell. They end here, and what comes has no request."""
        for exchange in list(line):
            exchange.cut = True
            self._n_unpaired += 1
            self._close_exchange(exchange, at)

    def _error_text(self, event: ErrorText, at: Nanos) -> None:
        exchange = self._answering(event.stream, at)
        if exchange.answered_at is None:
            exchange.answered_at = at
        kept = exchange.stderr = exchange.stderr or bytearray()
        kept += event.data[: MAX_STDERR_BYTES - len(kept)]
        exchange.last_at = at

    def _aborted(self, event: Aborted, at: Nanos) -> None:
        line = self._open.get(event.stream)
        if line:
            by = self.closed_by if self._closing and self.closed_by else CLIENT
            line[0].aborted = True
            line[0].remark(why_fallen(line[0], by, "fin"))
            line[0].last_at = at
            self._close_exchange(line[0], at)

    def _confused(self, event: Confused) -> None:
        exchange = max(self._newest.values(), key=lambda e: e.id, default=None)
        # Behind a gap it is the rest of what the gap hit: no word on a request that was spared.
        if exchange is not None and (exchange.cut or event.side not in self._astray):
            exchange.confuse(event)

    def _remark(self, event: Remark, at: Nanos) -> None:
        """On its stream's newest exchange if it speaks of one, else on the connection's newest."""
        exchange: Exchange | None = None
        if event.stream is not None:
            line = self._open.get(event.stream)
            exchange = line[-1] if line else self._newest.get(event.stream)
        elif self._newest:
            exchange = max(self._newest.values(), key=lambda e: e.id)
        if exchange is not None:
            exchange.remark(event)
        elif event.severity == "error":
            self.said(event, at)

    # -- whose it is --------------------------------------------------------------------------

    def _begin(self, stream: int, at: Nanos) -> Exchange:
        exchange = Exchange(self.next_id(), self.hop, stream, self.n_requests, at)
        exchange.cut = self._n_unpaired > 0
        self.n_requests += 1
        line = self._open.get(stream)
        if line is None:
            line = self._open[stream] = []
        elif len(line) >= MAX_OPEN:
            oldest = line[0]
            oldest.cut = True
            self._close_exchange(oldest, at)
        line.append(exchange)
        self._newest[stream] = exchange
        if self.tape is not None:
            self.tape.begin(exchange)
        return exchange

    def _asking(self, stream: int) -> Exchange | None:
        """The newest exchange of the stream, answered or not (its body may still be coming)."""
        return self._newest.get(stream)

    def _answering(self, stream: int, at: Nanos) -> Exchange:
        """The oldest open exchange of the stream; one without a request if there is none."""
        line = self._open.get(stream)
        if line:
            return line[0]
        exchange = self._begin(stream, at)
        exchange.cut = True
        exchange.lost_bytes, self.orphan_lost_bytes = self.orphan_lost_bytes, 0
        self.opened(exchange)
        return exchange

    # -- how it ends --------------------------------------------------------------------------

    def _close_exchange(self, exchange: Exchange, at: Nanos) -> None:
        line = self._open.get(exchange.stream)
        if line and line[0] is exchange:
            del line[0]
        elif line and exchange in line:
            line.remove(exchange)
        self._finish(exchange, at)

    def _finish(self, exchange: Exchange, at: Nanos) -> None:
        exchange.over_at = at
        exchange.judge()
        if self.tape is not None:
            self.tape.over(exchange)
        self.over(exchange)

    def _fall(self, at: Nanos, by: Side, how: str) -> None:
        """Every open exchange is aborted; the first one tells why."""
        self._fallen = True
        for exchange in self.open_exchanges():
            exchange.aborted = True
            exchange.remark(why_fallen(exchange, by, how))
            self._finish(exchange, at)
        self._open.clear()
