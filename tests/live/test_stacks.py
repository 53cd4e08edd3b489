"""The stack of a Python process as the real py-spy reads it, and as our screen shows it."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gwtop.tui import stacks
from gwtop.tui.signalling import Target, start_ticks

pytestmark = pytest.mark.live
SCRIPT = """
import sys
def serve():
    print(flush=True)
    sys.stdin.read()
serve()
"""


@pytest.fixture
def server() -> Iterator[int]:
    command = [sys.executable, "-c", SCRIPT]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as made:
        assert made.stdout is not None and made.stdout.readline() == b"\n"
        yield made.pid
        made.kill()


def test_the_function_that_waits_is_named(server: int) -> None:
    if stacks.program() is None:
        pytest.skip(f"py-spy is not installed: {stacks.install_command()}")
    target = Target(server, start_ticks(server), None)
    found = asyncio.run(stacks.stack(target, "python", True))
    texts = ["".join(cell.text for cell in line) for line in found]
    if texts[0].startswith("we may not"):
        pytest.skip(f"py-spy may not read a child of ours here: {texts[1].strip()}")
    assert any(text.startswith(f"Thread {server}") for text in texts)
    assert any("serve (<string>:5)" in text for text in texts)
