"""Programs that name connections: their code, and what they write."""

import struct

import pytest

from gwtop.taps import tcpprog
from gwtop.taps.tracepages import Field, Format
from tests.taps._code import MAPS

PORTS = 99
FORM = Format(
    7,
    {
        "skaddr": Field(8, 8, False, False),
        "sport": Field(16, 2, False, False),
        "dport": Field(18, 2, False, False),
        "saddr_v6": Field(30, 16, False, True),
        "daddr_v6": Field(46, 16, False, True),
    },
)
MAPPED = bytes(10) + b"\xff\xff"


def instructions(code: bytes) -> list[tuple[int, int, int, int]]:
    return list(struct.iter_unpack("<BBhi", code))


def test_it_asks_for_the_port_first_and_reads_no_word_across_an_edge() -> None:
    lines = instructions(tcpprog.program(tcpprog.NAMED, FORM, PORTS, MAPS))
    maps = [value for code, registers, _, value in lines if code == 0x18 and registers >> 4 == 1]
    assert maps[0] == PORTS
    assert {MAPS.staging, MAPS.settings, MAPS.ring} <= set(maps)
    read = [(code, offset) for code, registers, offset, _ in lines if registers >> 4 == 6]
    sizes = {0x69: 2, 0x79: 8}
    assert all(offset % sizes[code] == 0 for code, offset in read if code in sizes)
    assert len(lines) < 200


def test_an_event_without_addresses_makes_no_program() -> None:
    with pytest.raises(KeyError):
        tcpprog.program(tcpprog.NAMED, Format(7, {"sport": FORM.fields["sport"]}), PORTS, MAPS)


@pytest.mark.parametrize(
    ("addresses", "told"),
    [
        pytest.param(
            (MAPPED + b"\x7f\0\0\1", MAPPED + b"\x7f\0\0\2"),
            ("127.0.0.1:9000", "127.0.0.2:50412"),
            id="IPv4, and IPv4 on a socket of both",
        ),
        pytest.param(
            (bytes(15) + b"\1", bytes(15) + b"\2"), ("[::1]:9000", "[::2]:50412"), id="IPv6"
        ),
    ],
)
def test_ends_are_told_as_packets_have_them(
    addresses: tuple[bytes, bytes], told: tuple[str, str]
) -> None:
    assert tcpprog.ends(struct.pack("=HH16s16s", 9000, 50412, *addresses)) == told


def test_of_changes_of_state_the_clients_close_is_told() -> None:
    form = Format(7, {**FORM.fields, "newstate": Field(20, 4, True, False)})
    lines = instructions(tcpprog.program(tcpprog.LEFT, form, PORTS, MAPS))
    asked = [value for code, _, _, value in lines if code == 0x55]
    assert tcpprog.TCP_CLOSE_WAIT in asked
