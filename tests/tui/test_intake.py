"""The intake: lines as they were written, bounded, and what is dropped is counted."""

import os
from pathlib import Path

import pytest

from gwtop.tui import intake as module
from gwtop.tui.intake import Intake


def read_all(source: int, **given: object) -> Intake:
    intake = Intake(source, **given)  # type: ignore[arg-type]
    intake._read()
    return intake


def piped(data: bytes) -> Intake:
    reading, writing = os.pipe()
    os.write(writing, data)
    os.close(writing)
    return read_all(reading)


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_lines_are_whole_however_they_arrive(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READ_BYTES", size)
    intake = piped(b"one\ntwo\n\nthree\nlast without newline")
    assert intake.take(2) == [b"one", b"two"]
    assert intake.n_waiting == 2
    assert intake.take(99) == [b"three", b"last without newline"]
    assert intake.ended and intake.take(1) == []


def test_the_end_is_explained_by_who_knows() -> None:
    reading, writing = os.pipe()
    os.close(writing)
    assert read_all(reading, on_end=lambda: "exit status 3").last_words == "exit status 3"


def test_of_a_pipe_that_is_too_quick_only_requests_are_dropped_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_LINES", 10)
    lines = [b'{"type":"request","id":%d}' % n for n in range(30)]
    births = [b'{"type":"process_born","n":%d}' % n for n in range(5)]
    intake = piped(b"\n".join(lines + births) + b"\n")
    assert intake.n_dropped == 20
    assert intake.take(99) == lines[:10] + births


def test_not_even_lines_that_matter_are_kept_without_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_LINES", 10)
    intake = piped(b'{"type":"process_born"}\n' * 100)
    assert intake.n_waiting == 20
    assert intake.n_dropped == 80


def test_few_lines_that_are_long_are_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_BYTES", 1000)
    intake = piped((b'{"type":"detail","x":"%s"}\n' % (b"x" * 100)) * 100)
    assert intake.n_waiting == 17  # 124 bytes each
    assert intake.n_dropped == 83


def test_a_line_without_an_end_is_dropped_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(module, "_READ_BYTES", 16)
    intake = piped(b"x" * 5000 + b"\nnext\n")
    assert intake.take(9) == [b"next"]
    assert intake.n_dropped == 1


def test_a_line_without_an_end_that_is_the_last_one_is_counted_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 100)
    monkeypatch.setattr(module, "_READ_BYTES", 16)
    intake = piped(b"first\n" + b"x" * 5000)
    assert intake.take(9) == [b"first"]
    assert intake.n_dropped == 1


def test_of_a_file_nothing_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_WAITING_LINES", 10)
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b'{"type":"request"}\n' * 1000)
    source = os.open(path, os.O_RDONLY)
    intake = Intake(source)
    intake.start()
    n_taken = 0
    while not intake.ended or intake.n_waiting:
        n_taken += len(intake.take(7))
    assert (n_taken, intake.n_dropped) == (1000, 0)
    os.close(source)


def test_a_source_that_breaks_has_ended() -> None:
    reading, writing = os.pipe()
    intake = Intake(reading)
    os.close(reading)
    os.close(writing)
    intake._read()
    assert intake.ended
