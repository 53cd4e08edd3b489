"""An answer that ends with its connection: CGI header fields or a status line, a body, the close.

In: the server's bytes of the one exchange of a connection. Out: events, appended to the caller's
list. Refuses to know the request, but for its method: HEAD's answer has a length and no body.

Spec: RFC 3875 6 for the head; the end is the protocol's own (SCGI section 4), or the answer's
Content-Length, which fronts take for it: a worker that did not read the request's body resets the
connection behind a whole answer (uWSGI 2.0.30 with nginx 1.22), and nobody is hurt.
"""

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Control,
    Event,
    Hole,
    Remark,
    ResponseEnd,
    ResponseHead,
)
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import (
    CUT_HEAD,
    NO_BODY_STATUSES,
    Answer,
    AnswerHead,
    known_status,
    no_answer_header,
    same_length_remark,
)


class ClosingAnswer:
    __slots__ = (
        "_body_bytes",
        "_content_length",
        "_cut",
        "_head",
        "_overran",
        "_status",
        "_told",
        "ended",
    )

    def __init__(self) -> None:
        self.ended = False
        """Its length was reached."""
        self._overran = False
        """More than that came, and it was said."""
        self._head = AnswerHead()
        self._told = False
        """The head is told, or can no longer be."""
        self._cut = False
        """A hole in the head: where the body begins is not known."""
        self._status: int | None = None
        self._content_length: int | None = None
        self._body_bytes = 0

    def held_bytes(self) -> int:
        return len(self._head)

    def feed(self, data: bytes, at: Nanos, method: bytes | None, events: list[Event]) -> None:
        """`method` None: not seen, so it may have been HEAD."""
        if self._cut:
            events.append(Control(0, Side.SERVER, CUT_HEAD, len(data)))
        elif self._told:
            self._take_body(data, events)
        else:
            answer = self._head.take(data, at)
            if answer is not None:
                self._tell(answer, method, events)

    def _tell(self, answer: Answer, method: bytes | None, events: list[Event]) -> None:
        status, block, length, rest, why_not = answer
        self._told = True
        bodiless = method in (None, b"HEAD") or status in NO_BODY_STATUSES
        self._status, self._content_length = status, None if bodiless else length
        began_at = self._head.began_at
        events.append(ResponseHead(0, began_at, status, len(block), block))
        if why_not is not None:
            events.append(no_answer_header(0, "The answer begins without a header block"))
        self._take_body(rest, events)

    def _take_body(self, data: bytes, events: list[Event]) -> None:
        said = self._content_length
        body = data if said is None else data[: said - self._body_bytes]
        if body:
            self._body_bytes += len(body)
            events.append(Body(0, Side.SERVER, body))
        self._end_by_length(events)
        if len(body) < len(data):
            if not self._overran:
                self._overran = True
                text = f"More bytes came than the {said} of the answer's Content-Length."
                events.append(Remark(0, "content-length-mismatch", "warn", text))
            why = "behind the end of the answer"
            events.append(Confused(Side.SERVER, len(data) - len(body), why))

    def _end_by_length(self, events: list[Event]) -> None:
        if self._body_bytes == self._content_length and not self.ended:
            self.ended = True
            events.append(ResponseEnd(0, False))

    def lost(self, n_bytes: int, events: list[Event]) -> None:
        in_body = self._told and not self._cut
        if in_body:
            self._lost_body(n_bytes, events)
            return
        if not self._cut:
            self._told = self._cut = True
            if len(self._head):
                block = self._head.flush()
                self._status = known_status(block)
                began_at = self._head.began_at
                events.append(ResponseHead(0, began_at, self._status, len(block), block))
        events.append(Hole(0, Side.SERVER, n_bytes, False))

    def _lost_body(self, n_bytes: int, events: list[Event]) -> None:
        said = self._content_length
        n_here = n_bytes if said is None else min(n_bytes, said - self._body_bytes)
        if n_here:
            self._body_bytes += n_here
            events.append(Hole(0, Side.SERVER, n_here, True))
        self._end_by_length(events)
        if n_bytes > n_here:
            events.append(Hole(0, Side.SERVER, n_bytes - n_here, False))

    def close(self, events: list[Event]) -> None:
        """The close is the end of an answer, if there was one; not of half a head."""
        head = self._head.flush()
        if b"\n" in head or head.startswith(b"HTTP/"):
            status = known_status(head)
            events.append(ResponseHead(0, self._head.began_at, status, len(head), head))
        elif head:
            self._tell(Answer(None, b"", None, head, "it has no end"), None, events)
        if self.ended:
            return
        said, was = self._content_length, self._body_bytes
        if said is not None and not self._cut:
            events.append(same_length_remark(0, "answer", said, was))
        events.append(ResponseEnd(0, False) if self._told else Aborted(0))
