"""Classic pcap: files by scapy, and by hand where scapy cannot; any cut gives the same."""

import io
import struct
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scapy.utils import PcapWriter

from gwtop.errors import GwtopError
from gwtop.nouns.records import Frames, Observed, Record
from gwtop.taps.pcap import MAX_FRAME_BYTES, PcapParser, is_pcap

DATA = [b"first frame", b"", b"the third and longest frame"]
AT = [(1_700_000_000, 123456), (1_700_000_000, 999999), (4_294_967_295, 0)]


def by_scapy(nano: bool = False, order: str = "", link: int = 1) -> bytes:
    file = io.BytesIO()
    writer = PcapWriter(file, linktype=link, nano=nano, endianness=order, append=False)
    writer.write_header(b"")
    for data, (second, fraction) in zip(DATA, AT, strict=True):
        writer.write_packet(data, sec=second, usec=fraction, wirelen=len(data) + 5)
    return file.getvalue()


def frames_of(records: list[Record]) -> list[tuple[int, int, bytes, int]]:
    """Link, instant, bytes and length on the wire of every frame."""
    return [
        (batch.link, at, bytes(batch.buffer[start:end]), wire_bytes)
        for batch in records
        if isinstance(batch, Frames)
        for at, start, end, wire_bytes in batch.spans
    ]


def expected(unit_ns: int, link: int = 1) -> list[tuple[int, int, bytes, int]]:
    return [
        (link, second * 10**9 + fraction * unit_ns, data, len(data) + 5)
        for data, (second, fraction) in zip(DATA, AT, strict=True)
    ]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("nano", "unit_ns"), [(False, 1000), (True, 1)])
@pytest.mark.parametrize("link", [1, 113, 276])
def test_both_units_and_both_byte_orders_are_read(
    nano: bool, unit_ns: int, order: str, link: int
) -> None:
    parser = PcapParser()
    assert frames_of(parser.feed(by_scapy(nano, order, link))) == expected(unit_ns, link)
    assert parser.finish() == []


def test_bytes_one_by_one_give_the_same_frames() -> None:
    parser = PcapParser()
    records = [record for byte in by_scapy() for record in parser.feed(bytes([byte]))]
    assert frames_of(records) == expected(1000)
    assert parser.finish() == []


@given(st.lists(st.integers(0, 130), max_size=8), st.integers(1, 4))
@settings(deadline=None)
def test_no_cut_and_no_batch_size_changes_what_is_read(cuts: list[int], batch: int) -> None:
    whole = by_scapy()
    edges = [0, *sorted(min(cut, len(whole)) for cut in cuts), len(whole)]
    parser = PcapParser(batch)
    records = []
    for start, stop in pairwise(edges):
        records += parser.feed(whole[start:stop])
    assert frames_of(records) == expected(1000)
    assert all(len(one.spans) <= batch for one in records if isinstance(one, Frames))


def test_a_cut_file_is_read_to_its_last_whole_frame() -> None:
    whole = by_scapy()
    for n_bytes in range(24, len(whole)):
        parser = PcapParser()
        records = parser.feed(whole[:n_bytes]) + parser.finish()
        n_frames = len(frames_of(records))
        assert frames_of(records) == expected(1000)[:n_frames]
        n_read = 24 + sum(16 + len(data) for data in DATA[:n_frames])
        notes = [one.code for one in records if isinstance(one, Observed)]
        assert notes == ([] if n_read == n_bytes else ["capture-cut"])


def test_the_cut_s_note_carries_the_last_frame_s_time_and_the_count() -> None:
    parser = PcapParser()
    parser.feed(by_scapy()[:-1])
    [note] = parser.finish()
    assert isinstance(note, Observed)
    assert note.at == 1_700_000_000_999_999_000
    assert (note.severity, "2 whole frames" in note.text) == ("warn", True)


def test_an_impossible_length_is_damage_and_ends_the_reading() -> None:
    parser = PcapParser()
    bad = struct.pack("<IIII", 1, 2, MAX_FRAME_BYTES + 1, MAX_FRAME_BYTES + 1)
    records = parser.feed(by_scapy(order="<") + bad + by_scapy())
    assert frames_of(records) == expected(1000)
    assert [one.code for one in records if isinstance(one, Observed)] == ["capture-damaged"]
    assert (parser.feed(by_scapy()), parser.finish()) == ([], [])


def test_a_capture_without_frames_is_fine() -> None:
    parser = PcapParser()
    assert parser.feed(by_scapy()[:24]) == []
    assert (parser.began, parser.finish()) == (True, [])


def test_the_frame_check_sequence_s_length_is_no_part_of_the_link_type() -> None:
    head = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 0x2400_0000 | 1)
    assert frames_of(PcapParser().feed(head + struct.pack("<IIII", 1, 2, 1, 1) + b"x"))[0][0] == 1


@pytest.mark.parametrize("magic", [b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34"])
def test_kuznetzov_s_variant_is_refused_with_a_remedy(magic: bytes) -> None:
    with pytest.raises(GwtopError, match=r"Kuznetzov.*editcap"):
        is_pcap(magic)


def test_other_magics_are_not_ours() -> None:
    assert not is_pcap(b"\x0a\x0d\x0d\x0a")
    assert not is_pcap(b"GET ")
