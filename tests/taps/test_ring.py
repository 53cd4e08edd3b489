"""A ring block is walked by its headers; a plan decides whether there is a ring at all.

In: blocks laid out by hand as linux/if_packet.h says (struct tpacket3_hdr). The open ring itself is
in tests/live.
"""

import struct

from gwtop.nouns.plan import Plan
from gwtop.taps import ring


def block_of(frames: list[tuple[int, int, bytes, int]]) -> bytearray:
    """(seconds, nanoseconds, captured bytes, length on the wire) each."""
    block = bytearray(16)
    for at, (sec, nsec, data, length) in enumerate(frames):
        mac = 82  # TPACKET3_HDRLEN and alignment, as the kernel does for Ethernet
        step = (mac + len(data) + 15) & ~15
        last = at == len(frames) - 1
        header = struct.pack("=6I2H", 0 if last else step, sec, nsec, len(data), length, 1, mac, 96)
        block += (header.ljust(mac, b"\xee") + data).ljust(step, b"\xee")
    return block


def test_every_frame_of_a_block_has_its_stamp_and_place() -> None:
    frames = [(1, 5, b"first", 5), (1, 6, b"second", 6), (2, 999_999_999, b"cut", 1500)]
    view = memoryview(block_of(frames))
    spans = ring.spans_of(view, 16, 3)
    assert [bytes(view[start:end]) for _, start, end, _ in spans] == [b"first", b"second", b"cut"]
    assert [at for at, *_ in spans] == [1_000_000_005, 1_000_000_006, 2_999_999_999]
    assert [wire_bytes for *_, wire_bytes in spans] == [5, 6, 1500]


def test_the_kernels_structures_have_the_kernels_sizes() -> None:
    assert ring.RING_REQUEST.size == 28  # struct tpacket_req3
    assert ring.STATISTICS.size == 12  # struct tpacket_stats_v3
    assert ring.BLOCK_BYTES % ring.FRAME_BYTES == 0


def test_a_plan_without_ports_or_with_another_tap_has_no_ring() -> None:
    assert ring.open_tap(Plan(pid=1), 0) is None
    assert ring.open_tap(Plan(ports=(1,), capture="libpcap"), 0) is None
