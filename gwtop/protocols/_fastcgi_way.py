"""One direction of a FastCGI connection: where in a record it is, and finding that place again.

In: bytes out of step. Out: where a record begins, and the events that account for what was passed
over. Knows no exchange but the one that the current record belongs to.
"""

from collections.abc import Container

from gwtop.nouns.events import Confused, Control, Event, Hole, Resynced
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, Side
from gwtop.protocols import _fastcgi_wire as wire
from gwtop.protocols._base import FRAMING, UNSEEN
from gwtop.protocols._fastcgi_exchange import Exchange
from gwtop.protocols._fastcgi_remarks import unknown_type


class Way:
    """One direction: where in a record it is."""

    __slots__ = (
        "_marks",
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
        "resync_due",
        "side",
        "started",
        "stream",
    )

    def __init__(self, side: Side, in_step: bool) -> None:
        self.side = side
        self.kinds = wire.FROM_CLIENT if side is CLIENT else wire.FROM_SERVER
        self.in_step = in_step
        self.started = not in_step
        """The connection's beginning was not seen, or is over (`kind` is not 0 after a record)."""
        self.resync_due = False
        self.confused_why = "before the first record that was seen whole"
        self.partial = b""
        """The beginning of a record header, and of an 8-byte body; at most 15 bytes."""
        self._marks: list[tuple[int, Nanos]] = []
        """From where on in `partial` which bytes came when: what is searched may begin in it."""
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

    def held_bytes(self) -> int:
        return len(self.partial) + self.framing + self.opaque + self.hole_bytes

    def keep(self, data: bytes, pos: int, n_old: int, at: Nanos) -> None:
        """What may begin a record at `pos` waits for its rest; all but `n_old` bytes came now."""
        self.partial = data[pos:]
        if pos >= n_old:
            self._marks = [(0, at)]
            return
        older = [(max(begin - pos, 0), then) for begin, then in self._marks]
        self._marks = [*older, (n_old - pos, at)]

    def came_at(self, pos: int) -> Nanos:
        """When that byte of `partial` came."""
        return [then for begin, then in self._marks if begin <= pos][-1]

    def begin_opaque(self, piece: bytes, events: list[Event]) -> None:
        """A record that one Control will tell: management, abort, data, or of no known request."""
        kind, exchange = self.kind, self.exchange
        name = wire.NAMES.get(kind)
        if name is None:
            name = f"type {kind}"
            if exchange is not None and not exchange.told:
                exchange.unknown_kind = kind
            else:
                stream = self.stream if exchange is not None else None
                events.append(unknown_type(stream, kind))
        elif exchange is None and kind < wire.GET_VALUES:
            name = UNSEEN
        elif kind == wire.ABORT_REQUEST and exchange is not None:
            exchange.aborting = True
        self.opaque_name = name
        self.opaque = wire.HEADER_BYTES + len(piece)
        self.framing -= wire.HEADER_BYTES

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

    def search(
        self,
        data: bytes,
        pos: int,
        n_old: int,
        known: Container[int] | None,
        at: Nanos,
        events: list[Event],
    ) -> int:
        """Looks for the next place where a record can begin; returns it, or the end of `data`."""
        begin, end = pos, len(data)
        from_client = self.side is CLIENT
        verdict: bool | None = False
        while not verdict:
            pos = data.find(b"\x01", pos)
            if pos < 0:
                self.confuse(end - begin, events)
                return end
            verdict = wire.plausible(data, pos, from_client, known)
            if verdict is None:
                self.confuse(pos - begin, events)
                self.keep(data, pos, n_old, at)
                return end
            pos += not verdict
        self.confuse(pos - begin, events)
        self.flush_hole(0, events)
        self.in_step = True
        if self.resync_due:
            self.resync_due = False
            events.append(Resynced(self.side))
        return pos
