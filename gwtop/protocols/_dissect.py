"""Dissecting: the bytes of one direction of one exchange as records on the wire and their fields.

In: bytes. Out: records (a FastCGI record, a packet, a head, a chunk), each with the fields in it
and where they lie; which values have a name; where the body is. Refuses to know times, sides of a
screen, and what is a secret: whoever shows the bytes needs only to know where each value lies.

A field that lies inside the one before it is its part: the order is that of a tree walked from the
top, so offsets and lengths say the tree and nothing else has to. That is why no field of no bytes
stands between two others.

Unlike a decoder this looks at bytes that were kept, once, when a person asks for them. So it is
written to be read and not to be fast, but it is bounded: anybody may have sent them.
"""

from bisect import bisect_right
from typing import NamedTuple, TypeAlias

MAX_RECORDS = 1_000
MAX_FIELDS = 8_000
"""Of one direction; an honest request has some 40 variables, of five fields each."""

NOT_UNDERSTOOD = "not understood"
NOT_TAKEN_APART = "not taken apart"
BODY = "body"
CONTINUED = " (continued)"
FOLDED = " (folded)"


class Span(NamedTuple):
    offset: int
    length: int

    @property
    def end(self) -> int:
        return self.offset + self.length


Spans: TypeAlias = tuple[Span, ...]


class Field(NamedTuple):
    name: str
    span: Span
    value: str | Spans
    """Words, or the places whose bytes are the value."""


class WireRecord(NamedTuple):
    name: str
    span: Span
    fields: list[Field]


class NamedValue(NamedTuple):
    """A variable or a header field: what a secret is known by."""

    name: bytes
    spans: Spans


class Dissected:
    """What was found; protocols fill it."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.records: list[WireRecord] = []
        self.values: list[NamedValue] = []
        self.body: list[Span] = []
        self.untold: list[Span] = []
        """Bytes of which nobody can say what they are, secrets included."""
        self._n_fields = 0

    def record(self, name: str, begin: int, end: int, fields: list[Field]) -> None:
        self._n_fields += len(fields)
        self.records.append(WireRecord(name, Span(begin, end - begin), fields))

    @property
    def is_full(self) -> bool:
        return len(self.records) >= MAX_RECORDS or self._n_fields >= MAX_FIELDS

    def rest(self, begin: int, name: str = NOT_UNDERSTOOD) -> None:
        """From here to the end; nothing where that is nothing."""
        self.stray(begin, len(self.data), name)

    def stray(self, begin: int, end: int, name: str = NOT_UNDERSTOOD) -> None:
        if begin < end:
            self.untold.append(Span(begin, end - begin))
            self.record(name, begin, end, [plain("bytes", begin, end)])

    def body_record(self, begin: int, end: int) -> None:
        """A body without any framing."""
        if begin < end:
            self.body.append(Span(begin, end - begin))
            self.record(BODY, begin, end, [plain(BODY, begin, end)])

    def at(self, spans: Spans) -> bytes:
        return b"".join(self.data[span.offset : span.end] for span in spans)


def plain(name: str, begin: int, end: int) -> Field:
    """A field whose value is its bytes."""
    span = Span(begin, end - begin)
    return Field(name, span, (span,))


def number(name: str, data: bytes, begin: int, end: int, words: str = "") -> Field:
    """A big-endian number, and what it stands for."""
    value = str(int.from_bytes(data[begin:end], "big"))
    return Field(name, Span(begin, end - begin), f"{value} ({words})" if words else value)


class Content:
    """One stream of bytes that lies in several records, end to end.

    What is found in it is put into the records that it lies in; where that are two, the second one
    says that it goes on there.
    """

    def __init__(self, found: Dissected) -> None:
        self._found = found
        self._parts: list[tuple[int, Span, list[Field]]] = []
        self._starts: list[int] = []
        """Of the parts: a hostile stream has 57,000 pairs in 960 records, and to look through all
        parts for each pair took 17 s."""
        self._n_fields = 0
        self.data = b""

    def add(self, span: Span, fields: list[Field]) -> None:
        """`fields`: of the record that it lies in."""
        self._parts.append((len(self.data), span, fields))
        self._starts.append(len(self.data))
        self.data += self._found.data[span.offset : span.end]

    def spans(self, begin: int, end: int) -> Spans:
        return tuple(span for span, _ in self._pieces(begin, end))

    def _pieces(self, begin: int, end: int) -> list[tuple[Span, list[Field]]]:
        found = []
        for place in range(max(bisect_right(self._starts, begin) - 1, 0), len(self._parts)):
            first, span, fields = self._parts[place]
            if first >= end:
                break
            low, high = max(begin, first), min(end, first + span.length)
            if low < high:
                found.append((Span(span.offset + low - first, high - low), fields))
        return found

    def field(self, name: str, begin: int, end: int, value: str | Spans | None = None) -> None:
        """`value` None: its own bytes."""
        if self._n_fields >= MAX_FIELDS:
            return
        pieces = self._pieces(begin, end)
        value = tuple(span for span, _ in pieces) if value is None else value
        for n, (span, fields) in enumerate(pieces):
            self._n_fields += 1
            fields.append(Field(name if n == 0 else name + CONTINUED, span, value))

    def named(self, name: bytes, begin: int, end: int) -> Spans:
        """A value with a name; where it lies."""
        spans = self.spans(begin, end)
        if spans:
            self._found.values.append(NamedValue(name, spans))
        return spans

    def body_from(self, begin: int) -> None:
        self._found.body += self.spans(begin, len(self.data))


def text_of(raw: bytes) -> str:
    return raw.decode("latin-1")
