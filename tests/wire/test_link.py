"""Frames to segments. Every frame is scapy's; only truncation and spans are ours."""

import sys

import pytest
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP, fragment
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
    PadN,
)
from scapy.layers.ipsec import AH
from scapy.layers.l2 import ARP, CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.packet import Packet, Raw

from gwtop.nouns.records import Frames, Span
from gwtop.nouns.wire import Segment
from gwtop.wire.link import UnknownLink, Unpacked, unpack

FLOW4 = bytes([10, 0, 0, 1, 10, 0, 0, 2]) + (40000).to_bytes(2, "big") + (9000).to_bytes(2, "big")
FLOW6 = bytes(15) + b"\x01" + bytes(15) + b"\x02" + FLOW4[-4:]
V4 = IP(src="10.0.0.1", dst="10.0.0.2")
V6 = IPv6(src="::1", dst="::2")
HELLO = b"hello"


ETHERNET = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
"""With addresses, or scapy asks the network for them."""


def ethernet(kind: int) -> Packet:
    head = ETHERNET.copy()
    head.type = kind
    return head


def tcp(flags: str = "PA", **fields: object) -> Packet:
    return TCP(sport=40000, dport=9000, seq=1234, ack=5678, flags=flags, **fields)


def batch(link: int, *packets: Packet | bytes) -> Frames:
    return Frames.of("test", link, [(7 + n, bytes(packet)) for n, packet in enumerate(packets)])


def unpacked(link: int, *packets: Packet | bytes) -> Unpacked:
    got = unpack(batch(link, *packets))
    assert isinstance(got, Unpacked)
    return got


def segments(frames: Frames) -> list[Segment]:
    got = unpack(frames)
    return got.segments if isinstance(got, Unpacked) else []


def expected(flow: bytes = FLOW4, data: bytes = HELLO, flags: int = 0x18) -> Segment:
    return Segment(7, flow, 1234, 5678, flags, data, 0)


HEADS = [
    pytest.param(1, ETHERNET, id="ethernet"),
    pytest.param(1, ETHERNET / Dot1Q(vlan=5), id="802.1Q"),
    pytest.param(1, ETHERNET / Dot1AD(vlan=5) / Dot1Q(vlan=6), id="802.1ad"),
    pytest.param(1, ETHERNET / Dot1Q(vlan=1) / Dot1Q(vlan=2) / Dot1Q(vlan=3), id="three tags"),
    pytest.param(113, CookedLinux(), id="sll"),
    pytest.param(113, CookedLinux() / Dot1Q(vlan=5), id="sll with a tag"),
    pytest.param(276, CookedLinuxV2(), id="sll2"),
    *(pytest.param(link, None, id=f"raw {link}") for link in (101, 12, 14)),
]
FAMILIES = [2, 24, 28, 30, 10]


@pytest.mark.parametrize(("link", "head"), HEADS)
def test_ipv4_is_found_behind_every_link_header(link: int, head: Packet | None) -> None:
    packet = V4 / tcp() / Raw(HELLO)
    assert unpacked(link, head / packet if head else packet).segments == [expected()]


@pytest.mark.parametrize(("link", "head"), HEADS)
def test_ipv6_is_found_behind_every_link_header(link: int, head: Packet | None) -> None:
    packet = V6 / tcp() / Raw(HELLO)
    assert unpacked(link, head / packet if head else packet).segments == [expected(FLOW6)]


def test_links_of_one_internet_version_are_raw() -> None:
    assert segments(batch(228, V4 / tcp() / Raw(HELLO))) == [expected()]
    assert segments(batch(229, V6 / tcp() / Raw(HELLO))) == [expected(FLOW6)]


@pytest.mark.parametrize("link", [0, 108])
@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("family", FAMILIES)
def test_bsd_loopback_is_read_in_both_byte_orders(link: int, order: str, family: int) -> None:
    packet, flow = (V4, FLOW4) if family == 2 else (V6, FLOW6)
    head = bytes(Loopback(type=family))[:4]  # scapy has it in our own byte order
    assert int.from_bytes(head, sys.byteorder) == family
    head = head if order == sys.byteorder else head[::-1]
    got = unpacked(link, head + bytes(packet / tcp() / Raw(HELLO)))
    assert got.segments == [expected(flow)]


def test_ip_options_and_tcp_options_move_the_payload() -> None:
    options = [("MSS", 1460), ("NOP", None), ("Timestamp", (1, 2))]
    head = IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_NOP()] * 4)
    packet = ETHERNET / head / tcp(options=options) / Raw(HELLO)
    assert unpacked(1, packet).segments == [expected()]


def test_every_flag_of_the_low_byte_is_kept() -> None:
    got = unpacked(
        1, *(ETHERNET / V4 / tcp(flags) for flags in ("S", "SA", "FA", "R", "RA", "PUA"))
    )
    assert [segment.flags for segment in got.segments] == [2, 18, 17, 4, 20]
    assert got.n_tcp == 6


@pytest.mark.parametrize("head", [ETHERNET / V4, ETHERNET / V6, ETHERNET / Dot1Q() / V4])
def test_a_pure_ack_is_counted_and_no_segment(head: Packet) -> None:
    packet = head / tcp("A", options=[("Timestamp", (1, 2))])
    assert unpacked(1, packet, packet) == Unpacked([], 2, 0)


def test_ethernet_padding_is_no_payload() -> None:
    ack = bytes(ETHERNET / V4 / tcp("A")).ljust(60, b"\0")
    data = bytes(ETHERNET / V4 / tcp() / Raw(b"x")).ljust(60, b"\0")
    odd = bytes(ETHERNET / V6 / tcp() / Raw(b"x")).ljust(90, b"\0")
    got = unpacked(1, ack, data, odd)
    assert [segment.data for segment in got.segments] == [b"x", b"x"]
    assert got.n_tcp == 3


@pytest.mark.parametrize("head", [ETHERNET / V4, ETHERNET / V6, ETHERNET / Dot1Q() / V4])
def test_snaplen_cuts_are_told_to_the_byte(head: Packet) -> None:
    whole = bytes(head / tcp() / Raw(bytes(range(200))))
    n_headers = len(whole) - 200
    for n_captured in range(n_headers - 6, len(whole) + 1):
        spans = [Span(7, 0, n_captured, len(whole))]
        [segment] = segments(Frames("test", 1, whole[:n_captured], spans))
        n_data = max(0, n_captured - n_headers)
        assert segment.data == bytes(range(200))[:n_data]
        assert segment.cut_bytes == 200 - n_data


def test_a_frame_cut_before_the_flags_is_passed_over() -> None:
    whole = bytes(ETHERNET / V4 / tcp() / Raw(HELLO))
    for n_captured in range(14 + 20 + 14):
        frames = Frames("test", 1, whole[:n_captured], [Span(7, 0, n_captured, len(whole))])
        assert unpack(frames) == Unpacked([], 0, 0)


def test_a_neighbour_in_the_buffer_is_never_read() -> None:
    whole = bytes(ETHERNET / V4 / tcp() / Raw(HELLO))
    spans = [Span(7, 0, 40, 40), Span(8, 40, 40 + len(whole), len(whole))]
    got = segments(Frames("test", 1, memoryview(whole[:40] + whole), spans))
    assert [segment.at for segment in got] == [8]


def test_a_length_of_zero_is_offload_and_the_frame_decides() -> None:
    frame = bytearray(bytes(ETHERNET / V4 / tcp() / Raw(HELLO)))
    frame[16:18] = b"\0\0"
    jumbo = bytearray(bytes(ETHERNET / V6 / tcp() / Raw(HELLO)))
    jumbo[18:20] = b"\0\0"
    got = unpacked(1, bytes(frame), bytes(jumbo))
    assert [segment.data for segment in got.segments] == [HELLO, HELLO]
    [cut] = segments(Frames("test", 1, bytes(frame), [Span(7, 0, len(frame), len(frame) + 90)]))
    assert cut == expected()._replace(cut_bytes=90)


def test_of_a_fragmented_ipv4_packet_the_first_fragment_counts() -> None:
    payload = bytes(range(256)) * 4
    parts = [ETHERNET / part for part in fragment(V4 / tcp() / Raw(payload), fragsize=400)]
    assert len(parts) > 2
    got = unpacked(1, *parts)
    assert [segment.data for segment in got.segments] == [payload[: 400 - 20]]
    assert (got.n_tcp, got.n_fragments) == (1, len(parts) - 1)


def test_of_a_fragmented_ipv6_packet_the_first_fragment_counts() -> None:
    first = V6 / IPv6ExtHdrFragment(m=1, offset=0, nh=6) / tcp() / Raw(HELLO)
    second = V6 / IPv6ExtHdrFragment(m=0, offset=10, nh=6) / Raw(b"rest")
    other = V6 / IPv6ExtHdrFragment(m=0, offset=10, nh=17) / Raw(b"rest of a datagram")
    assert unpacked(1, ETHERNET / first, ETHERNET / second, ETHERNET / other) == Unpacked(
        [expected(FLOW6)], 1, 1
    )


EXTENSIONS = [
    pytest.param(IPv6ExtHdrHopByHop(options=[PadN(optdata=bytes(4))]), id="hop-by-hop"),
    pytest.param(IPv6ExtHdrRouting(addresses=["::3"], segleft=0), id="routing"),
    pytest.param(IPv6ExtHdrFragment(m=0, offset=0), id="atomic fragment"),
    pytest.param(IPv6ExtHdrDestOpt(options=[PadN(optdata=bytes(12))]), id="destination"),
    pytest.param(AH(spi=1, icv=bytes(12), nh=6, payloadlen=4), id="authentication"),
    pytest.param(IPv6ExtHdrHopByHop() / IPv6ExtHdrDestOpt() / IPv6ExtHdrRouting(), id="three"),
]


@pytest.mark.parametrize("headers", EXTENSIONS)
def test_ipv6_extension_headers_are_walked(headers: Packet) -> None:
    frame = bytes(ETHERNET / V6 / headers / tcp() / Raw(HELLO))
    assert unpacked(1, frame).segments == [expected(FLOW6)]


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(ETHERNET / ARP(), id="arp"),
        pytest.param(ETHERNET / V4 / UDP(dport=9000) / Raw(bytes(60)), id="udp"),
        pytest.param(ETHERNET / V6 / UDP(dport=9000) / Raw(bytes(60)), id="udp6"),
        pytest.param(ethernet(0x88CC) / Raw(bytes(60)), id="lldp"),
    ],
)
def test_what_is_no_tcp_is_passed_over(packet: Packet) -> None:
    assert unpacked(1, packet) == Unpacked([], 0, 0)


def test_impossible_lengths_are_passed_over() -> None:
    small_offset = ETHERNET / V4 / tcp(dataofs=4) / Raw(HELLO)
    short_total = bytearray(bytes(ETHERNET / V4 / tcp() / Raw(HELLO)))
    short_total[16:18] = (30).to_bytes(2, "big")
    assert unpacked(1, small_offset, bytes(short_total)) == Unpacked([], 0, 0)


def test_endless_tags_and_headers_end() -> None:
    tags = bytes(ETHERNET)[:12] + b"\x81\x00\x00\x05" * 400
    headers = bytes(V6)[:6] + b"\0" + bytes(V6)[7:] + bytes(8) * 400
    assert unpacked(1, tags, bytes(ethernet(0x86DD)) + headers) == Unpacked([], 0, 0)


def test_an_unknown_link_type_is_told_as_such() -> None:
    frames = batch(127, b"radiotap")
    assert unpack(frames) == UnknownLink(127)


@pytest.mark.parametrize("link", [0, 1, 101, 108, 113, 276])
def test_no_truncation_and_no_noise_raises(link: int) -> None:
    wholes = [
        bytes(head / V6 / IPv6ExtHdrHopByHop() / tcp()) for head in (ethernet(0x86DD), Loopback())
    ]
    wholes += [b"\xff" * 90, bytes(90), b"\x45" * 90, b"\x60" * 90, b"\x81\x00" * 45]
    for whole in wholes:
        for n in range(len(whole)):
            assert isinstance(unpack(batch(link, whole[:n])), Unpacked)
