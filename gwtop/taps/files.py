"""Captures as a tap: a file, a FIFO or standard input in; `Frames` out, as they come.

In: a path, "-" for standard input; pcap or pcapng, gzip of either. Out: batches of frames, and one
`Observed` where the capture is cut or damaged. Refuses to know what is in a frame, and the clock:
the only times are those of the capture. The formats themselves are `taps.pcap`, `taps.pcapng`.

One way for all sources: `poll`, `read` of at most `WINDOW_BYTES`, parse. What was read is the
buffer that the spans point into, so memory does not grow with the file. (A mapping of the file
walks no faster in Python, and every page that was touched counts as resident.) `poll` before
`read` instead of O_NONBLOCK, which would stick to the pipe or terminal of whoever started us. A
FIFO is opened with it, because opening one waits for its writer otherwise.
"""

import os
import select
import stat
import zlib
from collections.abc import Collection
from typing import Protocol

from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Record, TapState
from gwtop.nouns.times import Nanos
from gwtop.taps.pcap import BATCH_FRAMES, TAP, PcapParser, cut, damaged, is_pcap
from gwtop.taps.pcapng import PcapngParser, is_pcapng

WINDOW_BYTES = 256 * 1024
"""Read at once: 3,000 frames of a gateway, 10 ms of work; larger ones measured no faster."""
STANDARD_INPUT = 0
GZIP_MAGIC = b"\x1f\x8b"  # RFC 1952 2.3.1
GZIP_ONLY = 31  # zlib.h inflateInit2: 16 for a gzip header, 15 for the largest window
MAGIC_BYTES = 4
FOREIGN = {
    b"\x28\xb5\x2f\xfd": "zstd -dc FILE | gwtop read -",  # RFC 8878 3.1.1
    b"\xfd7zX": "xz -dc FILE | gwtop read -",
    b"BZh9": "bzip2 -dc FILE | gwtop read -",
    b"\x04\x22\x4d\x18": "lz4 -dc FILE | gwtop read -",
}


class _Parser(Protocol):
    n_frames: int
    at: Nanos
    began: bool
    damaged: bool

    def feed(self, data: bytes) -> list[Record]: ...

    def finish(self) -> list[Record]: ...


class Gunzip:
    """gzip, sans-IO; gives at most `WINDOW_BYTES` at a time, whatever a few bytes unfold to."""

    def __init__(self) -> None:
        self.pending = False
        """More can be taken without new input."""
        self.whole = True
        """Nothing of a member is missing here."""
        self.broken: str | None = None
        """Why nothing more will come, not even on more input."""
        self._stream = zlib.decompressobj(GZIP_ONLY)
        self._input = b""

    def feed(self, data: bytes) -> None:
        self._input += data
        self.pending = True

    def take(self) -> bytes:
        """The next plain bytes."""
        if self.whole:
            self._input = self._input.lstrip(b"\0")  # tapes and some writers pad members
        if not self._input and self.whole:
            self.pending = False
            return b""
        before = self._stream.copy()
        try:
            plain = self._stream.decompress(self._input, WINDOW_BYTES)
        except zlib.error as error:
            self.broken = str(error)
            self.pending = False
            return _salvage(before, self._input)
        self._input = self._stream.unconsumed_tail
        self.whole = self._stream.eof
        if self.whole:
            self._input = self._stream.unused_data
            self._stream = zlib.decompressobj(GZIP_ONLY)
        self.pending = bool(self._input) or len(plain) == WINDOW_BYTES
        return plain


def _salvage(stream: "zlib._Decompress", data: bytes) -> bytes:
    """What comes out of a broken stream before it breaks: zlib keeps none of it in one call."""
    parts: list[bytes] = []
    try:
        for index in range(len(data)):
            parts.append(stream.decompress(data[index : index + 1]))
    except zlib.error:  # where it breaks; what follows is nothing
        pass
    return b"".join(parts)


class FileTap:
    """The open capture; `open_capture` makes it. `ended` once everything has been told."""

    name = TAP

    def __init__(self, descriptor: int, label: str, batch_frames: int) -> None:
        self.state = TapState(0, TAP, "open", None)
        self.behind_at: Nanos | None = None
        self.ended = False
        self._descriptor = descriptor
        self._label = label
        self._batch_frames = batch_frames
        self._is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
        self._first = b""
        self._gunzip: Gunzip | None = None
        self._parser: _Parser | None = None

    def fileno(self) -> int:
        """-1 for a regular file, which is always readable and which not every poller takes."""
        return -1 if self.ended or self._is_regular else self._descriptor

    def due_at(self) -> Nanos | None:
        return 0 if not self.ended and (self._is_regular or self._has_pending()) else None

    def read(self, now: Nanos) -> list[Record]:
        """The next window's frames; [] when none is whole yet. GwtopError: it is no capture."""
        if self.ended:
            return []
        if self._has_pending():
            return self._parse(b"")
        if not self._is_regular and not self._is_readable():
            return []
        try:
            data = os.read(self._descriptor, WINDOW_BYTES)
        except BlockingIOError:  # another reader of the same FIFO was faster
            return []
        except OSError as error:  # a medium that fails: what was read stands
            return self._give_up(error.strerror or "it cannot be read")
        return self._parse(data) if data else self._finish()

    def follow(self, pids: Collection[int]) -> None:
        """A capture holds what it holds."""

    def close(self) -> None:
        self.ended = True
        if self._descriptor > STANDARD_INPUT:
            os.close(self._descriptor)
        self._descriptor = -1

    def begin(self) -> None:
        """Reads nothing, but says at once what is wrong with the head of a regular file."""
        if self._is_regular:
            self._look(os.pread(self._descriptor, MAGIC_BYTES, self._offset()), is_all=True)

    def _offset(self) -> int:
        return os.lseek(self._descriptor, 0, os.SEEK_CUR)

    def _has_pending(self) -> bool:
        return self._gunzip is not None and self._gunzip.pending

    def _is_readable(self) -> bool:
        poller = select.poll()
        poller.register(self._descriptor, select.POLLIN)
        return bool(poller.poll(0))

    # -- what it is ------------------------------------------------------------------------

    def _look(self, first: bytes, is_all: bool) -> str | None:
        """The form that the first bytes show; None: too few to say. Raises for no capture."""
        if first[:2] == GZIP_MAGIC:
            return "gzip" if self._gunzip is None else self._refuse(first)
        if len(first) >= MAGIC_BYTES:
            magic = first[:MAGIC_BYTES]
            if is_pcap(magic):
                return "pcap"
            return "pcapng" if is_pcapng(magic) else self._refuse(first)
        return self._refuse(first) if is_all else None

    def _refuse(self, first: bytes) -> str:
        if not first:
            raise GwtopError(
                f"{self._label} is empty, not even a capture's header is in it",
                "was it written with tcpdump -w, and by a user who may capture?",
            )
        remedy = FOREIGN.get(first[:MAGIC_BYTES], "it must be pcap or pcapng: tcpdump -w FILE")
        if first[:1] == b"{":
            remedy = "if these are facts, use: gwtop view FILE"
        raise GwtopError(f"{self._label} is no capture", remedy)

    def _parse(self, data: bytes) -> list[Record]:
        return self._parse_plain(data) if self._gunzip is None else self._parse_zipped(data)

    def _begin(self, form: str, first: bytes) -> list[Record]:
        if form == "gzip":
            self._gunzip = Gunzip()
            return self._parse_zipped(first)
        is_classic = form == "pcap"
        parser = PcapParser(self._batch_frames) if is_classic else PcapngParser(self._batch_frames)
        self._parser = parser
        return self._feed(parser, first)

    def _feed(self, parser: _Parser, data: bytes) -> list[Record]:
        told = parser.feed(data)
        self.ended = parser.damaged
        return told

    def _parse_zipped(self, data: bytes) -> list[Record]:
        gunzip = self._gunzip
        assert gunzip is not None
        if data:
            gunzip.feed(data)
        plain = gunzip.take()
        told = self._parse_plain(plain) if plain else []
        if gunzip.broken is not None and not self.ended:
            told += self._give_up(gunzip.broken)
        return told

    def _parse_plain(self, plain: bytes) -> list[Record]:
        if self._parser is not None:
            return self._feed(self._parser, plain)
        self._first += plain
        form = self._look(self._first, is_all=False)
        if form is None:
            return []
        first, self._first = self._first, b""
        return self._begin(form, first)

    # -- ends ------------------------------------------------------------------------------

    def _give_up(self, why: str) -> list[Record]:
        """The source is broken: what came out of it before stands."""
        self.ended = True
        if self._parser is None:
            raise GwtopError(f"{self._label} is damaged: {why}", "copy it again")
        return [damaged(self._parser.at, self._parser.n_frames, why)]

    def _finish(self) -> list[Record]:
        self.ended = True
        parser = self._parser
        is_whole = self._gunzip is None or self._gunzip.whole
        if parser is None and is_whole:
            self._look(self._first, is_all=True)
        if parser is None or not parser.began:
            raise GwtopError(
                f"{self._label} ends inside the capture's own header",
                "was its writer stopped at once? tcpdump -U writes every frame as it comes",
            )
        told = parser.finish()
        if not told and not is_whole:
            told.append(cut(parser.at, parser.n_frames))
        return told


def open_capture(path: str, plan: Plan, batch_frames: int = BATCH_FRAMES) -> FileTap:
    """A capture by its path, "-" for standard input. Raises GwtopError where there is none.

    The plan does not narrow it: which connections count is decided above, where there are some.
    """
    label = "standard input" if path == "-" else path
    tap = FileTap(STANDARD_INPUT if path == "-" else _open(path), label, batch_frames)
    try:
        _refuse_odd(tap.fileno(), label)
        tap.begin()
    except GwtopError:
        tap.close()
        raise
    return tap


def _open(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise GwtopError(f"there is no file {path}", "give the path of a capture, or -") from None
    except PermissionError:
        raise GwtopError(f"{path} may not be read by you", "use sudo, or chmod it") from None
    except OSError as error:
        raise GwtopError(
            f"{path} cannot be opened: {error.strerror}", "give another path"
        ) from None


def _refuse_odd(descriptor: int, label: str) -> None:
    if descriptor < 0:
        return
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISDIR(mode):
        raise GwtopError(f"{label} is a directory", "give the path of a capture in it")
    if os.isatty(descriptor):
        raise GwtopError(f"{label} is a terminal", "pipe a capture: tcpdump -U -w - | gwtop read -")
