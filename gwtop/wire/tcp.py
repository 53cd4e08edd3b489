"""TCP: segments in, each connection's two byte streams out, in order, none twice.

In: `Segment`s in the order of their capture. Out: `Opened`, `Chunk`, `Lost`, `Closed`. Refuses to
know clocks and timers, protocols, checksums. The only file that knows 4-tuples: above it there is
`conn`, an int from 1 that is never reused.

**Holes.** Bytes that are missing may still come (reordering, retransmission), so they are waited
for until the other side's ACK covers them: then the receiver has them and they were not captured.
What came behind the hole waits with it, at most `MAX_HELD_BYTES` a direction. `Lost` carries the
`at` of what waited behind the hole, else of the ACK. A byte seen first wins over a retransmission.

**An unseen FIN** looks like one more lost byte, for it takes a sequence number. Where a FIN
acknowledges one more than we hold, the other side is taken to have closed too; where it
acknowledges more, all but the last is lost and the last waits for what the sender shows next.

**Who is the server** of a connection that began before the capture: the side on a port of the
hint; else the address of the hint; else the endpoint that was seen to accept a connection in this
capture; else the lower port, for ephemeral ports are high. Neither a FIN without payload nor a
reset opens anything: of such a connection there is nothing to tell.

**The past** of a 4-tuple is remembered for a while, so that late retransmissions open no ghosts.
"""

from collections.abc import Collection, Iterable
from heapq import heapify, heappop
from typing import Final, Literal, NamedTuple

from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened, Segment
from gwtop.wire.endpoint import endpoint
from gwtop.wire.half import MAX_WINDOW_BYTES, SEQ_MASK, UNKNOWN, Half, Piece, Told, ahead

FIN: Final = 1  # RFC 9293 3.1
SYN: Final = 2
RST: Final = 4
ACK: Final = 16
_SHAPE: Final = FIN | SYN | RST | ACK
_BEHIND: Final = 1 << 31  # RFC 9293 3.4

MAX_CONNECTIONS = 65_536
"""Live at once; about 1 KiB each. Beyond it the one that is idle longest is dropped."""
MAX_SERVERS = 4096
"""Accepting endpoints kept for the direction of connections that began before the capture."""
MAX_PAST = 8192
"""Directions of ended connections remembered against late retransmissions."""
PAST_NS = 60 * SECOND_NS  # Linux keeps TIME_WAIT for 60 s (TCP_TIMEWAIT_LEN)
RESET_SLACK_BYTES = 1 << 24
"""A reset this near to the expected sequence number is believed; tcp_rmem's maximum is 6 MiB."""
IN_FLIGHT_BYTES = 1 << 20
"""New bytes that may still be on their way after a reset."""


class _Past(NamedTuple):
    at: Nanos
    isn: int
    seq: int
    slack_bytes: int
    """Segments up to so far beyond `seq` belong to the past, too."""


class _Pasts:
    """The newest `MAX_PAST` pasts, at least, and at most twice as many.

    Two generations, because taking the oldest out of one dict searches past all it has lost.
    """

    __slots__ = ("_newer", "_older")

    def __init__(self) -> None:
        self._newer: dict[bytes, _Past] = {}
        self._older: dict[bytes, _Past] = {}

    def get(self, flow: bytes) -> _Past | None:
        return self._newer.get(flow) or self._older.get(flow)

    def put(self, flow: bytes, past: _Past) -> None:
        if len(self._newer) >= MAX_PAST:
            self._older, self._newer = self._newer, {}
        self._newer[flow] = past

    def forget(self, flow: bytes, other: bytes) -> None:
        for pasts in (self._newer, self._older):
            pasts.pop(flow, None)
            pasts.pop(other, None)


def _swapped(flow: bytes) -> bytes:
    """The other direction's flow."""
    n = (len(flow) - 4) // 2
    return flow[n : 2 * n] + flow[:n] + flow[-2:] + flow[-4:-2]


def _receiver(flow: bytes) -> bytes:
    """Address and port."""
    n = (len(flow) - 4) // 2
    return flow[n : 2 * n] + flow[-2:]


class Reassembler:
    """All connections of one capture."""

    def __init__(
        self,
        ports: Collection[int] = (),
        host: str | None = None,
        *,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        """`ports` and `host` say who serves where that was not seen; they leave nothing out."""
        self.n_opened = 0
        self.n_dropped = 0
        """Connections given up because there were more than `max_connections` at once."""
        self.set_ports(ports)
        self._host = host
        self._max_halves = 2 * max_connections
        self._halves: dict[bytes, Half] = {}
        self._servers: dict[bytes, None] = {}
        self._past = _Pasts()
        self._nobody = Half(0, CLIENT, b"", 0)
        self._idle: list[tuple[Nanos, int, bytes]] = []

    @property
    def n_live(self) -> int:
        return len(self._halves) // 2

    def set_ports(self, ports: Collection[int]) -> None:
        """From now on these ports serve."""
        self._ports = frozenset(port.to_bytes(2, "big") for port in ports)

    def feed(self, segment: Segment) -> list[Told]:
        return self.feed_all((segment,))

    def feed_all(self, segments: Iterable[Segment]) -> list[Told]:
        """As `feed` for each in turn: one call and one list for a batch."""
        told: list[Told] = []
        halves = self._halves
        new = tuple.__new__  # a named tuple without the Python code of its class: a third off
        for segment in segments:
            at, flow, seq, ack, flags, data, cut_bytes = segment
            half = halves.get(flow)
            if (
                half is not None
                and half.seq == seq
                and half.plain
                and data
                and flags & _SHAPE == ACK
                and not cut_bytes
                and (half.peer.seq == ack or (ack - half.peer.seq) & SEQ_MASK >= _BEHIND)
            ):
                # In order, and its ACK proves nothing new.
                half.seq = (seq + len(data)) & SEQ_MASK
                half.at = at
                told.append(new(Chunk, (at, half.conn, half.side, data)))
            else:
                self._take(segment, half, told)
        return told

    def finish(self, at: Nanos) -> list[Told]:
        """The capture is over: what still waits is told, and every connection ends."""
        told: list[Told] = []
        for half in list(self._halves.values()):
            if half.flow in self._halves:
                self._end(half, at, "end", told)
        return told

    # -- a segment -------------------------------------------------------------------------

    def _take(self, segment: Segment, half: Half | None, told: list[Told]) -> None:
        """Any segment but the common one, which `feed_all` takes."""
        at, _, seq, ack, flags, data, cut_bytes = segment
        if flags & SYN:
            half = self._shake(segment, half, told)
            seq = (seq + 1) & SEQ_MASK
        elif half is None:
            half = self._join(segment, told)
        if half is None:
            return
        peer = half.peer
        if flags & RST:
            if self._believes_reset(segment, half):
                if flags & ACK:
                    peer.acknowledge(ack, False, at, told)
                self._end(half, at, "rst", told)
            return
        if flags & ACK:
            peer.acknowledge(ack, bool(flags & FIN), at, told)
        half.arrive(Piece(at, seq, data, cut_bytes), bool(flags & FIN), told)
        if half.finished and peer.finished:
            self._forget(half, at, 0)
        else:
            half.judge_plain()
            peer.judge_plain()

    def _shake(self, segment: Segment, half: Half | None, told: list[Told]) -> Half | None:
        """A SYN or SYN-ACK: of the connection we know, of a past one, or of a new one."""
        if half is None and self._is_past_start(segment):
            return None
        if half is not None and not _is_known_start(segment, half):
            self._end(half, segment.at, "reused", told)
            half = None
        if half is None:
            half = self._open(segment, not segment.flags & ACK, True, told)
            if segment.flags & ACK:
                half.peer.isn = (segment.ack - 1) & SEQ_MASK
                half.peer.seq = segment.ack
        if half.isn == UNKNOWN:
            half.isn = segment.seq
        if half.seq == UNKNOWN:
            half.seq = (segment.seq + 1) & SEQ_MASK
        return half

    def _is_past_start(self, segment: Segment) -> bool:
        past = self._past.get(segment.flow)
        if past is not None and past.isn == segment.seq:
            return True
        if not segment.flags & ACK:
            return False
        past = self._past.get(_swapped(segment.flow))
        return past is not None and past.isn == (segment.ack - 1) & SEQ_MASK

    def _join(self, segment: Segment, told: list[Told]) -> Half | None:
        """A connection that began before the capture, or whose handshake was not seen."""
        if segment.flags & RST or not (segment.data or segment.cut_bytes):
            return None
        past = self._past.get(segment.flow)
        if past is not None and segment.at - past.at <= PAST_NS:
            n_ahead = ahead(segment.seq, past.seq)
            if past.seq == UNKNOWN or -MAX_WINDOW_BYTES < n_ahead <= past.slack_bytes:
                return None
        half = self._open(segment, self._is_client(segment.flow), False, told)
        half.seq = segment.seq
        half.isn = (segment.seq - 1) & SEQ_MASK  # should its SYN come late
        return half

    def _believes_reset(self, segment: Segment, half: Half) -> bool:
        if half.seq == UNKNOWN or abs(ahead(segment.seq, half.seq)) <= RESET_SLACK_BYTES:
            return True
        return bool(segment.flags & ACK) and segment.ack == half.peer.seq

    # -- who is who ------------------------------------------------------------------------

    def _open(self, segment: Segment, is_client: bool, from_start: bool, told: list[Told]) -> Half:
        """Makes both directions; the one that `segment` came on is returned."""
        at, flow = segment.at, segment.flow
        other = _swapped(flow)
        if len(self._halves) >= self._max_halves:
            self._drop_idle(at, told)
        self.n_opened += 1
        half = Half(self.n_opened, CLIENT if is_client else SERVER, flow, at)
        peer = Half(self.n_opened, SERVER if is_client else CLIENT, other, at)
        half.peer, peer.peer = peer, half
        self._halves[flow], self._halves[other] = half, peer
        self._past.forget(flow, other)
        sender, receiver = _receiver(other), _receiver(flow)
        client, server = (sender, receiver) if is_client else (receiver, sender)
        if from_start:
            self._learn_server(server)
        told.append(Opened(at, half.conn, endpoint(client), endpoint(server), from_start))
        return half

    def _learn_server(self, server: bytes) -> None:
        if server in self._servers:
            return
        if len(self._servers) >= MAX_SERVERS:
            del self._servers[next(iter(self._servers))]
        self._servers[server] = None

    def _is_client(self, flow: bytes) -> bool:
        """Did the sender connect? The rules of the module's docstring, in their order."""
        sender, receiver = _receiver(_swapped(flow)), _receiver(flow)
        verdicts = (
            (sender[-2:] in self._ports, receiver[-2:] in self._ports),
            (self._is_host(sender), self._is_host(receiver)),
            (sender in self._servers, receiver in self._servers),
        )
        for sender_serves, receiver_serves in verdicts:
            if sender_serves != receiver_serves:
                return receiver_serves
        return sender[-2:] >= receiver[-2:]

    def _is_host(self, peer: bytes) -> bool:
        return endpoint(peer).rpartition(":")[0].strip("[]") == self._host

    # -- ends ------------------------------------------------------------------------------

    def _end(
        self, half: Half, at: Nanos, how: Literal["rst", "reused", "end"], told: list[Told]
    ) -> None:
        """The connection is over: what waits is told first."""
        half.flush(at, told)
        half.peer.flush(at, told)
        if not (half.finished and half.peer.finished):
            told.append(Closed(at, half.conn, half.side, how))
        self._forget(half, at, IN_FLIGHT_BYTES if how == "rst" else 0)

    def _forget(self, half: Half, at: Nanos, slack_bytes: int) -> None:
        for one in (half, half.peer):
            # A socket connected to itself has one flow for both directions.
            self._halves.pop(one.flow, None)
            self._past.put(one.flow, _Past(at, one.isn, one.seq, slack_bytes))
        # Two halves that point at each other are left to the garbage collector: 6 us a pair.
        half.peer.peer = self._nobody
        half.peer = self._nobody

    def _drop_idle(self, at: Nanos, told: list[Told]) -> None:
        """The connection that was silent longest ends here, so that a new one has room.

        The order is made once for many: those that spoke since are passed over and stand in the
        next order, which is made when this one is used up.
        """
        while True:
            if not self._idle:
                self._idle = [
                    (max(half.at, half.peer.at), half.conn, half.flow)
                    for half in self._halves.values()
                ]
                heapify(self._idle)
            last_at, conn, flow = heappop(self._idle)
            half = self._halves.get(flow)
            if half is not None and half.conn == conn and max(half.at, half.peer.at) == last_at:
                self.n_dropped += 1
                self._end(half, at, "end", told)
                return


def _is_known_start(segment: Segment, half: Half) -> bool:
    """Does a SYN or SYN-ACK belong to the connection we have on its 4-tuple?"""
    peer = half.peer
    if half.isn == segment.seq:
        return True
    if not segment.flags & ACK:
        # Both ends may send a SYN at once (RFC 9293 3.5).
        return half.isn == UNKNOWN and half.seq == UNKNOWN and peer.isn != UNKNOWN
    if peer.isn == UNKNOWN or not 0 < ahead(segment.ack, peer.isn) <= ahead(peer.seq, peer.isn):
        return False
    if half.isn == UNKNOWN:
        return half.seq in (UNKNOWN, (segment.seq + 1) & SEQ_MASK)
    if half.seq == (half.isn + 1) & SEQ_MASK and half.is_untouched():
        # Nothing came of its first answer: the server forgot it and answered the SYN anew.
        half.isn = half.seq = UNKNOWN
        return True
    return False
