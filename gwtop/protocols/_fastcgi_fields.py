"""FastCGI records taken apart: headers, bodies, name-value pairs, the answer's head in STDOUT.

In: the bytes of one direction, and a request id. Out: that request's records and the management
records between them. Refuses to know the order they should come in: that is `fastcgi`.

Spec: FastCGI 1.0; names are those of its section 8. A stream goes over records as it likes (3.3),
so a pair or a header field may begin in one record and end in the next.
"""

from gwtop.nouns.wire import CLIENT, Side
from gwtop.protocols import _fastcgi_wire as wire
from gwtop.protocols._dissect import (
    NOT_TAKEN_APART,
    Content,
    Dissected,
    Field,
    Span,
    number,
    plain,
    text_of,
)
from gwtop.protocols._dissect_heads import looks_like_head, take_head

_ROLES = {1: "FCGI_RESPONDER", 2: "FCGI_AUTHORIZER", 3: "FCGI_FILTER"}  # 5.1
_PROTOCOL_STATUSES = {  # 5.5
    wire.REQUEST_COMPLETE: "FCGI_REQUEST_COMPLETE",
    wire.CANT_MPX_CONN: "FCGI_CANT_MPX_CONN",
    wire.OVERLOADED: "FCGI_OVERLOADED",
    wire.UNKNOWN_ROLE: "FCGI_UNKNOWN_ROLE",
}
_MANAGED = frozenset({wire.GET_VALUES, wire.GET_VALUES_RESULT})


def dissect(side: Side, data: bytes, stream: int) -> Dissected:
    found = Dissected(data)
    records = _Records(found, stream)
    at = _padding_before(found)
    while at < len(data) and not found.is_full:
        if records.ends_before(at):
            break
        if _is_record(data, at, side):
            at = records.take(at)
        else:
            begin, at = at, _next_record(data, at + 1, side)
            found.stray(begin, at)
    if found.is_full:
        found.rest(at, NOT_TAKEN_APART)
    records.join()
    return found


def _padding_before(found: Dissected) -> int:
    """The end of the record before, where that came late."""
    n_zeros = len(found.data) - len(found.data.lstrip(b"\0"))
    if 0 < n_zeros <= wire.MAX_PADDING:
        fields = [plain("paddingData", 0, n_zeros)]
        found.record("padding of the record before", 0, n_zeros, fields)
        return n_zeros
    return 0


def _is_record(data: bytes, at: int, side: Side) -> bool:
    header = data[at : at + wire.HEADER_BYTES]
    if len(header) < wire.HEADER_BYTES:
        return header[0] == wire.VERSION_1
    version, kind, stream, _, _, _ = wire.HEADER.unpack(header)
    kinds = wire.FROM_CLIENT if side is CLIENT else wire.FROM_SERVER
    known = version == wire.VERSION_1 and kind in kinds and stream
    return bool(known) or wire.tolerable(version, kind, stream, kinds)


def _next_record(data: bytes, at: int, side: Side) -> int:
    while (at := data.find(b"\x01", at)) >= 0:
        if wire.plausible(data, at, side is CLIENT, None):
            return at
        at += 1
    return len(data)


class _Records:
    """Those of one request, and the streams that go over several of them."""

    def __init__(self, found: Dissected, stream: int) -> None:
        self._found = found
        self._stream = stream
        self._begins = bytes((wire.VERSION_1, wire.BEGIN_REQUEST, *stream.to_bytes(2, "big")))
        self._begun = self._ended = False
        self._params = Content(found)
        self._stdout = Content(found)
        self._padding: list[tuple[list[Field], Field]] = []
        """The last field of each record, put there when the streams have been joined."""

    def ends_before(self, at: int) -> bool:
        """What is there belongs to the next request with this id."""
        return self._ended or (self._begun and self._found.data.startswith(self._begins, at))

    def take(self, at: int) -> int:
        """The record that begins here; where it ends."""
        found, data = self._found, self._found.data
        if len(data) - at < wire.HEADER_BYTES:
            found.rest(at, "a record header, cut")
            return len(data)
        kind, stream = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        begin = at + wire.HEADER_BYTES
        whole = begin + int.from_bytes(data[at + 4 : at + 6], "big")
        stop = min(whole, len(data))
        end = min(whole + data[at + 6], len(data))
        if stream not in (0, self._stream):
            return end  # it lies between ours (3.3)
        self._begun = self._begun or kind == wire.BEGIN_REQUEST
        self._ended = kind == wire.END_REQUEST
        fields = _header(data, at, kind)
        if begin < stop:
            span = Span(begin, stop - begin)
            fields.append(Field("contentData", span, f"{span.length:,} bytes"))
            self._content(kind, span, fields)
        if stop < end:
            self._padding.append((fields, plain("paddingData", stop, end)))
        cut = "" if end == whole + data[at + 6] else ", cut"
        found.record(_name(kind) + cut, at, end, fields)
        return end

    def _content(self, kind: int, span: Span, fields: list[Field]) -> None:
        if kind == wire.PARAMS:
            self._params.add(span, fields)
        elif kind == wire.STDOUT:
            self._stdout.add(span, fields)
        elif kind in _MANAGED:
            values = Content(self._found)
            values.add(span, fields)
            _pairs(values)
        elif kind == wire.STDIN:
            self._found.body.append(span)
            fields.append(Field("stdin", span, (span,)))
        elif kind in wire.FIXED and span.length == wire.FIXED_BYTES:
            fields += _fixed(self._found.data, kind, span.offset)
        else:
            fields.append(Field("text", span, (span,)))

    def join(self) -> None:
        _pairs(self._params)
        stdout = self._stdout
        # 6.2: a CGI document
        stdout.body_from(take_head(stdout) if looks_like_head(stdout.data) else 0)
        for fields, padding in self._padding:
            fields.append(padding)


def _name(kind: int) -> str:
    return wire.NAMES.get(kind, f"type {kind}")


def _header(data: bytes, at: int, kind: int) -> list[Field]:
    """3.3"""
    return [
        number("version", data, at, at + 1),
        number("type", data, at + 1, at + 2, f"FCGI_{_name(kind)}" if kind in wire.NAMES else ""),
        number("requestId", data, at + 2, at + 4),
        number("contentLength", data, at + 4, at + 6),
        number("paddingLength", data, at + 6, at + 7),
        number("reserved", data, at + 7, at + 8),
    ]


def _fixed(data: bytes, kind: int, at: int) -> list[Field]:
    """The bodies with a struct of their own."""
    if kind == wire.BEGIN_REQUEST:  # 5.1
        role = _ROLES.get(int.from_bytes(data[at : at + 2], "big"), "unknown role")
        flags = "FCGI_KEEP_CONN" if data[at + 2] & wire.KEEP_CONN else ""
        return [
            number("role", data, at, at + 2, role),
            number("flags", data, at + 2, at + 3, flags),
            plain("reserved", at + 3, at + 8),
        ]
    if kind == wire.END_REQUEST:  # 5.5
        return [
            number("appStatus", data, at, at + 4),
            number(
                "protocolStatus", data, at + 4, at + 5, _PROTOCOL_STATUSES.get(data[at + 4], "")
            ),
            plain("reserved", at + 5, at + 8),
        ]
    name = wire.NAMES.get(data[at], "")  # 4.2
    return [number("type", data, at, at + 1, name), plain("reserved", at + 1, at + 8)]


def _pairs(content: Content) -> None:
    """3.4: lengths of one byte, or of four with the top bit set; then name, then value."""
    data, at = content.data, 0
    while at < len(data):
        lengths, ends = [], []
        begin = at
        for _ in ("name", "value"):
            width = 1 if at < len(data) and data[at] < 0x80 else 4
            if at + width > len(data):
                content.field("a pair, cut", begin, len(data))
                return
            lengths.append(int.from_bytes(data[at : at + width], "big") & (0x7FFF_FFFF))
            at += width
            ends.append(at)
        middle = at + lengths[0]
        end = middle + lengths[1]
        if middle > len(data):
            content.field("a pair, cut", begin, len(data))
            return
        name = data[at:middle]
        value = content.named(name, middle, min(end, len(data)))
        content.field(text_of(name), begin, min(end, len(data)), value)
        content.field("nameLength", begin, ends[0], str(lengths[0]))
        content.field("valueLength", ends[0], ends[1], str(lengths[1]))
        content.field("nameData", at, middle)
        content.field("valueData", middle, min(end, len(data)))
        at = end
