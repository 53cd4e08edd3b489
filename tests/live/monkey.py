"""A monkey at the real thing: gwtop on a terminal, a real demo under load, random keys and mouse.

    python -m tests.live.monkey [--minutes 5] [--seed N] [--demo uwsgi] [--rate 200]

In: a seed, which it prints. Out: exit status 0, and how much it did; or 1 and what it did last,
when the screen failed, wrote a traceback, or left the terminal as it should not be. It quits the
screen only by accident (the palette can); then another one is started.
"""

import argparse
import fcntl
import os
import pty
import random
import select
import signal
import struct
import sys
import tempfile
import termios
from collections import deque
from pathlib import Path
from time import monotonic

KEYS = [*"123456789lfcsSmMnNeEghjkGyw[]{}dtzoJK<>,.+-=/?:| abr", "\t", "\r", "\x1b", "\x7f"]
KEYS += ["\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[H", "\x1b[F", "\x1b[5~", "\x1b[6~"]
KEYS += ["\x1b[Z", "\x10", "\x13", "\x1bOP", "\x1b[200~status>=500\x1b[201~", "é", "漢", "\x1b"]
SIZES = [(80, 24), (160, 50), (20, 5), (120, 40), (41, 11), (200, 60), (1, 1), (100, 30)]
BAD = (b"Traceback", b"the screen failed", b"Error:")
GONE = b"\x1b[?1049l"
"""The terminal is given back."""
REST_S = 0.02
DEFECTS = "defects.txt"
TELLING = """
import sys, traceback
from textual.app import App
kept = App._handle_exception
def told(app, error):
    with open(sys.argv[1], "a") as file:
        traceback.print_exception(error, file=file)
    kept(app, error)
App._handle_exception = told
from gwtop.cli import main
sys.exit(main(sys.argv[2:]))
"""
"""gwtop, but for a file that says where a defect was: the screen says its name alone."""


class Session:
    """One gwtop on a terminal of its own."""

    def __init__(self, demo: str, rate: int, folder: str) -> None:
        self.told = deque(maxlen=400)  # type: deque[bytes]
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.chdir(folder)
            environ = {**os.environ, "TERM": "xterm-256color", "HOME": folder}
            arguments = ["demo", demo, "--rate", str(rate)]
            command = [sys.executable, "-c", TELLING, f"{folder}/{DEFECTS}", *arguments]
            os.execve(sys.executable, command, environ)
        os.set_blocking(self.terminal, False)
        self.resize(120, 40)
        self.status: int | None = None

    def resize(self, width: int, height: int) -> None:
        fcntl.ioctl(self.terminal, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, text: str) -> None:
        """As much as the terminal takes: one that waits here, unread, would be waited for."""
        try:
            os.write(self.terminal, text.encode())
        except BlockingIOError:  # between two screens nobody reads keys
            return

    def read(self, seconds: float) -> None:
        """What it paints in that time; its end."""
        until = monotonic() + seconds
        while self.status is None and (left := until - monotonic()) > 0:
            if not select.select([self.terminal], [], [], left)[0]:
                return
            try:
                self.told.append(os.read(self.terminal, 65536))
            except OSError:  # EIO: nobody holds the other end any more
                _, status = os.waitpid(self.pid, 0)
                self.status = os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """As its user would: and it must not take long."""
        if self.status is None:
            os.kill(self.pid, signal.SIGTERM)
            self.read(20)
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.read(5)
        os.close(self.terminal)

    def trouble(self) -> str:
        text = b"".join(self.told)
        if any(word in text for word in BAD):
            return "it said so"
        if self.status not in (None, 0, 143):
            return f"exit status {self.status}"
        if self.status is not None and GONE not in text:
            return "the terminal was not given back"
        return ""


def act(play: random.Random, session: Session) -> str:
    """Something a person might do, if they were a monkey."""
    what = play.random()
    if what < 0.8:
        text = "".join(play.choices(KEYS, k=play.choice([1, 1, 1, 2, 5])))
        session.press(text)
        return repr(text)
    if what < 0.97:
        button, x, y = (
            play.choice([0, 0, 0, 2, 64, 65, 35]),
            play.randint(1, 200),
            play.randint(1, 60),
        )
        session.press(f"\x1b[<{button};{x};{y}M" + f"\x1b[<{button};{x};{y}m" * (button < 3))
        return f"mouse {button} at {x},{y}"
    width, height = play.choice(SIZES)
    session.resize(width, height)
    return f"resize {width}x{height}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--demo", default="uwsgi")
    parser.add_argument("--rate", type=int, default=200)
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    play, last = random.Random(options.seed), deque[str](maxlen=60)
    n_acts = n_sessions = 0
    until = monotonic() + 60 * options.minutes
    with tempfile.TemporaryDirectory() as folder:
        while monotonic() < until:
            session = Session(options.demo, options.rate, folder)
            n_sessions += 1
            session.read(4)
            while session.status is None and monotonic() < until:
                last.append(act(play, session))
                n_acts += 1
                session.read(REST_S)
            session.end()
            if why := session.trouble():
                print(f"after {n_acts} acts: {why}", *last, sep="\n")
                print(b"".join(session.told)[-300:])
                defects = Path(folder, DEFECTS)
                print(defects.read_text() if defects.exists() else "")
                return 1
    print(f"{n_acts} acts in {n_sessions} sessions, nothing failed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
