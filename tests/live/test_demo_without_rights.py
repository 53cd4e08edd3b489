"""A demo for somebody without any right: processes are shown, and what would show the traffic."""

import json
import subprocess
import tempfile
from pathlib import Path

import pytest

from gwtop import demos
from tests.live._running import Fact, as_nobody, gwtop_command, of_type
from tests.live._terminal import terminal

pytestmark = pytest.mark.live

REMEDY = "ring is refused: CAP_NET_RAW shows the requests on the wire: sudo "


@pytest.fixture
def nobody() -> list[str]:
    """What makes a command nobody's; skips where nobody can't even import gwtop."""
    return as_nobody()


def test_births_are_told_and_the_traffics_remedy_is_one_line(nobody: list[str]) -> None:
    """A hop between two servers over TCP, which no relay can stand in."""
    if demos.find("ajp").missing:
        pytest.skip("needs flup (pip install flup)")
    options = ["--requests", "10", "--rate", "0", "--json"]
    done = subprocess.run(
        [*nobody, *gwtop_command("demo", "ajp", *options)], cwd="/", capture_output=True, timeout=60
    )
    said = done.stderr.decode().splitlines()
    facts: list[Fact] = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, said
    taps = {tap["name"]: tap["state"] for tap in facts[0]["taps"]}
    assert (taps["ring"], taps["census"]) == ("refused", "open")
    assert any(line.startswith(f"gwtop: {REMEDY}") for line in said)
    assert len(said) == sum(state != "open" for state in taps.values())
    summary = facts[-1]
    assert (summary["requests"], summary["missed"]["frames"]) == (0, None)
    assert summary["model"] is None  # no request, no verdict
    assert of_type(facts, "process_seen")


def test_the_screen_shows_processes_and_the_remedy(nobody: list[str]) -> None:
    folder = Path(tempfile.gettempdir())  # pytest's are root's alone
    with terminal([*nobody, *gwtop_command("demo", "ajp")], folder) as screen:
        screen.await_text("CAP_NET_RAW shows the requests on the wire")
        screen.await_text("front")
        screen.press("q")
        assert screen.wait() == 0
        assert "Traceback" not in screen.text()
