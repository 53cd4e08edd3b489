"""Answers of one HTTP/1.x connection: the server's half of `http1`.

In: the server's bytes, and the methods of the requests that wait. Out: events. Refuses to know
how requests look; it touches the client's lane only where an answer decides what the client may
send next (a tunnel; a final answer instead of 100).
"""

from collections import deque

from gwtop.nouns.events import Control, Event, Hole, Remark, ResponseEnd, ResponseHead
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import CUT_HEAD, Answer, AnswerHead, known_status, same_length_remark
from gwtop.protocols._framed import FramedBody
from gwtop.protocols._heads import NO_BODY_STATUSES
from gwtop.protocols._http_heads import ANSWER_SIGN, field_values, is_chunked, stated_length
from gwtop.protocols._lane import IN_STEP, SEEKING, SKIPPED, Lane

BODY, EXPECT, TUNNEL = 2, 3, 4
"""States of a lane besides IN_STEP (a head comes next) and SEEKING."""


class Answers:
    """What the server says, in the order in which it was asked."""

    __slots__ = (
        "_body",
        "_client",
        "_doubt",
        "_head",
        "_lane",
        "asked",
        "client_closed",
        "expects",
    )

    def __init__(self, client: Lane, from_start: bool) -> None:
        self._client = client
        self._lane = Lane(Side.SERVER, from_start)
        self._body = FramedBody()
        self._head = AnswerHead()
        self.asked: deque[bytes] = deque()
        """Methods of the requests whose answer is not over; b"": not seen."""
        self.expects = False
        """The newest request waits for 100 before its body (RFC 9110 10.1.1)."""
        self.client_closed = False
        """It gave the answer up: that it is short is no news then."""
        self._doubt = False
        """A gap hit pipelined answers: which is whose is a guess."""

    def held_bytes(self) -> int:
        return self._lane.held_bytes() + self._body.held_bytes() + len(self._head)

    def ask(self, method: bytes, out: list[Event]) -> None:
        """A request begins; answers that were given up are over now."""
        if not self.asked:
            self._doubt = False
        if self._lane.state == SEEKING:
            self._give_up_asked(out)
        self.asked.append(method)

    def step(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """Reads as far as one thing goes and returns the rest: what comes behind an answer may
        answer a request that is not complete, and that is the caller's to know."""
        lane = self._lane
        if lane.state == IN_STEP:
            return self._answer_head(data, at, out)
        if lane.state == BODY:
            return self._body_of_answer(data, out)
        if lane.state == SEEKING and self.asked and lane.astray != CUT_HEAD:
            return lane.find(ANSWER_SIGN, data, at, out)
        lane.stray(len(data), out)
        return b""

    def _answer_head(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        if not self.asked:
            self._lane.astray = SKIPPED
            self._lane.state = SEEKING
            return data
        answer = self._head.take(data, at)
        if answer is None:
            return b""
        if answer.status is None or not answer.block.startswith(b"HTTP/1."):
            return self._no_answer(answer, out)
        if 100 <= answer.status < 200 and answer.status != 101:  # RFC 9110 15.2
            self.expects = False
            out.append(Control(0, Side.SERVER, f"interim {answer.status}", len(answer.block)))
            return answer.rest
        self._tell_answer(answer, answer.status, out)
        return answer.rest

    def _no_answer(self, answer: Answer, out: list[Event]) -> bytes:
        """Bytes where an answer must begin, that are none: HTTP/0.9, or something else. At the edge
        of the capture they may be the rest of an answer that nobody saw begin."""
        whole = answer.block + answer.rest
        if self._lane.astray:
            self._lane.seek(self._lane.astray, out)
            self._lane.stray(1, out)  # or the same beginning would be found again
            return whole[1:]
        text = "The answer does not begin with an HTTP status line: look what the back end speaks."
        out.append(ResponseHead(0, self._head.began_at, None, 0, b""))
        out.append(Remark(0, "no-answer-header", "error", text))
        self._lane.state = BODY
        self._body.begin_until_close()
        return whole

    def _tell_answer(self, answer: Answer, status: int, out: list[Event]) -> None:
        self._lane.astray = ""
        if self._doubt:
            out.append(Hole(0, Side.SERVER, 0, False))
        block = answer.block
        out.append(ResponseHead(0, self._head.began_at, status, len(block), block))
        if self.expects and self._client.state == BODY and status >= 300:
            self._client.state = EXPECT
        method = self.asked[0]
        if status == 101 or (method == b"CONNECT" and status < 300):
            self._tunnel(status, out)
        elif not method:  # cut off: if it was HEAD, there is no body
            self._lane.seek(CUT_HEAD, out)
        elif method == b"HEAD" or status in NO_BODY_STATUSES:  # RFC 9112 6.3, rule 1
            self._end_answer(out)
        else:
            self._begin_body(block.lower(), out)
        if method == b"CONNECT" and status >= 300:
            self._client.state, self._client.astray = IN_STEP, ""

    def _begin_body(self, lower: bytes, out: list[Event]) -> None:
        """RFC 9112 6.3, rules 4 to 8."""
        body = self._body
        self._lane.state = BODY
        codings = field_values(lower, b"\ntransfer-encoding:")
        lengths = [] if codings else field_values(lower, b"\ncontent-length:")
        length = stated_length(lengths, out) if lengths else None
        if codings and is_chunked(codings):
            body.begin_chunked()
        elif length == 0:
            self._end_answer(out)
        elif length is not None:
            body.begin_length(length)
        else:
            body.begin_until_close()

    def _body_of_answer(self, data: bytes, out: list[Event]) -> bytes:
        body = self._body
        rest = body.take(Side.SERVER, data, out)
        if body.broken is not None:
            why, body.broken = body.broken, None
            self._lane.framing_bytes += body.drop()
            self._lane.seek(why, out)
            out.append(Hole(0, Side.SERVER, 0, False))
        elif body.done:
            self._end_answer(out)
        return rest

    def _end_answer(self, out: list[Event]) -> None:
        lane = self._lane
        lane.state = IN_STEP
        lane.framing_bytes += self._body.drop()
        lane.tell_framing(out)
        self.asked.popleft()
        out.append(ResponseEnd(0, False))

    def _tunnel(self, status: int, out: list[Event]) -> None:
        """RFC 9110 7.8 and 9.3.6: from here on the connection speaks something else."""
        text = "The connection was handed over to another protocol; what follows is not decoded."
        out.append(Remark(0, "upgraded" if status == 101 else "connected", "info", text))
        self._end_answer(out)
        for lane in (self._client, self._lane):
            lane.astray, lane.state = SKIPPED, TUNNEL
            lane.finish(out)

    def _give_up_asked(self, out: list[Event]) -> None:
        """Ends what is open, each marked as touched: its answer can't be told from others."""
        while self.asked:
            out.append(Hole(0, Side.SERVER, 0, False))
            self._lane.tell_framing(out)
            self.asked.popleft()
            out.append(ResponseEnd(0, False))
        if self._lane.astray == CUT_HEAD:
            self._lane.astray = "after a gap"

    def lost(self, n_bytes: int, out: list[Event]) -> None:
        lane, body = self._lane, self._body
        if lane.state == BODY:
            n_bytes = body.lost(Side.SERVER, n_bytes, out)
            if body.done:
                self._end_answer(out)
            if not n_bytes:
                return
        cut = lane.astray == CUT_HEAD
        if lane.state == IN_STEP and len(self._head):
            cut = self._tell_cut_answer(self._head.flush(), out)
        if lane.state != TUNNEL:
            self._doubt = self._doubt or len(self.asked) > 1
            lane.framing_bytes += body.drop()
            lane.seek(CUT_HEAD if cut else "after a gap", out)
        out.append(Hole(0, Side.SERVER, n_bytes, False))

    def _tell_cut_answer(self, head: bytes, out: list[Event]) -> bool:
        """A head that a gap cut is told as it came; all that follows is of its exchange."""
        status = known_status(head)
        if status is not None and 100 <= status < 200:
            out.append(Control(0, Side.SERVER, CUT_HEAD, len(head)))
            return False
        out.append(ResponseHead(0, self._head.began_at, status, len(head), head))
        return True

    def close(self, out: list[Event]) -> None:
        """What has not reached its end now is aborted; the tracker knows who closed first."""
        lane, body = self._lane, self._body
        if lane.state == BODY and body.until_close:
            self._end_answer(out)
        elif lane.state == BODY and body.missing_bytes and not self.client_closed:
            had = body.said_bytes - body.missing_bytes
            out.append(same_length_remark(0, "answer", body.said_bytes, had))
        self._close_head(out)
        lane.framing_bytes += body.drop()
        lane.finish(out)

    def _close_head(self, out: list[Event]) -> None:
        """A head that the close cuts is told as it came, and what is no head as body."""
        if not len(self._head):
            return
        head = self._head.flush()
        if b"\n" in head or head.startswith(b"HTTP/"):
            self._tell_cut_answer(head, out)
        else:
            rest = self._no_answer(Answer(None, b"", None, head, "cut by the close"), out)
            while rest:
                rest = self.step(rest, 0, out)
            if self._lane.state == BODY:
                self._end_answer(out)
