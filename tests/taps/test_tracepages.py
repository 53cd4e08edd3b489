"""Pages of the trace ring: as a real kernel gave them, and made by hand for what is rare."""

from struct import pack

import pytest

from gwtop.taps.tracepages import Page, parse_format, split_pages
from tests.taps._trace import Recorded

T = 1_000_000_000
PAGE_BYTES, DATA = 256, 16


def head(kind: int, delta: int) -> bytes:
    """include/linux/ring_buffer.h: 5 bits of type_len, 27 bits of time."""
    return pack("<I", kind | delta << 5)


def page(body: bytes, flags: int = 0, at_ns: int = T, after: bytes = b"") -> bytes:
    return (pack("<QQ", at_ns, len(body) | flags) + body + after).ljust(PAGE_BYTES, b"\0")


def only(data: bytes) -> Page:
    (found,) = split_pages(data, PAGE_BYTES, DATA)
    return found


def test_a_recorded_page_has_every_event_in_the_order_of_time() -> None:
    recorded = Recorded()
    (found,) = split_pages(b"".join(recorded.pages), recorded.page_bytes, DATA)
    assert found.n_missed == 0
    assert [e.at_ns for e in found.events] == sorted(e.at_ns for e in found.events)
    kinds = [int.from_bytes(e.data[:2], "little") for e in found.events]
    ids = {name: parse_format(text).id for name, text in recorded.formats.items()}
    assert {name: kinds.count(id) for name, id in ids.items()} == {
        "tcp/tcp_rcv_space_adjust": 28,
        "sched/sched_process_exec": 1,
        "task/task_newtask": 4,
    }


def test_a_recorded_read_has_its_addresses_by_the_format_the_kernel_gave() -> None:
    recorded = Recorded()
    form = parse_format(recorded.formats["tcp/tcp_rcv_space_adjust"])
    unpack = form.reader("sport", "family", "saddr", "saddr_v6").unpack_from
    (found,) = split_pages(recorded.pages[0], recorded.page_bytes, DATA)
    reads = [
        unpack(e.data) for e in found.events if int.from_bytes(e.data[:2], "little") == form.id
    ]
    assert reads[0] == (recorded.port, 2, b"\x7f\0\0\1", bytes(10) + b"\xff\xff\x7f\0\0\1")
    assert reads[14][:2] == (recorded.port6, 10) and reads[14][3] == bytes(15) + b"\1"


def test_lengths_and_times_are_read_from_every_kind_of_head() -> None:
    body = head(2, 5) + b"12345678"
    body += head(0, 7) + pack("<I", 4 + 8) + b"abcdefgh"
    body += head(30, 3) + pack("<I", 2)  # a long delta: 2 << 27 and 3
    body += head(1, 1) + b"last"
    assert only(page(body)).events == [
        (T + 5, b"12345678"),
        (T + 12, b"abcdefgh"),
        (T + 12 + (2 << 27) + 3 + 1, b"last"),
    ]


def test_an_absolute_stamp_takes_its_top_bits_from_the_page() -> None:
    at_ns = (3 << 59) + 1000
    stamp = 77 << 27 | 5
    body = head(31, stamp & (1 << 27) - 1) + pack("<I", stamp >> 27) + head(1, 2) + b"aaaa"
    assert only(page(body, at_ns=at_ns)).events == [((3 << 59) + stamp + 2, b"aaaa")]


def test_a_discarded_event_is_stepped_over_and_its_time_counts() -> None:
    body = head(29, 4) + pack("<I", 8) + b"gone" + head(1, 1) + b"kept"
    assert only(page(body)).events == [(T + 5, b"kept")]


def test_padding_without_a_time_ends_the_page() -> None:
    body = head(1, 1) + b"kept" + head(29, 0) + head(1, 1) + b"junk"
    assert only(page(body)).events == [(T + 1, b"kept")]


@pytest.mark.parametrize(
    ("flags", "after", "n_missed"),
    [
        pytest.param(0, b"", 0, id="none"),
        pytest.param(1 << 31, b"", None, id="some, uncounted"),
        pytest.param(3 << 30, pack("<Q", 4711), 4711, id="counted behind the last event"),
    ],
)
def test_overwritten_events_are_counted(flags: int, after: bytes, n_missed: int | None) -> None:
    assert only(page(head(1, 1) + b"kept", flags, after=after)) == ([(T + 1, b"kept")], n_missed)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(head(28, 1) + b"short", id="longer than what is left"),
        pytest.param(head(0, 1) + pack("<I", 0), id="a length below its own word"),
        pytest.param(head(0, 1), id="no room for a length"),
        pytest.param(head(30, 1), id="no room for a time"),
    ],
)
def test_what_is_torn_ends_the_page_and_raises_nothing(body: bytes) -> None:
    assert only(page(head(1, 1) + b"kept" + body)).events == [(T + 1, b"kept")]


def test_several_pages_of_one_read_are_told_apart() -> None:
    data = page(head(1, 1) + b"aaaa") + page(head(1, 1) + b"bbbb", at_ns=2 * T)
    found = [p.events for p in split_pages(data, PAGE_BYTES, DATA)]
    assert found == [[(T + 1, b"aaaa")], [(2 * T + 1, b"bbbb")]]


def test_a_short_array_is_bytes_and_a_number_of_its_size_is_a_number() -> None:
    form = parse_format(
        "ID: 7\n\tfield:__u8 addr[4];\toffset:8;\tsize:4;\tsigned:0;\n"
        "\tfield:int n;\toffset:12;\tsize:4;\tsigned:1;\n"
    )
    assert form.reader("addr", "n").unpack_from(bytes(8) + b"abcd\xff\xff\xff\xff") == (b"abcd", -1)
    with pytest.raises(KeyError):
        form.reader("other")


def test_a_text_that_is_no_format_is_refused() -> None:
    with pytest.raises(ValueError, match="no ID"):
        parse_format("name: nothing\n")
