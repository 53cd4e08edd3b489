"""What an engine may still do when it has given its rights up, in each of its modes.

Each mode is a process of its own, because nobody comes out again. In: a plan. Out: which attempts
to write are refused, and that what the mode lives on goes on.
"""

import json
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from gwtop.taps import sandbox, seccomp

TRIES = """
import json, os, sys
from gwtop.cli.running import _drop_rights
from gwtop.nouns.plan import Plan, Relayed
os.chdir(sys.argv[1])
plan = eval(sys.argv[2])
held = open("held", "w")
open("there", "w").close()
os.mkdir("sub")
_drop_rights(plan)
def tried(what):
    try:
        what()
    except OSError as error:
        return error.strerror
    return "done"
print(json.dumps({
    "write": tried(lambda: open("there", "w")),
    "append": tried(lambda: open("there", "ab")),
    "make": tried(lambda: open("new", "x")),
    "truncate": tried(lambda: os.truncate("there", 0)),
    "null": tried(lambda: open("/dev/null", "w")),
    "memory": tried(lambda: open(f"/proc/{os.getppid()}/mem", "r+b")),
    "rename": tried(lambda: os.rename("there", "where")),
    "folder": tried(lambda: os.mkdir("more")),
    "mode": tried(lambda: os.chmod("sub", 0o700)),
    "read": tried(lambda: open("held").read()),
    "held": tried(lambda: (held.write("x"), held.flush())),
    "others": tried(lambda: os.readlink(f"/proc/{os.getppid()}/fd/0")),
    "status": open("/proc/self/status").read(),
}))
"""
NO = "Permission denied"
MODES = {
    "live": "Plan(ports=(9000,))",
    "live, unix": "Plan(socket='/run/app.sock')",
    "tap, TCP": "Plan(ports=(1,), relay=Relayed(('127.0.0.1', 1), ('127.0.0.1', 2)))",
    "tap, unix": "Plan(socket='s', relay=Relayed('s', None))",
    "read": "Plan(file='held')",
    "read -": "Plan(file='-')",
}
WRITES = ("write", "append", "make", "truncate", "null", "memory")
CHANGES = ("rename", "folder", "mode")


@pytest.fixture(autouse=True)
def held_by_the_kernel() -> None:
    if sys.platform != "linux" or (reason := seccomp.unavailable()):
        pytest.skip(f"needs filters of system calls: {platform.machine()}, {reason}")


def after(mode: str, folder: Path) -> dict[str, object]:
    command = [sys.executable, "-c", TRIES, str(folder), MODES[mode]]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("mode", list(MODES))
def test_no_mode_of_the_engine_can_open_a_file_for_writing(mode: str, tmp_path: Path) -> None:
    found = after(mode, tmp_path)
    assert {name: found[name] for name in WRITES} == dict.fromkeys(WRITES, NO)
    assert (found["read"], found["held"]) == ("done", "done")
    status = str(found["status"])
    assert "NoNewPrivs:\t1" in status and "Seccomp:\t2" in status


@pytest.mark.parametrize("mode", list(MODES))
def test_only_the_relay_that_stands_in_for_a_socket_may_still_change_names(
    mode: str, tmp_path: Path
) -> None:
    found = after(mode, tmp_path)
    answer = "done" if mode == "tap, unix" else NO
    assert {name: found[name] for name in CHANGES} == dict.fromkeys(CHANGES, answer)


@pytest.mark.parametrize("mode", list(MODES))
def test_landlock_holds_whoever_looks_into_no_process(mode: str, tmp_path: Path) -> None:
    """Inside Landlock other processes' descriptors are refused; that is how it shows."""
    if not sandbox.abi():
        pytest.skip("needs Landlock (Linux 5.13, CONFIG_SECURITY_LANDLOCK, lsm=landlock)")
    answer = NO if mode.startswith("read") else "done"
    assert after(mode, tmp_path)["others"] == answer
