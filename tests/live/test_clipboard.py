"""Copying inside a real tmux with its usual settings: the text is in its buffer."""

import os
import select
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from gwtop.journal import encode
from tests.screens._facts import pool

pytestmark = pytest.mark.live
LOOK_S, N_LOOKS = 0.2, 150


def awaited(told: Callable[[], str], words: str) -> str:
    never, _writer = os.pipe()
    for _ in range(N_LOOKS):
        if words in (text := told()):
            return text
        select.select([never], [], [], LOOK_S)
    pytest.fail(f"{words!r} did not come; the last was {text[-800:]!r}")


def test_a_row_is_copied_into_tmux(tmp_path: Path) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("needs tmux (apt-get install tmux)")
    facts = tmp_path / "facts.jsonl"
    facts.write_bytes(b"".join(encode(fact) for fact in pool()))  # type: ignore[arg-type]
    socket = tmp_path / "tmux"

    def tmux(*words: str) -> str:
        command = ["tmux", "-S", str(socket), "-f", "/dev/null", *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.stdout

    screen = f"{sys.executable} -m gwtop view {facts}"
    tmux("new-session", "-d", "-x", "120", "-y", "40", screen)
    try:
        awaited(lambda: tmux("capture-pane", "-p"), "/users/17/cart")  # a row to stand on
        tmux("send-keys", "2", "Home", "y")
        awaited(lambda: tmux("capture-pane", "-p"), "as JSON, the whole fact")
        tmux("send-keys", "j")
        awaited(lambda: tmux("show-buffer"), '{"type":"request"')
        awaited(lambda: tmux("capture-pane", "-p"), "copied: as JSON")
    finally:
        tmux("kill-server")
