"""AJP13: tomcat.apache.org "AJPv13 extensions and protocol reference", httpd modules/proxy/ajp.h.

In: the two byte streams of one connection. Out: events. Refuses to know: AJP12, AJP14.

The web server's body packets carry no type: whether a packet is one is known from the request
before it and from the packet's own shape (its first two bytes are the length of the rest).
**Why both**: a container may end its answer while body is still to come, and the front reuses the
connection; who only counts takes the next requests for body (tshark does after a 64 KiB packet),
who only looks takes a body that begins with 0x02 for a request.

Every packet says its length, so a gap inside one leaves the decoder in step.
"""

from gwtop.nouns.events import Body, Control, Event, Hole, RequestEnd, RequestHead
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols import _ajp_wire as wire
from gwtop.protocols._ajp_answers import Answers, Asked
from gwtop.protocols._ajp_fields import dissect
from gwtop.protocols._ajp_repeat import repeat as repeat
from gwtop.protocols._ajp_wire import claims
from gwtop.protocols._base import CUT_HEAD, Pair, decimal, same_length_remark
from gwtop.protocols._lane import IN_STEP, SEEKING, Lane

__all__ = ["NAME", "Decoder", "claims", "dissect", "request_fields", "response_fields"]

NAME = "ajp"

_DATA, _CUT = 2, 3
"""States of the client's lane besides IN_STEP (a packet comes next) and SEEKING."""
_CHUNKED, _UNKNOWN = -1, -2
"""Body bytes to come: until an empty packet; nobody saw what the request says of it."""


def request_fields(block: bytes) -> list[Pair]:
    """All of a FORWARD_REQUEST, under the protocol's names, in wire order."""
    return wire.Request(block).fields()


def response_fields(block: bytes) -> list[Pair]:
    """The headers of SEND_HEADERS, in wire order."""
    return wire.answer_headers(block)


class Decoder:
    """One AJP connection; see `_base.Decoder`."""

    __slots__ = ("_answers", "_body_left", "_client", "_had", "_left", "_said")

    def __init__(self, from_start: bool) -> None:
        self._client = Lane(Side.CLIENT, from_start)
        self._answers = Answers(from_start)
        self._left = 0
        """Bytes to come of a packet's data, or of a cut packet."""
        self._body_left = 0 if from_start else _UNKNOWN
        """Body bytes to come, those of the packet at hand included."""
        self._said = 0
        self._had = 0

    def held_bytes(self) -> int:
        return self._client.held_bytes() + self._answers.held_bytes()

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        out: list[Event] = []
        while data:
            if side is Side.CLIENT:
                data = self._step(data, at, out)
                continue
            if not self._answers.asked and self._has_begun():
                self._tell_cut(out)
            n_asked = len(self._answers.asked)
            data = self._answers.step(data, at, out)
            if len(self._answers.asked) < n_asked:
                self._answered(out)
        return out

    def _step(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        lane = self._client
        if lane.state == SEEKING:
            return lane.find(wire.REQUEST_SIGN, data, at, out)
        if lane.state == IN_STEP:
            return self._packet(data, at, out)
        part, rest = data[: self._left], data[self._left :]
        self._left -= len(part)
        if lane.state == _DATA:
            out.append(Body(0, Side.CLIENT, part))
            self._count_body(len(part), out)
        else:
            lane.stray(len(part), out)
            if not self._left:
                lane.state = IN_STEP
        return rest

    # -- packets ------------------------------------------------------------------------------

    def _packet(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """Holds what came of a packet, or tells it and returns what lies behind it."""
        lane = self._client
        lane.hold(data, at)
        if not wire.FROM_WEB.startswith(bytes(lane.held[:2])):
            return self._misfit(out)
        n_payload = int.from_bytes(lane.held[2:4], "big")
        end = wire.HEADER_BYTES + n_payload
        if len(lane.held) < min(end, 6) or len(lane.held) < wire.HEADER_BYTES:
            return b""
        is_body = n_payload == 0 or int.from_bytes(lane.held[4:6], "big") == n_payload - 2
        if is_body and self._body_left:
            whole = lane.take_held()
            return self._body_packet(whole, n_payload, out)
        if len(lane.held) < end:
            return b""
        packet = bytes(lane.held[:end])
        kind = packet[4] if n_payload else 0
        if kind == wire.FORWARD_REQUEST:
            request = wire.Request(packet[wire.HEADER_BYTES :])
            if request.whole:
                rest = lane.take_held()[end:]
                self._tell_request(request, packet[wire.HEADER_BYTES :], out)
                return rest
        name = "body after the answer" if is_body else wire.ASIDE.get(kind, "")
        if not name:
            return self._misfit(out)
        out.append(Control(0, Side.CLIENT, name, end))
        return lane.take_held()[end:]

    def _body_packet(self, packet: bytes, n_payload: int, out: list[Event]) -> bytes:
        """AJPv13 "Request Packet Structure": a body packet is a length and that many bytes."""
        lane = self._client
        header = min(wire.HEADER_BYTES + n_payload, 6)
        lane.framing_bytes += header
        self._left = max(n_payload - 2, 0)
        if self._left:
            lane.state = _DATA
        elif self._body_left == _UNKNOWN:
            self._body_left = 0
        else:
            self._end_request(out)
        return packet[header:]

    def _count_body(self, n_bytes: int, out: list[Event]) -> None:
        self._had += n_bytes
        if self._body_left > 0:
            self._body_left = max(self._body_left - n_bytes, 0)
        if not self._left:
            self._client.state = IN_STEP
            if not self._body_left:
                self._end_request(out)

    def _tell_request(self, request: wire.Request, block: bytes, out: list[Event]) -> None:
        lane = self._client
        lane.astray = ""
        method = request.method
        self._answers.ask(Asked(method), out)
        out.append(RequestHead(0, lane.began_at, method, request.target, True, len(block), block))
        lane.framing_bytes += wire.HEADER_BYTES
        self._said = self._had = 0
        if not request.whole:
            self._body_left = _UNKNOWN
            return
        coding = request.header(b"transfer-encoding")
        length = decimal(request.header(b"content-length") or b"")
        chunked = coding is not None and b"chunked" in coding.lower()
        self._said = 0 if chunked else length or 0
        self._body_left = _CHUNKED if chunked else self._said
        if not self._body_left:
            self._end_request(out)

    def _end_request(self, out: list[Event]) -> None:
        self._body_left = 0
        self._client.tell_framing(out)
        out.append(RequestEnd(0))

    def _answered(self, out: list[Event]) -> None:
        """The answer is over, and what is still sent of the body belongs to nothing."""
        if self._client.state != _DATA:
            self._body_left = 0
        self._client.tell_framing(out)

    def _misfit(self, out: list[Event]) -> bytes:
        lane = self._client
        whole = lane.take_held()
        lane.seek(lane.astray or "no AJP packet", out)
        lane.stray(1, out)  # or the same beginning would be found again
        return whole[1:]

    # -- gaps and closes ----------------------------------------------------------------------

    def _has_begun(self) -> bool:
        """There is a FORWARD_REQUEST that is not complete."""
        held = self._client.held
        if self._client.state != IN_STEP or len(held) < 5:
            return False
        return held[4] == wire.FORWARD_REQUEST and self._body_left in (0, _UNKNOWN)

    def _tell_cut(self, out: list[Event]) -> None:
        lane = self._client
        packet = lane.take_held()
        block = packet[wire.HEADER_BYTES :]
        self._left = int.from_bytes(packet[2:4], "big") - len(block)
        self._tell_request(wire.Request(block), block, out)
        lane.astray, lane.state = CUT_HEAD, _CUT

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if side is Side.SERVER:
            n_asked = len(self._answers.asked)
            self._answers.lost(n_bytes, out)
            if len(self._answers.asked) < n_asked:
                self._answered(out)
            return out
        lane = self._client
        if self._has_begun():
            self._tell_cut(out)
        if lane.state in (_DATA, _CUT):
            n_here = min(n_bytes, self._left)
            self._left -= n_here
            n_bytes -= n_here
            out.append(Hole(0, Side.CLIENT, n_here, lane.state == _DATA))
            if lane.state == _DATA:
                self._count_body(n_here, out)
            elif not self._left:
                lane.state = IN_STEP
        if n_bytes:
            lane.seek("after a gap", out)
            out.append(Hole(0, Side.CLIENT, n_bytes, False))
        return out

    def close(self, side: Side, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if side is Side.SERVER:
            self._answers.close(out)
            return out
        lane = self._client
        if self._has_begun():
            self._tell_cut(out)
        if self._body_left > 0 and lane.state != SEEKING and self._answers.asked:
            out.append(same_length_remark(0, "request", self._said, self._had))
        lane.finish(out)
        return out
