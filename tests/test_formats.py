"""One conversation in every clothing that a capture can have: the facts are the same.

In: committed captures of Ethernet, their frames put behind other link headers here, by
pcap-linktype(7). Out: a failure that names the capture and the clothing.
"""

import gzip
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests import _losses as losses
from tests._replay import CAPTURES, truth_of

NAMES = ("ajp/apache-flup", "fastcgi/nginx-uwsgi", "http/wsgiref", "scgi/apache-flup")
ETHERNET_BYTES = 14
SLL2 = struct.pack(">HHIHBB8s", 0x0800, 0, 1, 772, 0, 6, bytes(8))
IP4 = struct.pack("<I", 2)  # AF_INET in the order of the machine that captured: LINKTYPE_NULL
VLAN = bytes.fromhex("81000005")

Clothing = Callable[[bytes], bytes]
CLOTHINGS = [
    pytest.param(101, lambda data: data[ETHERNET_BYTES:], 1, id="raw IP"),
    pytest.param(228, lambda data: data[ETHERNET_BYTES:], 1, id="raw IPv4"),
    pytest.param(0, lambda data: IP4 + data[ETHERNET_BYTES:], 1, id="BSD loopback"),
    pytest.param(108, lambda data: IP4[::-1] + data[ETHERNET_BYTES:], 1, id="OpenBSD loopback"),
    pytest.param(1, lambda data: data[:12] + VLAN + data[12:], 1, id="VLAN"),
    pytest.param(1, lambda data: data[:12] + VLAN * 2 + data[12:], 1, id="two VLAN tags"),
    pytest.param(276, lambda data: SLL2 + data[ETHERNET_BYTES:], 2, id="SLL2, each packet twice"),
    pytest.param(1, lambda data: data, 2, id="each frame twice"),
]


def dressed(name: str, link: int, clothe: Clothing, times: int) -> bytes:
    header, packets = losses.parse((CAPTURES / f"{name}.pcap").read_bytes())
    told = []
    for packet in packets:
        data = clothe(packet.data)
        wire_bytes = packet.wire_bytes + len(data) - len(packet.data)
        told += [replace(packet, data=data, wire_bytes=wire_bytes)] * times
    return losses.build(header[:20] + struct.pack("<I", link), told)


def port_of(name: str) -> int:
    assert truth_of(name)
    _, packets = losses.parse((CAPTURES / f"{name}.pcap").read_bytes())
    first = next(packet for packet in packets if packet.flags & losses.SYN)
    return int.from_bytes(first.flow[1][4:], "big")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("link", "clothe", "times"), CLOTHINGS)
@pytest.mark.parametrize("zipped", [False, True])
def test_clothing_changes_no_fact(
    name: str, link: int, clothe: Clothing, times: int, zipped: bool, tmp_path: Path
) -> None:
    pcap, port = dressed(name, link, clothe, times), port_of(name)
    whole = losses.facts_of((CAPTURES / f"{name}.pcap").read_bytes(), tmp_path, port)
    facts = losses.facts_of(gzip.compress(pcap) if zipped else pcap, tmp_path, port)
    assert losses.by_key(facts)
    assert losses.same(whole, facts) == []
    assert facts[-1]["missed"]["bytes"] == 0
