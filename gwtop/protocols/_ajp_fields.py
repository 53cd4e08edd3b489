"""AJP13 packets taken apart, of both directions, to the last header and attribute.

In: the bytes of one direction of one exchange. Out: records and fields. Refuses to know the order
of packets: that is `ajp`, whose docstring names the source; names are those of its sections.
"""

from struct import error as StructError  # noqa: N812

from gwtop.nouns.wire import Side
from gwtop.protocols import _ajp_wire as wire
from gwtop.protocols._dissect import Content, Dissected, Field, Span, number, text_of

_CODES = {  # AJPv13 "Packet Types"
    wire.FORWARD_REQUEST: "FORWARD_REQUEST",
    wire.SEND_BODY_CHUNK: "SEND_BODY_CHUNK",
    wire.SEND_HEADERS: "SEND_HEADERS",
    wire.END_RESPONSE: "END_RESPONSE",
    wire.GET_BODY_CHUNK: "GET_BODY_CHUNK",
    wire.SHUTDOWN: "SHUTDOWN",
    wire.PING: "PING",
    wire.CPONG: "CPONG",
    wire.CPING: "CPING",
}
PREFIX = ("protocol", "req_uri", "remote_addr", "remote_host", "server_name")


def dissect(side: Side, data: bytes, stream: int) -> Dissected:
    found = Dissected(data)
    at = 0
    while len(data) - at >= wire.HEADER_BYTES and not found.is_full:
        if data[at : at + 2] not in (wire.FROM_WEB, wire.FROM_CONTAINER):
            break
        at = _Packet(found, at).take()
    found.rest(at, "not taken apart" if found.is_full else "not understood")
    return found


class _Packet:
    """One packet; `_at` goes through it."""

    def __init__(self, found: Dissected, begin: int) -> None:
        data = found.data
        self._found = found
        self._data = data
        self._begin = begin
        self._at = begin + wire.HEADER_BYTES
        length = int.from_bytes(data[begin + 2 : begin + 4], "big")
        self._is_whole = self._at + length <= len(data)
        self._end = min(self._at + length, len(data))
        self._of_web = data[begin : begin + 2] == wire.FROM_WEB
        way = "to the container" if self._of_web else "to the web server"
        self._fields = [
            Field("magic", Span(begin, 2), f"0x{data[begin]:02X}{data[begin + 1]:02X} ({way})"),
            number("length", data, begin + 2, begin + 4),
        ]
        self._content = Content(found)
        self._content.add(Span(begin, self._end - begin), self._fields)

    def take(self) -> int:
        at, end = self._at, self._end
        if at < end:
            self._field("data", at, end, f"{end - at:,} bytes")
        name = self._name()
        try:
            self._payload(name)
        except (IndexError, StructError):  # it ends before it should
            if self._at < end:
                self._field("cut", self._at, end)
        name = name if self._is_whole else f"{name}, cut"
        self._found.record(name, self._begin, end, self._fields)
        return end

    def _name(self) -> str:
        """AJPv13: a body packet has no code; its shape says that it is one."""
        at, size = self._at, self._end - self._at
        kind = self._data[at] if size else 0
        if not self._of_web:
            return _CODES.get(kind, f"type {kind}")
        if kind == wire.FORWARD_REQUEST and self._data[at + 4 : at + 9] == b"HTTP/":
            return _CODES[kind]
        return _CODES.get(kind, "request body") if size == 1 else "request body"

    def _payload(self, name: str) -> None:
        if self._at == self._end:
            return
        if name == "request body":
            self._chunk()
            return
        self._number("prefix_code", 1, name)
        if name == "FORWARD_REQUEST":
            self._forward_request()
        elif name == "SEND_HEADERS":
            self._number("http_status_code", 2)
            self._string("http_status_msg")
            self._headers("response_headers", "res_header", wire.RESPONSE_HEADERS)
        elif name == "SEND_BODY_CHUNK":
            self._chunk()
        elif name == "END_RESPONSE":
            self._number("reuse", 1, {0: "no", 1: "yes"}.get(self._data[self._at], ""))
        elif name == "GET_BODY_CHUNK":
            self._number("requested_length", 2)

    def _forward_request(self) -> None:
        """AJPv13 "Request Packet Structure"."""
        code = self._data[self._at]
        words = text_of(wire.METHODS[code]) if 0 < code < len(wire.METHODS) else ""
        self._number("method", 1, "STORED" if code == wire.STORED_METHOD else words)
        for name in PREFIX:
            self._string(name, known_as=name.encode())
        self._number("server_port", 2)
        self._number("is_ssl", 1)
        self._headers("request_headers", "req_header", wire.REQUEST_HEADERS)
        while self._data[self._at] != wire.ARE_DONE:
            self._attribute()
        self._number("request_terminator", 1)

    def _chunk(self) -> None:
        """ "Send Body Chunk", and the web server's body packets: a length and bytes; then a NUL
        that containers add."""
        n_bytes = int.from_bytes(self._data[self._at : self._at + 2], "big")
        self._number("chunk_length", 2)
        stop = min(self._at + n_bytes, self._end)
        if self._at < stop:
            self._field("chunk", self._at, stop)
            self._found.body.append(Span(self._at, stop - self._at))
        if stop < self._end:
            self._field("rest", stop, self._end)

    def _headers(self, name: str, part: str, names: list[bytes]) -> None:
        n_headers = int.from_bytes(self._data[self._at : self._at + 2], "big")
        self._number("num_headers", 2)
        for _ in range(n_headers):
            self._header(part, names)

    def _header(self, part: str, names: list[bytes]) -> None:
        """A code or a string, then a string."""
        begin, data = self._at, self._data
        if data[begin] == wire.CODED:
            code = data[begin + 1]
            name = names[code] if 0 < code < len(names) else b"0xa0%02x" % code
            middle, words = begin + 2, f"0xA0{code:02X} ({text_of(name)})"
        else:
            name, middle = _string(data, begin, self._end)
            words = None
        value, end = _string(data, middle, self._end)
        spans = self._named(name, middle, value)
        self._field(text_of(name), begin, end, spans or "")
        if words is None:
            self._strings(f"{part}_name", begin, middle, name)
        else:
            self._field(f"{part}_name", begin, middle, words)
        self._strings(f"{part}_value", middle, end, value)
        self._at = end

    def _attribute(self) -> None:
        """ "attribute_name attribute_value"; a code, then strings, but for one that is a number."""
        begin, data = self._at, self._data
        code = data[begin]
        known = 0 < code < len(wire.ATTRIBUTES)
        name = wire.ATTRIBUTES[code] if known else b"0x%02x" % code
        words = f"{code} ({text_of(name)})"
        parts: list[tuple[str, int, int, bytes]] = []
        end = begin + 1
        if code == wire.SSL_KEY_SIZE:
            end += 2
            if end > self._end:
                raise IndexError
            bits = int.from_bytes(data[end - 2 : end], "big")
            self._field(text_of(name), begin, end, str(bits))
            self._field("attribute_name", begin, begin + 1, words)
            self._field("key_size", begin + 1, end, str(bits))
            self._at = end
            return
        if code == wire.REQ_ATTRIBUTE:
            first = end
            name, end = _string(data, first, self._end)
            parts.append(("req_attribute_name", first, end, name))
        first = end
        value, end = _string(data, first, self._end)
        parts.append(("attribute_value", first, end, value))
        spans = self._named(name, first, value)
        self._field(text_of(name), begin, end, spans or "")
        self._field("attribute_name", begin, begin + 1, words)
        for part in parts:
            self._strings(*part)
        self._at = end

    def _string(self, name: str, known_as: bytes | None = None) -> None:
        begin = self._at
        value, end = _string(self._data, begin, self._end)
        if known_as is not None:
            self._named(known_as, begin, value)
        self._strings(name, begin, end, value)
        self._at = end

    def _strings(self, name: str, begin: int, end: int, value: bytes) -> None:
        """ "Data Types": a field that is a string with its length and its NUL around it."""
        self._field(name, begin, end, (Span(begin + 2, len(value)),) if value else "")

    def _named(self, name: bytes, begin: int, value: bytes) -> tuple[Span, ...]:
        first = begin + 2 - self._begin
        return self._content.named(name, first, first + len(value)) if value else ()

    def _number(self, name: str, n_bytes: int, words: str = "") -> None:
        end = self._at + n_bytes
        if end > self._end:
            raise IndexError
        field = number(name, self._data, self._at, end, words)
        self._field(name, self._at, end, field.value)
        self._at = end

    def _field(
        self, name: str, begin: int, end: int, value: str | tuple[Span, ...] | None = None
    ) -> None:
        self._content.field(name, begin - self._begin, end - self._begin, value)


def _string(data: bytes, at: int, end: int) -> tuple[bytes, int]:
    """AJPv13 "Data Types". Raises IndexError where the packet ends too soon."""
    n_bytes = int.from_bytes(data[at : at + 2], "big")
    if at + 2 > end:
        raise IndexError
    if n_bytes == wire.NULL_STRING:
        return b"", at + 2
    stop = at + 2 + n_bytes
    if stop >= end:
        raise IndexError
    return data[at + 2 : stop], stop + 1
