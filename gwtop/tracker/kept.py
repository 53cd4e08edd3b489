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

**What it costs.** Nothing where nobody can ask: no tape is made (measured: no difference in a
replay of 36,132 requests). With one a replay takes a fifth to a third longer, 18 us a request of
two feeds and 28 of nine on a busy machine, and the 32 MiB. Bytes are not copied but held on to; a
small piece costs more to hold than its bytes, which is counted.
"""

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

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


_SIDED = (Control, Hole, Confused)


class Piece(NamedTuple):
    begin: int
    """Where in its direction of the connection."""
    at: Nanos
    data: bytes | None
    """None: these bytes were not seen."""
    n_bytes: int


Raw: TypeAlias = tuple[int, Nanos, bytes | None, int]
"""A piece as it is held: one is made at each feed, and a NamedTuple takes 0.3 us to make."""


class Reel(NamedTuple):
    """What is kept of one exchange."""

    id: int
    hop: Hop
    stream: int
    client: list[Raw]
    server: list[Raw]
    client_beyond: int
    """Bytes behind those that were kept."""
    server_beyond: int
    cost_bytes: int

    def pieces(self, side: Side) -> list[Piece]:
        return [Piece(*raw) for raw in (self.client if side is CLIENT else self.server)]


class Kept:
    """All reels, and the room that is left."""

    def __init__(self, on: bool, only: int | None = None, max_bytes: int = MAX_KEPT_BYTES) -> None:
        self.on = on
        """Somebody may ask."""
        self._only = only
        """Just this exchange, of a file that is read for it alone."""
        self.max_bytes = max_bytes
        self.n_bytes = 0
        """What reels and tapes cost."""
        self._reels: dict[int, Reel] = {}

    def tape(self, hop: Hop) -> "Tape | None":
        return Tape(hop, self) if self.on else None

    def reel(self, id: int) -> Reel | None:
        return self._reels.get(id)

    def has_room(self, n_bytes: int = 0) -> bool:
        """For so much more; makes some if there is none. False: open exchanges have it all."""
        while self.n_bytes + n_bytes > self.max_bytes and self._reels:
            oldest = next(iter(self._reels))
            self.n_bytes -= self._reels.pop(oldest).cost_bytes
        return self.n_bytes + n_bytes <= self.max_bytes

    def put(self, reel: Reel) -> None:
        """What it costs is counted already."""
        if self._only in (None, reel.id):
            self._reels[reel.id] = reel
            if self.n_bytes > self.max_bytes:
                self.has_room()
        else:
            self.n_bytes -= reel.cost_bytes


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
        self.pieces: list[Raw] = []
        self.cost_bytes = 0

    def add(self, data: bytes, at: Nanos) -> None:
        fed = self.fed
        if self.told == fed:
            self.aligned = fed
        n_bytes = len(data)
        self.fed = fed + n_bytes
        cost = n_bytes + PIECE_BYTES
        if self.cost_bytes + cost > MAX_SIDE_BYTES:
            data = data[: max(MAX_SIDE_BYTES - PIECE_BYTES - self.cost_bytes, 0)]
            if not data:
                return
            n_bytes = len(data)
            cost = n_bytes + PIECE_BYTES
        kept = self.kept
        if kept.n_bytes + cost > kept.max_bytes and not kept.has_room(cost):
            return
        kept.n_bytes += cost
        self.cost_bytes += cost
        self.pieces.append((fed, at, data, n_bytes))

    def miss(self, n_bytes: int, at: Nanos) -> None:
        if n_bytes + self.cost_bytes <= MAX_SIDE_BYTES and self.kept.has_room(PIECE_BYTES):
            self.kept.n_bytes += PIECE_BYTES
            self.pieces.append((self.fed, at, None, n_bytes))
            self.cost_bytes += PIECE_BYTES
        self.fed += n_bytes

    def take_all(self, begin: int, end: int) -> tuple[list[Raw], int, int] | None:
        """`take`, where all that is held is asked for, which it nearly always is."""
        pieces = self.pieces
        if not pieces or pieces[0][0] != begin or pieces[-1][0] >= end or self.fed != end:
            return None
        held_to = pieces[-1][0] + pieces[-1][3]
        if sum([piece[3] for piece in pieces]) != held_to - begin:
            return None  # something in between was not kept
        cost, self.cost_bytes, self.pieces = self.cost_bytes, 0, []
        return pieces, end - held_to, cost

    def cut(self, begin: int, end: int) -> tuple[list[Raw], int, int]:
        """The pieces from `begin` to `end`, how many bytes of them were not kept, and what they
        cost from now on."""
        found: list[Raw] = []
        cost = 0
        for first, at, data, n_bytes in self.pieces:
            stop = first + n_bytes
            if stop <= begin:
                continue
            if first > begin or begin >= end:
                break
            stop = min(stop, end)
            if data is not None:
                data = data[begin - first : stop - first]
                cost += len(data)
            found.append((begin, at, data, stop - begin))
            cost += PIECE_BYTES
            begin = stop
        self.kept.n_bytes += cost
        return found, max(end - begin, 0), cost

    def trim(self, before: int) -> None:
        """Forgets the pieces that end there."""
        pieces, n = self.pieces, 0
        for first, _, data, n_bytes in pieces:
            if first + n_bytes > before:
                break
            n += 1
            cost = PIECE_BYTES + (0 if data is None else len(data))
            self.cost_bytes -= cost
            self.kept.n_bytes -= cost
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
        elif isinstance(event, _SIDED):
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
        asked = self._take(self.client, mark.client_begin, client_end)
        told = self._take(self.server, mark.server_begin, server_end)
        for other in self._marks:
            if other.exchange.stream == exchange.stream:
                other.server_begin = max(other.server_begin, self.server.told)
        self._trim()
        cost = asked[2] + told[2] + PIECE_BYTES
        self._kept.n_bytes += PIECE_BYTES
        stream = exchange.stream
        self._kept.put(
            Reel(exchange.id, self.hop, stream, asked[0], told[0], asked[1], told[1], cost)
        )

    def _take(self, way: Way, begin: int, end: int) -> tuple[list[Raw], int, int]:
        taken = None if self._marks else way.take_all(begin, end)
        return way.cut(begin, end) if taken is None else taken

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
