"""pcapng: files by scapy, and block by block by hand where scapy cannot write them."""

import struct
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.layers.l2 import Ether
from scapy.packet import Raw
from scapy.utils import PcapNgWriter

from gwtop.errors import GwtopError
from gwtop.nouns.records import Frames, Missed, Observed, Record
from gwtop.taps.pcapng import LAST_AT, PcapngParser

AT_US = 1_700_000_000_123_456


class Blocks:
    """Blocks of draft-ietf-opsawg-pcapng in one byte order."""

    def __init__(self, order: str = "<") -> None:
        self.order = order

    def pack(self, form: str, *values: int) -> bytes:
        return struct.pack(self.order + form, *values)

    def block(self, kind: int, body: bytes) -> bytes:
        body += bytes(-len(body) % 4)
        length = len(body) + 12
        return self.pack("II", kind, length) + body + self.pack("I", length)

    def section(self) -> bytes:
        return self.block(0x0A0D0D0A, self.pack("IHHq", 0x1A2B3C4D, 1, 0, -1))

    def option(self, code: int, value: bytes) -> bytes:
        return self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4)

    def interface(self, link: int = 1, snaplen: int = 0, *options: bytes) -> bytes:
        return self.block(1, self.pack("HHI", link, 0, snaplen) + b"".join(options))

    def enhanced(self, ticks: int, data: bytes, index: int = 0, more: int = 0) -> bytes:
        head = self.pack(
            "IIIII", index, ticks >> 32, ticks & 0xFFFFFFFF, len(data), len(data) + more
        )
        return self.block(6, head + data + bytes(-len(data) % 4) + self.option(1, b"comment"))

    def simple(self, data: bytes, n_wire: int) -> bytes:
        return self.block(3, self.pack("I", n_wire) + data)

    def obsolete(self, ticks: int, data: bytes, n_dropped: int) -> bytes:
        head = self.pack("HHII", 0, n_dropped, ticks >> 32, ticks & 0xFFFFFFFF)
        return self.block(2, head + self.pack("II", len(data), len(data)) + data)

    def statistics(self, n_interface: int, n_system: int) -> bytes:
        options = self.option(5, self.pack("Q", n_interface)) + self.option(
            7, self.pack("Q", n_system)
        )
        return self.block(5, self.pack("III", 0, 0, 0) + options + self.option(0, b""))


def read(data: bytes) -> list[Record]:
    parser = PcapngParser()
    return parser.feed(data) + parser.finish()


def frames_of(records: list[Record]) -> list[tuple[int, int, bytes, int]]:
    """Link, instant, bytes and length on the wire of every frame."""
    return [
        (batch.link, at, bytes(batch.buffer[start:end]), wire_bytes)
        for batch in records
        if isinstance(batch, Frames)
        for at, start, end, wire_bytes in batch.spans
    ]


def notes_of(records: list[Record]) -> list[str]:
    return [one.code for one in records if isinstance(one, Observed)]


def test_what_scapy_writes_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scapy.pcapng"
    writer = PcapNgWriter(str(path))
    packets = [Ether(src="02::1", dst="02::2") / Raw(bytes([n]) * n) for n in (1, 7, 60)]
    for n, packet in enumerate(packets):
        packet.time = 1_700_000_000 + n
        packet.comments = [b"a comment"]
        writer.write(packet)
    writer.close()
    got = frames_of(read(path.read_bytes()))
    assert [(link, data) for link, _, data, _ in got] == [(1, bytes(packet)) for packet in packets]
    assert [at for _, at, _, _ in got] == [(1_700_000_000 + n) * 10**9 for n in range(3)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_kind_of_packet_block_is_read_in_both_byte_orders(order: str) -> None:
    of = Blocks(order)
    data = of.section() + of.interface(113) + of.enhanced(AT_US, b"one", more=4)
    data += of.simple(b"two", 3) + of.obsolete(AT_US + 5, b"three", 0xFFFF)
    at = AT_US * 1000
    assert read(data) == read(data)
    assert frames_of(read(data)) == [
        (113, at, b"one", 7),
        (113, at, b"two", 3),
        (113, at + 5000, b"three", 5),
    ]


def test_a_simple_block_ends_at_the_interface_s_snaplen_and_at_the_packet_s_end() -> None:
    of = Blocks()
    data = of.section() + of.interface(1, 6) + of.simple(b"123456", 40) + of.simple(b"123", 3)
    assert frames_of(read(data)) == [(1, 0, b"123456", 40), (1, 0, b"123", 3)]


@pytest.mark.parametrize(
    ("resolution", "ticks", "at"),
    [
        pytest.param(0, 17, 17 * 10**9, id="seconds"),
        pytest.param(3, 17, 17 * 10**6, id="milliseconds"),
        pytest.param(6, AT_US, AT_US * 1000, id="microseconds"),
        pytest.param(9, AT_US, AT_US, id="nanoseconds"),
        pytest.param(12, AT_US * 1000 + 999, AT_US, id="picoseconds"),
        pytest.param(0x80 | 1, 3, 1_500_000_000, id="halves"),
        pytest.param(0x80 | 30, 5 << 29, 2_500_000_000, id="2**-30"),
        pytest.param(0x80 | 127, 1 << 63, 0, id="the finest"),
    ],
)
def test_stamps_are_exact_in_every_resolution(resolution: int, ticks: int, at: int) -> None:
    of = Blocks()
    unit = of.option(9, bytes([resolution]))
    data = of.section() + of.interface(1, 0, unit) + of.enhanced(ticks, b"x")
    assert frames_of(read(data))[0][1] == at


def test_an_interface_s_time_offset_is_added() -> None:
    for order in ("<", ">"):
        of = Blocks(order)
        offset = of.option(14, of.pack("q", -100))
        data = of.section() + of.interface(1, 0, of.option(2, b"lo"), offset)
        assert frames_of(read(data + of.enhanced(AT_US, b"x")))[0][1] == AT_US * 1000 - 100 * 10**9


def test_impossible_stamps_stay_within_the_years_that_have_a_text() -> None:
    of = Blocks()
    early = of.interface(1, 0, of.option(14, of.pack("q", -(1 << 40))))
    data = of.section() + of.interface() + early
    data += of.enhanced(0xFFFFFFFFFFFFFFFF, b"x") + of.enhanced(1, b"x", index=1)
    data += of.obsolete(0xFFFFFFFFFFFFFFFF, b"x", 0)
    assert [at for _, at, _, _ in frames_of(read(data))] == [LAST_AT, 0, LAST_AT]


def test_interfaces_sections_and_byte_orders_may_change_in_one_file() -> None:
    little, big = Blocks("<"), Blocks(">")
    unit = little.option(9, b"\x09")
    data = little.section() + little.interface(1) + little.interface(276, 0, unit)
    data += little.enhanced(1, b"a") + little.enhanced(2, b"b", index=1) + little.enhanced(3, b"c")
    data += big.section() + big.interface(101) + big.enhanced(4, b"d")
    assert frames_of(read(data)) == [
        (1, 1000, b"a", 1),
        (276, 2, b"b", 1),
        (1, 3000, b"c", 1),
        (101, 4000, b"d", 1),
    ]


def test_interfaces_of_one_link_type_share_batches() -> None:
    of = Blocks()
    data = of.section() + of.interface() + of.interface()
    data += b"".join(of.enhanced(n, b"x", index=n % 2) for n in range(10))
    assert len([one for one in read(data) if isinstance(one, Frames)]) == 1


def test_unknown_blocks_are_passed_over() -> None:
    of = Blocks()
    name, secrets, custom = of.block(4, bytes(30)), of.block(10, b"keys"), of.block(0xBAD, bytes(9))
    data = of.section() + name + of.interface() + secrets + of.enhanced(1, b"x") + custom
    assert frames_of(read(data)) == [(1, 1000, b"x", 1)]
    assert notes_of(read(data)) == []


def test_what_the_capturer_dropped_is_missed() -> None:
    of = Blocks()
    data = of.section() + of.interface() + of.enhanced(1, b"x") + of.statistics(2, 3)
    data += of.statistics(2, 3) + of.statistics(4, 3) + of.obsolete(2, b"y", 7)
    missed = [one for one in read(data) if isinstance(one, Missed)]
    assert missed == [
        Missed(1000, "file", "frames", 5),
        Missed(1000, "file", "frames", 2),
        Missed(2000, "file", "frames", 7),
    ]


OF = Blocks()
HEAD = OF.section() + OF.interface()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(OF.pack("III", 6, 8, 0), id="a length below 12"),
        pytest.param(OF.pack("III", 6, 35, 0), id="a length that is no multiple of 4"),
        pytest.param(OF.pack("III", 6, 1 << 30, 0), id="a length beyond all use"),
        pytest.param(OF.enhanced(1, b"x", index=1), id="an interface that is not there"),
        pytest.param(OF.block(6, OF.pack("IIIII", 0, 0, 0, 99, 99)), id="more data than block"),
        pytest.param(OF.block(6, b"short"), id="a short packet block"),
        pytest.param(OF.block(2, b"short"), id="a short old packet block"),
        pytest.param(
            OF.block(2, OF.pack("HHIIII", 0, 0, 0, 0, 9, 9)), id="more data than old block"
        ),
        pytest.param(OF.block(1, b""), id="a short interface block"),
        pytest.param(OF.section() + OF.simple(b"x", 1), id="a simple packet without interface"),
        pytest.param(OF.block(0x0A0D0D0A, b"what" + bytes(12)), id="an unknown byte order"),
        pytest.param(OF.block(0x0A0D0D0A, OF.pack("I", 0x1A2B3C4D)), id="a short section"),
    ],
)
def test_damage_ends_the_reading_with_a_note(bad: bytes) -> None:
    before = HEAD + OF.enhanced(1, b"x")
    records = read(before + bad + before)
    assert frames_of(records) == [(1, 1000, b"x", 1)]
    assert notes_of(records) == ["capture-damaged"]


@pytest.mark.parametrize("head", [OF.interface(), b"\x0a\x0d\x0d\x0a" + bytes(60)])
def test_what_does_not_begin_with_a_section_is_refused(head: bytes) -> None:
    with pytest.raises(GwtopError, match="no pcapng"):
        read(head + bytes(40))


def a_file() -> bytes:
    of = Blocks(">")
    data = HEAD + OF.interface(113) + OF.block(0xBAD, bytes(50))
    for n in range(6):
        data += OF.enhanced(n, bytes([n]) * (n * 5), index=n % 2) + OF.simple(b"s", 1)
    return data + OF.statistics(1, 1) + of.section() + of.interface(101) + of.enhanced(9, b"last")


def test_bytes_one_by_one_give_the_same_frames() -> None:
    parser = PcapngParser()
    records = [record for byte in a_file() for record in parser.feed(bytes([byte]))]
    assert frames_of(records) == frames_of(read(a_file()))
    assert (len(frames_of(records)), parser.finish()) == (13, [])


@given(st.lists(st.integers(0, len(a_file())), max_size=8), st.integers(1, 4))
@settings(deadline=None)
def test_no_cut_and_no_batch_size_changes_what_is_read(cuts: list[int], batch: int) -> None:
    whole = a_file()
    edges = [0, *sorted(cuts), len(whole)]
    parser = PcapngParser(batch)
    records = []
    for start, stop in pairwise(edges):
        records += parser.feed(whole[start:stop])
    assert frames_of(records) == frames_of(read(whole))
    assert all(len(one.spans) <= batch for one in records if isinstance(one, Frames))


def test_a_cut_file_is_read_to_its_last_whole_frame() -> None:
    whole = a_file()
    all_frames = frames_of(read(whole))
    for n_bytes in range(len(HEAD), len(whole)):
        records = read(whole[:n_bytes])
        got = frames_of(records)
        assert got == all_frames[: len(got)]
        assert notes_of(records) in ([], ["capture-cut"])
    assert notes_of(read(whole[:-1])) == ["capture-cut"]
    assert len(frames_of(read(whole[:-1]))) == 12


@given(st.binary(max_size=200))
@settings(deadline=None)
def test_no_noise_behind_a_good_head_raises(noise: bytes) -> None:
    assert isinstance(read(HEAD + noise), list)
