"""The driver on a real terminal: Esc in time, keys that begin like it, characters cut in two."""

import os
import pty
import select
import sys

from tests.tui.test_run_screen import read_until

BELOW_S = 0.06
"""A busy machine may take longer, but not every time."""
CHILD = """
import os, sys
os.environ["ESCDELAY"] = "25"
from textual.app import App
from gwtop.tui.driver import Driver
class Told(App):
    def on_mount(self):
        os.write(1, b"ready ")
    def on_key(self, event):
        os.write(1, b"<" + event.key.encode() + b">")
        if event.key == "q":
            self.exit()
Told(driver_class=Driver).run()
"""


def test_esc_is_told_alone_and_other_keys_are_themselves() -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-c", CHILD], {**os.environ, "TERM": "xterm"})
    read_until(terminal, b"ready ")
    while select.select([terminal], [], [], 0.5)[0]:
        os.read(terminal, 65536)
    in_time = []
    for _ in range(8):
        os.write(terminal, b"\x1b")
        in_time += select.select([terminal], [], [], BELOW_S)[0]
        read_until(terminal, b"<escape>")
    assert in_time, "textual's own loop looks every 100 ms"
    os.write(terminal, b"\x1b[A")
    assert b"<escape>" not in read_until(terminal, b"<up>")
    os.write(terminal, "é".encode()[:1])
    os.write(terminal, "é".encode()[1:] + b"x")
    assert "<é>".encode() in read_until(terminal, b"<x>")
    os.write(terminal, b"q")
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    os.close(terminal)
