"""From nothing to decoded FastCGI on the screen, as an ordinary user; packages in pip's cache.

In: nothing (run it as root: it becomes nobody), or as the user who asks. Out: seconds of the
virtual environment, of pip, of gwtop until a request's row is painted; the latter two as a ratio.

    python tests/bench/first_screen.py [--compile]

The first run fills pip's cache if it must; the second is the one that counts. `--compile` lets pip
translate every file of every package; without it Python does that, for what is imported.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
ROW = re.compile(rb"(GET|POST)\S*\s.{0,80}?/(echo|slow|big)?.{0,80}?\s200\b", re.DOTALL)
PATIENCE_S = 60.0
PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


def main() -> None:
    choice = [] if "--compile" in sys.argv else ["--no-compile"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run(["git", "clone", "-q", ROOT, folder / "gwtop"], check=True)
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", folder], check=True)
        for _ in range(2):
            shutil.rmtree(folder / "own", ignore_errors=True)
            parts = measured(folder, choice)
    made, installed, seen = parts
    print(f"environment {made:.1f} s, pip {installed:.1f} s, gwtop to the first row {seen:.1f} s")
    print(f"from pip's start {installed + seen:.1f} s; gwtop / pip {seen / installed:.2f}")


def measured(folder: Path, choice: list[str]) -> tuple[float, float, float]:
    """Seconds of each part."""
    began = time.monotonic()
    own(folder, PYTHON, "-m", "venv", "own")
    made = time.monotonic()
    own(folder, "own/bin/pip", "install", "-q", *choice, "./gwtop[demos]")
    installed = time.monotonic()
    until_row(folder)
    return made - began, installed - made, time.monotonic() - installed


def own(folder: Path, *command: str) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment(folder),
        user=NOBODY if os.geteuid() == 0 else None,
        group=NOBODY if os.geteuid() == 0 else None,
        extra_groups=[] if os.geteuid() == 0 else None,
        stderr=subprocess.PIPE,
        text=True,
    )
    if done.returncode:
        sys.exit(done.stderr)


def environment(folder: Path) -> dict[str, str]:
    found = {key: value for key, value in os.environ.items() if key.startswith(("PIP_", "LANG"))}
    return found | {"HOME": str(folder), "PATH": os.defpath, "TERM": "xterm-256color"}


def until_row(folder: Path) -> None:
    """Runs the demo on a terminal of 160 by 50 until a row with its status is painted."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        if os.geteuid() == 0:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        os.execve("own/bin/gwtop", ["gwtop", "demo", "fastcgi"], environment(folder))
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    painted = b""
    until = time.monotonic() + PATIENCE_S
    while not ROW.search(plain(painted)):
        if not select.select([terminal], [], [], max(until - time.monotonic(), 0))[0]:
            sys.exit("no row was painted")
        painted += os.read(terminal, 1 << 16)
    os.kill(pid, signal.SIGTERM)
    drain(terminal)
    os.waitpid(pid, 0)


def plain(painted: bytes) -> bytes:
    """Without the escape sequences between the cells."""
    return re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b" ", painted)


def drain(terminal: int) -> None:
    try:
        while os.read(terminal, 1 << 16):
            pass
    except OSError:  # EIO: the other side is closed
        pass


if __name__ == "__main__":
    main()
