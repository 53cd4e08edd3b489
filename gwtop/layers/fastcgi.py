"""FastCGI 1.0 for scapy: records, their bodies and name-value pairs.

In: bytes of one direction of a connection, or fields. Out: `FCGI`, a list of `FCGIRecord`s.
Knows one record at a time: a stream that goes over several records is joined by `joined`.

Source: FastCGI Specification, Document Version 1.0, 29 April 1996; field names are those of its
section 8 ("Types and Constants"). A record is one `Packet` with its body and padding as fields,
not a chain of payloads: what follows a record on the wire is its neighbour, not its content.
"""

import struct
from collections.abc import Iterable
from typing import Any

from scapy.fields import (
    ByteEnumField,
    ByteField,
    Field,
    FieldLenField,
    FlagsField,
    IntField,
    PacketLenField,
    PacketListField,
    ShortEnumField,
    ShortField,
    StrLenField,
    XStrFixedLenField,
    XStrLenField,
)
from scapy.packet import Packet, Padding, Raw

from gwtop.layers._base import Whole

TYPES = {  # 8
    1: "FCGI_BEGIN_REQUEST",
    2: "FCGI_ABORT_REQUEST",
    3: "FCGI_END_REQUEST",
    4: "FCGI_PARAMS",
    5: "FCGI_STDIN",
    6: "FCGI_STDOUT",
    7: "FCGI_STDERR",
    8: "FCGI_DATA",
    9: "FCGI_GET_VALUES",
    10: "FCGI_GET_VALUES_RESULT",
    11: "FCGI_UNKNOWN_TYPE",
}
ROLES = {1: "FCGI_RESPONDER", 2: "FCGI_AUTHORIZER", 3: "FCGI_FILTER"}  # 5.1
PROTOCOL_STATUSES = {  # 5.5
    0: "FCGI_REQUEST_COMPLETE",
    1: "FCGI_CANT_MPX_CONN",
    2: "FCGI_OVERLOADED",
    3: "FCGI_UNKNOWN_ROLE",
}
HEADER_BYTES = 8  # 3.3


class PairLengthField(Field[int | None, int]):
    """A length of one byte, or of four with the top bit set (3.4). None: that of `of`."""

    __slots__ = ["of"]

    def __init__(self, name: str, default: int | None, of: str) -> None:
        super().__init__(name, default)
        self.of = of

    def addfield(self, pkt: Packet, s: bytes, val: int | None) -> bytes:
        length = len(pkt.getfieldval(self.of)) if val is None else val
        return s + (bytes([length]) if length < 0x80 else struct.pack("!I", length | 1 << 31))

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int]:
        if s[0] < 0x80:
            return s[1:], s[0]
        return s[4:], int(struct.unpack("!I", s[:4])[0]) & 0x7FFFFFFF


class FCGINameValuePair(Whole):
    """3.4; the four combinations of the specification's structs in one."""

    name = "FCGI_NameValuePair"
    fields_desc = [
        PairLengthField("nameLength", None, of="nameData"),
        PairLengthField("valueLength", None, of="valueData"),
        StrLenField("nameData", b"", length_from=lambda pkt: pkt.nameLength),
        StrLenField("valueData", b"", length_from=lambda pkt: pkt.valueLength),
    ]


class FCGIPairs(Whole):
    """Any number of pairs: PARAMS (5.2), GET_VALUES and GET_VALUES_RESULT (4.1)."""

    name = "FCGI name-value pairs"
    fields_desc = [PacketListField("pairs", [], FCGINameValuePair)]

    def as_list(self) -> list[tuple[bytes, bytes]]:
        return [(pair.nameData, pair.valueData) for pair in self.pairs]

    @classmethod
    def of(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "FCGIPairs":
        return cls(pairs=[FCGINameValuePair(nameData=n, valueData=v) for n, v in pairs])


class FCGIBeginRequestBody(Whole):
    """5.1"""

    name = "FCGI_BeginRequestBody"
    fields_desc = [
        ShortEnumField("role", 1, ROLES),
        FlagsField("flags", 0, 8, ["FCGI_KEEP_CONN"]),
        XStrFixedLenField("reserved", bytes(5), 5),
    ]


class FCGIEndRequestBody(Whole):
    """5.5"""

    name = "FCGI_EndRequestBody"
    fields_desc = [
        IntField("appStatus", 0),
        ByteEnumField("protocolStatus", 0, PROTOCOL_STATUSES),
        XStrFixedLenField("reserved", bytes(3), 3),
    ]


class FCGIUnknownTypeBody(Whole):
    """4.2"""

    name = "FCGI_UnknownTypeBody"
    fields_desc = [
        ByteEnumField("type", 0, TYPES),
        XStrFixedLenField("reserved", bytes(7), 7),
    ]


BODIES: dict[int, type[Packet]] = {
    1: FCGIBeginRequestBody,
    3: FCGIEndRequestBody,
    4: FCGIPairs,
    9: FCGIPairs,
    10: FCGIPairs,
    11: FCGIUnknownTypeBody,
}
FIXED_BYTES = {1: 8, 3: 8, 11: 8}  # 8: the bodies with a struct of their own


def whole_pairs(data: bytes) -> bool:
    """Does the last pair end where `data` ends? (A pair may go over two records, 3.4.)"""
    at = 0
    while at < len(data):
        n_bytes = 0
        for _ in ("nameLength", "valueLength"):
            if at >= len(data):
                return False
            width, mask = (1, 0x7F) if data[at] < 0x80 else (4, 0x7FFFFFFF)
            n_bytes += int.from_bytes(data[at : at + width], "big") & mask
            at += width
        at += n_bytes
    return at == len(data)


class ContentField(PacketLenField):
    """The body, as the type of its record says; `Raw` where it is a stream or of another size."""

    def m2i(self, pkt: Packet | None, m: bytes) -> Packet:
        kind = pkt.type if pkt is not None else 0
        body = BODIES.get(kind, Raw)
        if (body is FCGIPairs and not whole_pairs(m)) or len(m) != FIXED_BYTES.get(kind, len(m)):
            body = Raw
        return body(m, _parent=pkt)


class FCGIRecord(Whole):
    """3.3; a `contentLength` or `paddingLength` of None is computed."""

    name = "FCGI_Record"
    fields_desc = [
        ByteField("version", 1),
        ByteEnumField("type", 1, TYPES),
        ShortField("requestId", 1),
        FieldLenField("contentLength", None, length_of="contentData", fmt="!H"),
        FieldLenField("paddingLength", None, length_of="paddingData", fmt="B"),
        ByteField("reserved", 0),
        ContentField("contentData", Raw(), Raw, length_from=lambda pkt: pkt.contentLength),
        XStrLenField("paddingData", b"", length_from=lambda pkt: pkt.paddingLength),
    ]


def whole_records_bytes(data: bytes) -> int:
    """How many of these bytes are whole records."""
    at = 0
    while at + HEADER_BYTES <= len(data):
        content, padding = struct.unpack_from("!HB", data, at + 4)
        if at + HEADER_BYTES + content + padding > len(data):
            break
        at += HEADER_BYTES + content + padding
    return at


class FCGI(Packet):
    """One direction of a connection: record after record."""

    name = "FastCGI"
    fields_desc = [PacketListField("records", [], FCGIRecord)]

    @classmethod
    def tcp_reassemble(
        cls, data: bytes, metadata: dict[str, Any], session: dict[str, Any]
    ) -> Packet | None:
        """For scapy's TCPSession: the whole records; the rest waits as padding."""
        n_bytes = whole_records_bytes(data)
        if n_bytes == 0:
            return None
        rest = data[n_bytes:]
        return cls(data[:n_bytes]) / Padding(rest) if rest else cls(data)


def joined(records: Iterable[FCGIRecord], kind: int, request_id: int) -> bytes:
    """A stream of one request: the contents of its records, end to end (3.3)."""
    wanted = (r for r in records if r.type == kind and r.requestId == request_id)
    return b"".join(bytes(r.contentData) for r in wanted if r.contentData is not None)


STREAM = FCGI
