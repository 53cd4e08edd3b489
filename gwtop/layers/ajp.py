"""AJP13 for scapy: packets of both directions, forward requests and answers to the last field.

In: bytes of one direction of a connection, or fields. Out: `AJP`, a list of `AJP13` packets.
Knows no state. The protocol says a request's body packet only by state ("there is no type code"),
but every other packet from the web server has a shape that a body packet cannot have by
accident: a FORWARD_REQUEST carries "HTTP/" as its protocol, the others are one byte long.

Source: "AJPv13", Apache Tomcat Connectors, AJP Protocol Reference (sections "Packet Format",
"Request Packet Structure", "Response Packet Structure"); the codes again in httpd's
modules/proxy/ajp.h and ajp_header.h. Field names are those of the reference.
"""

import struct
from collections.abc import Iterable
from typing import Any

from scapy.base_classes import BasePacket
from scapy.fields import (
    ByteEnumField,
    ByteField,
    ConditionalField,
    Field,
    FieldLenField,
    PacketLenField,
    PacketListField,
    ShortField,
    StrField,
    StrLenField,
    XShortEnumField,
)
from scapy.packet import Packet, Padding, Raw

from gwtop.layers._base import Whole

FROM_SERVER = 0x1234  # "Packet Headers (Server->Container)"
FROM_CONTAINER = 0x4142  # "Packet Headers (Container->Server)": "AB"
METHOD_NAMES = (
    "OPTIONS GET HEAD POST PUT DELETE TRACE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ACL"
    " REPORT VERSION-CONTROL CHECKIN CHECKOUT UNCHECKOUT SEARCH MKWORKSPACE UPDATE LABEL MERGE"
    " BASELINE-CONTROL MKACTIVITY"
)
REQUEST_HEADER_NAMES = (
    "accept accept-charset accept-encoding accept-language authorization connection content-type"
    " content-length cookie cookie2 host pragma referer user-agent"
)
RESPONSE_HEADER_NAMES = (
    "Content-Type Content-Language Content-Length Date Last-Modified Location Set-Cookie"
    " Set-Cookie2 Servlet-Engine Status WWW-Authenticate"
)
# "Description of Request Elements": method, request_headers; ajp_header.h: 0xFF, which sends one
# to the attribute stored_method.
METHODS = dict(enumerate(METHOD_NAMES.split(), start=1)) | {0xFF: "STORED"}
REQUEST_HEADERS = dict(enumerate(REQUEST_HEADER_NAMES.split(), start=0xA001))
RESPONSE_HEADERS = dict(enumerate(RESPONSE_HEADER_NAMES.split(), start=0xA001))  # "Send Headers"
ATTRIBUTES = {  # "Attributes"
    1: "context",
    2: "servlet_path",
    3: "remote_user",
    4: "auth_type",
    5: "query_string",
    6: "route",
    7: "ssl_cert",
    8: "ssl_cipher",
    9: "ssl_session",
    10: "req_attribute",
    11: "ssl_key_size",
    12: "secret",
    13: "stored_method",
    255: "are_done",
}
REQ_ATTRIBUTE, SSL_KEY_SIZE, ARE_DONE = 10, 11, 255
PREFIX_CODES = {  # "Packet Headers", and httpd's ajp.h for CPONG and CPING
    2: "FORWARD_REQUEST",
    3: "SEND_BODY_CHUNK",
    4: "SEND_HEADERS",
    5: "END_RESPONSE",
    6: "GET_BODY_CHUNK",
    7: "SHUTDOWN",
    8: "PING",
    9: "CPONG",
    10: "CPING",
}


class AJPStringField(Field[bytes | None, bytes]):
    """ "String": length, bytes, NUL that is not counted; None is the length 0xFFFF alone."""

    def addfield(self, pkt: Packet, s: bytes, val: bytes | str | None) -> bytes:
        if val is None:
            return s + b"\xff\xff"
        data = val.encode("latin-1") if isinstance(val, str) else val
        return s + struct.pack("!H", len(data)) + data + b"\0"

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, bytes | None]:
        length = struct.unpack("!H", s[:2])[0]
        if length == 0xFFFF:
            return s[2:], None
        return s[2 + length + 1 :], s[2 : 2 + length]


class AJPHeaderNameField(Field[int | bytes, bytes]):
    """A code from 0xA001 on, or a string (no string is as long as that)."""

    def addfield(self, pkt: Packet, s: bytes, val: int | bytes | str | None) -> bytes:
        if isinstance(val, int):
            return s + struct.pack("!H", val)
        return AJPStringField.addfield(self, pkt, s, val)  # type: ignore[arg-type]

    def getfield(self, pkt: Packet, s: bytes) -> tuple[bytes, int | bytes | None]:  # type: ignore[override]
        if s[:1] == b"\xa0":
            return s[2:], struct.unpack("!H", s[:2])[0]
        return AJPStringField.getfield(self, pkt, s)  # type: ignore[arg-type]


def named(code_or_name: int | bytes, codes: dict[int, str]) -> bytes:
    if isinstance(code_or_name, int):
        return codes.get(code_or_name, f"0x{code_or_name:04X}").encode()
    return code_or_name


class AJPRequestHeader(Whole):
    name = "AJP13 req_header"
    fields_desc = [
        AJPHeaderNameField("req_header_name", b""),
        AJPStringField("req_header_value", b""),
    ]


class AJPResponseHeader(Whole):
    name = "AJP13 res_header"
    fields_desc = [
        AJPHeaderNameField("res_header_name", b""),
        AJPStringField("res_header_value", b""),
    ]


class AJPAttribute(Whole):
    """ "attribute_name [attribute_value]": a string, but for three codes."""

    name = "AJP13 attribute"
    fields_desc = [
        ByteEnumField("attribute_name", 5, ATTRIBUTES),
        ConditionalField(
            AJPStringField("req_attribute_name", b""),
            lambda pkt: pkt.attribute_name == REQ_ATTRIBUTE,
        ),
        ConditionalField(
            AJPStringField("attribute_value", b""),
            lambda pkt: pkt.attribute_name not in (SSL_KEY_SIZE, ARE_DONE),
        ),
        ConditionalField(ShortField("key_size", 0), lambda pkt: pkt.attribute_name == SSL_KEY_SIZE),
    ]

    def pair(self) -> tuple[bytes, bytes]:
        if self.attribute_name == REQ_ATTRIBUTE:
            return self.req_attribute_name, self.attribute_value
        value = str(self.key_size).encode() if self.attribute_name == SSL_KEY_SIZE else None
        name = ATTRIBUTES.get(self.attribute_name, str(self.attribute_name))
        return name.encode(), self.attribute_value if value is None else value


def next_attribute(
    pkt: Packet, before: list[BasePacket], last: Packet | None, rest: bytes
) -> type[Packet] | None:
    return None if rest[:1] in (b"", b"\xff") else AJPAttribute


class AJPForwardRequest(Whole):
    """ "Request Packet Structure" """

    name = "AJP13_FORWARD_REQUEST"
    fields_desc = [
        ByteEnumField("prefix_code", 2, PREFIX_CODES),
        ByteEnumField("method", 2, METHODS),
        AJPStringField("protocol", b"HTTP/1.1"),
        AJPStringField("req_uri", b"/"),
        AJPStringField("remote_addr", b"127.0.0.1"),
        AJPStringField("remote_host", None),
        AJPStringField("server_name", b"localhost"),
        ShortField("server_port", 80),
        ByteField("is_ssl", 0),
        FieldLenField("num_headers", None, count_of="request_headers", fmt="!H"),
        PacketListField(
            "request_headers", [], AJPRequestHeader, count_from=lambda pkt: pkt.num_headers
        ),
        PacketListField("attributes", [], next_cls_cb=next_attribute),
        ByteField("request_terminator", ARE_DONE),
    ]

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (named(h.req_header_name, REQUEST_HEADERS), h.req_header_value)
            for h in self.request_headers
        ]


class AJPSendHeaders(Whole):
    """ "Send Headers" """

    name = "AJP13_SEND_HEADERS"
    fields_desc = [
        ByteEnumField("prefix_code", 4, PREFIX_CODES),
        ShortField("http_status_code", 200),
        AJPStringField("http_status_msg", b"OK"),
        FieldLenField("num_headers", None, count_of="response_headers", fmt="!H"),
        PacketListField(
            "response_headers", [], AJPResponseHeader, count_from=lambda pkt: pkt.num_headers
        ),
    ]

    def headers(self) -> list[tuple[bytes, bytes]]:
        return [
            (named(h.res_header_name, RESPONSE_HEADERS), h.res_header_value)
            for h in self.response_headers
        ]


class AJPSendBodyChunk(Whole):
    """ "Send Body Chunk"; containers add a NUL that the reference does not name (`rest`)."""

    name = "AJP13_SEND_BODY_CHUNK"
    fields_desc = [
        ByteEnumField("prefix_code", 3, PREFIX_CODES),
        FieldLenField("chunk_length", None, length_of="chunk", fmt="!H"),
        StrLenField("chunk", b"", length_from=lambda pkt: pkt.chunk_length),
        StrField("rest", b"\0"),
    ]


class AJPEndResponse(Whole):
    """ "End Response" """

    name = "AJP13_END_RESPONSE"
    fields_desc = [ByteEnumField("prefix_code", 5, PREFIX_CODES), ByteField("reuse", 1)]


class AJPGetBodyChunk(Whole):
    """ "Get Body Chunk" """

    name = "AJP13_GET_BODY_CHUNK"
    fields_desc = [ByteEnumField("prefix_code", 6, PREFIX_CODES), ShortField("requested_length", 0)]


class AJPCommand(Whole):
    """SHUTDOWN, PING, CPING, CPONG: the code is all there is."""

    name = "AJP13 command"
    fields_desc = [ByteEnumField("prefix_code", 10, PREFIX_CODES)]


class AJPRequestBody(Whole):
    """ "Get Body Chunk", the server's answer: size and bytes; no type code."""

    name = "AJP13 request body"
    fields_desc = [
        FieldLenField("chunk_length", None, length_of="chunk", fmt="!H"),
        StrLenField("chunk", b"", length_from=lambda pkt: pkt.chunk_length),
    ]


FROM_CONTAINER_BODIES: dict[int, type[Packet]] = {
    3: AJPSendBodyChunk,
    4: AJPSendHeaders,
    5: AJPEndResponse,
    6: AJPGetBodyChunk,
    9: AJPCommand,
}


def class_of(magic: int, data: bytes) -> type[Packet]:
    """Which packet this is; `Raw` for an unknown code. (No data at all is None: scapy's way.)"""
    if magic == FROM_CONTAINER:
        return FROM_CONTAINER_BODIES.get(data[0], Raw)
    if len(data) == 1:
        return AJPCommand
    if data[0] == 2 and data[4:9] == b"HTTP/":
        return AJPForwardRequest
    return AJPRequestBody


class DataField(PacketLenField):
    def m2i(self, pkt: Packet | None, m: bytes) -> Packet:
        magic = pkt.magic if pkt is not None else FROM_SERVER
        return class_of(magic, m)(m, _parent=pkt)


class AJP13(Whole):
    """ "Packet Format"; a `length` of None is computed."""

    name = "AJP13"
    fields_desc = [
        XShortEnumField(
            "magic", FROM_SERVER, {FROM_SERVER: "to container", FROM_CONTAINER: "to server"}
        ),
        FieldLenField("length", None, length_of="data", fmt="!H"),
        DataField("data", Raw(), Raw, length_from=lambda pkt: pkt.length),
    ]


def whole_packets_bytes(data: bytes) -> int:
    """How many of these bytes are whole packets."""
    at = 0
    while at + 4 <= len(data):
        (length,) = struct.unpack_from("!H", data, at + 2)
        if at + 4 + length > len(data):
            break
        at += 4 + length
    return at


class AJP(Packet):
    """One direction of a connection: packet after packet."""

    name = "AJP"
    fields_desc = [PacketListField("packets", [], AJP13)]

    @classmethod
    def tcp_reassemble(
        cls, data: bytes, metadata: dict[str, Any], session: dict[str, Any]
    ) -> Packet | None:
        """For scapy's TCPSession: the whole packets; the rest waits as padding."""
        n_bytes = whole_packets_bytes(data)
        if n_bytes == 0:
            return None
        rest = data[n_bytes:]
        return cls(data[:n_bytes]) / Padding(rest) if rest else cls(data)


def joined(packets: Iterable[AJP13]) -> bytes:
    """The bytes of all body packets of one direction, end to end."""
    bodies = (AJPRequestBody, AJPSendBodyChunk)
    return b"".join(p.data.chunk for p in packets if isinstance(p.data, bodies))


STREAM = AJP
