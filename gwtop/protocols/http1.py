"""HTTP/1.0 and HTTP/1.1: RFC 9112 (message syntax) and RFC 9110 (semantics), June 2022.

In: the two byte streams of one connection. Out: events. Refuses to know: HTTP/2, WebSocket and
whatever else an Upgrade or a CONNECT leads to (skipped), HTTP/0.9 (no version, no head), content
codings (what is compressed stays so).

Where an answer ends depends on the question (HEAD, CONNECT: RFC 9112 6.3), so each answer is read
beside the oldest unanswered request, and an answer that nobody was seen to ask for is skipped: its
end is unknown. After a gap of unknown extent on the server's side every open request is told as
touched and ended, and answers are read again with the next request: without pipelining, which no
front end does, that can't pair an answer with the wrong request. With it the exchanges that follow
are marked as touched too.

A gap tells nothing of where the next message begins, so a request is found again by its whole
request line with a method that is in use; "T /x HTTP/1.1", what a gap leaves of a GET, is none.
"""

import re

from gwtop.nouns.events import (
    Body,
    Event,
    Hole,
    RequestEnd,
    RequestHead,
)
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import (
    CUT_HEAD,
    Claim,
    Pair,
    head_end,
    header_fields,
    same_length_remark,
)
from gwtop.protocols._framed import FramedBody
from gwtop.protocols._http_answers import BODY, EXPECT, TUNNEL, Answers
from gwtop.protocols._http_fields import dissect
from gwtop.protocols._http_heads import (
    CHUNKED,
    MAX_HEAD_BYTES,
    REQUEST_LINE,
    REQUEST_SIGN,
    asks_to_stay,
    body_length,
    claims,
    wrong_protocol,
)
from gwtop.protocols._http_repeat import repeat as repeat
from gwtop.protocols._lane import IN_STEP, SEEKING, SKIPPED, Lane

__all__ = ["NAME", "Decoder", "claims", "dissect", "request_fields", "response_fields"]

NAME = "http"

MAX_UNDECIDED_BYTES = 8 * 1024
"""What may be a request's first line or its predecessor's body is held so long; then it is body."""


def request_fields(block: bytes) -> list[Pair]:
    """The header fields of a request's head, in wire order."""
    return header_fields(block)


def response_fields(block: bytes) -> list[Pair]:
    """The header fields of an answer's head, in wire order."""
    return header_fields(block)


class Decoder:
    """One HTTP connection; see `_base.Decoder`."""

    __slots__ = ("_answers", "_body", "_client", "_line_ok", "_virgin")

    def __init__(self, from_start: bool) -> None:
        self._client = Lane(Side.CLIENT, from_start)
        self._body = FramedBody()
        self._answers = Answers(self._client, from_start)
        self._line_ok = False
        """The held head begins with a request line, or with what must become one."""
        self._virgin = from_start
        """No byte of the client was understood yet."""

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if side is Side.CLIENT:
            self._from_client(data, at, out)
        else:
            while data:
                if not self._answers.asked and self._has_begun():
                    self._tell_cut_request(out)
                data = self._answers.step(data, at, out)
        return out

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if side is Side.CLIENT:
            self._lost_of_client(n_bytes, out)
        else:
            self._answers.lost(n_bytes, out)
        return out

    def close(self, side: Side, at: Nanos) -> list[Event]:
        out: list[Event] = []
        if side is Side.CLIENT:
            self._close_client(out)
        else:
            self._answers.close(out)
        return out

    def held_bytes(self) -> int:
        return self._client.held_bytes() + self._body.held_bytes() + self._answers.held_bytes()

    # -- requests -----------------------------------------------------------------------------

    def _from_client(self, data: bytes, at: Nanos, out: list[Event]) -> None:
        lane = self._client
        while data:
            if lane.state == IN_STEP:
                data = self._request_head(data, at, out)
            elif lane.state == BODY:
                data = self._body_of_request(data, out)
            elif lane.state == SEEKING:
                data = lane.find(REQUEST_SIGN, data, at, out)
            elif lane.state == EXPECT:
                data = self._body_or_head(data, at, out)
            else:
                lane.stray(len(data), out)
                return

    def _request_head(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """Holds what came of a head, or tells it and returns what lies behind it."""
        lane = self._client
        if not lane.held:
            if data[0] in b"\r\n":  # RFC 9112 2.2: empty lines before a request line
                stripped = data.lstrip(b"\r\n")
                lane.framing_bytes += len(data) - len(stripped)
                return stripped
            self._line_ok = False
            end = head_end(data)
            line = REQUEST_LINE.match(data) if 0 < end <= MAX_HEAD_BYTES else None
            if line is not None:  # the common case: the whole head in one feed
                lane.start(at)
                self._tell_request(line, data[:end], out)
                return data[end:]
        scanned = max(len(lane.held) - 2, 0)
        lane.hold(data, at)
        end = head_end(lane.held, scanned)
        if end > MAX_HEAD_BYTES or (not end and len(lane.held) > MAX_HEAD_BYTES):
            if not self._line_ok and claims(bytes(lane.held[:MAX_HEAD_BYTES])) is Claim.NO:
                return self._not_http(lane.take_held(), out)
            return self._head_too_long(out)
        if end:
            whole = lane.take_held()
            line = REQUEST_LINE.match(whole)
            if line is not None:
                self._tell_request(line, whole[:end], out)
                return whole[end:]
            return self._not_http(whole, out)
        if not self._line_ok:
            claim = claims(bytes(lane.held))
            self._line_ok = claim is Claim.YES
            if claim is Claim.NO:
                return self._not_http(lane.take_held(), out)
        return b""

    def _tell_request(self, line: re.Match[bytes], head: bytes, out: list[Event]) -> None:
        method, target, minor = line.groups()
        lower = head.lower()
        self._answers.ask(method, out)
        self._virgin, self._client.astray = False, ""
        keep_alive = asks_to_stay(lower, minor)
        out.append(
            RequestHead(0, self._client.began_at, method, target, keep_alive, len(head), head)
        )
        lane, body = self._client, self._body
        length = body_length(lower, out)
        self._answers.expects = b"\nexpect:" in lower and length != 0
        if method == b"CONNECT":  # RFC 9110 9.3.6: what follows is for the tunnel, if it opens
            self._end_request(TUNNEL, out)
        elif length is None:
            lane.astray, lane.state = "a body without a usable length", SEEKING
        elif length == 0:
            self._end_request(IN_STEP, out)
        else:
            lane.state = BODY
            if length == CHUNKED:
                body.begin_chunked()
            else:
                body.begin_length(length)

    def _end_request(self, state: int, out: list[Event]) -> None:
        self._client.state = state
        if state == TUNNEL:
            self._client.astray = SKIPPED
        self._client.framing_bytes += self._body.framing_bytes
        self._body.framing_bytes = 0
        self._client.tell_framing(out)
        out.append(RequestEnd(0))

    def _body_of_request(self, data: bytes, out: list[Event]) -> bytes:
        self._answers.expects = False
        body = self._body
        rest = body.take(Side.CLIENT, data, out)
        if body.broken is not None:
            why, body.broken = body.broken, None
            self._client.framing_bytes += body.drop()
            self._client.seek(why, out)
        elif body.done:
            self._end_request(IN_STEP, out)
        return rest

    def _body_or_head(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """After a final answer instead of 100 a client may leave the body out (RFC 9110 10.1.1)
        and ask anew."""
        lane = self._client
        lane.hold(data, at)
        claim = claims(bytes(lane.held[:MAX_UNDECIDED_BYTES]))
        if claim is Claim.MORE and len(lane.held) < MAX_UNDECIDED_BYTES:
            return b""
        whole = lane.take_held()
        lane.state = BODY
        if claim is Claim.YES:
            lane.resumed = True
            self._body.drop()
            self._end_request(IN_STEP, out)
        return whole

    def _not_http(self, data: bytes, out: list[Event]) -> bytes:
        if self._virgin:
            out.extend(wrong_protocol(data[:1]))
            self._virgin = False
        lane = self._client
        lane.seek(lane.astray or "no request line", out)
        return data

    def _head_too_long(self, out: list[Event]) -> bytes:
        """Told as far as it may go; nobody takes such a head."""
        lane = self._client
        rest = bytes(lane.held[MAX_HEAD_BYTES:])
        del lane.held[MAX_HEAD_BYTES:]
        self._tell_cut_request(out)
        return rest

    def _tell_cut_request(self, out: list[Event]) -> None:
        """What came of a head whose rest will not: a gap, an answer before its end."""
        lane = self._client
        head = lane.take_held()
        line = REQUEST_LINE.match(head)
        method = line[1] if line else head.partition(b" ")[0] if b" " in head else b""
        self._answers.ask(method, out)
        self._virgin = False
        target = line[2] if line else None
        out.append(RequestHead(0, lane.began_at, method or None, target, None, len(head), head))
        lane.seek(CUT_HEAD, out)

    def _lost_of_client(self, n_bytes: int, out: list[Event]) -> None:
        lane = self._client
        if lane.state == BODY or (lane.state == EXPECT and not lane.held):
            n_bytes = self._body.lost(Side.CLIENT, n_bytes, out)
            if self._body.done:
                self._end_request(IN_STEP, out)
            if not n_bytes:
                return
        if self._has_begun():
            self._tell_cut_request(out)
        elif lane.state != TUNNEL:
            lane.framing_bytes += self._body.drop()
            lane.seek(CUT_HEAD if lane.astray == CUT_HEAD else "after a gap", out)
        out.append(Hole(0, Side.CLIENT, n_bytes, False))

    def _has_begun(self) -> bool:
        """There is a head that is not complete. What cuts it is a gap, a close, or an answer of a
        server that refuses it (400, 408, 414)."""
        return self._client.state == IN_STEP and bool(self._client.held) and self._line_begins()

    def _line_begins(self) -> bool:
        return claims(bytes(self._client.held)) is not Claim.NO

    def _close_client(self, out: list[Event]) -> None:
        self._answers.client_closed = True
        body = self._body
        if body.missing_bytes and self._client.state == BODY and self._answers.asked:
            had = body.said_bytes - body.missing_bytes
            out.append(same_length_remark(0, "request", body.said_bytes, had))
        if self._client.state == EXPECT and self._client.held:
            out.append(Body(0, Side.CLIENT, self._client.take_held()))
        self._client.framing_bytes += body.drop()
        if self._has_begun():
            self._tell_cut_request(out)
        self._client.finish(out)
