"""The tap around the parsers: files, pipes, FIFOs, gzip, and what is no capture at all."""

import gzip
import os
import select
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.utils import PcapWriter

from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames, Observed, Record
from gwtop.taps import discover
from gwtop.taps.files import WINDOW_BYTES, FileTap, Gunzip, open_capture

N_FRAMES = 40


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    """A classic pcap of `N_FRAMES` frames, by scapy."""
    path = tmp_path / "a.pcap"
    with PcapWriter(str(path), linktype=1) as writer:
        writer.write_header(b"")
        for n in range(N_FRAMES):
            writer.write_packet(bytes([n]) * n, sec=1_700_000_000 + n, usec=n)
    return path


def expected() -> list[tuple[int, bytes]]:
    return [((1_700_000_000 + n) * 10**9 + n * 1000, bytes([n]) * n) for n in range(N_FRAMES)]


def frames_of(records: list[Record]) -> list[tuple[int, bytes]]:
    return [
        (at, bytes(batch.buffer[start:end]))
        for batch in records
        if isinstance(batch, Frames)
        for at, start, end, _ in batch.spans
    ]


def notes_of(records: list[Record]) -> list[str]:
    return [one.code for one in records if isinstance(one, Observed)]


def drain(tap: FileTap) -> list[Record]:
    """As the engine does it: poll where there is a descriptor, read while something is due."""
    records: list[Record] = []
    while not tap.ended:
        if tap.fileno() >= 0 and tap.due_at() is None:
            poller = select.poll()
            poller.register(tap.fileno(), select.POLLIN)
            assert poller.poll(10_000), "nothing to read, and no end either"
        records += tap.read(0)
    tap.close()
    return records


def read(path: Path | str) -> list[Record]:
    return drain(open_capture(str(path), Plan()))


def piped(descriptor: int) -> FileTap:
    return FileTap(descriptor, "a pipe", 1000)


@pytest.fixture
def pipe() -> Iterator[tuple[FileTap, int]]:
    """A tap on a pipe's reading end, and the writing end."""
    reading, writing = os.pipe()
    tap = piped(reading)
    yield tap, writing
    tap.close()


# -- files -------------------------------------------------------------------------------------


def test_a_file_is_read_whole_and_ends(capture: Path) -> None:
    tap = open_capture(str(capture), Plan())
    assert (tap.name, tap.state.state, tap.fileno(), tap.due_at()) == ("file", "open", -1, 0)
    assert frames_of(drain(tap)) == expected()
    assert (tap.ended, tap.fileno(), tap.due_at(), tap.read(0)) == (True, -1, None, [])
    tap.close()


def test_the_batch_size_changes_nothing(capture: Path) -> None:
    for batch_frames in (1, 7, 1000):
        records = drain(open_capture(str(capture), Plan(), batch_frames))
        assert frames_of(records) == expected()
        assert max(len(one.spans) for one in records if isinstance(one, Frames)) <= batch_frames


def test_a_file_larger_than_the_window_is_read_in_windows(tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    with PcapWriter(str(path), linktype=1) as writer:
        writer.write_header(b"")
        for n in range(300):
            writer.write_packet(bytes([n % 256]) * 3001, sec=n, usec=0)
    records = read(path)
    assert frames_of(records) == [(n * 10**9, bytes([n % 256]) * 3001) for n in range(300)]
    sizes = [len(one.buffer) for one in records if isinstance(one, Frames)]
    assert len(sizes) > 3
    assert max(sizes) < WINDOW_BYTES + 4096


def test_the_window_of_a_batch_outlives_the_next_read(capture: Path) -> None:
    data = capture.read_bytes()
    reading, writing = os.pipe()
    tap = piped(reading)
    os.write(writing, data[:600])
    first = tap.read(0)
    os.write(writing, data[600:])
    os.close(writing)
    assert frames_of(first + drain(tap)) == expected()


def test_gzip_is_read_in_one_member_or_several_padded_or_not(capture: Path) -> None:
    data = capture.read_bytes()
    for zipped in (
        gzip.compress(data),
        gzip.compress(data[:300]) + gzip.compress(data[300:]),
        gzip.compress(data[:2]) + bytes(64) + gzip.compress(data[2:]) + bytes(512),
    ):
        capture.write_bytes(zipped)
        records = read(capture)
        assert (frames_of(records), notes_of(records)) == (expected(), [])


def test_a_cut_file_ends_with_a_note(capture: Path) -> None:
    data = capture.read_bytes()
    capture.write_bytes(data[:-1])
    assert frames_of(read(capture)) == expected()[:-1]
    assert notes_of(read(capture)) == ["capture-cut"]


def test_a_cut_gzip_ends_with_a_note_wherever_it_is_cut(capture: Path) -> None:
    zipped = gzip.compress(capture.read_bytes())
    for n_bytes in (len(zipped) - 1, len(zipped) - 9, len(zipped) * 3 // 4):
        capture.write_bytes(zipped[:n_bytes])
        records = read(capture)
        got = frames_of(records)
        assert got == expected()[: len(got)]
        assert notes_of(records) == ["capture-cut"]


def test_a_broken_gzip_ends_with_a_note(capture: Path) -> None:
    zipped = bytearray(gzip.compress(capture.read_bytes()))
    zipped[-6] ^= 0xFF  # its checksum
    capture.write_bytes(zipped)
    records = read(capture)
    assert (frames_of(records), notes_of(records)) == (expected(), ["capture-damaged"])
    capture.write_bytes(gzip.compress(capture.read_bytes()[:0]) + b"\x1f\x8b\x08\xff" + bytes(99))
    with pytest.raises(GwtopError, match="damaged"):
        read(capture)


def test_a_damaged_capture_ends_at_once(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes() + b"\xff" * 3_000_000)
    tap = open_capture(str(capture), Plan())
    assert notes_of(tap.read(0)) == ["capture-damaged"]
    assert tap.ended
    tap.close()


# -- pipes -------------------------------------------------------------------------------------


def test_frames_come_out_of_a_pipe_as_they_come_in(
    pipe: tuple[FileTap, int], capture: Path
) -> None:
    tap, writing = pipe
    data = capture.read_bytes()
    assert tap.fileno() >= 0
    assert (tap.read(0), tap.due_at()) == ([], None)
    os.write(writing, data[:3])
    assert tap.read(0) == []
    os.write(writing, data[3 : 24 + 16])
    assert frames_of(tap.read(0)) == expected()[:1]
    os.write(writing, data[40 : 40 + 17 + 16 + 1])
    assert frames_of(tap.read(0)) == expected()[1:2]
    assert (tap.read(0), tap.ended) == ([], False)
    os.close(writing)
    assert notes_of(tap.read(0)) == ["capture-cut"]
    assert tap.ended


def test_gzip_comes_out_of_a_pipe_as_it_comes_in(pipe: tuple[FileTap, int], capture: Path) -> None:
    tap, writing = pipe
    data = capture.read_bytes()
    zipper = zlib.compressobj(wbits=31)
    first = zipper.compress(data[:40]) + zipper.flush(zlib.Z_SYNC_FLUSH)
    got = []
    for byte in first:
        os.write(writing, bytes([byte]))
        got += frames_of(tap.read(0))
    assert got == expected()[:1]
    os.write(writing, zipper.compress(data[40:]) + zipper.flush())
    os.close(writing)
    assert frames_of(drain(tap)) == expected()[1:]


def test_what_a_few_zipped_bytes_unfold_to_comes_in_windows(pipe: tuple[FileTap, int]) -> None:
    tap, writing = pipe
    head = b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(8) + b"\0\0\4\0\1\0\0\0"
    os.write(writing, gzip.compress(head + bytes(16 * 500_000)))
    os.close(writing)
    n_reads = n_frames = 0
    while not tap.ended:
        records = tap.read(0)
        assert sum(len(one.spans) for one in records if isinstance(one, Frames)) <= 16_500
        n_frames += len(frames_of(records))
        n_reads += 1
        assert tap.ended or tap.due_at() == 0 or n_frames == 500_000
    assert n_frames == 500_000
    assert n_reads > 30


def test_a_gunzip_that_has_nothing_says_so() -> None:
    gunzip = Gunzip()
    assert (gunzip.take(), gunzip.pending, gunzip.whole) == (b"", False, True)


def test_a_fifo_is_opened_before_its_writer_is_there(tmp_path: Path, capture: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    tap = open_capture(str(fifo), Plan())
    assert (tap.read(0), tap.ended) == ([], False)
    writing = os.open(fifo, os.O_WRONLY)
    assert (tap.read(0), tap.ended) == ([], False)
    os.write(writing, capture.read_bytes())
    os.close(writing)
    assert frames_of(drain(tap)) == expected()


SCRIPT = """
import sys
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames
from gwtop.taps.files import open_capture
tap = open_capture("-", Plan())
n = 0
while not tap.ended:
    for one in tap.read(0):
        n += len(one.spans) if isinstance(one, Frames) else 1000
tap.close()
sys.stdin.buffer.raw.fileno()
print(n)
"""


def test_standard_input_may_be_a_file_or_a_pipe_and_stays_open(capture: Path) -> None:
    command = [sys.executable, "-c", SCRIPT]
    with capture.open("rb") as file:
        from_file = subprocess.run(command, stdin=file, capture_output=True, check=True)
    data = capture.read_bytes()
    from_pipe = subprocess.run(command, input=data, capture_output=True, check=True)
    assert [from_file.stdout, from_pipe.stdout] == [f"{N_FRAMES}\n".encode()] * 2


# -- what is no capture ------------------------------------------------------------------------


def refusal(path: Path | str) -> str:
    with pytest.raises(GwtopError) as caught:
        read(path)
    assert caught.value.remedy
    return str(caught.value)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    assert "there is no file" in refusal(tmp_path / "none")


def test_a_directory_is_refused(tmp_path: Path) -> None:
    assert "is a directory" in refusal(tmp_path)


def test_a_path_that_cannot_be_is_refused(tmp_path: Path) -> None:
    assert "cannot be opened" in refusal(tmp_path / ("x" * 300))


def test_a_terminal_is_refused() -> None:
    parent, child = os.openpty()
    try:
        assert "is a terminal" in refusal(os.ttyname(child))
    finally:
        os.close(parent)
        os.close(child)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert "is empty" in refusal(path)


@pytest.mark.parametrize("content", [b"GET / HTTP/1.1", b"ab", b"\0" * 100])
def test_what_is_no_capture_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other"
    path.write_bytes(content)
    assert "is no capture; it must be pcap or pcapng" in refusal(path)


def test_facts_and_other_compressions_get_their_own_remedy(tmp_path: Path) -> None:
    path = tmp_path / "other"
    for content, remedy in ((b'{"type":"hello"}', "gwtop view"), (b"\x28\xb5\x2f\xfd...", "zstd")):
        path.write_bytes(content)
        assert remedy in refusal(path)


def test_gzip_of_no_capture_and_of_gzip_is_refused(tmp_path: Path, capture: Path) -> None:
    path = tmp_path / "other.gz"
    for content in (b"GET / HTTP/1.1", gzip.compress(capture.read_bytes()), b"ab"):
        path.write_bytes(gzip.compress(content))
        assert "is no capture" in refusal(path)


@pytest.mark.parametrize("n_bytes", [4, 23])
def test_a_file_cut_inside_its_own_header_is_refused(capture: Path, n_bytes: int) -> None:
    capture.write_bytes(capture.read_bytes()[:n_bytes])
    assert "header" in refusal(capture)
    capture.write_bytes(gzip.compress(capture.read_bytes())[:-9])
    assert "header" in refusal(capture)


def test_an_empty_pipe_is_refused(pipe: tuple[FileTap, int]) -> None:
    tap, writing = pipe
    os.close(writing)
    with pytest.raises(GwtopError, match="empty"):
        drain(tap)


def test_a_capture_without_frames_is_fine(capture: Path) -> None:
    capture.write_bytes(capture.read_bytes()[:24])
    assert read(capture) == []


def test_the_tap_of_files_is_not_among_the_live_ones() -> None:
    names = [module.__name__ for module in discover()]  # type: ignore[attr-defined]
    assert not [name for name in names if name.rpartition(".")[2] in ("files", "pcap", "pcapng")]
