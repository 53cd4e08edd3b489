"""The kernel's packet filter for a set of ports, assembled by hand.

In: listener ports, perhaps one server address, where the network header begins. Out: a classic
BPF program (linux/filter.h) as bytes for SO_ATTACH_FILTER. It refuses to know fragments after
the first and IPv6 extension headers: what carries them is not seen by the ring.

Why by hand: libpcap would be a dependency and a compiler for one fixed question. Why drop pure
ACKs here: they are half of all frames of a gateway and prove nothing that the next data or FIN
segment's ACK does not prove. A frame is one when it has neither SYN nor FIN nor RST and the IP
length leaves no payload; a length of 0 (BIG TCP) leaves a negative payload and passes.

Conditional jumps reach 255 instructions (8 bits), so every far target is reached by JA, whose
offset has 32 bits: each test is a jump over a jump. That costs one instruction a port and no limit.
"""

import struct
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import NamedTuple

# linux/bpf_common.h and linux/filter.h: class | size | mode, class | operation | source
LD_W_ABS, LD_H_ABS, LD_B_ABS = 0x20, 0x28, 0x30
LD_H_IND, LD_B_IND, LD_MEM = 0x48, 0x50, 0x60
LDX_IMM, LDX_MEM, LDX_MSH = 0x01, 0x61, 0xB1
ST, ADD_K, ADD_X, SUB_X, AND_K, RSH_K = 0x02, 0x04, 0x0C, 0x1C, 0x54, 0x74
JA, JEQ_K, JSET_K, RET_K = 0x05, 0x15, 0x45, 0x06
SKF_AD_PROTOCOL = 0xFFFFF000  # linux/filter.h: SKF_AD_OFF (-0x1000) + 0, the frame's ethertype

ETH_P_IP, ETH_P_IPV6 = 0x0800, 0x86DD  # linux/if_ether.h
IPPROTO_TCP = 6  # RFC 9293 3.1 / IANA protocol numbers
FIN_SYN_RST = 0x07  # RFC 9293 3.1, control bits
IPV6_HEADER_BYTES = 40  # RFC 8200 3
WHOLE_FRAME = 0x40000  # libpcap's MAXIMUM_SNAPLEN; frames on lo reach 65,550 bytes
MAX_PORTS = 1_000
"""Four instructions a port and about forty around them; the kernel takes 4,096 (BPF_MAXINSNS)."""

ETHERNET_BYTES = 14  # linux/if_ether.h ETH_HLEN


class Instruction(NamedTuple):
    """struct sock_filter; `label` instead of `k` until it is resolved."""

    code: int
    jt: int = 0
    jf: int = 0
    k: int = 0
    label: str = ""


Line = Instruction | str
"""An instruction, or the name of the place before the next one."""


def _to_unless(label: str, code: int, k: int) -> Iterator[Line]:
    yield Instruction(code, 1, 0, k)
    yield Instruction(JA, label=label)


def _to_when(label: str, code: int, k: int) -> Iterator[Line]:
    yield Instruction(code, 0, 1, k)
    yield Instruction(JA, label=label)


def _ipv4(net: int) -> Iterator[Line]:
    """Total length to M[0], header length to X."""
    yield "ipv4"
    yield Instruction(LD_B_ABS, k=net + 9)
    yield from _to_unless("drop", JEQ_K, IPPROTO_TCP)
    yield Instruction(LD_H_ABS, k=net + 6)
    yield from _to_when("drop", JSET_K, 0x1FFF)  # RFC 791 3.1: fragment offset
    yield Instruction(LD_H_ABS, k=net + 2)
    yield Instruction(ST, k=0)
    yield Instruction(LDX_MSH, k=net)
    yield Instruction(JA, label="tcp")


def _ipv6(net: int) -> Iterator[Line]:
    yield "ipv6"
    yield Instruction(LD_B_ABS, k=net + 6)
    yield from _to_unless("drop", JEQ_K, IPPROTO_TCP)
    yield Instruction(LD_H_ABS, k=net + 4)
    yield Instruction(ADD_K, k=IPV6_HEADER_BYTES)
    yield Instruction(ST, k=0)
    yield Instruction(LDX_IMM, k=IPV6_HEADER_BYTES)


def _end(
    at: int, words: Sequence[int], port_at: int, ports: Sequence[int], other: str
) -> Iterator[Line]:
    """One end of the connection is the listener's: its address (if asked) and one of its ports."""
    for i, word in enumerate(words):
        yield Instruction(LD_W_ABS, k=at + 4 * i)
        yield from _to_unless(other, JEQ_K, word)
    yield Instruction(LD_H_IND, k=port_at)
    for port in ports:
        yield from _to_when("wanted", JEQ_K, port)
    yield Instruction(JA, label=other)


def _unless_pure_ack(net: int) -> Iterator[Line]:
    yield "wanted"
    yield Instruction(LD_B_IND, k=net + 13)
    yield from _to_when("keep", JSET_K, FIN_SYN_RST)
    yield Instruction(LD_B_IND, k=net + 12)
    yield Instruction(AND_K, k=0xF0)
    yield Instruction(RSH_K, k=2)  # RFC 9293 3.1: data offset, upper four bits, in 32-bit words
    yield Instruction(ADD_X)
    yield Instruction(ST, k=1)
    yield Instruction(LDX_MEM, k=1)
    yield Instruction(LD_MEM, k=0)
    yield Instruction(SUB_X)
    yield from _to_when("drop", JEQ_K, 0)
    yield "keep"
    yield Instruction(RET_K, k=WHOLE_FRAME)
    yield "drop"
    yield Instruction(RET_K, k=0)


def _words(address: IPv4Address | IPv6Address | None) -> list[int]:
    if address is None or address.is_unspecified:
        return []
    return list(struct.unpack(f">{len(address.packed) // 4}I", address.packed))


def _resolve(lines: Sequence[Line]) -> list[Instruction]:
    places: dict[str, int] = {}
    code: list[Instruction] = []
    for line in lines:
        if isinstance(line, str):
            places[line] = len(code)
        else:
            code.append(line)
    return [
        Instruction(i.code, i.jt, i.jf, places[i.label] - at - 1 if i.label else i.k)
        for at, i in enumerate(code)
    ]


def port_filter(
    ports: Sequence[int], host: str | None = None, net: int = ETHERNET_BYTES
) -> list[Instruction]:
    """Passes TCP to and from these ports, pure ACKs left out; no port passes nothing.

    `net` is where the network header begins: 14, or 0 on links without a header. Raises
    ValueError for a host that is no address, and for more than MAX_PORTS ports.
    """
    if len(ports) > MAX_PORTS:
        raise ValueError(f"{len(ports)} ports are more than {MAX_PORTS}")
    address = ip_address(host) if host else None
    words = _words(address)
    if len(words) == 1:
        families, source, target = {"ipv4": ETH_P_IP}, net + 12, net + 16
    elif words:
        families, source, target = {"ipv6": ETH_P_IPV6}, net + 8, net + 24
    else:
        families, source, target = {"ipv4": ETH_P_IP, "ipv6": ETH_P_IPV6}, 0, 0
    lines: list[Line] = [
        Instruction(LD_H_ABS, k=12) if net else Instruction(LD_W_ABS, k=SKF_AD_PROTOCOL)
    ]
    for family, ethertype in families.items():
        lines += _to_when(family, JEQ_K, ethertype)
    lines += [Instruction(JA, label="drop"), *_ipv4(net), *_ipv6(net), "tcp"]
    lines += _end(source, words, net, ports, "to_listener")
    lines += ["to_listener", *_end(target, words, net + 2, ports, "drop")]
    lines += _unless_pure_ack(net)
    return _resolve(lines)


def drop_all() -> list[Instruction]:
    return [Instruction(RET_K, k=0)]


def pack(program: Sequence[Instruction]) -> bytes:
    """An array of struct sock_filter: u16 code, u8 jt, u8 jf, u32 k (linux/filter.h)."""
    return b"".join(struct.pack("=HBBI", i.code, i.jt, i.jf, i.k) for i in program)
