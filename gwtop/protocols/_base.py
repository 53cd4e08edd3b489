"""What a protocol file must offer, and what several of them share.

A protocol is a module of this folder without a leading underscore that has:

    NAME: str                                    "fastcgi"
    claims(prefix: bytes) -> Claim               do a client's first bytes look like ours?
    Decoder(from_start: bool)                    one per connection, see below
    request_fields(block) -> list[Pair]          what `RequestHead.block` says, in wire order
    response_fields(block) -> list[Pair]         what `ResponseHead.block` says, in wire order

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
from collections.abc import Mapping
from enum import Enum
from typing import NamedTuple, Protocol, TypeAlias

from gwtop.nouns.events import Event, Remark
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side

Pair: TypeAlias = tuple[bytes, bytes]

FRAMING = "framing"
"""Name of the `Control` that sums a side's framing bytes."""

CUT_HEAD = "cut-head"
"""Name of the `Control` for bytes that belong to a head of which an earlier part was lost."""

MAX_ANSWER_HEAD_BYTES = 64 * 1024
"""Fronts stop at 4 to 64 KiB (nginx fastcgi_buffer_size, Apache LimitRequestFieldSize); what is
longer has no head that any of them would take."""


class Claim(Enum):
    YES = "yes"
    NO = "no"
    MORE = "more"
    """The prefix is too short to say; ask again with more of it."""


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


class Answer(NamedTuple):
    """A complete answer head and what came behind it in the same bytes."""

    status: int | None
    """None: no head (see `AnswerHead`), or a status that is no number."""
    block: bytes
    """Start line and blank line included; b"" when there is no head."""
    content_length: int | None
    rest: bytes
    """The first bytes of the body."""
    why_not: str | None
    """Why there is no head. None: there is one."""


class AnswerHead:
    """Finds the end of an answer's head: CGI header fields (RFC 3875 6.2) or an HTTP status line
    and fields (RFC 3875 5, "non-parsed header"; what uWSGI sends), then a blank line.

    Lines end in LF or CRLF (RFC 3875 6.2 leaves NL to the system). No head: the first line is
    neither a field nor a status line, or no blank line within MAX_ANSWER_HEAD_BYTES. Then all
    bytes so far are the `rest`.
    """

    __slots__ = ("_held", "began_at")

    def __init__(self) -> None:
        self._held = bytearray()
        self.began_at: Nanos = 0
        """When the first byte came; 0 before that."""

    def __len__(self) -> int:
        """Bytes held."""
        return len(self._held)

    def take(self, data: bytes, at: Nanos) -> Answer | None:
        """None: the head goes on. After an Answer the reader is empty, for the next one."""
        held = self._held
        if not held:
            self.began_at = at
            end = head_end(data)
            if end > 0 and _is_head_line(data):
                return answer(data[:end], data[end:])
            if not (end == 0 and may_begin_head(data)):
                return self._give_up(data)
            held += data
        else:
            scanned = max(len(held) - 2, 0)
            held += data
            end = head_end(held, scanned)
            if end > 0 and _is_head_line(held):
                whole = self.flush()
                return answer(whole[:end], whole[end:])
            if end > 0 or (scanned < 256 and not may_begin_head(held)):
                return self._give_up(self.flush())
        if len(held) > MAX_ANSWER_HEAD_BYTES:
            return self._give_up(self.flush())
        return None

    def flush(self) -> bytes:
        """What is held of an unfinished head; the reader is empty afterwards."""
        whole = bytes(self._held)
        self._held.clear()
        return whole

    def _give_up(self, data: bytes) -> Answer:
        return Answer(None, b"", None, data, "answer without any header block")


def head_end(data: bytes | bytearray, scanned: int = 0) -> int:
    """Length of the head with its blank line, or 0 when that has not come.

    A head that is nothing but a blank line has its length too."""
    if not scanned:
        if data.startswith(b"\n"):
            return 1
        if data.startswith(b"\r\n"):
            return 2
    crlf = data.find(b"\n\r\n", scanned)
    bare = data.find(b"\n\n", scanned, crlf if crlf >= 0 else len(data))
    if bare >= 0:
        return bare + 2
    return crlf + 3 if crlf >= 0 else 0


def may_begin_head(data: bytes | bytearray) -> bool:
    """Whether these first bytes can still become a head: False once they show they cannot."""
    line_end = data.find(b"\n", 0, 256)
    if line_end >= 0:
        return _is_head_line(data)
    if data == b"\r":
        return True
    colon = data.find(b":", 0, 256)
    if colon >= 0:
        return _is_head_line(data)
    if data.startswith(b"HTTP/") or b"HTTP/".startswith(data[:5]):
        return True
    return len(data) < 256 and _is_token(bytes(data))


def _is_head_line(data: bytes | bytearray) -> bool:
    """The first line is blank, a status line, or `name:`."""
    if data.startswith((b"HTTP/", b"\n", b"\r\n")):
        return True
    colon = data.find(b":", 0, 256)
    return colon > 0 and _is_token(bytes(data[:colon]).rstrip(b" \t"))


# RFC 9110 5.6.2: what a field name is made of. Deleting these from a name must leave nothing.
_TOKEN = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _is_token(name: bytes) -> bool:
    return name != b"" and not name.translate(None, _TOKEN)


def answer(block: bytes, rest: bytes) -> Answer:
    """What a complete answer head says."""
    lower = block.lower()
    return Answer(_status(lower), block, content_length(lower), rest, None)


def answer_status(block: bytes) -> int | None:
    """The status of an answer head: its status line, else its Status field (RFC 3875 6.3.3), else
    302 with Location (6.2.3, 6.2.4), else 200. None: a status that is no number."""
    return _status(block.lower())


def known_status(block: bytes) -> int | None:
    """The status of a head whose end was not seen: None unless the status's own line was whole."""
    lower = block[: block.rfind(b"\n") + 1].lower()
    if lower.startswith(b"http/") or _field(lower, b"status:") is not None:
        return _status(lower)
    return None


def _status(lower: bytes) -> int | None:
    if lower.startswith(b"http/"):
        return _three_digits(lower[: lower.find(b"\n")].partition(b" ")[2].lstrip())
    value = _field(lower, b"status:")
    if value is not None:
        return _three_digits(value)
    return 200 if _field(lower, b"location:") is None else 302


def _three_digits(text: bytes) -> int | None:
    return int(text[:3]) if len(text) >= 3 and text[:3].isdigit() else None


def content_length(lower: bytes) -> int | None:
    """The Content-Length field of a head in lower case; None when absent or no number."""
    value = _field(lower, b"content-length:")
    return None if value is None else decimal(value)


def decimal(text: bytes) -> int | None:
    """A length in ASCII digits; None for anything else, more than 18 digits included (the wire
    may say what it likes, and int() of a long number is slow)."""
    return int(text) if text.isdigit() and len(text) <= 18 else None


def _field(lower: bytes, name: bytes) -> bytes | None:
    """The value of the first field `name` (with its colon, lower case) in a lower-case head."""
    if lower.startswith(name):
        begin = len(name)
    else:
        begin = lower.find(b"\n" + name) + len(name) + 1
        if begin <= len(name):
            return None
    end = lower.find(b"\n", begin)
    return lower[begin : end if end >= 0 else len(lower)].strip()


def header_fields(block: bytes) -> list[Pair]:
    """The fields of a CGI or HTTP head in wire order, without start line and blank line.

    A folded line (RFC 9112 5.2) belongs to the field before it; a line without colon is no field.
    """
    pairs: list[Pair] = []
    for n, raw in enumerate(block.split(b"\n")):
        line = raw.rstrip(b"\r")
        if not line:
            break
        if line[0] in b" \t" and pairs:
            name, value = pairs[-1]
            pairs[-1] = (name, value + b" " + line.strip(b" \t"))
            continue
        name, colon, value = line.partition(b":")
        if colon and name and not (n == 0 and (b" " in name or name.startswith(b"HTTP/"))):
            pairs.append((name.rstrip(b" \t"), value.strip(b" \t")))
    return pairs


# RFC 9110 9, RFC 5789, RFC 4918 (WebDAV): the methods a request line is likely to begin with.
_METHODS = (
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PROPFIND ",
)


def is_http_request(prefix: bytes) -> bool:
    """These first bytes are those of an HTTP request; give at least 4, and always as many, for the
    answer to be the same however the stream was cut."""
    return len(prefix) >= 4 and any(method.startswith(prefix[: len(method)]) for method in _METHODS)


def cgi_target(variables: Mapping[bytes, bytes]) -> bytes | None:
    """The request's target by its CGI variables: REQUEST_URI (not in RFC 3875, sent by all fronts),
    else what RFC 3875 4.1.5, 4.1.7 and 4.1.13 give; None without any of them."""
    uri = variables.get(b"REQUEST_URI")
    if uri:
        return uri
    path = variables.get(b"SCRIPT_NAME", b"") + variables.get(b"PATH_INFO", b"")
    query = variables.get(b"QUERY_STRING")
    if query:
        return path + b"?" + query
    return path or None


def http_on_gateway_port(protocol: str) -> Remark:
    """For a decoder of `protocol` whose client speaks HTTP."""
    return Remark(
        None,
        "http-on-gateway-port",
        "error",
        f"The client speaks HTTP to a port that speaks {protocol}; "
        f"point it at the web server, or let the front pass requests on as {protocol}.",
    )


def same_length_remark(stream: int, what: str, said: int, was: int) -> Remark:
    """A length field that does not agree with the body."""
    return Remark(
        stream,
        "content-length-mismatch",
        "warn",
        f"The {what}'s Content-Length says {said} bytes, its body had {was}.",
    )
