"""uwsgi: unbit/uwsgi-docs Protocol.rst, unbit/uwsgi uwsgi.h and proto/uwsgi.c (2.0).

In: the two byte streams of one connection. Out: events. Refuses to know: puwsgi's own framing of
answers, suwsgi (TLS), what the values of variables mean beyond length, method and target.

A request is one packet of variables and CONTENT_LENGTH bytes behind it, unframed. Its answer has
no packet at all: an HTTP status line or CGI header fields, then bytes as opaque as they come
(gunicorn 27 says so, too: no chunked coding inside uwsgi). **Where it ends**, first of these:

- its Content-Length is reached (not for HEAD, 204, 304, whose length is another's);
- it has no body, and says "Connection: keep-alive": gunicorn's threaded workers keep connections;
- the next request's variables are complete: somebody kept the connection without saying so;
- the server closes: the protocol's own rule, what uWSGI does after each answer. Then a stated
  length that was not reached is an answer cut short.
"""

from gwtop.nouns.events import Body, Control, Event, Hole, Remark, RequestEnd, RequestHead
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols import _uwsgi_wire as wire
from gwtop.protocols._base import (
    CUT_HEAD,
    Claim,
    Pair,
    cgi_target,
    decimal,
    duplicate_variable,
    header_fields,
    same_length_remark,
)
from gwtop.protocols._lane import IN_STEP, SEEKING, Lane
from gwtop.protocols._uwsgi_answers import Answers, Asked
from gwtop.protocols._uwsgi_fields import dissect
from gwtop.protocols._uwsgi_repeat import repeat as repeat
from gwtop.protocols._uwsgi_wire import NAME, claims

__all__ = ["NAME", "Decoder", "claims", "dissect", "request_fields", "response_fields"]

# States of the client's lane besides IN_STEP (a packet comes next) and SEEKING.
_BODY, _CUT, _WRONG, _PASS = 2, 3, 4, 5


def request_fields(block: bytes) -> list[Pair]:
    """The variables in wire order; those before the first that is cut."""
    return wire.pairs_of(block)[0]


def response_fields(block: bytes) -> list[Pair]:
    """The header fields of the answer, in wire order."""
    return header_fields(block)


class Decoder:
    """One uwsgi connection; see `_base.Decoder`."""

    __slots__ = ("_answers", "_asks", "_client", "_cut_body_bytes", "_left", "_said", "_virgin")

    def __init__(self, from_start: bool) -> None:
        self._client = Lane(Side.CLIENT, from_start)
        self._answers = Answers(from_start)
        self._left = 0
        """Bytes to come of the body, or of a cut packet."""
        self._said = 0
        """The newest request's CONTENT_LENGTH."""
        self._cut_body_bytes: int | None = None
        """The body behind a cut packet, where the length was seen."""
        self._asks = False
        """It has carried a request."""
        self._virgin = from_start
        """No byte of the client was understood yet."""

    def held_bytes(self) -> int:
        return self._client.held_bytes() + self._answers.held_bytes()

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if side is Side.CLIENT:
            while data:
                data = self._step(data, at, out)
            return out
        while data:
            if not self._answers.asked and self._client.held:
                self._cut_by_answer(out)
            data = self._answers.step(data, at, out)
        return out

    def _step(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        lane = self._client
        if lane.state == IN_STEP:
            return self._packet(data, at, out)
        if lane.state == _BODY:
            part, rest = data[: self._left], data[self._left :]
            out.append(Body(0, Side.CLIENT, part))
            self._left -= len(part)
            if not self._left:
                self._end_request(out)
            return rest
        if lane.state == SEEKING:
            return lane.find(wire.REQUEST_SIGN, data, at, out)
        if lane.state == _CUT:
            part, rest = data[: self._left], data[self._left :]
            lane.stray(len(part), out)
            self._left -= len(part)
            self._after_cut(out)
            return rest
        if lane.state == _WRONG:
            lane.hold(data, at)
            return self._judge(False, out)
        lane.stray(len(data), out)
        return b""

    # -- packets ------------------------------------------------------------------------------

    def _packet(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """Holds what came of a packet, or tells it and returns what lies behind it."""
        lane = self._client
        if lane.held or len(data) < wire.HEADER_BYTES:
            lane.hold(data, at)
            if self._fits(lane.held) is Claim.NO:
                return self._misfit(lane.take_held(), at, out)
            if len(lane.held) < wire.HEADER_BYTES:
                return b""
            end = wire.HEADER_BYTES + wire.datasize(lane.held)
            if len(lane.held) < end:
                return b""
            data = lane.take_held()
        else:
            lane.start(at)
            end = wire.HEADER_BYTES + wire.datasize(data)
            if self._fits(data) is Claim.NO:
                return self._misfit(data, at, out)
            if len(data) < end:
                lane.resumed = False
                lane.held += data
                return b""
        if data[0] in wire.CONTROLS:
            name = wire.CONTROLS[data[0]]
            self._virgin = False
            self._answers.controlled = name
            out.append(Control(0, Side.CLIENT, name, end))
            return data[end:]
        block = data[wire.HEADER_BYTES : end]
        pairs, fit = wire.pairs_of(block)
        if not fit:
            return self._misfit(data, at, out)
        self._tell_request(block, pairs, True, out)
        return data[end:]

    def _fits(self, start: bytes | bytearray) -> Claim:
        """Between requests nobody sends packets of another kind, and their modifiers are letters:
        what looks like one there is body that nobody announced."""
        if self._asks and start[0] in wire.CONTROLS:
            return Claim.NO
        return wire.fits(start)

    def _tell_request(self, block: bytes, pairs: list[Pair], whole: bool, out: list[Event]) -> None:
        lane = self._client
        variables = dict(pairs)
        method = variables.get(b"REQUEST_METHOD")
        self._answers.ask(Asked(method, len(block), True), out)
        self._virgin, self._asks, lane.astray = False, True, ""
        target = cgi_target(variables, whole)
        out.append(RequestHead(0, lane.began_at, method, target, None, len(block), block))
        lane.framing_bytes += wire.HEADER_BYTES
        if len(variables) < len(pairs):
            out.append(duplicate_variable(0, pairs))
        length = _body_length(variables, out)
        if not whole:
            self._cut_body_bytes = length
            return
        self._said = self._left = length or 0
        if self._left:
            lane.state = _BODY
        else:
            self._end_request(out)

    def _end_request(self, out: list[Event]) -> None:
        self._client.state = IN_STEP
        self._client.tell_framing(out)
        out.append(RequestEnd(0))

    # -- what is no packet, or no whole one ---------------------------------------------------

    def _misfit(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        lane = self._client
        if self._virgin:
            lane.state = _WRONG
            return data
        if self._answers.asked and not lane.astray:
            out.append(_too_long_body(self._said))
        lane.seek(lane.astray or "no uwsgi packet", out)
        lane.stray(1, out)  # or the same beginning would be found again
        return data[1:]

    def _judge(self, final: bool, out: list[Event]) -> bytes:
        """Says what a client speaks whose first bytes are no uwsgi, once that is clear; then all
        of them are to be read again."""
        lane = self._client
        verdict = wire.wrong_start(bytes(lane.held))
        if verdict is Claim.MORE and not final and len(lane.held) < 8 * 1024:
            return b""
        whole = lane.take_held()
        self._virgin = False
        lane.seek("not uwsgi", out)
        if isinstance(verdict, Remark):
            out.append(verdict)
            lane.state = _PASS
        return whole

    def _has_begun(self) -> bool:
        """There is a request's packet that is not complete, and more of it than its header."""
        lane = self._client
        asking = lane.state == IN_STEP and len(lane.held) > wire.HEADER_BYTES
        return asking and lane.held[0] in wire.ASKING

    def _cut_by_answer(self, out: list[Event]) -> None:
        """The server answers, or closes, before the request's head is complete."""
        lane = self._client
        if lane.state == _WRONG:
            rest = self._judge(True, out)
            while rest:
                rest = self._step(rest, lane.began_at, out)
        elif self._has_begun():
            held = bytes(lane.held)
            self._tell_cut(out)
            if wire.looks_big_endian(held):
                out.append(wire.big_endian(held))

    def _tell_cut(self, out: list[Event]) -> None:
        """What came of a packet's variables; what is still to come of it is CUT_HEAD."""
        lane = self._client
        packet = lane.take_held()
        block = packet[wire.HEADER_BYTES :]
        self._left = wire.datasize(packet) - len(block)
        self._tell_request(block, wire.pairs_of(block)[0], False, out)
        lane.astray, lane.state = CUT_HEAD, _CUT

    def _after_cut(self, out: list[Event]) -> None:
        """Behind a cut packet: its body, where the length was seen, else nobody knows what."""
        if self._left:
            return
        lane = self._client
        if self._cut_body_bytes is None:
            lane.seek(CUT_HEAD, out)
            return
        lane.astray = ""
        self._said = self._left = self._cut_body_bytes
        if self._left:
            lane.state = _BODY
        else:
            self._end_request(out)

    # -- gaps and closes ----------------------------------------------------------------------

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if side is Side.SERVER:
            self._answers.lost(n_bytes, out)
            return out
        lane = self._client
        if self._has_begun():
            self._tell_cut(out)
        if lane.state in (_BODY, _CUT):
            n_bytes = self._lost_of_message(n_bytes, out)
        if n_bytes:
            if lane.state != _PASS:
                self._answers.unseen = True
                lane.seek(CUT_HEAD if lane.astray == CUT_HEAD else "after a gap", out)
            out.append(Hole(0, Side.CLIENT, n_bytes, False))
        return out

    def _lost_of_message(self, n_bytes: int, out: list[Event]) -> int:
        """The part of a gap that lies in a body or a cut packet; returns what lies behind it."""
        n_here = min(n_bytes, self._left)
        in_body = self._client.state == _BODY
        out.append(Hole(0, Side.CLIENT, n_here, in_body))
        self._left -= n_here
        if in_body and not self._left:
            self._end_request(out)
        elif not in_body:
            self._after_cut(out)
        n_bytes -= n_here
        if n_bytes and self._client.state == _BODY and not in_body:
            return self._lost_of_message(n_bytes, out)
        return n_bytes

    def close(self, side: Side, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if self._client.held:
            self._cut_by_answer(out)
        if side is Side.SERVER:
            self._answers.close(out)
            return out
        lane = self._client
        self._answers.client_closed = True
        if lane.state == _BODY and self._left and self._answers.asked:
            out.append(same_length_remark(0, "request", self._said, self._said - self._left))
        lane.finish(out)
        return out


def _body_length(variables: dict[bytes, bytes], out: list[Event]) -> int | None:
    """CONTENT_LENGTH; None when there is none. Empty is 0 (nginx sends it so without a body)."""
    said = variables.get(b"CONTENT_LENGTH")
    if not said:
        return None if said is None else 0
    length = decimal(said)
    if length is None:
        text = "CONTENT_LENGTH is no number; servers take it as 0 and lose the body."
        out.append(Remark(0, "content-length-unusable", "warn", text))
    return length


def _too_long_body(said: int) -> Remark:
    text = f"More bytes came than the {said} of CONTENT_LENGTH, and they are no new request."
    return Remark(0, "content-length-mismatch", "warn", text)
