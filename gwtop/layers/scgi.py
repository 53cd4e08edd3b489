"""SCGI for scapy: the netstring of headers; the body is the payload.

In: bytes of the client's direction, or fields. Out: `SCGI`. The answer is a CGI document and has
no layer of its own. Does not check what the specification demands of the headers
(CONTENT_LENGTH first, SCGI = 1, no name twice): a crafting tool must be able to break rules.

Source: "SCGI: A Simple Common Gateway Interface alternative", Neil Schemenauer, 2008-06-23,
section "Request Format"; netstrings: D. J. Bernstein, 1997.
"""

import re
from collections.abc import Iterable

from scapy.fields import Field, PacketListField, StrFixedLenField, StrNullField
from scapy.packet import Packet

from gwtop.layers._base import Whole

LENGTH = re.compile(rb"(\d{1,9}):")  # netstring: decimal digits, then a colon


class NetstringLengthField(Field[int | None, int]):
    """Digits and a colon. None: the length of the headers."""

    def addfield(self, pkt: Packet, s: bytes, val: int | None) -> bytes:
        length = sum(len(bytes(h)) for h in pkt.headers) if val is None else val
        return s + b"%d:" % length

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int]:
        found = LENGTH.match(s)
        return (s[found.end() :], int(found[1])) if found else (s, 0)


class SCGIHeader(Whole):
    """ "header ::= name NUL value NUL" """

    name = "SCGI header"
    fields_desc = [StrNullField("header_name", b""), StrNullField("header_value", b"")]


class SCGI(Packet):
    """The request: netstring of headers, comma, body (payload)."""

    name = "SCGI"
    fields_desc = [
        NetstringLengthField("length", None),
        PacketListField("headers", [], SCGIHeader, length_from=lambda pkt: pkt.length),
        StrFixedLenField("comma", b",", 1),
    ]

    def as_list(self) -> list[tuple[bytes, bytes]]:
        return [(h.header_name, h.header_value) for h in self.headers]

    @classmethod
    def of(cls, pairs: Iterable[tuple[bytes, bytes]]) -> "SCGI":
        return cls(headers=[SCGIHeader(header_name=n, header_value=v) for n, v in pairs])


STREAM = SCGI
