"""Standard streams that are closed, full, without a reader, or plain ASCII."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SAMPLE = Path(__file__).parent.parent / "captures" / "fastcgi" / "apache-php-fpm.pcap"
WORDS = {
    "help": ["--help"],
    "words": ["explain"],
    "schema": ["schema"],
    "demos": ["demo"],
    "config": ["config"],
    "facts": ["read", str(SAMPLE), "--json"],
    "table": ["read", str(SAMPLE), "--table", "requests"],
    "start": [],
}
each = pytest.mark.parametrize("words", [pytest.param(w, id=name) for name, w in WORDS.items()])


def shell(line: str, words: list[str], **environ: str) -> "subprocess.CompletedProcess[bytes]":
    """`line` with the command in the place of "$@"."""
    return subprocess.run(
        ["bash", "-c", line, "bash", sys.executable, "-m", "gwtop", *words],
        env={**os.environ, **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
    )


@each
def test_a_reader_that_takes_nothing_is_status_0(words: list[str]) -> None:
    done = shell('"$@" | true; exit ${PIPESTATUS[0]}', words, PYTHONUNBUFFERED="1")
    assert (done.returncode, done.stderr) == (0, b"")


@each
def test_a_disk_that_is_full_is_status_1_and_one_line(words: list[str]) -> None:
    done = shell('"$@" >/dev/full', words)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        b"gwtop: cannot write what was told (No space left on device); "
        b"make room, or let it go elsewhere"
    ]


@each
def test_an_output_that_is_closed_is_status_1_and_one_line(words: list[str]) -> None:
    done = shell('"$@" >&-', words)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1
    assert b"standard output is closed" in done.stderr


def test_no_file_is_opened_under_the_number_of_a_stream_that_was_closed(tmp_path: Path) -> None:
    report = tmp_path / "report"
    words = [*WORDS["facts"], "--debug", str(report)]
    done = shell('"$@" <&- 2>&-', words)
    assert done.returncode == 0
    assert done.stdout.startswith(b'{"type":"hello"')
    assert all(line.startswith(b'{"what":') for line in report.read_bytes().splitlines())


@each
def test_an_output_without_unicode_gets_what_it_can_show(words: list[str]) -> None:
    plain = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = shell('"$@"', words, **plain)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


def test_a_debug_report_without_room_ends_and_the_run_does_not() -> None:
    done = shell('"$@"', [*WORDS["facts"], "--debug", "/dev/full"])
    assert done.returncode == 0
    assert done.stderr == b"gwtop: /dev/full ends here (No space left on device)\n"
    assert done.stdout.splitlines()[-1].startswith(b'{"type":"summary"')
