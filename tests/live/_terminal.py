"""A terminal for a program under test: what it paints comes out as text, keys go in.

In: a command line and a size. Out: bytes. Refuses to know where on the screen something stands: it
finds words in what is painted, in the order of painting.
"""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

CONTROL = re.compile(
    rb"\x1b\[[0-9;?<>=]*[ -/]*[@-~]"  # CSI: ECMA-48 5.4
    rb"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"  # OSC: ECMA-48 8.3.89
    rb"|\x1b[ -/]*[0-~]"
)
DEADLINE_S = 30.0


class Terminal:
    """The other end of a program's terminal. A thread reads it, for a program that is not read
    waits in the middle of a paint."""

    def __init__(self, master: int, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self._master = master
        self._painted = b""
        self._news = threading.Condition()
        self._over, self._end = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        while self._over not in select.select([self._master, self._over], [], [])[0]:
            try:
                data = os.read(self._master, 65536)
            except OSError:  # EIO: nobody holds the other end any more
                return
            with self._news:
                self._painted += data
                self._news.notify_all()

    def text(self) -> str:
        return CONTROL.sub(b"", self._painted).decode("utf-8", "replace")

    def forget(self) -> None:
        """What has been painted so far is not waited for any more."""
        with self._news:
            self._painted = b""

    def await_text(self, *words: str, deadline_s: float = DEADLINE_S) -> None:
        """Until one of these has been painted since the last `forget`."""
        with self._news:
            if not self._news.wait_for(
                lambda: any(word in self.text() for word in words), deadline_s
            ):
                pytest.fail(f"{words} was not painted; the last was {self.text()[-1500:]!r}")

    def press(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def wait(self) -> int:
        """The exit status."""
        return self.process.wait(DEADLINE_S)

    def hang_up(self) -> None:
        """The window is closed; may be called twice."""
        if self._master >= 0:
            os.close(self._end)
            self._reader.join()
            os.close(self._over)
            os.close(self._master)
            self._master = -1


@contextmanager
def terminal(
    command: Sequence[str],
    folder: Path,
    n_columns: int = 80,
    n_lines: int = 24,
    stderr: int | None = None,
) -> Iterator[Terminal]:
    """A program on a terminal of its own, which is its controlling one; killed at the end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", n_lines, n_columns, 0, 0))
    environ = os.environ | {"TERM": "xterm-256color", "TMPDIR": str(folder)}
    process = subprocess.Popen(
        ["setsid", "--ctty", *command],  # execs: its pid is the program's
        stdin=slave,
        stdout=slave,
        stderr=slave if stderr is None else stderr,
        cwd=folder,
        env={name: value for name, value in environ.items() if name not in ("COLUMNS", "LINES")},
    )
    os.close(slave)
    held = Terminal(master, process)
    try:
        yield held
    finally:
        process.kill()
        process.wait()
        held.hang_up()
