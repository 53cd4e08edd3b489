"""`gwtop view` as a process: files, pipes, standard input among them, a file that grows."""

import json
import os
import pty
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import IO

import pytest

from gwtop.errors import GwtopError

view = import_module("gwtop.cli.view")  # by its name there is the command
VIEW = [sys.executable, "-m", "gwtop", "view", "--json"]


def note(second: int, code: str) -> bytes:
    at = f"2026-11-22T06:00:{second:02d}.000000000Z"
    told = {"type": "note", "at": at, "code": code, "severity": "info", "text": "t"}
    return json.dumps({**told, "pid": None, "listen": None}).encode() + b"\n"


def codes(data: bytes) -> list[tuple[str, str | None]]:
    told = [json.loads(line) for line in data.splitlines()]
    return [(line["code"], line.get("host")) for line in told]


def next_code(output: IO[bytes] | None) -> str:
    assert output is not None
    return str(json.loads(output.readline())["code"])


def test_standard_input_merges_with_files(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(note(1, "one") + note(4, "four"))
    done = subprocess.run(
        [*VIEW, str(tmp_path / "a"), "-"],
        input=note(2, "two") + note(3, "three"),
        capture_output=True,
        check=True,
    )
    assert codes(done.stdout) == [
        ("one", "a"),
        ("two", "standard input"),
        ("three", "standard input"),
        ("four", "a"),
    ]


def test_two_fifos_merge_as_they_come(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in "ab"]
    for name in names:
        os.mkfifo(name)
    with subprocess.Popen([*VIEW, *names], stdout=subprocess.PIPE) as view:
        with open(names[0], "wb", buffering=0) as first, open(names[1], "wb", buffering=0) as other:
            first.write(note(5, "late"))
            other.write(note(3, "early"))
            assert next_code(view.stdout) == "early"
            assert next_code(view.stdout) == "late"  # the other one has been silent for long
            other.write(note(6, "more"))
            assert next_code(view.stdout) == "more"
        assert view.wait(20) == 0


def test_a_file_that_grows_is_followed_until_its_summary(tmp_path: Path) -> None:
    file = tmp_path / "facts"
    file.write_bytes(note(1, "one"))
    with subprocess.Popen([*VIEW, "--follow", str(file)], stdout=subprocess.PIPE) as view:
        assert next_code(view.stdout) == "one"
        with file.open("ab", buffering=0) as more:
            more.write(note(2, "two")[:20])
            more.write(note(2, "two")[20:])
            assert next_code(view.stdout) == "two"
        view.terminate()
        assert view.wait(20) != 0


def test_without_follow_the_end_of_a_file_is_the_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(note(1, "one"))
    done = subprocess.run([*VIEW, str(tmp_path / "a")], capture_output=True, check=True)
    assert codes(done.stdout) == [("one", None)]


def test_the_end_of_its_reader_ends_it(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a")
    name = str(tmp_path / "a")
    with (
        subprocess.Popen([*VIEW, name], stdout=subprocess.PIPE) as view,
        open(name, "wb", buffering=0) as pipe,
    ):
        pipe.write(note(1, "one"))
        assert next_code(view.stdout) == "one"
        assert view.stdout is not None
        view.stdout.close()
        assert view.wait(20) == 0


@pytest.mark.parametrize("name", ["none", "."])
def test_what_cannot_be_read_is_said(tmp_path: Path, name: str) -> None:
    done = subprocess.run([*VIEW, str(tmp_path / name)], capture_output=True)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1


def test_a_table_of_several_says_whose_rows_are(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_bytes(note(1, f"of-{name}"))
    table = [*VIEW[:-1], "--table", "notes", str(tmp_path / "a"), str(tmp_path / "b")]
    done = subprocess.run(table, capture_output=True, check=True)
    assert b"facts end without a summary" in done.stdout


def test_what_never_ends_a_line_is_no_fact(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "MAX_LINE_BYTES", view.READ_BYTES)
    path = tmp_path / "zeros"
    path.write_bytes(bytes(3 * view.READ_BYTES))
    with pytest.raises(GwtopError, match="zeros, line 1: longer than any fact"):
        list(view.merged((str(path),)))


def test_the_name_of_a_file_is_no_command_to_the_terminal(tmp_path: Path) -> None:
    master, slave = pty.openpty()
    try:
        done = subprocess.run([*VIEW, str(tmp_path / "\x1b[2J")], stderr=slave, check=False)
        said = os.read(master, 10_000)
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 1
    assert b"\\x1b[2J" in said and b"\x1b" not in said
