"""A fuzz input as a capture file or as a line of facts, and what must hold of them.

In: bytes that a fuzzer made up. Out: nothing, or an AssertionError. Checks `gwtop.taps.pcap`,
`gwtop.taps.pcapng` and `gwtop.journal`.

A capture's first byte is no part of the file: it says in what pieces the file comes. However it
comes, the same frames are in it, and where it is broken that is said once, in the same place.
"""

from collections.abc import Callable, Iterator
from typing import TypeAlias

from gwtop import journal
from gwtop.errors import GwtopError
from gwtop.nouns.facts import Note
from gwtop.nouns.records import Frames, Missed, Observed, Record
from gwtop.nouns.wishes import BadWish
from gwtop.taps.pcap import BATCH_FRAMES, PcapParser, is_pcap
from gwtop.taps.pcapng import LAST_AT, PcapngParser, is_pcapng
from gwtop.wire import link
from gwtop.wire.tcp import Reassembler

Parser: TypeAlias = PcapParser | PcapngParser
Line: TypeAlias = tuple[object, ...]
AT = "2026-11-22T06:00:42.123456789Z"
BYTES_MOVED = 4_000
"""Pieces are no smaller than makes this many of one file: parsing again from the start of each
would take a second."""


def check_pcap(data: bytes) -> None:
    try:
        if not is_pcap(data[1:5]):
            return
    except GwtopError:  # the modified form, which nobody reads
        return
    _check_parser(PcapParser, data)


def check_pcapng(data: bytes) -> None:
    if is_pcapng(data[1:5]):
        _check_parser(PcapngParser, data)


def _check_parser(make: Callable[[int], Parser], data: bytes) -> None:
    content = data[1:]
    whole = _lines(make(BATCH_FRAMES), [content])
    assert _lines(make(1 + data[0] % 3), _pieces(data[0], content)) == whole, "cuts change it"


def _pieces(how: int, content: bytes) -> Iterator[bytes]:
    size = max(1 + how // 3, len(content) // BYTES_MOVED)
    for start in range(0, len(content), size):
        yield content[start : start + size]


def _lines(parser: Parser, pieces: Iterator[bytes] | list[bytes]) -> list[Line]:
    """What was told, batches taken apart; the last line says why it is no capture at all."""
    lines: list[Line] = []
    reassembler = Reassembler()
    try:
        for piece in pieces:
            for record in parser.feed(piece):
                lines += _line(record, reassembler)
        for record in parser.finish():
            lines += _line(record, reassembler)
    except GwtopError as wrong:
        assert not parser.began
        return [("no capture", str(wrong))]
    assert parser.n_frames == sum(line[0] == "frame" for line in lines)
    assert sum(line[0] == "observed" for line in lines) <= 1
    # A batch ends where a piece does, so a loss may stand before the frames of its own batch.
    return sorted(lines, key=lambda line: line[0] == "missed")


def _line(record: Record, reassembler: Reassembler) -> list[Line]:
    match record:
        case Frames(_, kind, buffer, spans):
            for at, start, end, n_wire in spans:
                assert 0 <= start <= end <= len(buffer) and n_wire >= 0
                assert 0 <= at <= LAST_AT
            unpacked = link.unpack(record)
            if not isinstance(unpacked, link.UnknownLink):
                reassembler.feed_all(unpacked.segments)
            return [("frame", at, kind, bytes(buffer[a:b]), n) for at, a, b, n in spans]
        case Observed(at, code, severity, text):
            return [("observed", at, code, severity, text)]
        case Missed(_, _, what, n):
            assert n is not None and n > 0
            return [("missed", what, n)]
        case _:
            raise AssertionError(f"a file does not tell of {record}")


# -- facts ---------------------------------------------------------------------------------


def check_journal(data: bytes) -> None:
    """A line is a fact or a GwtopError; a fact's line is safe on a terminal and gives it back."""
    journal.decode_wish(data)
    text = data.decode("latin-1")
    note = Note(at=AT, code=text, severity="info", text=text, pid=None, listen=None)
    assert journal.decode(_safe(journal.encode(note))) == note
    try:
        fact = journal.decode(data)
    except GwtopError:
        return
    if isinstance(fact, journal.Unknown):
        assert fact.line == data and fact.type not in journal.known_types()
        return
    line = _safe(journal.encode(fact))
    again = journal.decode(line)
    assert again == fact and not isinstance(again, journal.Unknown)
    assert journal.encode(again) == line
    wish = journal.decode_wish(line)
    assert isinstance(wish, BadWish), "a fact that is a wish"


def _safe(line: bytes) -> bytes:
    """No terminal acts on it, and it is one line."""
    text = line.decode("utf-8")
    assert text.endswith("\n") and text.startswith('{"type":"')
    assert not any(ord(c) < 0x20 or 0x7F <= ord(c) < 0xA0 for c in text[:-1])
    return line
