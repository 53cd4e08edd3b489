"""Pages of the kernel's trace ring: bytes of `trace_pipe_raw` in, timed raw events out.

In: whole pages as one CPU's `trace_pipe_raw` gives them, and the text of `events/header_page` and
`events/*/format`. Out: (monotonic ns, event bytes) per event, and how many events the kernel says
it overwrote. Refuses to know which events there are.

Layout, from the kernel's own description and include/linux/ring_buffer.h: a page begins with a
u64 time stamp and a commit word whose low 20 bits are the bytes used after the header and whose
bits 31 and 30 say that events were lost before it and that their number stands behind the last
event (kernel/trace/ring_buffer.c: RB_MISSED_EVENTS, RB_MISSED_STORED). Then events: a 32-bit head
of 5 bits type_len and 27 bits time delta. type_len 1..28 is the data length in words; 0 puts it in
the next word; 29 is padding, 30 a long time delta, 31 an absolute time stamp.

Binary and not text, because the text form costs the kernel a printf and us a parse for each event
(3.1 against 15 us), and because it hashes the pointers that join events to a socket.
"""

import re
from collections.abc import Iterator
from struct import Struct
from typing import NamedTuple

PADDING, TIME_EXTEND, TIME_STAMP = 29, 30, 31
MISSED_EVENTS = 1 << 31
MISSED_STORED = 1 << 30
COMMIT_MASK = (1 << 20) - 1  # kernel/trace/ring_buffer.c: RB_WRITE_MASK of a sub-buffer's commit
TIME_SHIFT = 27
STAMP_TOP_BITS = ((1 << 64) - 1) ^ ((1 << 59) - 1)
"""An absolute stamp carries 59 bits; the page's own stamp lends it the rest."""

_PAGE = Struct("<QQ").unpack_from
_WORD = Struct("<I").unpack_from
_U64 = Struct("<Q").unpack_from

_FIELD = re.compile(
    r"field:(?P<type>[^;]*?)\s*\b(?P<name>\w+)(?:\[(?P<n>\d*)\])?;"
    r"\s*offset:(?P<offset>\d+);\s*size:(?P<size>\d+);\s*signed:(?P<signed>[01]);"
)


class Field(NamedTuple):
    offset: int
    size_bytes: int
    is_signed: bool
    is_array: bool


class Format(NamedTuple):
    """What `events/*/format` says."""

    id: int
    fields: dict[str, Field]

    def reader(self, *names: str) -> Struct:
        """A struct that unpacks these fields, in the order of their offsets.

        Raises KeyError when this kernel's event lacks one. Arrays come as bytes.
        """
        codes = {1: "b", 2: "h", 4: "i", 8: "q"}
        layout, position = "<", 0
        for field in sorted((self.fields[name] for name in names), key=lambda f: f.offset):
            layout += f"{field.offset - position}x" if field.offset > position else ""
            code = f"{field.size_bytes}s" if field.is_array else codes[field.size_bytes]
            layout += code if field.is_signed or code.endswith("s") else code.upper()
            position = field.offset + field.size_bytes
        return Struct(layout)


def parse_format(text: str) -> Format:
    """Raises ValueError for a text that is no format."""
    found = re.search(r"^ID:\s*(\d+)$", text, re.MULTILINE)
    if found is None:
        raise ValueError("no ID in an event format")
    fields = {
        m["name"]: Field(int(m["offset"]), int(m["size"]), m["signed"] == "1", m["n"] is not None)
        for m in _FIELD.finditer(text)
    }
    return Format(int(found[1]), fields)


class RawEvent(NamedTuple):
    at_ns: int
    """On the instance's trace clock."""
    data: bytes
    """From `common_type` on; may be longer than the event by up to 3 bytes."""


class Page(NamedTuple):
    events: list[RawEvent]
    n_missed: int | None
    """Events the kernel overwrote before this page. None: some, and it does not say how many."""


def split_pages(data: bytes, page_bytes: int, data_offset: int) -> Iterator[Page]:
    """The pages of one read. `data_offset`: where events begin (`header_page`, field data)."""
    for start in range(0, len(data) - data_offset + 1, page_bytes):
        yield _page(data[start : start + page_bytes], data_offset)


def _page(page: bytes, data_offset: int) -> Page:
    at_ns, commit = _PAGE(page, 0)
    end = min(data_offset + (commit & COMMIT_MASK), len(page))
    n_missed: int | None = 0
    if commit & MISSED_EVENTS:
        stored = commit & MISSED_STORED and end + 8 <= len(page)
        n_missed = int(_U64(page, end)[0]) if stored else None
    return Page(list(_events(page, data_offset, end, at_ns)), n_missed)


def _events(page: bytes, position: int, end: int, at_ns: int) -> Iterator[RawEvent]:
    while position + 4 <= end:
        (head,) = _WORD(page, position)
        kind, delta = head & 31, head >> 5
        position += 4
        if kind == PADDING:
            if delta == 0 or position + 4 > end:
                return  # the rest of the page is empty
            (skipped,) = _WORD(page, position)
            at_ns += delta
            position += skipped
            continue
        if position + 4 > end:
            return
        if kind == TIME_EXTEND:
            at_ns += (_WORD(page, position)[0] << TIME_SHIFT) + delta
            position += 4
            continue
        if kind == TIME_STAMP:
            stamp = (_WORD(page, position)[0] << TIME_SHIFT) + delta
            at_ns = stamp | (at_ns & STAMP_TOP_BITS)
            position += 4
            continue
        at_ns += delta
        if kind == 0:
            n_bytes = _WORD(page, position)[0] - 4  # the length word counts itself
            position += 4
        else:
            n_bytes = kind * 4
        if n_bytes < 0 or position + n_bytes > end:
            return  # torn: what follows cannot be told apart
        yield RawEvent(at_ns, page[position : position + n_bytes])
        position += (n_bytes + 3) & ~3
