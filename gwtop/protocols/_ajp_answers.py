"""Answers on an AJP connection: the container's half of `ajp`.

In: the container's bytes, and which request waits. Out: events. Refuses to know requests.
"""

from collections import deque
from typing import NamedTuple

from gwtop.nouns.events import Body, Control, Event, Hole, ResponseEnd, ResponseHead
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols import _ajp_wire as wire
from gwtop.protocols._base import CUT_HEAD, decimal, same_length_remark
from gwtop.protocols._heads import NO_BODY_STATUSES
from gwtop.protocols._lane import IN_STEP, SEEKING, SKIPPED, Lane

_DATA, _PAD, _CUT = 2, 3, 4
"""States of the lane besides IN_STEP (a packet comes next) and SEEKING: in a SEND_BODY_CHUNK, in
what follows its bytes, in the rest of a packet that is not told."""
_CHUNK_HEADER_BYTES = wire.HEADER_BYTES + 3


class Asked(NamedTuple):
    """A request that waits for its answer."""

    method: bytes | None


class Answers:
    """What the container says of the requests, one after the other."""

    __slots__ = ("_had", "_lane", "_left", "_pad", "_said", "asked")

    def __init__(self, from_start: bool) -> None:
        self._lane = Lane(Side.SERVER, from_start)
        self._left = 0
        """Bytes to come of a chunk's data, or of a packet that is not told."""
        self._pad = 0
        """Bytes behind the data: the NUL that ends it (AJPv13 "Send Body Chunk")."""
        self._said: int | None = None
        self._had = 0
        self.asked: deque[Asked] = deque()

    def held_bytes(self) -> int:
        return self._lane.held_bytes()

    def ask(self, asked: Asked, out: list[Event]) -> None:
        """A request begins: what was open before it is over, and was not told to its end."""
        while self.asked:
            out.append(Hole(0, Side.SERVER, 0, False))
            self._lane.tell_framing(out)
            self.asked.popleft()
            out.append(ResponseEnd(0, False))
        self._said, self._had = None, 0
        self.asked.append(asked)

    def step(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """Reads as far as one thing goes and returns the rest."""
        lane = self._lane
        if lane.state == SEEKING:
            if self.asked and lane.astray != CUT_HEAD:
                return lane.find(wire.ANSWER_SIGN, data, at, out)
            lane.stray(len(data), out)
            return b""
        if lane.state == IN_STEP:
            return self._packet(data, at, out)
        part, rest = data[: self._left], data[self._left :]
        self._left -= len(part)
        if lane.state == _DATA:
            self._had += len(part)
            out.append(Body(0, Side.SERVER, part))
        elif lane.state == _PAD:
            lane.framing_bytes += len(part)
        else:
            lane.stray(len(part), out)
        self._next()
        return rest

    def _next(self) -> None:
        """What follows the bytes that `_left` counted."""
        if self._left:
            return
        lane = self._lane
        lane.state = _PAD if lane.state == _DATA and self._pad else IN_STEP
        self._left, self._pad = self._pad if lane.state == _PAD else 0, 0

    def _packet(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """Holds what came of a packet, or tells it and returns what lies behind it."""
        lane = self._lane
        lane.hold(data, at)
        held = lane.held
        if not wire.FROM_CONTAINER.startswith(bytes(held[:2])):
            return self._misfit(out)
        if len(held) < wire.HEADER_BYTES:
            return b""
        n_payload = int.from_bytes(held[2:4], "big")
        if not n_payload:
            return self._misfit(out)
        if len(held) == wire.HEADER_BYTES:
            return b""
        kind, end = held[4], wire.HEADER_BYTES + n_payload
        if kind == wire.CPONG and n_payload == 1:
            out.append(Control(0, Side.SERVER, "CPONG", end))
            return lane.take_held()[end:]
        if not 3 <= kind <= 6:
            return self._misfit(out)
        if not self.asked:
            lane.astray, self._left = SKIPPED, end
            lane.state = _CUT
            return lane.take_held()
        if kind == wire.SEND_BODY_CHUNK:
            return self._chunk(n_payload, out) if len(held) >= _CHUNK_HEADER_BYTES else b""
        if len(held) < end:
            return b""
        whole = lane.take_held()
        self._tell(kind, whole[wire.HEADER_BYTES : end], out)
        return whole[end:]

    def _chunk(self, n_payload: int, out: list[Event]) -> bytes:
        """AJPv13 "Send Body Chunk": type, length, bytes, NUL. Of no bytes: a flush."""
        lane = self._lane
        n_bytes = int.from_bytes(lane.held[5:7], "big")
        if n_bytes + 3 > n_payload:
            return self._misfit(out)
        rest = lane.take_held()[_CHUNK_HEADER_BYTES:]
        lane.framing_bytes += _CHUNK_HEADER_BYTES
        self._left, self._pad, lane.state = n_bytes, n_payload - 3 - n_bytes, _DATA
        self._next()
        return rest

    def _tell(self, kind: int, payload: bytes, out: list[Event]) -> None:
        lane, asked = self._lane, self.asked[0]
        status = wire.answer_status(payload)
        if kind == wire.GET_BODY_CHUNK:
            name, n_bytes = "GET_BODY_CHUNK", wire.HEADER_BYTES + len(payload)
            out.append(Control(0, Side.SERVER, name, n_bytes))
        elif kind == wire.END_RESPONSE:
            lane.framing_bytes += wire.HEADER_BYTES + len(payload)
            self._end(out)
        elif status is not None and 100 <= status < 200 and status != 101:
            n_bytes = wire.HEADER_BYTES + len(payload)
            out.append(Control(0, Side.SERVER, f"interim {status}", n_bytes))
        else:
            lane.framing_bytes += wire.HEADER_BYTES
            lane.astray = ""
            out.append(ResponseHead(0, lane.began_at, status, len(payload), payload))
            if asked.method != b"HEAD" and status not in NO_BODY_STATUSES:
                self._said = _content_length(payload)

    def _end(self, out: list[Event]) -> None:
        if self._said is not None and self._said != self._had:
            out.append(same_length_remark(0, "answer", self._said, self._had))
        self._lane.tell_framing(out)
        self.asked.popleft()
        self._said, self._had = None, 0
        out.append(ResponseEnd(0, False))

    def _misfit(self, out: list[Event]) -> bytes:
        lane = self._lane
        whole = lane.take_held()
        lane.seek(lane.astray or "no AJP packet", out)
        lane.stray(1, out)  # or the same beginning would be found again
        return whole[1:]

    # -- gaps and closes ----------------------------------------------------------------------

    def lost(self, n_bytes: int, out: list[Event]) -> None:
        lane = self._lane
        if lane.state == IN_STEP and len(lane.held) > wire.HEADER_BYTES:
            self._cut_packet(out)
        while n_bytes and lane.state in (_DATA, _PAD, _CUT):
            n_here = min(n_bytes, self._left)
            self._left -= n_here
            n_bytes -= n_here
            if lane.state == _PAD:
                lane.framing_bytes += n_here
            else:
                out.append(Hole(0, Side.SERVER, n_here, lane.state == _DATA))
                self._had += n_here
                self._said = self._said if lane.state == _DATA else None
            self._next()
        if n_bytes:
            self._said = None
            out.append(Hole(0, Side.SERVER, n_bytes, False))
            lane.seek(CUT_HEAD, out)
            lane.astray = "after a gap"

    def _cut_packet(self, out: list[Event]) -> None:
        """A gap goes through a packet of known length: SEND_HEADERS is told as it came; what ended
        the answer ends it; the rest of the packet is no more."""
        lane = self._lane
        packet = lane.take_held()
        payload = packet[wire.HEADER_BYTES :]
        self._left = int.from_bytes(packet[2:4], "big") - len(payload)
        if payload[0] == wire.SEND_HEADERS and self.asked:
            status = wire.answer_status(payload)
            lane.framing_bytes += wire.HEADER_BYTES
            out.append(ResponseHead(0, lane.began_at, status, len(payload), payload))
            lane.astray = CUT_HEAD
        elif payload[0] == wire.END_RESPONSE and self.asked:
            lane.framing_bytes += len(packet)
            out.append(Hole(0, Side.SERVER, 0, False))
            self._said = None
            self._end(out)
        else:
            lane.astray = CUT_HEAD
            lane.stray(len(packet), out)
        lane.state = _CUT

    def close(self, out: list[Event]) -> None:
        """What has not reached its end now is aborted; the tracker knows who closed first."""
        lane = self._lane
        if self.asked and len(lane.held) > wire.HEADER_BYTES and lane.state == IN_STEP:
            self._cut_packet(out)
        lane.finish(out)


def _content_length(payload: bytes) -> int | None:
    for name, value in wire.answer_headers(payload):
        if name.lower() == b"content-length":
            return decimal(value)
    return None
