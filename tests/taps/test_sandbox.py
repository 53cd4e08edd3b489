"""The sandbox: what a process may still do once it is in. Each test is a process of its own,
because nobody comes out again."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gwtop.taps import sandbox

TRIES = """
import json, os, socket, sys
from gwtop.taps import privilege, sandbox
folder, allowed = sys.argv[1], json.loads(sys.argv[2])
os.chdir(folder)
open_before = open("before", "w")
open("there", "w").close()
os.mkdir("dir"); os.mkdir("dir/sub")
privilege.drop()
inside = sandbox.forbid_writing(allowed)
def tried(what):
    try:
        what()
    except OSError as error:
        return error.strerror
    return "done"
def bind():
    with socket.socket(socket.AF_UNIX) as one:
        one.bind("s.sock")
print(json.dumps({
    "inside": inside,
    "write": tried(lambda: open("there", "w")),
    "append": tried(lambda: open("there", "a")),
    "make": tried(lambda: open("new", "w")),
    "truncate": tried(lambda: os.truncate("there", 0)),
    "unlink": tried(lambda: os.unlink("there")),
    "rmdir": tried(lambda: os.rmdir("dir/sub")),
    "bind": tried(bind),
    "read": tried(lambda: open("there").read()),
    "held": tried(lambda: (open_before.write("x"), open_before.flush())),
    "null": tried(lambda: open("/dev/null", "w")),
}))
"""
NO = "Permission denied"


def after(folder: Path, allowed: dict[str, int]) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", TRIES, str(folder), json.dumps(allowed)],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture(autouse=True)
def landlock() -> None:
    if not sandbox.abi():
        pytest.skip("needs Landlock (Linux 5.13, CONFIG_SECURITY_LANDLOCK, lsm=landlock)")


def test_no_file_can_be_written_made_or_removed(tmp_path: Path) -> None:
    found = after(tmp_path, {})
    assert found["inside"] is True
    refused = ["write", "append", "make", "unlink", "rmdir", "bind", "null"]
    refused += ["truncate"] if sandbox.abi() >= sandbox.SINCE_TRUNCATE else []
    assert {name: found[name] for name in refused} == dict.fromkeys(refused, NO)


def test_what_is_read_and_what_was_open_goes_on(tmp_path: Path) -> None:
    found = after(tmp_path, {})
    assert (found["read"], found["held"]) == ("done", "done")
    assert (tmp_path / "before").read_text() == "x"


def test_what_is_allowed_is_allowed_there_only(tmp_path: Path) -> None:
    found = after(
        tmp_path, {str(tmp_path / "dir"): sandbox.REMOVE_DIR, "/dev/null": sandbox.WRITE_FILE}
    )
    assert (found["rmdir"], found["null"]) == ("done", "done")
    assert (found["unlink"], found["write"]) == (NO, NO)


def test_sockets_can_be_made_and_removed_where_a_relay_renames(tmp_path: Path) -> None:
    found = after(tmp_path, {str(tmp_path): sandbox.RENAMES})
    assert (found["bind"], found["unlink"]) == ("done", "done")
    assert found["make"] == NO


def test_a_path_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert after(tmp_path, {str(tmp_path / "missing"): sandbox.RENAMES})["inside"] is True
