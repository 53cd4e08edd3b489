"""Answers on a uwsgi connection: the server's half of `uwsgi`, whose docstring says where they end.

In: the server's bytes, and which requests wait. Out: events. Refuses to know packets.
"""

import re
from collections import deque
from typing import NamedTuple

from gwtop.nouns.events import Body, Control, Event, Hole, Remark, ResponseEnd, ResponseHead
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import CUT_HEAD, Answer, AnswerHead, known_status, same_length_remark
from gwtop.protocols._heads import NO_BODY_STATUSES
from gwtop.protocols._lane import IN_STEP, SEEKING, SKIPPED, Lane

DEFAULT_BUFFER_BYTES = 4096
"""uWSGI's --buffer-size when nobody says otherwise: the largest block of variables it takes."""

_KEPT = re.compile(rb"\nconnection:[ \t]*keep-alive[ \t]*\r?\n")
_BODY = 2
"""State of the lane besides IN_STEP (a head comes next) and SEEKING (nothing can be told)."""


class Asked(NamedTuple):
    """A request that waits for its answer."""

    method: bytes | None
    block_bytes: int
    seen: bool
    """False: a gap hid it, and its answer is all there is."""


class Answers:
    """What the server says, in the order in which it was asked."""

    __slots__ = (
        "_had",
        "_head",
        "_lane",
        "_said",
        "asked",
        "client_closed",
        "controlled",
        "unseen",
    )

    def __init__(self, from_start: bool) -> None:
        self._lane = Lane(Side.SERVER, from_start)
        self._head = AnswerHead()
        self._said: int | None = None
        """The answer's Content-Length; None: it ends by close, or by the next request."""
        self._had = 0
        """Bytes of its body so far, lost ones included."""
        self.asked: deque[Asked] = deque()
        self.controlled = ""
        """The last packet that was no request: what the server says without one answers it."""
        self.unseen = False
        """A gap may have hidden a request."""
        self.client_closed = False

    def held_bytes(self) -> int:
        return len(self._head) + self._lane.held_bytes()

    def ask(self, asked: Asked, out: list[Event]) -> None:
        """A request's variables are complete."""
        if self._lane.state == SEEKING:
            while self.asked:
                out.append(Hole(0, Side.SERVER, 0, False))
                self._end(out)
            self._lane.state, self._lane.astray = IN_STEP, ""
        elif self._lane.state == _BODY and self._said is None:
            self._end(out)
        self.controlled, self.unseen = "", False
        self.asked.append(asked)

    def step(self, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """Reads as far as one thing goes and returns the rest."""
        lane = self._lane
        if lane.state == _BODY:
            return self._take_body(data, out)
        if lane.state == SEEKING:
            lane.stray(len(data), out)
            return b""
        if not self.asked:
            if not self.unseen:
                return self._unasked(data, out)
            self.asked.append(Asked(None, 0, False))
            self.unseen = False
        answer = self._head.take(data, at)
        if answer is None:
            return b""
        if answer.why_not is not None or answer.status is None:
            return self._no_head(answer.block + answer.rest, out)
        if 100 <= answer.status < 200 and answer.status != 101:  # RFC 9110 15.2
            name = f"interim {answer.status}"
            out.append(Control(0, Side.SERVER, name, len(answer.block)))
            return answer.rest
        self._tell(answer, answer.status, out)
        return answer.rest

    def _unasked(self, data: bytes, out: list[Event]) -> bytes:
        if self.controlled:
            out.append(Control(0, Side.SERVER, f"answer to {self.controlled}", len(data)))
            return b""
        if self._said is not None and not self._lane.astray:
            text = f"More bytes came than the {self._said} of the answer's Content-Length."
            out.append(Remark(0, "content-length-mismatch", "warn", text))
        self._lane.astray = SKIPPED
        self._lane.stray(len(data), out)
        return b""

    def _tell(self, answer: Answer, status: int, out: list[Event]) -> None:
        lane, block = self._lane, answer.block
        lane.astray = ""
        asked = self.asked[0]
        out.append(ResponseHead(0, self._head.began_at, status, len(block), block))
        if asked.block_bytes > DEFAULT_BUFFER_BYTES:
            out.append(_large_block(asked.block_bytes, True))
        no_body = asked.method == b"HEAD" or status in NO_BODY_STATUSES
        # Without its method, a request may have been a HEAD.
        unsure = no_body or asked.method is None
        self._said = None if unsure else answer.content_length
        self._had = 0
        lane.state = _BODY
        if self._said == 0 or (no_body and _KEPT.search(block.lower())):
            self._end(out)

    def _no_head(self, data: bytes, out: list[Event]) -> bytes:
        if self._lane.astray or not self.asked[0].seen:
            if not self.asked[0].seen:
                self.asked.popleft()
            self._lane.seek(self._lane.astray or "after a gap", out)
            return data
        text = "The answer has no header block: a front end shows this as 502."
        out.append(ResponseHead(0, self._head.began_at, None, 0, b""))
        out.append(Remark(0, "no-answer-header", "error", text))
        self._said, self._had, self._lane.state = None, 0, _BODY
        return data

    def _take_body(self, data: bytes, out: list[Event]) -> bytes:
        part, rest = data, b""
        if self._said is not None:
            left = self._said - self._had
            part, rest = data[:left], data[left:]
        self._had += len(part)
        out.append(Body(0, Side.SERVER, part))
        if self._had == self._said:
            self._end(out)
        return rest

    def _end(self, out: list[Event]) -> None:
        self._lane.state = IN_STEP
        self.asked.popleft()
        out.append(ResponseEnd(0, False))

    def lost(self, n_bytes: int, out: list[Event]) -> None:
        if self._lane.state == _BODY:
            left = n_bytes if self._said is None else self._said - self._had
            in_body = min(n_bytes, left)
            out.append(Hole(0, Side.SERVER, in_body, True))
            self._had += in_body
            n_bytes -= in_body
            if self._had == self._said:
                self._end(out)
            if not n_bytes:
                return
        if len(self._head):
            self._tell_cut(self._head.flush(), out)
        self._lane.seek(CUT_HEAD, out)
        out.append(Hole(0, Side.SERVER, n_bytes, False))

    def _tell_cut(self, head: bytes, out: list[Event]) -> None:
        """A head that a gap or the close cut is told as far as it came."""
        out.append(ResponseHead(0, self._head.began_at, known_status(head), len(head), head))

    def close(self, out: list[Event]) -> None:
        """The server's FIN ends an answer that has begun. What is not over now is aborted, and the
        tracker knows who closed first."""
        lane = self._lane
        head, limit = self._head.flush(), DEFAULT_BUFFER_BYTES
        if b"\n" in head or head.startswith(b"HTTP/"):
            self._tell_cut(head, out)
        elif head:
            self._no_head(head, out)
            self.step(head, 0, out)
        elif lane.state == IN_STEP and self.asked and self.asked[0].block_bytes > limit:
            out.append(_large_block(self.asked[0].block_bytes, False))
        if self.asked and (lane.state == SEEKING or (lane.state == _BODY and self._said is None)):
            self._end(out)
        elif lane.state == _BODY and self._said is not None and not self.client_closed:
            out.append(same_length_remark(0, "answer", self._said, self._had))
        lane.finish(out)


def _large_block(n_bytes: int, answered: bool) -> Remark:
    limit = DEFAULT_BUFFER_BYTES
    text = f"The block of variables has {n_bytes} bytes; uWSGI takes {limit} by default"
    if answered:
        return Remark(0, "uwsgi-block-over-4096", "info", text + ", and this one was set to more.")
    text += ", and the connection was closed without an answer: raise its buffer-size."
    return Remark(0, "uwsgi-block-over-4096", "warn", text)
