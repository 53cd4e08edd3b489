"""Kept: the bytes of exchanges, for whoever wishes to see one; bounded, the oldest go first.

In: what the decoder of a connection is fed, and what it says of it. Out: a `Reel` for an exchange:
its pieces of both directions with the instants they came at. Refuses to know what bytes mean, and
who asks.

**Which bytes are whose.** A decoder's events account for every byte of a side, framing told at the
latest where a request or an answer ends (`protocols/_base`). So the sum of what was told on a side
when an exchange begins is where its bytes begin, also in the middle of a chunk (pipelining), and
no decoder had to learn of offsets. On one stream exchanges follow one another. Of a protocol whose
streams may lie between each other (its ids are not 0) more is kept than is its own, from a place
where nothing was held on, and the dissector leaves out what belongs to others.

**What it costs.** Nothing where nobody can ask: no tape is made. With one, 1.3 us a feed and 0.3 an
event were measured; bytes are not copied but held on to, and a small piece costs more to hold than
its bytes, which is counted.
"""

from collections.abc import Callable
from typing import NamedTuple

from gwtop.nouns.events import (
    Body,
    Confused,
    Control,
    ErrorText,
    Event,
    Hole,
    RequestEnd,
    RequestHead,
    ResponseHead,
)
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, Side
from gwtop.tracker.exchange import Exchange, Hop

MAX_KEPT_BYTES = 32 * 1024 * 1024
"""In all: the newest ten thousand small exchanges, or a hundred of the largest."""
MAX_SIDE_BYTES = 128 * 1024
"""Of one direction of an exchange: heads, and what a person reads of a body."""
PIECE_BYTES = 160
"""What a piece costs to hold besides its bytes: a tuple, its numbers, the header of the bytes."""


class Piece(NamedTuple):
    begin: int
    """Where in its direction of the connection."""
    at: Nanos
    data: bytes | None
    """None: these bytes were not seen."""
    n_bytes: int


class Reel(NamedTuple):
    """What is kept of one exchange."""

    id: int
    hop: Hop
    stream: int
    client: list[Piece]
    server: list[Piece]
    client_beyond: int
    """Bytes behind those that were kept."""
    server_beyond: int

    def cost_bytes(self) -> int:
        pieces = (*self.client, *self.server)
        return sum(len(p.data or b"") + PIECE_BYTES for p in pieces) + PIECE_BYTES


class Kept:
    """All reels, and the room that is left."""

    def __init__(self, on: bool, only: int | None = None, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self.on = on
        """Somebody may ask."""
        self._only = only
        """Just this exchange, of a file that is read for it alone."""
        self._max_bytes = max_bytes
        self._n_bytes = 0
        """Reels and tapes."""
        self._reels: dict[int, Reel] = {}

    def tape(self, hop: Hop) -> "Tape | None":
        return Tape(hop, self) if self.on else None

    def reel(self, id: int) -> Reel | None:
        return self._reels.get(id)

    @property
    def n_bytes(self) -> int:
        return self._n_bytes

    def take(self, n_bytes: int) -> bool:
        """Makes room for so many bytes more; False: there is none."""
        while self._n_bytes + n_bytes > self._max_bytes and self._reels:
            oldest = next(iter(self._reels))
            self._n_bytes -= self._reels.pop(oldest).cost_bytes()
        if self._n_bytes + n_bytes > self._max_bytes:
            return False
        self._n_bytes += n_bytes
        return True

    def give_back(self, n_bytes: int) -> None:
        self._n_bytes -= n_bytes

    def put(self, reel: Reel) -> None:
        if self._only in (None, reel.id) and self.take(reel.cost_bytes()):
            self._reels[reel.id] = reel


class Way:
    """One direction of a connection."""

    __slots__ = ("aligned", "cost_bytes", "fed", "kept", "pieces", "told")

    def __init__(self, kept: Kept) -> None:
        self.kept = kept
        self.fed = 0
        """Bytes that came or were lost."""
        self.told = 0
        """Those of them that an event has accounted for."""
        self.aligned = 0
        """Before the last feed that began where nothing was held: there a message begins."""
        self.pieces: list[Piece] = []
        self.cost_bytes = 0

    def add(self, data: bytes, at: Nanos) -> None:
        if self.told == self.fed:
            self.aligned = self.fed
        n_bytes = len(data)
        room = MAX_SIDE_BYTES - self.cost_bytes
        if n_bytes > room:
            data = data[: max(room, 0)]
        cost = len(data) + PIECE_BYTES
        if data and self.kept.take(cost):
            self.pieces.append(Piece(self.fed, at, data, len(data)))
            self.cost_bytes += cost
        self.fed += n_bytes

    def miss(self, n_bytes: int, at: Nanos) -> None:
        if n_bytes + self.cost_bytes <= MAX_SIDE_BYTES and self.kept.take(PIECE_BYTES):
            self.pieces.append(Piece(self.fed, at, None, n_bytes))
            self.cost_bytes += PIECE_BYTES
        self.fed += n_bytes

    def cut(self, begin: int, end: int) -> tuple[list[Piece], int]:
        """The pieces from `begin` to `end`, and how many bytes of them were not kept."""
        found: list[Piece] = []
        for piece in self.pieces:
            stop = piece.begin + piece.n_bytes
            if stop <= begin:
                continue
            if piece.begin > begin or begin >= end:
                break
            stop = min(stop, end)
            if piece.begin < begin or stop < piece.begin + piece.n_bytes:
                data = piece.data
                if data is not None:
                    data = data[begin - piece.begin : stop - piece.begin]
                piece = Piece(begin, piece.at, data, stop - begin)
            found.append(piece)
            begin = stop
        return found, max(end - begin, 0)

    def trim(self, before: int) -> None:
        """Forgets the pieces that end there."""
        pieces, n = self.pieces, 0
        for piece in pieces:
            if piece.begin + piece.n_bytes > before:
                break
            n += 1
            cost = PIECE_BYTES + len(piece.data or b"")
            self.cost_bytes -= cost
            self.kept.give_back(cost)
        del pieces[:n]


class Mark:
    """Where the bytes of an open exchange are."""

    __slots__ = ("client_begin", "client_end", "exchange", "server_begin")

    def __init__(self, exchange: Exchange, client_begin: int, server_begin: int) -> None:
        self.exchange = exchange
        self.client_begin = client_begin
        self.client_end: int | None = None
        """None: its request goes on."""
        self.server_begin = server_begin


class Tape:
    """What one connection was fed, as long as its exchanges are open."""

    __slots__ = ("_ends", "_kept", "_marks", "client", "hop", "server")

    def __init__(self, hop: Hop, kept: Kept) -> None:
        self.hop = hop
        self._kept = kept
        self.client = Way(kept)
        self.server = Way(kept)
        self._marks: list[Mark] = []
        """Oldest first."""
        self._ends: dict[int, int] = {}
        """Where the newest request of each stream ended."""

    def feed(self, side: Side, data: bytes, at: Nanos) -> None:
        """Before the decoder is fed with it."""
        (self.client if side is CLIENT else self.server).add(data, at)

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> None:
        (self.client if side is CLIENT else self.server).miss(n_bytes, at)

    def told(self, event: Event) -> None:
        """After it was applied: `begin` and `over` look at what was told before it."""
        if isinstance(event, Body):
            way = self.client if event.side is CLIENT else self.server
            way.told += len(event.data)
        elif isinstance(event, Control | Hole | Confused):
            way = self.client if event.side is CLIENT else self.server
            way.told += event.n_bytes
        elif isinstance(event, RequestHead):
            self.client.told += event.head_bytes
        elif isinstance(event, ResponseHead):
            self.server.told += event.head_bytes
        elif isinstance(event, ErrorText):
            self.server.told += len(event.data)
        elif isinstance(event, RequestEnd):
            self._request_ended(event.stream)

    def begin(self, exchange: Exchange) -> None:
        """It is known to exist; its head is not told yet."""
        client_begin, server_begin = self.client.told, self.server.told
        if exchange.stream:
            client_begin = max(self.client.aligned, self._ends.get(exchange.stream, 0))
        for mark in self._marks:
            if mark.exchange.stream != exchange.stream:
                server_begin = min(server_begin, mark.server_begin)
                if mark.client_end is None:
                    client_begin = min(client_begin, mark.client_begin)
            elif mark.client_end is None:
                mark.client_end = client_begin
        self._marks.append(Mark(exchange, client_begin, server_begin))
        if len(self._marks) == 1:
            self._trim()

    def _request_ended(self, stream: int) -> None:
        for mark in reversed(self._marks):
            if mark.exchange.stream == stream:
                if mark.client_end is None:
                    mark.client_end = self.client.fed if stream else self.client.told
                    self._ends[stream] = self.client.told
                return

    def over(self, exchange: Exchange) -> None:
        """Nothing more comes of it: its pieces are cut out and kept."""
        mark = next((m for m in self._marks if m.exchange is exchange), None)
        if mark is None:
            return
        self._marks.remove(mark)
        whose = bool(self._marks) and not exchange.stream  # what comes behind it is another's
        client_end = self.client.fed if mark.client_end is None else mark.client_end
        server_end = self.server.told if whose else self.server.fed
        client, client_beyond = self.client.cut(mark.client_begin, client_end)
        server, server_beyond = self.server.cut(mark.server_begin, server_end)
        for other in self._marks:
            if other.exchange.stream == exchange.stream:
                other.server_begin = max(other.server_begin, self.server.told)
        self._trim()
        self._kept.put(
            Reel(
                exchange.id,
                self.hop,
                exchange.stream,
                client,
                server,
                client_beyond,
                server_beyond,
            )
        )

    def _trim(self) -> None:
        self._forget(self.client, lambda mark: mark.client_begin)
        self._forget(self.server, lambda mark: mark.server_begin)

    def _forget(self, way: Way, begin: Callable[[Mark], int]) -> None:
        if way.pieces:
            way.trim(min(map(begin, self._marks), default=way.told))

    def drop(self) -> None:
        """The connection is gone."""
        for way in (self.client, self.server):
            way.trim(way.fed)
