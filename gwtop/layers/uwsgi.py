"""uwsgi for scapy: the four-byte header, the block of variables, and what follows.

In: bytes of one direction of a connection, or fields. Out: `UWSGI`; a request's body is its
payload. Does not know where a body ends: the protocol does not say, CONTENT_LENGTH does.

Source: uwsgi-docs, Protocol.rst ("uwsgi packet header", "Packet descriptions", "The uwsgi vars");
field names are those of its structs.
"""

import struct
from collections.abc import Iterable

from scapy.fields import (
    ByteEnumField,
    ByteField,
    ConditionalField,
    FieldLenField,
    LEShortField,
    PacketListField,
    StrLenField,
)
from scapy.packet import Packet

from gwtop.layers._base import Whole

MODIFIERS = {  # "Packet descriptions"
    0: "WSGI",
    5: "PSGI",
    6: "LUA/WSAPI",
    7: "RACK",
    8: "JWSGI/Ring",
    9: "CGI",
    10: "management",
    14: "PHP",
    15: "Mono",
    17: "spooler",
    18: "symcall",
    22: "eval",
    23: "XSLT",
    24: "V8",
    25: "GridFS",
    26: "GlusterFS",
    27: "FastFuncs",
    30: "WSGI, SCRIPT_NAME stripped",
    31: "message",
    32: "char array",
    33: "marshal object",
    48: "SNMP",
    72: "raw HTTP response",
    73: "announce",
    74: "multicast",
    95: "cluster membership",
    96: "log",
    97: "brutal reload",
    98: "graceful reload",
    99: "configuration",
    100: "ping",
    101: "echo",
    109: "legion",
    110: "signal",
    111: "cache",
    173: "RPC",
    200: "close mark",
    224: "subscription",
    255: "generic response",
}
HTTP = 72  # 'H': the other header bytes are "TTP" and say no size
WITH_VARS = frozenset({0, 5, 6, 7, 8, 9, 10, 14, 15, 17, 18, 23, 24, 25, 26, 30, 31, 95, 99, 224})
"""The packets whose data is said to be block vars or a dictionary."""


class UWSGIVar(Whole):
    """ "The uwsgi vars"; sizes of None are computed."""

    name = "uwsgi_var"
    fields_desc = [
        FieldLenField("key_size", None, length_of="key", fmt="<H"),
        StrLenField("key", b"", length_from=lambda pkt: pkt.key_size),
        FieldLenField("val_size", None, length_of="val", fmt="<H"),
        StrLenField("val", b"", length_from=lambda pkt: pkt.val_size),
    ]


def data_bytes(pkt: Packet) -> int:
    return 0 if pkt.modifier1 == HTTP else int(pkt.datasize)


def has_vars(pkt: Packet) -> bool:
    return pkt.modifier1 in WITH_VARS


class UWSGI(Packet):
    """ "uwsgi packet header" and its data; a `datasize` of None is computed."""

    name = "uwsgi"
    fields_desc = [
        ByteEnumField("modifier1", 0, MODIFIERS),
        LEShortField("datasize", None),
        ByteField("modifier2", 0),
        ConditionalField(
            PacketListField("vars", [], UWSGIVar, length_from=data_bytes),
            has_vars,
        ),
        ConditionalField(
            StrLenField("data", b"", length_from=data_bytes),
            lambda pkt: not has_vars(pkt),
        ),
    ]

    def post_build(self, pkt: bytes, pay: bytes) -> bytes:
        if self.datasize is None:
            pkt = pkt[:1] + struct.pack("<H", len(pkt) - 4) + pkt[3:]
        return pkt + pay

    def as_list(self) -> list[tuple[bytes, bytes]]:
        return [(var.key, var.val) for var in self.vars]

    @classmethod
    def of(cls, pairs: Iterable[tuple[bytes, bytes]], modifier1: int = 0) -> "UWSGI":
        return cls(modifier1=modifier1, vars=[UWSGIVar(key=k, val=v) for k, v in pairs])


STREAM = UWSGI
