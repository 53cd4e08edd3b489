"""The kernel's filter, run by a small interpreter over frames that scapy built.

In: programs of `port_filter`, frames. Out: which frames pass. The interpreter knows the twenty
instructions of linux/filter.h that we use, and is stricter than the kernel: an unknown one fails.
"""

import struct

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet, Raw

from gwtop.taps import bpf
from gwtop.taps.bpf import Instruction


def run(program: list[Instruction], frame: bytes, protocol: int = 0) -> int:
    """How many bytes of the frame the program lets through; 0 for a load outside the frame."""
    a = x = pc = 0
    memory = [0] * 16
    while True:
        code, jt, jf, k, _ = program[pc]
        pc += 1
        try:
            match code:
                case bpf.LD_W_ABS if k == bpf.SKF_AD_PROTOCOL:
                    a = protocol
                case bpf.LD_W_ABS:
                    a = struct.unpack_from(">I", frame, k)[0]
                case bpf.LD_H_ABS:
                    a = struct.unpack_from(">H", frame, k)[0]
                case bpf.LD_B_ABS:
                    a = frame[k]
                case bpf.LD_H_IND:
                    a = struct.unpack_from(">H", frame, x + k)[0]
                case bpf.LD_B_IND:
                    a = frame[x + k]
                case bpf.LD_MEM:
                    a = memory[k]
                case bpf.LDX_MEM:
                    x = memory[k]
                case bpf.LDX_IMM:
                    x = k
                case bpf.LDX_MSH:
                    x = 4 * (frame[k] & 0xF)
                case bpf.ST:
                    memory[k] = a
                case bpf.ADD_K:
                    a = (a + k) % 2**32
                case bpf.ADD_X:
                    a = (a + x) % 2**32
                case bpf.SUB_X:
                    a = (a - x) % 2**32
                case bpf.AND_K:
                    a &= k
                case bpf.RSH_K:
                    a >>= k
                case bpf.JA:
                    pc += k
                case bpf.JEQ_K:
                    pc += jt if a == k else jf
                case bpf.JSET_K:
                    pc += jt if a & k else jf
                case bpf.RET_K:
                    return k
                case _:
                    pytest.fail(f"unknown instruction {code:#x}")
        except (IndexError, struct.error):
            return 0


ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
"""Both named: scapy asks the real network for a neighbour that it has to find, a second each."""


def segment(source: int, target: int, flags: str = "PA", body: bytes = b"x", **tcp: object) -> TCP:
    packet = TCP(sport=source, dport=target, flags=flags, **tcp)
    return packet / Raw(body) if body else packet


def framed(payload: Packet, **ip: object) -> bytes:
    return bytes(ETHER / IP(src="10.0.0.1", dst="10.0.0.2", **ip) / payload)


def framed6(payload: Packet) -> bytes:
    return bytes(ETHER / IPv6(src="fd00::1", dst="fd00::2") / payload)


def passes(program: list[Instruction], frame: bytes) -> bool:
    kept = run(program, frame)
    assert kept in (0, bpf.WHOLE_FRAME)
    return kept > 0


ON_9000 = bpf.port_filter([9000])
TIMESTAMPS = [("Timestamp", (1, 2))]


@pytest.mark.parametrize("frame_of", [framed, framed6])
@pytest.mark.parametrize(
    ("payload", "wanted"),
    [
        pytest.param(segment(50000, 9000), True, id="to the port"),
        pytest.param(segment(9000, 50000), True, id="from the port"),
        pytest.param(segment(50000, 9001), False, id="another port"),
        pytest.param(segment(50000, 9000, "S", b""), True, id="SYN"),
        pytest.param(segment(9000, 50000, "SA", b""), True, id="SYN ACK"),
        pytest.param(segment(9000, 50000, "FA", b""), True, id="FIN"),
        pytest.param(segment(9000, 50000, "R", b""), True, id="RST"),
        pytest.param(segment(50000, 9000, "A", b""), False, id="pure ACK"),
        pytest.param(segment(50000, 9000, "A", b"", options=TIMESTAMPS), False, id="ACK, options"),
        pytest.param(segment(50000, 9000, "A", b"y", options=TIMESTAMPS), True, id="ACK with data"),
        pytest.param(UDP(sport=50000, dport=9000) / Raw(b"x"), False, id="UDP"),
    ],
)
def test_only_what_says_something_about_the_port_passes(frame_of, payload, wanted) -> None:
    assert passes(ON_9000, frame_of(payload)) == wanted


def test_ip_options_move_the_ports() -> None:
    option = b"\x01\x01\x01\x00"  # RFC 791 3.1: no operation three times, end of list
    assert passes(ON_9000, framed(segment(50000, 9000), options=[Raw(option)]))
    assert not passes(ON_9000, framed(segment(50000, 9000, "A", b""), options=[Raw(option)]))


def test_later_fragments_and_other_ethertypes_are_dropped() -> None:
    assert not passes(ON_9000, framed(segment(50000, 9000), frag=10))
    assert not passes(ON_9000, bytes(ETHER / ARP()))


def test_a_length_of_zero_is_a_big_packet_and_passes() -> None:
    frame = bytearray(framed(segment(50000, 9000, "A", b"z" * 100)))
    frame[16:18] = b"\0\0"  # IPv4 BIG TCP: total length 0
    assert passes(ON_9000, bytes(frame))


def test_ethernet_padding_after_an_ack_is_no_payload() -> None:
    frame = framed(segment(50000, 9000, "A", b"")).ljust(60, b"\0")
    assert not passes(ON_9000, frame)


@pytest.mark.parametrize("port", [1, 300, 600, 999])
def test_a_thousand_ports_are_all_heard(port: int) -> None:
    program = bpf.port_filter(range(1, bpf.MAX_PORTS + 1))
    assert len(program) <= 4096  # linux/bpf_common.h BPF_MAXINSNS
    assert passes(program, framed(segment(50000, port)))
    assert passes(program, framed6(segment(port, 50000)))
    assert not passes(program, framed(segment(50000, 1001)))


def test_more_ports_than_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="1001 ports"):
        bpf.port_filter(range(1, bpf.MAX_PORTS + 2))


@pytest.mark.parametrize(
    ("host", "frame", "wanted"),
    [
        pytest.param("10.0.0.2", framed(segment(50000, 9000)), True, id="to the host"),
        pytest.param("10.0.0.1", framed(segment(9000, 50000)), True, id="from the host"),
        pytest.param("10.0.0.1", framed(segment(50000, 9000)), False, id="host is the client"),
        pytest.param("10.0.0.2", framed6(segment(50000, 9000)), False, id="other family"),
        pytest.param("fd00::2", framed6(segment(50000, 9000)), True, id="to the IPv6 host"),
        pytest.param("fd00::1", framed6(segment(9000, 50000)), True, id="from the IPv6 host"),
        pytest.param("fd00::1", framed6(segment(50000, 9000)), False, id="IPv6 client"),
        pytest.param("0.0.0.0", framed6(segment(50000, 9000)), True, id="any is any"),
    ],
)
def test_a_host_is_the_listeners_end_of_the_connection(host, frame, wanted) -> None:
    assert passes(bpf.port_filter([9000], host), frame) == wanted


def test_on_a_link_without_header_the_kernel_names_the_family() -> None:
    program = bpf.port_filter([9000], net=0)
    packet = bytes(IP() / segment(50000, 9000))
    assert run(program, packet, protocol=bpf.ETH_P_IP) == bpf.WHOLE_FRAME
    assert run(program, bytes(IPv6() / segment(50000, 9000)), protocol=bpf.ETH_P_IPV6)
    assert run(program, packet, protocol=0x0806) == 0


def test_no_port_and_drop_all_pass_nothing() -> None:
    frame = framed(segment(50000, 9000))
    assert not passes(bpf.port_filter([]), frame)
    assert not passes(bpf.drop_all(), frame)


def test_an_instruction_is_eight_bytes_as_the_kernel_lays_them() -> None:
    assert bpf.pack([Instruction(0x15, 1, 2, 0x01020304)]) == struct.pack(
        "=HBBI", 0x15, 1, 2, 0x01020304
    )
