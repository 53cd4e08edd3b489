"""One FastCGI exchange: what is known of a request and its answer, and the events that tell it.

In: contents of PARAMS, STDIN, STDOUT and END_REQUEST records of one request id. Out: events,
appended to the caller's list. Knows no record header and no other exchange: that is `fastcgi`.
"""

from struct import error as StructError  # noqa: N812

from gwtop.nouns.events import (
    Aborted,
    Body,
    Control,
    Event,
    Remark,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
)
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, SERVER
from gwtop.protocols._base import (
    CUT_HEAD,
    NO_BODY_STATUSES,
    Answer,
    AnswerHead,
    cgi_target,
    decimal,
    duplicate_variable,
    known_status,
    malformed_variables,
    no_answer_header,
    same_length_remark,
)
from gwtop.protocols._fastcgi_remarks import (
    NO_EMPTY_STDOUT,
    closed_without_end,
    over_record,
    refused,
    split_pair,
    unknown_type,
)
from gwtop.protocols._fastcgi_wire import (
    END_BODY,
    REQUEST_COMPLETE,
    STDIN,
    STDOUT,
    pairs,
    variables,
)

MAX_RECORDS_NOTED = 1_024  # of a PARAMS stream: 16 KiB each (Apache) would be 16 MiB


class Exchange:
    """A request id from its BEGIN_REQUEST to its END_REQUEST."""

    __slots__ = (
        "aborting",
        "answer_bytes",
        "answer_length",
        "answered",
        "answering_cut",
        "began_at",
        "body_bytes",
        "content_length",
        "cuts",
        "following",
        "head",
        "keep_alive",
        "method",
        "over",
        "over_record",
        "params",
        "role",
        "status",
        "stdin_closed",
        "stdout_closed",
        "stream",
        "told",
        "touched",
        "unknown_kind",
    )

    def __init__(self, stream: int, began_at: Nanos, role: int, keep_alive: bool | None) -> None:
        self.stream = stream
        self.began_at = began_at
        self.role = role
        self.keep_alive = keep_alive
        self.params: bytes | bytearray = b""
        self.cuts: list[int] | None = None
        """Where in `params` a second and later record began."""
        self.over_record = False
        """A PARAMS record was longer with its padding than php-fpm takes."""
        self.unknown_kind: int | None = None
        """The type of a record that no specification knows, before the head was told."""
        self.told = False
        self.method: bytes | None = None
        self.content_length: int | None = None
        self.body_bytes = 0
        self.stdin_closed = False
        self.head: AnswerHead | None = None
        """None before the answer's first byte and after its head."""
        self.answered = False
        """The answer's head is told, or can no longer be."""
        self.answering_cut = False
        """A hole in the answer's head: where its body begins is not known."""
        self.status: int | None = None
        self.answer_length: int | None = None
        self.answer_bytes = 0
        self.stdout_closed = False
        self.aborting = False
        self.touched = False
        """A hole or a confusion may have hidden something of this exchange."""
        self.over = False
        self.following: Exchange | None = None
        """The next exchange of this id, when it began before this one's END_REQUEST."""

    def held_bytes(self) -> int:
        return len(self.params) + (len(self.head) if self.head is not None else 0)

    def add_params(self, piece: bytes, events: list[Event]) -> None:
        if self.told:
            events.append(Control(self.stream, CLIENT, CUT_HEAD, len(piece)))
        elif not self.params:
            self.params = piece
        else:
            if not isinstance(self.params, bytearray):
                self.params = bytearray(self.params)
            self.params += piece

    def begin_record(self) -> None:
        """A second or later PARAMS record begins here."""
        if self.cuts is None:
            self.cuts = []
        if len(self.cuts) < MAX_RECORDS_NOTED:
            self.cuts.append(len(self.params))

    def tell_head(self, whole: bool, events: list[Event]) -> None:
        """`whole`: the PARAMS stream has ended and nothing of it was lost."""
        block = bytes(self.params)
        self.params = b""
        self.told = True
        found, n_pairs, end = variables(block)
        self.method = found.get(b"REQUEST_METHOD")
        target = cgi_target(found, whole)
        events.append(
            RequestHead(
                self.stream,
                self.began_at,
                self.method,
                target,
                self.keep_alive,
                len(block),
                block,
            )
        )
        if whole:
            self.content_length = decimal(found.get(b"CONTENT_LENGTH", b""))
            if end != len(block):
                events.append(malformed_variables(self.stream, len(block) - end))
        if len(found) != n_pairs:
            events.append(duplicate_variable(self.stream, pairs(block)[0]))
        if self.cuts is not None:
            self._remark_split_pair(block, events)
        if self.over_record:
            events.append(over_record(self.stream))
        if self.unknown_kind is not None:
            events.append(unknown_type(self.stream, self.unknown_kind))

    def _remark_split_pair(self, block: bytes, events: list[Event]) -> None:
        ends = set(pairs(block)[1])
        n_split = sum(cut not in ends for cut in self.cuts or () if cut < len(block))
        if n_split:
            events.append(split_pair(self.stream, n_split))

    def end_request(self, events: list[Event]) -> None:
        """STDIN is closed, or the role has none."""
        if self.stdin_closed:
            return
        self.stdin_closed = True
        if not self.touched and self.content_length not in (None, self.body_bytes):
            assert self.content_length is not None
            events.append(
                same_length_remark(self.stream, "request", self.content_length, self.body_bytes)
            )
        events.append(RequestEnd(self.stream))

    def add_stdout(self, piece: bytes, at: Nanos, events: list[Event]) -> None:
        if self.answered:
            if self.answering_cut:
                events.append(Control(self.stream, SERVER, CUT_HEAD, len(piece)))
            else:
                self.answer_bytes += len(piece)
                events.append(Body(self.stream, SERVER, piece))
            return
        if not self.told:
            self.tell_head(False, events)
        if self.head is None:
            self.head = AnswerHead()
        answer = self.head.take(piece, at)
        if answer is not None:
            self._tell_answer(answer, self.head.began_at, events)

    def _tell_answer(self, answer: Answer, began_at: Nanos, events: list[Event]) -> None:
        status, block, length, rest, why_not = answer
        self.head = None
        self.answered = True
        self.status = status
        self.answer_length = length
        events.append(ResponseHead(self.stream, began_at, status, len(block), block))
        if why_not is not None:
            events.append(no_answer_header(self.stream, "The answer begins without a header block"))
        if rest:
            self.answer_bytes = len(rest)
            events.append(Body(self.stream, SERVER, rest))

    def lose(self, kind: int, n_bytes: int, events: list[Event]) -> bool:
        """A hole in the content of a record; returns whether all of it is body."""
        if not self.told:
            self.tell_head(False, events)
        if kind == STDIN:
            self.body_bytes += n_bytes
            return True
        if kind == STDOUT and self.answered and not self.answering_cut:
            self.answer_bytes += n_bytes
            return True
        self.touched = True
        if kind == STDOUT:
            self.cut_answer_head(events)
        return False

    def cut_answer_head(self, events: list[Event]) -> None:
        """A hole before the head's end: tell what came, and count the rest without a name."""
        if self.answered:
            return
        self.answered = self.answering_cut = True
        head, self.head = self.head, None
        if head is not None and len(head):
            block = head.flush()
            self.status = known_status(block)
            events.append(ResponseHead(self.stream, head.began_at, self.status, len(block), block))

    def end_answer(self, content: bytes, events: list[Event]) -> None:
        """END_REQUEST came. `content` is shorter than 8 bytes when a hole lies in it."""
        protocol_status = REQUEST_COMPLETE
        try:
            protocol_status = END_BODY.unpack_from(content)[1]
        except StructError:
            self.touched = True  # its hole has been told
        if not self.told:
            self.tell_head(False, events)
        self._close_stdout(protocol_status, events)
        if not self.stdout_closed and self.answered and not self.touched:
            events.append(Remark(self.stream, "no-empty-stdout", "info", NO_EMPTY_STDOUT))
        if protocol_status != REQUEST_COMPLETE:
            events.append(refused(self.stream, protocol_status))
        self._remark_length(events)
        if self.aborting and not self.stdout_closed:
            events.append(Aborted(self.stream))
        else:
            events.append(ResponseEnd(self.stream, protocol_status != REQUEST_COMPLETE))
        self.over = True

    def break_off(self, events: list[Event]) -> None:
        """No END_REQUEST will come: the server has closed, or the id was taken for another."""
        if not self.told:
            self.tell_head(False, events)
        if self.stdout_closed and not self.aborting:
            self._close_stdout(REQUEST_COMPLETE, events)
            self._remark_length(events)
            events.append(closed_without_end(self.stream))
            events.append(ResponseEnd(self.stream, False))
        else:
            if self.head is not None and len(self.head):
                self.cut_answer_head(events)
            events.append(Aborted(self.stream))
        self.over = True

    def _close_stdout(self, protocol_status: int, events: list[Event]) -> None:
        """What is held of a head without an end is body; no answer at all is said."""
        head = self.head
        if head is not None and len(head):
            answer = Answer(None, b"", None, head.flush(), "answer without any header block")
            self._tell_answer(answer, head.began_at, events)
        elif not (self.answered or self.aborting or self.touched or protocol_status):
            events.append(no_answer_header(self.stream, "The request ended without an answer"))

    def _remark_length(self, events: list[Event]) -> None:
        said = self.answer_length
        if said is None or said == self.answer_bytes or self.touched or self.aborting:
            return
        if self.method != b"HEAD" and self.status not in NO_BODY_STATUSES:
            events.append(same_length_remark(self.stream, "answer", said, self.answer_bytes))
