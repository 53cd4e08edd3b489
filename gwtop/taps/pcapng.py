"""pcapng, sans-IO: bytes in, as they come; batches of frames out.

In: the bytes of a capture file in pieces of any size. Out: `Frames` whose spans point into the
piece that completed them, `Missed` where the file says what its capturer dropped, and one
`Observed` where the file is damaged or cut. Refuses to know files, pipes and clocks.

The format is the one of draft-ietf-opsawg-pcapng: blocks of type, length, body, length. A section
header fixes the byte order and forgets all interfaces; an interface block gives a link type and
the unit of its stamps; blocks of other types are passed over. Interfaces of one link type share
batches, so frames stay in the order of the file.
"""

from struct import Struct
from typing import NamedTuple

from gwtop.errors import GwtopError
from gwtop.nouns.records import Missed, Record, Span, Spanned
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps.pcap import (
    BATCH_FRAMES,
    MAX_FRAME_BYTES,
    TAP,
    batches,
    cut,
    damaged,
)

# draft-ietf-opsawg-pcapng 4 and its block type registry (10.1)
SECTION = 0x0A0D0D0A
INTERFACE = 1
OBSOLETE_PACKET = 2
SIMPLE_PACKET = 3
STATISTICS = 5
ENHANCED_PACKET = 6

MAGIC = b"\x0a\x0d\x0d\x0a"
_ORDER_OF_MAGIC = {b"\x4d\x3c\x2b\x1a": "<", b"\x1a\x2b\x3c\x4d": ">"}  # 4.1
IF_TSRESOL, IF_TSOFFSET = 9, 14  # 4.2
ISB_IFDROP, ISB_OSDROP = 5, 7  # 4.6
MAX_BLOCK_BYTES = MAX_FRAME_BYTES + 64 * 1024
LAST_AT = 253_402_300_799 * SECOND_NS
"""The end of the year 9999: a stamp beyond it is broken, and has no text."""

_MICROSECOND = 6


class _Interface(NamedTuple):
    link: int
    max_captured_bytes: int
    """0: no limit."""
    multiplier: int
    divisor: int
    offset_ns: int


class _Shapes:
    """The structs of one byte order."""

    __slots__ = ("enhanced", "interface", "obsolete", "option", "order", "simple", "two", "u64")

    def __init__(self, order: str) -> None:
        self.order = order
        self.two = Struct(f"{order}II").unpack_from
        self.enhanced = Struct(f"{order}IIIIIII").unpack_from
        self.obsolete = Struct(f"{order}HHIIII").unpack_from
        self.interface = Struct(f"{order}HxxI").unpack_from
        self.simple = Struct(f"{order}I").unpack_from
        self.option = Struct(f"{order}HH").unpack_from
        self.u64 = Struct(f"{order}Q").unpack_from


class _Damage(Exception):  # noqa: N818  # no error of ours: what the file says cannot be
    pass


def is_pcapng(magic: bytes) -> bool:
    return magic == MAGIC


class PcapngParser:
    """`feed` it everything in order, then `finish`."""

    def __init__(self, batch_frames: int = BATCH_FRAMES) -> None:
        self.n_frames = 0
        self.at: Nanos = 0
        """Of the last frame."""
        self.began = False
        """The first section's header is whole."""
        self.damaged = False
        """From here on nothing can be told."""
        self._batch_frames = batch_frames
        self._rest = bytearray()
        self._needed_bytes = 12
        self._shapes = _Shapes("<")
        self._interfaces: list[_Interface] = []
        self._n_dropped: dict[int, int] = {}
        self._records: list[Record] = []
        self._spans: list[Spanned] = []
        self._link = 0

    def feed(self, data: bytes) -> list[Record]:
        """Every frame that is whole now. A buffer handed out is never written again."""
        if self.damaged:
            return []
        if len(self._rest) + len(data) < self._needed_bytes:
            self._rest += data
            return []
        window = b"".join((self._rest, data)) if self._rest else data
        self._records = []
        try:
            stop = self._walk(window)
        except _Damage as damage:
            if not self.began:
                raise GwtopError(
                    f"this is no pcapng file: {damage}", "see gwtop read --help"
                ) from None
            self.damaged = True
            self._hand_out(window)
            self._records.append(damaged(self.at, self.n_frames, str(damage)))
            return self._records
        self._hand_out(window)
        self._rest = bytearray(window[stop:])
        return self._records

    def finish(self) -> list[Record]:
        """No more will come."""
        if self.damaged or not self._rest:
            return []
        return [cut(self.at, self.n_frames)]

    def _hand_out(self, window: bytes) -> None:
        """Makes batches of the spans so far; the next ones may be of another link type."""
        self._records += batches(self._link, window, self._spans, self._batch_frames)
        self.n_frames += len(self._spans)
        self._spans = []

    # -- blocks ----------------------------------------------------------------------------

    def _walk(self, window: bytes) -> int:
        """Takes the whole blocks; where the first one that is not begins."""
        n_bytes = len(window)
        start = 0
        while True:
            start = self._walk_packets(window, start)
            if n_bytes - start < 12:
                self._needed_bytes = 12
                return start
            kind, length = self._shapes.two(window, start)
            if kind == SECTION:
                length = self._turn(window, start)
            if length < 12 or length % 4 or length > MAX_BLOCK_BYTES:
                raise _Damage("a block's length is impossible")
            if start + length > n_bytes:
                self._needed_bytes = length
                return start
            if not self.began and kind != SECTION:
                raise _Damage("it does not begin with a section")
            self._take(kind, window, start + 8, start + length - 4)
            start += length

    def _walk_packets(self, window: bytes, start: int) -> int:
        """The common case, a run of enhanced packet blocks, in one loop."""
        unpack = self._shapes.enhanced
        n_bytes, n_interfaces = len(window), len(self._interfaces)
        last = n_bytes - 32
        known = -1
        multiplier = divisor = offset_ns = at = 0
        while start <= last:
            kind, length, index, high, low, n_captured, n_wire = unpack(window, start)
            stop = start + length
            if kind != ENHANCED_PACKET or stop > n_bytes or index >= n_interfaces:
                return start
            if n_captured > length - 32 or length % 4:
                return start
            if index != known:
                link, _, multiplier, divisor, offset_ns = self._interfaces[index]
                known = index
                if link != self._link:
                    self._hand_out(window)
                    self._link = link
            at = (high << 32 | low) * multiplier // divisor + offset_ns
            if not 0 <= at <= LAST_AT:
                at = min(max(at, 0), LAST_AT)
            self.at = at
            self._spans.append((at, start + 28, start + 28 + n_captured, n_wire))
            start = stop
        return start

    def _take(self, kind: int, window: bytes, start: int, stop: int) -> None:
        """One block by its type; `start` and `stop` enclose its body."""
        if kind == SECTION:
            self.began = True
            self._interfaces.clear()
            self._n_dropped.clear()
        elif kind == INTERFACE:
            self._add_interface(window, start, stop)
        elif kind == SIMPLE_PACKET:
            self._take_simple(window, start, stop)
        elif kind == OBSOLETE_PACKET:
            self._take_obsolete(window, start, stop)
        elif kind == STATISTICS:
            self._take_statistics(window, start, stop)
        elif kind == ENHANCED_PACKET:
            # A whole one goes with the common case: this one is not what it says.
            raise _Damage("a packet's interface or length is impossible")

    def _turn(self, window: bytes, start: int) -> int:
        """The length of a section header, read in the byte order that it declares."""
        order = _ORDER_OF_MAGIC.get(bytes(window[start + 8 : start + 12]))
        if order is None:
            raise _Damage("a section's byte order is unknown")
        if order != self._shapes.order:
            self._shapes = _Shapes(order)
        length: int = self._shapes.two(window, start)[1]
        return length if length >= 28 else 0

    def _add_interface(self, window: bytes, start: int, stop: int) -> None:
        if stop - start < 8:
            raise _Damage("an interface block is too short")
        link, max_captured_bytes = self._shapes.interface(window, start)
        multiplier, divisor = _unit(_MICROSECOND)
        offset_ns = 0
        for code, value in self._options(window, start + 8, stop):
            if code == IF_TSRESOL and len(value) == 1:
                multiplier, divisor = _unit(value[0])
            elif code == IF_TSOFFSET and len(value) == 8:
                big = self._shapes.order == ">"
                seconds = int.from_bytes(value, "big" if big else "little", signed=True)
                offset_ns = seconds * SECOND_NS
        self._interfaces.append(
            _Interface(link, max_captured_bytes, multiplier, divisor, offset_ns)
        )

    def _options(self, window: bytes, start: int, stop: int) -> list[tuple[int, bytes]]:
        """3.5: code, length, value padded to 4; code 0 ends them, and so does their space."""
        found: list[tuple[int, bytes]] = []
        while stop - start >= 4:
            code, n_value = self._shapes.option(window, start)
            if code == 0 or start + 4 + n_value > stop:
                break
            found.append((code, window[start + 4 : start + 4 + n_value]))
            start += 4 + (n_value + 3 & ~3)
        return found

    # -- packets and losses ----------------------------------------------------------------

    def _append(self, window: bytes, interface: _Interface, span: Span) -> None:
        if interface.link != self._link:
            self._hand_out(window)
            self._link = interface.link
        self._spans.append(span)

    def _take_simple(self, window: bytes, start: int, stop: int) -> None:
        """4.4: of interface 0, without a stamp; it gets the one of the frame before."""
        if not self._interfaces or stop - start < 4:
            raise _Damage("a packet has no interface")
        interface = self._interfaces[0]
        n_wire = self._shapes.simple(window, start)[0]
        n_captured = min(n_wire, stop - start - 4, interface.max_captured_bytes or n_wire)
        span = Span(self.at, start + 4, start + 4 + n_captured, n_wire)
        self._append(window, interface, span)

    def _take_obsolete(self, window: bytes, start: int, stop: int) -> None:
        """Appendix A: the packet block of files before 2009, with a drop count of its own."""
        if stop - start < 20:
            raise _Damage("a packet block is too short")
        index, n_dropped, high, low, n_captured, n_wire = self._shapes.obsolete(window, start)
        if index >= len(self._interfaces) or n_captured > stop - start - 20:
            raise _Damage("a packet's interface or length is impossible")
        interface = self._interfaces[index]
        at = (high << 32 | low) * interface.multiplier // interface.divisor + interface.offset_ns
        self.at = min(max(at, 0), LAST_AT)
        span = Span(self.at, start + 20, start + 20 + n_captured, n_wire)
        self._append(window, interface, span)
        if n_dropped not in (0, 0xFFFF):  # all ones: unknown
            self._records.append(Missed(self.at, TAP, "frames", n_dropped))

    def _take_statistics(self, window: bytes, start: int, stop: int) -> None:
        """4.6: drop counters of one interface, since its capture began."""
        if stop - start < 12:
            return
        index = self._shapes.simple(window, start)[0]
        n_dropped = sum(
            self._shapes.u64(value)[0]
            for code, value in self._options(window, start + 12, stop)
            if code in (ISB_IFDROP, ISB_OSDROP) and len(value) == 8
        )
        before = self._n_dropped.get(index, 0)
        if n_dropped > before:
            self._n_dropped[index] = n_dropped
            self._records.append(Missed(self.at, TAP, "frames", n_dropped - before))


def _unit(resolution: int) -> tuple[int, int]:
    """4.2 if_tsresol: ticks to nanoseconds as a factor and a divisor, exact in ints."""
    if resolution & 0x80:
        return SECOND_NS, 1 << (resolution & 0x7F)
    if resolution <= 9:
        return int(10 ** (9 - resolution)), 1
    return 1, int(10 ** (resolution - 9))
