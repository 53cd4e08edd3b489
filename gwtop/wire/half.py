"""One direction of a connection: which bytes come next, which wait, which are lost for good.

In: pieces of payload, FINs and the other side's ACKs. Out: `Chunk`, `Lost`, `Closed`, appended to
a list. Refuses to know addresses, handshakes and the life of connections: that is `wire.tcp`.

Sequence numbers are taken modulo 2**32 and compared by their signed difference; everything that
waits lies less than 2**30 ahead of the next byte, so the difference also orders it.
"""

from bisect import bisect_right
from typing import Final, NamedTuple, TypeAlias

from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Side

Told: TypeAlias = Opened | Chunk | Lost | Closed

SEQ_MASK: Final = 0xFFFFFFFF
BEHIND: Final = 1 << 31
"""Differences below are ahead, from here on behind (RFC 9293 3.4)."""
MAX_WINDOW_BYTES: Final = (
    1 << 30
)  # RFC 7323 2.3: what is further ahead than this is forged or broken

MAX_HELD_BYTES: Final = 256 * 1024
"""Out-of-order bytes kept a direction."""
MAX_HELD_PIECES: Final = 4096
"""The same bound for tiny segments, whose objects weigh more than their bytes."""

UNKNOWN: Final = -1


def ahead(seq: int, than: int) -> int:
    """How far `seq` is ahead of `than`; negative: behind."""
    difference = (seq - than) & SEQ_MASK
    return difference if difference < BEHIND else difference - BEHIND - BEHIND


class Piece(NamedTuple):
    """Payload that was on the wire: captured bytes, or none and a number of uncaptured ones."""

    at: Nanos
    seq: int
    data: bytes
    cut_bytes: int

    @property
    def n_bytes(self) -> int:
        return len(self.data) + self.cut_bytes


class Half:
    """What one side sent."""

    __slots__ = (
        "acked",
        "at",
        "conn",
        "fin_at",
        "fin_seq",
        "finished",
        "flow",
        "held",
        "isn",
        "n_held_bytes",
        "peer",
        "plain",
        "seq",
        "side",
    )
    peer: "Half"

    def __init__(self, conn: int, side: Side, flow: bytes, at: Nanos) -> None:
        self.conn = conn
        self.side = side
        self.flow = flow
        self.at = at
        """Of the newest thing told of this side; its opening, at first."""
        self.isn = UNKNOWN
        self.seq = UNKNOWN
        """Sequence number of the next byte; unknown until a SYN, a byte or the peer's ACK."""
        self.acked = UNKNOWN
        """How far the peer's ACKs went; only kept where that is beyond `seq`."""
        self.fin_seq = UNKNOWN
        """Where this side's FIN stands, once seen; `fin_at` when."""
        self.fin_at = at
        self.finished = False
        """Its FIN has been told."""
        self.held: list[Piece] = []
        """Ordered, without overlaps, all at or ahead of `seq`."""
        self.n_held_bytes = 0
        self.plain = False
        """Nothing waits, nothing ends: the next segment can be the common case."""

    def judge_plain(self) -> None:
        """To be called after anything but the common case."""
        self.plain = (
            not self.held
            and not self.finished
            and self.fin_seq == UNKNOWN
            and self.acked == UNKNOWN
            and self.peer.seq != UNKNOWN
        )

    def is_untouched(self) -> bool:
        """Nothing waits for what comes before it, and nothing ends or is acknowledged."""
        marks = (self.fin_seq, self.acked)
        return not self.held and not self.finished and marks == (UNKNOWN, UNKNOWN)

    def acknowledge(self, ack: int, with_fin: bool, at: Nanos, told: list[Told]) -> None:
        """The peer says how much has arrived there: what we lack of that is lost."""
        if self.seq == UNKNOWN:
            self.seq = ack
            return
        n_bytes = ahead(ack, self.seq)
        if self.finished or n_bytes <= 0 or n_bytes > MAX_WINDOW_BYTES:
            return
        if self.acked != UNKNOWN and ahead(ack, self.acked) <= 0:
            return
        self.acked = ack
        if with_fin and self.fin_seq == UNKNOWN and not self._reaches(ack):
            self._doubt(ack, at, told)
        else:
            self._settle(at, told)

    def arrive(self, piece: Piece, with_fin: bool, told: list[Told]) -> None:
        """Payload and FIN of a segment: told, held, or known already."""
        at, seq, data, cut_bytes = piece
        if self.finished:
            return
        if self.seq == UNKNOWN:
            self.seq = seq
        if (
            seq == self.seq
            and not cut_bytes
            and not self.held
            and self.fin_seq == UNKNOWN
            and self.acked == UNKNOWN
        ):
            self._arrive_next(at, data, with_fin, told)
        else:
            self._arrive_odd(piece, with_fin, told)

    def _arrive_next(self, at: Nanos, data: bytes, with_fin: bool, told: list[Told]) -> None:
        """Just what was expected, and nothing waits."""
        if data:
            self.at = max(at, self.at)
            self.seq = (self.seq + len(data)) & SEQ_MASK
            told.append(Chunk(self.at, self.conn, self.side, data))
        if with_fin:
            self.fin_seq = self.seq
            self._finish(at, told)

    def _arrive_odd(self, piece: Piece, with_fin: bool, told: list[Told]) -> None:
        n_ahead = ahead(piece.seq, self.seq)
        if not -MAX_WINDOW_BYTES < n_ahead < MAX_WINDOW_BYTES:
            return
        if with_fin and self.fin_seq == UNKNOWN and n_ahead + piece.n_bytes >= 0:
            self._see_fin((piece.seq + piece.n_bytes) & SEQ_MASK, piece.at)
        if piece.n_bytes:
            self._hold(piece)
        if self.acked != UNKNOWN and (self.held or self.fin_seq not in (UNKNOWN, self.seq)):
            # The sender shows bytes or a FIN behind the one that was doubted: it was a byte.
            self._settle(piece.at, told)
        self._release(told)
        while self.n_held_bytes > MAX_HELD_BYTES or len(self.held) > MAX_HELD_PIECES:
            self._skip(MAX_WINDOW_BYTES, piece.at, told)
            self._release(told)

    def flush(self, at: Nanos, told: list[Told]) -> None:
        """No more will come: what waits is told behind its holes."""
        while not self.finished and (self.held or self.fin_seq != UNKNOWN):
            self._skip(MAX_WINDOW_BYTES, at, told)
            self._release(told)
        if self.acked != UNKNOWN and not self.finished:
            self._finish(at, told)

    # -- holes -----------------------------------------------------------------------------

    def _reaches(self, ack: int) -> bool:
        """The byte before `ack` is among those that wait: it is no FIN."""
        if not self.held:
            return False
        last = self.held[-1]
        return ahead((last.seq + last.n_bytes) & SEQ_MASK, ack) >= 0

    def _doubt(self, ack: int, at: Nanos, told: list[Told]) -> None:
        """The last that the peer acknowledged, with its own FIN, may be our unseen FIN."""
        last = (ack - 1) & SEQ_MASK
        if last == self.seq:
            self._finish(at, told)
            return
        self.acked = last
        self._settle(at, told)
        self.acked = ack

    def _settle(self, at: Nanos, told: list[Told]) -> None:
        """Tells everything up to `acked`, and what joins on to it."""
        while self.acked != UNKNOWN and not self.finished:
            n_bytes = ahead(self.acked, self.seq)
            if n_bytes > 0:
                self._skip(n_bytes, at, told)
            else:
                self.acked = UNKNOWN
            self._release(told)

    def _skip(self, n_bytes: int, at: Nanos, told: list[Told]) -> None:
        """The hole at the front is lost, at most `n_bytes` of it."""
        if self.held:
            first = self.held[0]
            n_bytes = min(n_bytes, ahead(first.seq, self.seq))
            at = first.at
        elif self.fin_seq != UNKNOWN:
            n_bytes = min(n_bytes, ahead(self.fin_seq, self.seq))
            at = self.fin_at
        if n_bytes > 0:
            self.at = max(at, self.at)
            self.seq = (self.seq + n_bytes) & SEQ_MASK
            told.append(Lost(self.at, self.conn, self.side, n_bytes, False))

    # -- order -----------------------------------------------------------------------------

    def _see_fin(self, fin_seq: int, at: Nanos) -> None:
        """Nothing behind a FIN counts (RFC 9293 3.10.7.4, eighth)."""
        self.fin_seq = fin_seq
        self.fin_at = at
        base = self.seq
        stop = ahead(fin_seq, base)
        kept: list[Piece] = []
        for piece in self.held:
            start = ahead(piece.seq, base)
            if start < stop:
                kept += _parts(piece, 0, min(piece.n_bytes, stop - start))
        self.held = kept
        self.n_held_bytes = sum(len(piece.data) for piece in kept)

    def _hold(self, piece: Piece) -> None:
        """Puts the parts of a piece that were not seen yet among those that wait."""
        base, held = self.seq, self.held
        piece_start = ahead(piece.seq, base)
        stop = piece_start + piece.n_bytes
        if self.fin_seq != UNKNOWN:
            stop = min(stop, ahead(self.fin_seq, base))
        start = max(piece_start, 0)
        index = bisect_right(held, start, key=lambda other: ahead(other.seq, base))
        if index:
            before = held[index - 1]
            start = max(start, ahead(before.seq, base) + before.n_bytes)
        while start < stop:
            after = ahead(held[index].seq, base) if index < len(held) else stop
            fresh = _parts(piece, start - piece_start, min(after, stop) - piece_start)
            held[index:index] = fresh
            self.n_held_bytes += sum(len(part.data) for part in fresh)
            index += len(fresh)
            if index == len(held):
                return
            start = after + held[index].n_bytes
            index += 1

    def _release(self, told: list[Told]) -> None:
        """Tells the pieces at the front that no hole precedes; then the FIN."""
        n_told = 0
        for piece in self.held:
            if piece.seq != self.seq:
                break
            n_told += 1
            self.at = max(piece.at, self.at)
            self.seq = (self.seq + piece.n_bytes) & SEQ_MASK
            self.n_held_bytes -= len(piece.data)
            if piece.data:
                told.append(Chunk(self.at, self.conn, self.side, piece.data))
            else:
                told.append(Lost(self.at, self.conn, self.side, piece.cut_bytes, False))
        del self.held[:n_told]
        if self.seq == self.fin_seq and not self.finished:
            self._finish(self.fin_at, told)

    def _finish(self, at: Nanos, told: list[Told]) -> None:
        self.finished = True
        self.at = max(at, self.at)
        self.seq = (self.seq + 1) & SEQ_MASK
        self.held.clear()
        self.n_held_bytes = 0
        told.append(Closed(self.at, self.conn, self.side, "fin"))


def _parts(piece: Piece, start: int, stop: int) -> list[Piece]:
    """A stretch of a piece, its captured and its uncaptured bytes apart."""
    n_data = len(piece.data)
    parts: list[Piece] = []
    if start < min(n_data, stop):
        data = piece.data[start:stop]
        parts.append(Piece(piece.at, (piece.seq + start) & SEQ_MASK, data, 0))
    cut_start = max(start, n_data)
    if cut_start < stop:
        seq = (piece.seq + cut_start) & SEQ_MASK
        parts.append(Piece(piece.at, seq, b"", stop - cut_start))
    return parts
