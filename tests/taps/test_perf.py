"""Records of a perf buffer, laid out by hand as linux/perf_event.h says.

In: bytes. Out: births, counts, drops. The real buffer is in tests/live.
"""

import struct

from gwtop.taps import perf
from gwtop.taps.perf import Born, Counted, Dropped


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("=IHH", kind, 0, 8 + len(body)) + body


FORKED = record(7, struct.pack("=IIIIQQ", 200, 100, 200, 100, 5_000, 5_000))
THREAD = record(7, struct.pack("=IIIIQQ", 200, 200, 201, 200, 6_000, 6_000))
ENDED = record(4, struct.pack("=IIIIQQ", 200, 100, 200, 100, 9_000, 9_000))
TOLD = record(8, struct.pack("=IIQQ", 200, 201, 1_234, 9_500))
FULL = record(2, struct.pack("=QQQ", 1, 17, 9_600))


def test_births_and_counts_come_with_their_time() -> None:
    assert list(perf.parse(FORKED + THREAD + ENDED + TOLD + FULL)) == [
        Born(5_000, 200, 200),
        Born(6_000, 200, 201),
        Counted(9_500, 200, 201, 1_234),
        Dropped(9_500, 17),
    ]


def test_a_record_that_is_cut_ends_the_reading() -> None:
    assert list(perf.parse(FORKED + THREAD[:-1])) == [Born(5_000, 200, 200)]
    assert list(perf.parse(b"\0" * 64)) == []


def test_records_that_are_too_short_for_their_kind_are_passed_over() -> None:
    assert list(perf.parse(record(7, b"\0" * 8) + record(8, b"") + FORKED)) == [
        Born(5_000, 200, 200)
    ]


def test_the_attributes_are_what_the_header_file_says() -> None:
    inherited = perf.attributes(perf.TASK_CLOCK, inherited=True)
    assert len(inherited) == 112  # PERF_ATTR_SIZE_VER5
    kind, size, config, _, sample_type, read_format, flags = struct.unpack_from(
        "=IIQQQQQ", inherited
    )
    assert (kind, size, config, sample_type, read_format) == (1, 112, 1, 4, 0)
    assert {bit for bit in range(64) if flags >> bit & 1} == {1, 5, 11, 13, 18, 25}
    assert struct.unpack_from("=i", inherited, 92) == (1,)  # CLOCK_MONOTONIC
    alone = perf.attributes(perf.DUMMY, inherited=False)
    assert struct.unpack_from("=Q", alone, 8) == (9,)
    assert not struct.unpack_from("=Q", alone, 40)[0] & 1 << 1
