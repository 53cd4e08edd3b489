"""Classic pcap, sans-IO: bytes in, as they come; batches of frames out.

In: the bytes of a capture file in pieces of any size. Out: `Frames` whose spans point into the
piece that completed them, and one `Observed` where the file is damaged or cut. Refuses to know
files, pipes and clocks.

The format is the one of draft-ietf-opsawg-pcap: a 24-byte header, then for each frame a 16-byte
header and its bytes; both in the byte order of the machine that wrote it, which the magic shows.
"""

from struct import Struct

from gwtop.errors import GwtopError
from gwtop.nouns.records import Frames, Observed, Record, Spanned
from gwtop.nouns.times import SECOND_NS, Nanos

TAP = "file"
BATCH_FRAMES = 1000
"""What one batch holds at most: enough that a batch's own cost vanishes."""
MAX_FRAME_BYTES = 16 * 1024 * 1024
"""tcpdump captures 256 KiB at most; a length beyond this is no length but damage."""

FILE_HEADER_BYTES = 24
_UNIT_OF_MAGIC = {  # draft-ietf-opsawg-pcap 4, magic: byte order, nanoseconds per unit
    b"\xd4\xc3\xb2\xa1": ("<", 1000),
    b"\xa1\xb2\xc3\xd4": (">", 1000),
    b"\x4d\x3c\xb2\xa1": ("<", 1),
    b"\xa1\xb2\x3c\x4d": (">", 1),
}
_MODIFIED = frozenset({b"\x34\xcd\xb2\xa1", b"\xa1\xb2\xcd\x34"})  # wiretap/libpcap.h
_LINK_MASK = 0xFFFF  # draft-ietf-opsawg-pcap 4: above it stand the FCS length and zeros


def is_pcap(magic: bytes) -> bool:
    """Do the first four bytes begin a classic pcap? Raises for the variant nobody reads."""
    if magic in _MODIFIED:
        raise GwtopError(
            "this capture is in Kuznetzov's modified pcap format",
            "convert it: editcap -F pcapng IN OUT",
        )
    return magic in _UNIT_OF_MAGIC


class PcapParser:
    """`feed` it everything in order, then `finish`."""

    def __init__(self, batch_frames: int = BATCH_FRAMES) -> None:
        self.n_frames = 0
        self.at: Nanos = 0
        """Of the last frame."""
        self.began = False
        """The file's own header is whole."""
        self.damaged = False
        """From here on nothing can be told."""
        self._batch_frames = batch_frames
        self._rest = bytearray()
        self._needed_bytes = FILE_HEADER_BYTES
        self._link = 0
        self._unit_ns = 1
        self._frame_header = Struct("<IIII")

    def feed(self, data: bytes) -> list[Record]:
        """Every frame that is whole now. A buffer handed out is never written again."""
        if self.damaged:
            return []
        if len(self._rest) + len(data) < self._needed_bytes:
            self._rest += data
            return []
        window = b"".join((self._rest, data)) if self._rest else data
        start = 0
        if not self.began:
            self._begin(window)
            start = FILE_HEADER_BYTES
        spans: list[Spanned] = []
        stop = self._walk(window, start, spans)
        self._rest = bytearray(window[stop:])
        records = batches(self._link, window, spans, self._batch_frames)
        if self.damaged:
            records.append(damaged(self.at, self.n_frames, "a frame's length is impossible"))
        return records

    def finish(self) -> list[Record]:
        """No more will come."""
        if self.damaged or not self._rest:
            return []
        return [cut(self.at, self.n_frames)]

    def _begin(self, window: bytes) -> None:
        order, self._unit_ns = _UNIT_OF_MAGIC[window[:4]]
        self._link = Struct(f"{order}I").unpack_from(window, 20)[0] & _LINK_MASK
        self._frame_header = Struct(f"{order}IIII")
        self.began = True

    def _walk(self, window: bytes, start: int, spans: list[Spanned]) -> int:
        """Appends the whole frames from `start`; where the first one that is not begins."""
        unpack, unit_ns = self._frame_header.unpack_from, self._unit_ns
        n_bytes = len(window)
        last = n_bytes - 16
        at = self.at
        self._needed_bytes = 16
        # What `unpack` gives is said to be int, so that compiled code need not ask.
        second: int
        fraction: int
        n_captured: int
        n_wire: int
        while start <= last:
            second, fraction, n_captured, n_wire = unpack(window, start)
            stop = start + 16 + n_captured
            if stop > n_bytes:
                self.damaged = n_captured > MAX_FRAME_BYTES
                self._needed_bytes = stop - start
                break
            at = second * SECOND_NS + fraction * unit_ns
            spans.append((at, start + 16, stop, n_wire))
            start = stop
        self.at = at
        self.n_frames += len(spans)
        return start


def batches(link: int, window: bytes, spans: list[Spanned], batch_frames: int) -> list[Record]:
    if len(spans) <= batch_frames:
        return [Frames(TAP, link, window, spans)] if spans else []
    return [
        Frames(TAP, link, window, spans[first : first + batch_frames])
        for first in range(0, len(spans), batch_frames)
    ]


def cut(at: Nanos, n_frames: int) -> Observed:
    """The capture ends inside a frame, as one does whose writer was killed."""
    text = f"the capture ends in mid-frame; its {n_frames} whole frames were read"
    return Observed(at, "capture-cut", "warn", text)


def damaged(at: Nanos, n_frames: int, why: str) -> Observed:
    text = f"the capture is damaged behind frame {n_frames}: {why}; the rest was not read"
    return Observed(at, "capture-damaged", "warn", text)
