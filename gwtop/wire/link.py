"""Link and internet layer: a batch of frames in, its TCP segments out.

In: `Frames`. Out: `Unpacked`, or `UnknownLink` where the link type is not known. Refuses to know
connections, order and time; checks no checksum (offload leaves them wrong on loopback).

Nearly every frame is Ethernet (or Linux cooked v1, which ends in the same two bytes) + IPv4
without options + TCP, so one `unpack_from` at a fixed place reads all that is asked of it and
everything else goes the long way round, header by header. Half of the frames of a capture are
pure ACKs; they leave before anything is built for them. What they prove is proved again by the
next data segment of the same side.

The IP length decides where the payload ends, not the frame: Ethernet pads short frames, and
snaplen cuts long ones. A length of 0 is a frame seen before segmentation offload or a jumbogram;
then the frame's own length on the wire decides. Of a fragmented packet only the first fragment
has ports; the others are counted and what they carried is a gap like any other.
"""

from struct import Struct
from typing import Final, NamedTuple, TypeAlias

from gwtop.nouns.records import Frames, Span, Spanned
from gwtop.nouns.wire import Segment

Buffer: TypeAlias = bytes | memoryview

# LINKTYPE_* of pcap-linktype(7)
NULL: Final = 0
ETHERNET: Final = 1
LOOP: Final = 108
SLL: Final = 113
SLL2: Final = 276
RAW = frozenset({101, 12, 14, 228, 229})  # RAW, two DLT_RAW of old systems, IPV4, IPV6
KNOWN = RAW | {NULL, ETHERNET, LOOP, SLL, SLL2}

IPV4: Final = 0x0800  # IEEE 802 numbers, RFC 9542 appendix B
IPV6: Final = 0x86DD
VLAN_TAGS = frozenset({0x8100, 0x88A8, 0x9100})  # 802.1Q, 802.1ad, QinQ before 802.1ad
AF_INET: Final = 2
AF_INET6 = frozenset({24, 28, 30, 10})  # NetBSD and OpenBSD, FreeBSD, Darwin, Linux

TCP: Final = 6  # IANA protocol numbers
FRAGMENT: Final = 44
AUTHENTICATION: Final = 51
SKIPPED_HEADERS = frozenset({0, 43, 60, 135})  # hop-by-hop, routing, destination, mobility

NOT_PURE: Final = 0x07  # FIN, SYN, RST: RFC 9293 3.1
MAX_HEADERS: Final = 32
"""VLAN tags or IPv6 extension headers in one frame; more is an attack on the loop."""

# Ethernet from the start, cooked v1 from its third byte: type, version + IHL, total length,
# fragment + TTL + protocol, addresses and ports, seq, ack, data offset and flags.
_COMMON = Struct(">12xIH2xI2x12sIIH").unpack_from
_COMMON_BYTES: Final = 48
_IPV4_IHL5: Final = IPV4 << 16 | 0x4500
_TYPE_VERSION_IHL: Final = 0xFFFFFF00
_MORE_OR_OFFSET_AND_PROTOCOL: Final = 0x3FFF00FF  # RFC 791 3.1: more fragments, offset; protocol

_U16 = Struct(">H").unpack_from
_IPV4_HEAD = Struct(">B1xH2xH1xB2x8s").unpack_from  # RFC 791 3.1
_IPV6_HEAD = Struct(">4xHB1x32s").unpack_from  # RFC 8200 3
_TCP_HEAD = Struct(">4sIIH").unpack_from  # RFC 9293 3.1
_TCP_HEAD_BYTES: Final = 14
"""As much of a TCP header as must be captured; the rest of it only moves the payload."""


class Unpacked(NamedTuple):
    """What a batch of frames held."""

    segments: list[Segment]
    n_tcp: int
    """Frames with a TCP header, pure ACKs included."""
    n_fragments: int
    """Fragments without a TCP header, that is all but the first of their packet."""


class UnknownLink(NamedTuple):
    """Nothing can be said about these frames: their link type is not known here."""

    link: int


class _Packet(NamedTuple):
    """An internet packet's payload, as far as it belongs to TCP."""

    addresses: bytes
    start: int
    n_bytes: int
    """From `start`, by the packet's own length; may reach beyond what was captured."""


class _Nothing(NamedTuple):
    """No TCP header in this frame."""

    fragment: bool


_OTHER = _Nothing(False)
_FRAGMENT = _Nothing(True)


def unpack(frames: Frames) -> Unpacked | UnknownLink:
    """The segments of a batch that are no pure ACKs, in order, and what was counted beside."""
    link = frames.link
    if link == ETHERNET:
        return _unpack_common(frames, 0)
    if link == SLL:
        return _unpack_common(frames, 2)
    if link not in KNOWN:
        return UnknownLink(link)
    return _unpack_any(frames)


def _unpack_common(frames: Frames, shift: int) -> Unpacked:
    """For links whose EtherType stands `shift` bytes after Ethernet's place for it."""
    link, buffer, unpack_common = frames.link, frames.buffer, _COMMON
    new = tuple.__new__  # a named tuple without the Python code of its class: a third off
    # What `unpack` gives is said to be int, so that compiled code need not ask.
    kind: int
    total: int
    fragment: int
    seq: int
    ack: int
    bits: int
    flow: bytes
    found: list[Segment] = []
    n_acks = n_fragments = 0
    for span in frames.spans:
        at, start, end, _ = span
        head = start + shift
        if end - head >= _COMMON_BYTES:
            kind, total, fragment, flow, seq, ack, bits = unpack_common(buffer, head)
            if (
                kind & _TYPE_VERSION_IHL == _IPV4_IHL5
                and fragment & _MORE_OR_OFFSET_AND_PROTOCOL == TCP
            ):
                header_bytes = 20 + (bits >> 10 & 0x3C)
                n_payload = total - header_bytes
                if not n_payload and not bits & NOT_PURE:
                    n_acks += 1
                    continue
                if n_payload >= 0 and header_bytes >= 40:
                    payload = head + 14 + header_bytes
                    stop = payload + n_payload
                    if stop <= end:
                        piece = buffer[payload:stop]
                        data = piece if isinstance(piece, bytes) else bytes(piece)
                        found.append(new(Segment, (at, flow, seq, ack, bits & 0xFF, data, 0)))
                        continue
        got = _unpack_one(link, buffer, span)
        if isinstance(got, Segment):
            found.append(got)
        elif got is None:
            n_acks += 1
        elif got.fragment:
            n_fragments += 1
    return Unpacked(found, len(found) + n_acks, n_fragments)


def _unpack_any(frames: Frames) -> Unpacked:
    link, buffer = frames.link, frames.buffer
    found: list[Segment] = []
    n_acks = n_fragments = 0
    for span in frames.spans:
        got = _unpack_one(link, buffer, span)
        if isinstance(got, Segment):
            found.append(got)
        elif got is None:
            n_acks += 1
        elif got.fragment:
            n_fragments += 1
    return Unpacked(found, len(found) + n_acks, n_fragments)


def _unpack_one(link: int, buffer: Buffer, spanned: Spanned) -> Segment | _Nothing | None:
    """One frame, header by header. None: a pure ACK."""
    span = Span(*spanned)
    packet = _internet(link, buffer, span)
    if isinstance(packet, _Nothing):
        return packet
    _, _, end, _ = span
    start = packet.start
    if end - start < _TCP_HEAD_BYTES:
        return _OTHER
    ports, seq, ack, bits = _TCP_HEAD(buffer, start)
    header_bytes = bits >> 10 & 0x3C
    n_payload = packet.n_bytes - header_bytes
    if header_bytes < 20 or n_payload < 0:
        return _OTHER
    if not n_payload and not bits & NOT_PURE:
        return None
    payload = start + header_bytes
    data = bytes(buffer[payload : min(payload + n_payload, end)])
    flow = packet.addresses + ports
    return Segment(span.at, flow, seq, ack, bits & 0xFF, data, n_payload - len(data))


def _internet(link: int, buffer: Buffer, span: Span) -> _Packet | _Nothing:
    found = _network(link, buffer, span.start, span.end)
    if found is None:
        return _OTHER
    kind, start = found
    n_wire = max(span.wire_bytes, span.end - span.start) - (start - span.start)
    if kind == IPV4:
        return _ipv4(buffer, start, span.end, n_wire)
    return _ipv6(buffer, start, span.end, n_wire)


def _network(link: int, buffer: Buffer, start: int, end: int) -> tuple[int, int] | None:
    """EtherType and place of the internet packet, if there is one."""
    if link == ETHERNET:
        return _tagged(buffer, start + 12, start + 14, end)
    if link == SLL:
        return _tagged(buffer, start + 14, start + 16, end)
    if link == SLL2:
        return _tagged(buffer, start, start + 20, end)
    if end - start < 4:
        return None
    if link in RAW:
        version = buffer[start] >> 4
        return (IPV4, start) if version == 4 else (IPV6, start) if version == 6 else None
    # The family stands in the byte order of the machine that captured; its value is small.
    family = buffer[start] or buffer[start + 3]
    if family == AF_INET:
        return IPV4, start + 4
    return (IPV6, start + 4) if family in AF_INET6 else None


def _tagged(buffer: Buffer, kind_at: int, start: int, end: int) -> tuple[int, int] | None:
    """Follows VLAN tags: two bytes of tag, then the next EtherType."""
    for _ in range(MAX_HEADERS):
        if end < start or end < kind_at + 2:
            return None
        kind = _U16(buffer, kind_at)[0]
        if kind in (IPV4, IPV6):
            return kind, start
        if kind not in VLAN_TAGS:
            return None
        kind_at = start + 2
        start += 4
    return None


def _ipv4(buffer: Buffer, start: int, end: int, n_wire: int) -> _Packet | _Nothing:
    if end - start < 20:
        return _OTHER
    version_ihl, total, fragment, protocol, addresses = _IPV4_HEAD(buffer, start)
    header_bytes = (version_ihl & 0x0F) * 4
    if version_ihl >> 4 != 4 or header_bytes < 20 or protocol != TCP:
        return _OTHER
    if fragment & 0x1FFF:
        return _FRAGMENT
    return _Packet(addresses, start + header_bytes, (total or n_wire) - header_bytes)


def _ipv6(buffer: Buffer, start: int, end: int, n_wire: int) -> _Packet | _Nothing:
    if end - start < 40 or buffer[start] >> 4 != 6:
        return _OTHER
    n_payload, following, addresses = _IPV6_HEAD(buffer, start)
    payload = start + 40
    stop = payload + (n_payload or n_wire - 40)
    for _ in range(MAX_HEADERS):
        if following == TCP:
            return _Packet(addresses, payload, stop - payload)
        if end - payload < 8:
            return _OTHER
        if following in SKIPPED_HEADERS:
            n_header = (buffer[payload + 1] + 1) * 8  # RFC 8200 4.2
        elif following == AUTHENTICATION:
            n_header = (buffer[payload + 1] + 2) * 4  # RFC 4302 2.2
        elif following == FRAGMENT:
            if _U16(buffer, payload + 2)[0] & 0xFFF8:  # RFC 8200 4.5: offset
                return _FRAGMENT if buffer[payload] == TCP else _OTHER
            n_header = 8
        else:
            return _OTHER
        following = buffer[payload]
        payload += n_header
    return _OTHER
