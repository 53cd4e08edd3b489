"""The way in: a real terminal, a real child, and the terminal as it was afterwards."""

import fcntl
import os
import pty
import select
import struct
import sys
import termios

import pytest

from gwtop.journal import encode
from tests.screens._facts import pool

CHILD = """
import os, sys
from gwtop.tui import run_screen
sys.exit(run_screen(os.open(sys.argv[1], os.O_RDONLY), on_end=lambda: "as expected"))
"""
FROM_STDIN = """
import sys
from gwtop.tui import run_screen
sys.exit(run_screen(0))
"""


def spawn(code: str, argument: str, stdin: int | None) -> tuple[int, int]:
    """A child on a terminal of its own, 100x30; its pid and the terminal's other end."""
    pid, terminal = pty.fork()
    if pid == 0:
        if stdin is not None:
            os.dup2(stdin, 0)
        environ = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "", "LINES": ""}
        environ = {name: value for name, value in environ.items() if value}
        os.execve(sys.executable, [sys.executable, "-c", code, argument], environ)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    return pid, terminal


def read_until(terminal: int, words: bytes) -> bytes:
    """What the child writes until those words; fails when it says nothing for 20 seconds."""
    told = b""
    while words not in told:
        ready, _, _ = select.select([terminal], [], [], 20)
        assert ready, told[-2000:]
        try:
            data = os.read(terminal, 65536)
        except OSError:  # EIO: the child is gone
            data = b""
        assert data, told[-2000:]
        told += data
    return told


@pytest.mark.parametrize("by", ["descriptor", "stdin"])
def test_q_quits_and_gives_the_terminal_back(by: str, tmp_path: object) -> None:
    path = f"{tmp_path}/facts.jsonl"
    with open(path, "wb") as file:
        file.writelines(encode(fact) for fact in pool())  # type: ignore[arg-type]
    source = os.open(path, os.O_RDONLY)
    pid, terminal = spawn(
        CHILD if by == "descriptor" else FROM_STDIN, path, source if by == "stdin" else None
    )
    told = read_until(terminal, b"engine ended")
    assert b"\x1b[?1049h" in told, "the screen is another one"
    assert b"worker-pool" in told
    os.write(terminal, b"q")
    told = read_until(terminal, b"\x1b[?1049l")
    assert b"Traceback" not in told
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    os.close(terminal)
    os.close(source)
