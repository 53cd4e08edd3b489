"""What each command loads: real interpreters, a look at sys.modules, and the milliseconds.

Starting the real thing is the only way to prove that a deferred import is deferred.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"textual", "scapy", "psutil", "rich", "aiohttp"}
REPORT = """
import json, sys
from gwtop.cli import main
status = main({arguments!r})
sys.stdout.flush()
loaded = sorted({{name.partition(".")[0] for name in sys.modules}})
print(json.dumps([status, loaded]), file=sys.stderr)
"""


def loaded(arguments: list[str]) -> set[str]:
    """The heavy libraries that a command line leaves loaded."""
    done = subprocess.run(
        [sys.executable, "-c", REPORT.format(arguments=arguments)],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    status, modules = json.loads(done.stderr.splitlines()[-1])
    assert status == 0, done.stderr
    return HEAVY & set(modules)


@pytest.fixture
def empty_capture(tmp_path: Path) -> Path:
    """Classic pcap, little-endian, microseconds, Ethernet, no packet."""
    path = tmp_path / "empty.pcap"
    path.write_bytes(bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"))
    return path


@pytest.fixture
def no_facts(tmp_path: Path) -> Path:
    path = tmp_path / "facts.jsonl"
    path.write_bytes(b"")
    return path


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["demo", "--help"], ["demo"], ["schema"], ["explain"]],
    ids=" ".join,
)
def test_what_only_talks_loads_nothing_heavy(arguments: list[str]) -> None:
    assert loaded(arguments) == set()


def test_reading_a_capture_as_lines_loads_nothing_heavy(empty_capture: Path) -> None:
    assert loaded(["read", str(empty_capture), "--json"]) == set()


def test_passing_facts_on_loads_nothing_heavy(no_facts: Path) -> None:
    assert loaded(["view", str(no_facts), "--json"]) == set()


def test_a_table_loads_rich_and_nothing_else(empty_capture: Path) -> None:
    assert loaded(["read", str(empty_capture), "--table", "requests"]) == {"rich"}


def test_watching_as_lines_loads_psutil_and_nothing_else() -> None:
    # Port 9 (discard, RFC 863) needs no listener; a tap that is refused is no failure.
    assert loaded(["attach", "--port", "9", "--for", "0.01", "--json"]) <= {"psutil"}


def test_the_costs_of_importing_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "gwtop", "--version"],
        capture_output=True,
        check=True,
        text=True,
    )
    spent_us = [int(line.group(1)) for line in re.finditer(r"import time:\s+(\d+) \|", done.stderr)]
    with capsys.disabled():
        print(f"\ngwtop --version: {len(spent_us)} imports, {sum(spent_us) / 1000:.0f} ms")
    assert "gwtop.cli" in done.stderr
    assert spent_us
