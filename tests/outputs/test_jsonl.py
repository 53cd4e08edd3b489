"""JSON lines: order, no blocking on a slow reader, a bound with its count, a reader that goes."""

import os
import select
from collections.abc import Iterator
from pathlib import Path

import pytest

from gwtop.journal import encode
from gwtop.nouns import facts
from gwtop.nouns.facts import Fact
from gwtop.outputs.jsonl import FULL_BYTES, JsonLines

AT = "2026-11-22T06:00:42.123456789Z"


def note(text: str) -> Fact:
    return facts.Note(at=AT, code="x", severity="info", text=text, pid=None, listen=None)


def exited(pid: int) -> Fact:
    return facts.ProcessExited(AT, pid, 1, 0, None, None, None, 0)


def hello() -> Fact:
    return facts.Hello(1, "0", "h", "live", AT, [], [])


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for fd in ends:
        try:
            os.close(fd)
        except OSError:  # a test closed it
            continue


def read_available(fd: int) -> bytes:
    data = b""
    while select.select([fd], [], [], 0)[0]:
        data += os.read(fd, 1 << 20)
    return data


def test_lines_arrive_in_order(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1])
    told = [note(str(n)) for n in range(20)]
    sink.put(told)
    sink.flush()
    assert read_available(pipe[0]) == b"".join(map(encode, told))
    assert sink.queued_bytes == 0


def test_a_pipe_that_nobody_reads_blocks_nothing_and_loses_nothing(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1])
    told = [note("x" * 1_500 + str(n)) for n in range(100)]
    sink.put(told)
    sink.flush()  # the pipe holds 64 KiB of these 160
    assert sink.queued_bytes > 0
    received = b""
    while sink.queued_bytes:
        received += read_available(pipe[0])
        sink.flush()
    assert received + read_available(pipe[0]) == b"".join(map(encode, told))


def written_by(sink: JsonLines, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The lengths of the writes that empty it, into a reader that keeps up."""
    lengths: list[int] = []
    write = os.write

    def counted(fd: int, data: memoryview) -> int:
        lengths.append(len(data))
        return write(fd, data)

    monkeypatch.setattr("gwtop.outputs.jsonl.os.write", counted)
    sink.flush()
    return lengths


def test_lines_that_came_one_by_one_go_out_together(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = JsonLines(pipe[1])
    told = [note(f"{n:02}") for n in range(80)]
    for fact in told:
        sink.put([fact])
    lengths = written_by(sink, monkeypatch)
    whole = b"".join(map(encode, told))
    assert lengths[:-1] == [select.PIPE_BUF] * (len(whole) // select.PIPE_BUF)
    assert read_available(pipe[0]) == whole


def test_what_one_write_takes_is_one_write(
    pipe: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = JsonLines(pipe[1])
    empty = len(encode(note("")))
    for n_bytes in (1000, select.PIPE_BUF - 1000, 1000):
        sink.put([note("x" * (n_bytes - empty))])
    assert written_by(sink, monkeypatch) == [select.PIPE_BUF, 1000]


def test_a_device_that_is_no_terminal_takes_as_much_as_a_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fd = os.open(os.devnull, os.O_WRONLY)
    sink = JsonLines(fd)
    sink.put([note("x" * 300_000)])
    assert len(written_by(sink, monkeypatch)) == 1
    os.close(fd)


def test_a_terminal_is_given_no_more_than_a_pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    master, slave = os.openpty()
    sink = JsonLines(slave)
    sink.put([note("x" * 5_000)])
    assert max(written_by(sink, monkeypatch)) == select.PIPE_BUF
    os.close(master)
    os.close(slave)


def test_a_line_longer_than_the_pipe_gets_through(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1])
    long = note("x" * 300_000)
    sink.put([long])
    received = b""
    while sink.queued_bytes:
        sink.flush()
        received += read_available(pipe[0])
    assert received == encode(long)


def test_past_the_bound_facts_are_dropped_and_counted(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1], max_queued_bytes=1)
    sink.put([note("fits"), exited(1), note("dropped, uncounted"), exited(2)])
    assert sink.take_dropped() == (0, 2)
    assert sink.take_dropped() == (0, 0)
    sink.flush()
    assert read_available(pipe[0]) == encode(note("fits"))


def test_the_first_line_is_never_dropped(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1], max_queued_bytes=0)
    sink.put([hello(), note("dropped")])
    sink.flush()
    assert read_available(pipe[0]) == encode(hello())


def test_a_full_queue_says_so_long_before_it_drops(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1])
    assert not sink.is_full
    sink.put([note("x" * FULL_BYTES)])
    assert sink.is_full
    assert sink.take_dropped() == (0, 0)


def test_a_reader_that_has_gone_closes_the_sink(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1])
    os.close(pipe[0])
    sink.put([note("x")])
    sink.flush()
    assert sink.closed


def test_an_idle_sink_notices_that_its_reader_has_gone(pipe: tuple[int, int]) -> None:
    sink = JsonLines(pipe[1])
    sink.flush()
    assert not sink.closed
    os.close(pipe[0])
    sink.flush()
    assert sink.closed


def test_a_file_takes_all_at_once(tmp_path: Path) -> None:
    with (tmp_path / "facts").open("w+b") as file:
        sink = JsonLines(file.fileno())
        sink.put([note("x" * 100_000)] * 30)
        sink.flush()
        assert sink.queued_bytes == 0
        file.seek(0)
        assert file.read() == encode(note("x" * 100_000)) * 30


def test_a_descriptor_that_is_not_open_is_a_closed_sink(pipe: tuple[int, int]) -> None:
    os.close(pipe[1])
    sink = JsonLines(pipe[1])
    sink.put([note("x")])
    sink.flush()
    assert sink.closed
