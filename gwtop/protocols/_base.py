"""What a protocol file must offer, and what several of them share.

A protocol is a module of this folder without a leading underscore that has:

    NAME: str                                    "fastcgi"
    claims(prefix: bytes) -> Claim               do a client's first bytes look like ours?
    Decoder(from_start: bool)                    one per connection, see below
    request_fields(block) -> list[Pair]          what `RequestHead.block` says, in wire order
    response_fields(block) -> list[Pair]         what `ResponseHead.block` says, in wire order
    dissect(side, data, stream) -> Dissected     one direction of one exchange, byte by byte
    repeat(asked) -> Again                       the same request once more, as lines for a shell

It is found by `gwtop.protocols.discover()`; nothing registers.

A decoder is sans-IO. It never raises on input, never invents bytes, never buffers past a stated
limit. Times come in as arguments. The seven laws in tests/protocols/test_laws.py run over every
protocol that is found.

**Accounting.** Each byte of a side that was fed or lost is in exactly one of these, on that side:

    RequestHead.head_bytes  ResponseHead.head_bytes  len(Body.data)  len(ErrorText.data)
    Hole.n_bytes  Control.n_bytes  Confused.n_bytes  or is held (`held_bytes()`)

Framing (record headers, padding, chunk sizes, netstring lengths) is summed and told in one
`Control(stream, side, FRAMING, n)` no later than the end of that side's part of the exchange
(before RequestEnd, ResponseEnd, Aborted) or its close: a tuple per record would be most of what a
small request costs. Until then it counts as held. Padding that was lost is FRAMING too: nothing
of the exchange is missing. After `close` of both sides nothing is held and the sums are equal.

A head that a gap cuts is told at the gap, before its Hole (the tracker must know the exchange that
was hurt): `block` and `head_bytes` are what came before, `status` is None unless its line was seen.
What still comes of that head is a Control named CUT_HEAD; in an answer that is all up to its end
when the hole may have hidden where the body began. So it is when an exchange ends, or is answered,
before its request's head is complete. An answer that is no head and body at all is a ResponseHead
with status None and 0 bytes, a Remark (no-answer-header), and Body.
A gap that may have cut several streams is one Hole with its length and, for each other open
stream, a Hole of 0 bytes: it tells only that this exchange was touched.
"""

from collections import deque
from enum import Enum
from itertools import islice
from typing import Final, Protocol

from gwtop.nouns.events import Event
from gwtop.nouns.repeat import Again, Asked
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._dissect import Dissected
from gwtop.protocols._heads import MAX_ANSWER_HEAD_BYTES as MAX_ANSWER_HEAD_BYTES
from gwtop.protocols._heads import NO_BODY_STATUSES as NO_BODY_STATUSES
from gwtop.protocols._heads import Answer as Answer
from gwtop.protocols._heads import AnswerHead as AnswerHead
from gwtop.protocols._heads import Pair as Pair
from gwtop.protocols._heads import answer as answer
from gwtop.protocols._heads import answer_status as answer_status
from gwtop.protocols._heads import cgi_target as cgi_target
from gwtop.protocols._heads import content_length as content_length
from gwtop.protocols._heads import decimal as decimal
from gwtop.protocols._heads import head_end as head_end
from gwtop.protocols._heads import header_fields as header_fields
from gwtop.protocols._heads import known_status as known_status
from gwtop.protocols._heads import may_begin_head as may_begin_head
from gwtop.protocols._remarks import answered_in_http as answered_in_http
from gwtop.protocols._remarks import duplicate_variable as duplicate_variable
from gwtop.protocols._remarks import http_on_gateway_port as http_on_gateway_port
from gwtop.protocols._remarks import is_http_request as is_http_request
from gwtop.protocols._remarks import malformed_variables as malformed_variables
from gwtop.protocols._remarks import no_answer_header as no_answer_header
from gwtop.protocols._remarks import same_length_remark as same_length_remark

FRAMING = "framing"
"""Name of the `Control` that sums a side's framing bytes."""

UNSEEN = "unseen-request"
"""Name of the `Control` for bytes of an exchange whose beginning was not seen: nothing is told."""

CUT_HEAD = "cut-head"
"""Name of the `Control` for bytes that belong to a head of which an earlier part was lost."""


class Claim(Enum):
    YES = "yes"
    NO = "no"
    MORE = "more"
    """The prefix is too short to say; ask again with more of it."""


YES: Final = Claim.YES
MORE: Final = Claim.MORE
"""For what is asked of every connection: an Enum's attribute costs 100 ns in Python 3.11."""


class Decoder(Protocol):
    """One connection's two byte streams in, events out."""

    def feed(self, side: Side, data: bytes, at: Nanos) -> list[Event]:
        """The next bytes of one side, in order. `data` is never empty."""

    def lost(self, side: Side, n_bytes: int, at: Nanos) -> list[Event]:
        """The next `n_bytes` of one side were not seen. `Hole`s tell where they lay."""

    def close(self, side: Side, at: Nanos) -> list[Event]:
        """This side has sent its FIN. (A reset is no close: the tracker aborts what is open.)"""

    def held_bytes(self) -> int:
        """Bytes of both sides that no event has told yet; bounded, 0 after both closes."""


class Module(Protocol):
    """The shape of a protocol's module, for the type checker."""

    NAME: str

    def claims(self, prefix: bytes) -> Claim: ...

    def Decoder(self, from_start: bool) -> Decoder: ...  # noqa: N802

    def request_fields(self, block: bytes) -> list[Pair]: ...

    def response_fields(self, block: bytes) -> list[Pair]: ...

    def dissect(self, side: Side, data: bytes, stream: int) -> Dissected: ...

    def repeat(self, asked: Asked) -> Again: ...


MAX_MARKS = 1_024
"""Arrival times that a queue remembers; beyond it every second one goes, and a byte's `at` may be
that of an earlier byte of the same wait. Single bytes for a megabyte are an attack, not a peer."""


class ByteQueue:
    """Bytes that wait for the rest of their message, and when the first of them came.

    The first push into an empty queue keeps the caller's bytes without copying them, and taking
    all of it gives the same object back: whole messages in one feed cost no copy. Later pushes
    append to a bytearray; the taken front is dropped when it is the larger half, so each byte is
    moved a bounded number of times.
    """

    __slots__ = ("_data", "_marks", "_start", "scanned")

    def __init__(self) -> None:
        self._data: bytes | bytearray = b""
        self._start = 0
        self._marks: deque[tuple[int, Nanos]] = deque()
        """Where in `_data` each `at` begins; the first one covers `_start`."""
        self.scanned = 0
        """How far `find` has looked in vain, from the first byte; `take` resets it."""

    def __len__(self) -> int:
        return len(self._data) - self._start

    @property
    def at(self) -> Nanos:
        """When the first byte was pushed. The queue must not be empty."""
        return self._marks[0][1]

    def push(self, data: bytes, at: Nanos) -> None:
        if self._start == len(self._data):
            self._data, self._start, self.scanned = data, 0, 0
            self._marks.clear()
            self._marks.append((0, at))
            return
        if not isinstance(self._data, bytearray):
            self._data = bytearray(self._data[self._start :])
            self._marks = deque([(0, self._marks[0][1])])
            self._start = 0
        if self._marks[-1][1] != at:
            if len(self._marks) >= MAX_MARKS:
                self._marks = deque(islice(self._marks, 0, None, 2))
            self._marks.append((len(self._data), at))
        self._data += data

    def find(self, needle: bytes) -> int:
        """Where `needle` begins, from the first byte, or -1. Looks at each byte once: ask for the
        same needle until it is found or bytes are taken."""
        found = self._data.find(needle, self._start + self.scanned)
        if found < 0:
            self.scanned = max(len(self) - len(needle) + 1, 0)
            return -1
        self.scanned = found - self._start
        return self.scanned

    def peek(self, n_bytes: int, offset: int = 0) -> bytes:
        """Up to `n_bytes` from `offset` on, left in place."""
        begin = self._start + offset
        return bytes(self._data[begin : begin + n_bytes])

    def take(self, n_bytes: int) -> bytes:
        """The first `n_bytes`, or all when there are fewer."""
        end = self._start + n_bytes
        if end >= len(self._data):
            return self.take_all()
        taken = bytes(self._data[self._start : end])
        self._advance(end)
        return taken

    def take_all(self) -> bytes:
        data = self._data if self._start == 0 else self._data[self._start :]
        self.clear()
        return data if isinstance(data, bytes) else bytes(data)

    def skip(self, n_bytes: int) -> None:
        """As `take`, without making the bytes."""
        end = self._start + n_bytes
        if end >= len(self._data):
            self.clear()
        else:
            self._advance(end)

    def clear(self) -> None:
        self._data, self._start, self.scanned = b"", 0, 0
        self._marks.clear()

    def _advance(self, end: int) -> None:
        self._start, self.scanned = end, 0
        marks = self._marks
        while len(marks) > 1 and marks[1][0] <= end:
            marks.popleft()
        if isinstance(self._data, bytearray) and end > len(self._data) // 2:
            del self._data[:end]
            self._start = 0
            self._marks = deque((max(begin - end, 0), at) for begin, at in marks)
