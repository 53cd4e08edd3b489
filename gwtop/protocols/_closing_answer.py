"""An answer that ends with its connection: CGI header fields or a status line, a body, the close.

In: the server's bytes of the one exchange of a connection. Out: events, appended to the caller's
list. Refuses to know the request, but for its method: HEAD's answer has a length and no body.

Spec: RFC 3875 6 for the head; the end is the protocol's own (SCGI section 4).
"""

from gwtop.nouns.events import (
    Aborted,
    Body,
    Control,
    Event,
    Hole,
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
    __slots__ = ("_body_bytes", "_content_length", "_cut", "_head", "_status", "_told")

    def __init__(self) -> None:
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

    def feed(self, data: bytes, at: Nanos, events: list[Event]) -> None:
        if self._cut:
            events.append(Control(0, Side.SERVER, CUT_HEAD, len(data)))
        elif self._told:
            self._body_bytes += len(data)
            events.append(Body(0, Side.SERVER, data))
        else:
            answer = self._head.take(data, at)
            if answer is not None:
                self._tell(answer, events)

    def _tell(self, answer: Answer, events: list[Event]) -> None:
        status, block, length, rest, why_not = answer
        self._told = True
        self._status, self._content_length = status, length
        began_at = self._head.began_at
        events.append(ResponseHead(0, began_at, status, len(block), block))
        if why_not is not None:
            events.append(no_answer_header(0, "The answer begins without a header block"))
        if rest:
            self._body_bytes = len(rest)
            events.append(Body(0, Side.SERVER, rest))

    def lost(self, n_bytes: int, events: list[Event]) -> None:
        in_body = self._told and not self._cut
        if in_body:
            self._body_bytes += n_bytes
        else:
            self._told = self._cut = True
            if len(self._head):
                block = self._head.flush()
                self._status = known_status(block)
                began_at = self._head.began_at
                events.append(ResponseHead(0, began_at, self._status, len(block), block))
        events.append(Hole(0, Side.SERVER, n_bytes, in_body))

    def close(self, method: bytes | None, events: list[Event]) -> None:
        """The close is the end of an answer, if there was one; not of half a head."""
        head = self._head.flush()
        if b"\n" in head or head.startswith(b"HTTP/"):
            status = known_status(head)
            events.append(ResponseHead(0, self._head.began_at, status, len(head), head))
        elif head:
            self._tell(Answer(None, b"", None, head, "it has no end"), events)
        said, was = self._content_length, self._body_bytes
        bodiless = method == b"HEAD" or self._status in NO_BODY_STATUSES
        if said is not None and said != was and not bodiless and not self._cut:
            events.append(same_length_remark(0, "answer", said, was))
        events.append(ResponseEnd(0, False) if self._told else Aborted(0))
