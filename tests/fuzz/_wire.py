"""A fuzz input as frames, or as the segments of a few connections, and what must hold of them.

In: bytes that a fuzzer made up. Out: nothing, or an AssertionError. Checks `gwtop.wire`.

Frames: a byte that chooses the link type, then for each frame a u8 length, a u8 that says how many
bytes of it snaplen cut, and its bytes. The usual frames' short way must read what the long way,
header by header, reads in them.

Segments: a byte of hints, then eight bytes each (`_segment`). A payload byte is its own place in
the stream, modulo 251, so that what comes out says by itself where it belongs: any byte told twice,
out of order or beside its place is seen, and so is a loss that is one too long.
"""

from struct import Struct

from gwtop.nouns.records import Frames, Span
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Segment, Side
from gwtop.wire import link
from gwtop.wire.half import MAX_HELD_BYTES, MAX_HELD_PIECES, SEQ_MASK, Told
from gwtop.wire.tcp import SYN, Reassembler

LINKS = (1, 113, 276, 0, 101, 108, 147)
"""As LINKTYPE_*: Ethernet, cooked v1 and v2, BSD loopback, raw IP, OpenBSD loopback, unknown."""
PERIOD = 251  # a prime, so that lengths which are powers of two do not hide a shift
WRAP = (1 << 32) % PERIOD
"""A stream that passes 2**32 goes on so many places before."""
_PATTERN = bytes(range(PERIOD)) * 3
MAX_SEGMENTS = 200
MAX_CONNECTIONS = 3
_OP = Struct(">BBhhBB").unpack_from
OP_BYTES = 8


def frames_of(data: bytes) -> Frames:
    kind = LINKS[data[0] % len(LINKS)] if data else LINKS[0]
    spans: list[Span] = []
    pos = 1
    while pos + 2 <= len(data):
        start = pos + 2
        end = min(start + data[pos], len(data))
        spans.append(Span(len(spans), start, end, end - start + data[pos + 1]))
        pos = end
    return Frames("fuzz", kind, data, spans)


def check_frames(data: bytes) -> None:
    frames = frames_of(data)
    got = link.unpack(frames)
    if isinstance(got, link.UnknownLink):
        assert frames.link not in link.KNOWN
        return
    assert got == link._unpack_any(frames), "the short way reads another frame"
    assert len(got.segments) <= got.n_tcp <= len(frames.spans)
    for segment in got.segments:
        _, start, end, _ = frames.spans[segment.at]
        assert segment.data in data[start:end]
        assert len(segment.flow) in (12, 36)
        assert segment.cut_bytes >= 0
    _check_reassembly(got.segments, Reassembler([80]), None)


def _segment(data: bytes, pos: int, at: int) -> Segment:
    """Bits 0-1 of the first byte choose the 4-tuple, bit 2 the side, bit 3 makes far jumps of the
    differences, bits 4-5 the time since the last one; then flags, seq, ack, length, cut."""
    what, flags, seq, ack, n_data, cut_bytes = _OP(data, pos)
    port = what & 3
    client, server = (b"\x0a\0\0\1", bytes([0xC0, port])), (b"\x0a\0\0\2", b"\x23\x28")
    if port == 3:  # a socket that is connected to itself
        client = server
    sender, receiver = (server, client) if what & 4 else (client, server)
    flow = sender[0] + receiver[0] + sender[1] + receiver[1]
    base = 0xFFFFFF80 if port == 1 else 1000
    shift = 14 if what & 8 else 0
    seq, ack = (base + (seq << shift)) & SEQ_MASK, (base + (ack << shift)) & SEQ_MASK
    payload = _payload((seq + 1 if flags & SYN else seq) & SEQ_MASK, n_data)
    return Segment(at, flow, seq, ack, flags & 0x1F, payload, cut_bytes & 0x7F)


def _payload(seq: int, n_bytes: int) -> bytes:
    before_wrap = min(n_bytes, SEQ_MASK + 1 - seq)
    return _PATTERN[seq % PERIOD :][:before_wrap] + _PATTERN[: n_bytes - before_wrap]


STEPS_NS = (1, 0, 10**9, 61 * 10**9)


def segments_of(data: bytes) -> list[Segment]:
    found: list[Segment] = []
    at = 1
    for pos in range(1, min(len(data), MAX_SEGMENTS * OP_BYTES) - OP_BYTES + 1, OP_BYTES):
        at += STEPS_NS[data[pos] >> 4 & 3]
        found.append(_segment(data, pos, at))
    return [one for one in found if one.data or one.cut_bytes or one.flags & 7]


def check_segments(data: bytes) -> None:
    hint = [9000] if data[:1] and data[0] & 1 else []
    told = [Reassembler(hint, max_connections=MAX_CONNECTIONS) for _ in range(2)]
    segments = segments_of(data)
    lines = _check_reassembly(segments, told[0], _Places(segments))
    batch = [*told[1].feed_all(segments), *told[1].finish(_last_at(segments))]
    assert batch == lines, "a batch is told in another way"


def _last_at(segments: list[Segment]) -> int:
    return segments[-1].at + 1 if segments else 1


class _Places:
    """Follows each direction's place in its stream by the bytes that are told of it."""

    def __init__(self, segments: list[Segment]) -> None:
        self.next: dict[tuple[int, Side], int] = {}
        self.n_captured = sum(len(one.data) for one in segments)

    def check(self, one: Told) -> None:
        if isinstance(one, Chunk):
            place = self.next.get((one.conn, one.side), one.data[0]) % PERIOD
            if one.data != _PATTERN[place:][: len(one.data)]:
                place = self._check_bytewise(place, one.data) - len(one.data)
            self.next[one.conn, one.side] = place + len(one.data)
            self.n_captured -= len(one.data)
            assert self.n_captured >= 0, "more told than captured"
        elif isinstance(one, Lost) and (one.conn, one.side) in self.next:
            self.next[one.conn, one.side] += one.n_bytes

    def _check_bytewise(self, place: int, data: bytes) -> int:
        for byte in data:
            assert byte in (place % PERIOD, (place - WRAP) % PERIOD), "a byte out of place"
            place = byte + 1
        return place


def _check_reassembly(
    segments: list[Segment], reassembler: Reassembler, places: _Places | None
) -> list[Told]:
    lines: list[Told] = []
    alive: set[int] = set()
    finished: set[tuple[int, Side]] = set()

    def check(told: list[Told]) -> None:
        lines.extend(told)
        for one in told:
            if isinstance(one, Opened):
                assert one.conn == reassembler.n_opened
                alive.add(one.conn)
                continue
            assert one.conn in alive, "something behind the end of a connection"
            if isinstance(one, Closed) and one.how != "fin":
                alive.remove(one.conn)
                continue
            assert (one.conn, one.side) not in finished, "something behind a FIN"
            if isinstance(one, Closed):
                finished.add((one.conn, one.side))
            else:
                assert one.data if isinstance(one, Chunk) else one.n_bytes > 0, "nothing told"
            if places is not None:
                places.check(one)

    for segment in segments:
        check(reassembler.feed(segment))
        assert reassembler.n_live <= max(reassembler._max_halves // 2, 1)
        for half in reassembler._halves.values():
            assert half.n_held_bytes == sum(len(piece.data) for piece in half.held)
            assert half.n_held_bytes <= MAX_HELD_BYTES and len(half.held) <= MAX_HELD_PIECES
    check(reassembler.finish(_last_at(segments)))
    assert reassembler.n_live == 0
    return lines
