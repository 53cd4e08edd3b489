"""The filter of system calls: no file is opened for writing, and everything else goes on. Each
test is a process of its own, because nobody comes out again."""

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest

from gwtop.taps import seccomp
from gwtop.taps.seccomp import ALLOW, ANY_BIT, EQUAL, LOAD, MACHINES, REFUSED, RETURN

TRIES = """
import json, os, sys
from gwtop.taps import privilege, proc, seccomp
os.chdir(sys.argv[1])
before = open("before", "w")
open("there", "w").close()
os.mkdir("dir")
os.mkdir("dir at")
here = os.open(".", os.O_RDONLY)
privilege.drop([privilege.Capability.SYS_PTRACE, privilege.Capability.DAC_READ_SEARCH])
inside = seccomp.forbid_writing(sys.argv[2] == "names")
def tried(what):
    try:
        what()
    except OSError as error:
        return error.strerror
    return "done"
import ctypes
library = ctypes.CDLL(None, use_errno=True)
def called(name, *arguments):
    return "done" if getattr(library, name)(*arguments) >= 0 else os.strerror(ctypes.get_errno())
print(json.dumps({
    "inside": inside,
    "write": tried(lambda: open("there", "w")),
    "append": tried(lambda: open("there", "a")),
    "update": tried(lambda: open("there", "r+")),
    "make": tried(lambda: open("new", "x")),
    "truncate": tried(lambda: os.truncate("there", 0)),
    "folder": tried(lambda: os.mkdir("more")),
    "rename": tried(lambda: os.rename("there", "where")),
    "unlink": tried(lambda: os.unlink("where" if sys.argv[2] == "names" else "there")),
    "rmdir": tried(lambda: os.rmdir("dir")),
    "rmdir at": tried(lambda: os.rmdir("dir at", dir_fd=here)),
    "unlink at": tried(lambda: os.unlink("before", dir_fd=here)),
    "read": tried(lambda: open("before").read()),
    "held": tried(lambda: (before.write("x"), before.flush())),
    "mode": tried(lambda: os.chmod(".", 0o755)),
    "owner": tried(lambda: os.fchown(here, os.getuid(), -1)),
    "mark": tried(lambda: os.setxattr("before", "user.x", b"y")),
    "ptrace": called("ptrace", 16, os.getppid(), None, None),  # PTRACE_ATTACH
    "write into": called("process_vm_writev", os.getppid(), None, 0, None, 0, 0),
    "take from": called("syscall", 438, 0, 0, 0),
    "parent": len(proc.descriptors(os.getppid())) > 0,
}))
"""
NO = "Permission denied"


def after(folder: Path, keeps: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-c", TRIES, str(folder), keeps],
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.fixture
def filtered() -> None:
    if sys.platform != "linux" or platform.machine() not in MACHINES:
        pytest.skip("needs Linux on x86-64 or aarch64")


def test_no_file_can_be_opened_for_writing_and_no_name_changes(
    filtered: None, tmp_path: Path
) -> None:
    found = after(tmp_path, "nothing")
    assert found["inside"] is True
    refused = (
        "write",
        "append",
        "update",
        "make",
        "truncate",
        "folder",
        "rename",
        "unlink",
        "unlink at",
    )
    assert {name: found[name] for name in refused} == dict.fromkeys(refused, NO)


def test_no_mode_changes_and_no_other_process(filtered: None, tmp_path: Path) -> None:
    found = after(tmp_path, "nothing")
    refused = ("mode", "owner", "mark", "ptrace", "write into", "take from")
    assert {name: found[name] for name in refused} == dict.fromkeys(refused, NO)


def test_reading_what_was_open_and_other_processes_goes_on(filtered: None, tmp_path: Path) -> None:
    found = after(tmp_path, "nothing")
    assert (found["read"], found["held"]) == ("done", "done")
    assert (found["rmdir"], found["rmdir at"]) == ("done", "done")
    assert found["parent"] is True
    assert (tmp_path / "before").read_text() == "x"


def test_a_relay_may_still_rename_and_remove_but_not_write(filtered: None, tmp_path: Path) -> None:
    found = after(tmp_path, "names")
    assert (found["rename"], found["unlink"], found["unlink at"]) == ("done", "done", "done")
    assert (found["mode"], found["owner"]) == ("done", "done")
    assert (found["write"], found["make"], found["ptrace"], found["take from"]) == (NO,) * 4


def run(program: list[tuple[int, int, int, int]], data: dict[int, int]) -> int:
    """What the filter answers to a call: an interpreter of the four instructions it uses."""
    at = register = 0
    while True:
        code, if_true, if_false, constant = program[at]
        at += 1
        if code == RETURN:
            return constant
        if code == LOAD:
            register = data.get(constant, 0)
        elif code == EQUAL:
            at += if_true if register == constant else if_false
        else:
            assert code == ANY_BIT
            at += if_true if register & constant else if_false


@pytest.mark.parametrize("name", list(MACHINES))
def test_each_machines_program_tells_reading_from_writing(name: str) -> None:
    machine = MACHINES[name]
    program = seccomp.compiled(machine, keeps_names=False)
    for number, place in machine.opens.items():
        call = {0: number, 4: machine.audit}
        flags_at = 16 + 8 * place
        assert run(program, call | {flags_at: os.O_RDONLY | os.O_CLOEXEC}) == ALLOW
        for flags in (os.O_WRONLY, os.O_RDWR, os.O_RDONLY | os.O_CREAT, os.O_RDONLY | os.O_TRUNC):
            assert run(program, call | {flags_at: flags}) == REFUSED
    for number in machine.writes + machine.names + machine.marks + machine.others:
        assert run(program, {0: number, 4: machine.audit}) == REFUSED
    unlinkat = {0: machine.unlinkat, 4: machine.audit}
    assert run(program, unlinkat) == REFUSED
    assert run(program, unlinkat | {32: 0x200}) == ALLOW  # AT_REMOVEDIR: a rmdir
    assert run(program, {0: 63, 4: machine.audit}) == ALLOW
    assert run(program, {0: 63, 4: 0x40000003}) == REFUSED  # another instruction set
    assert run(program, {0: 63 | seccomp.X32, 4: machine.audit}) == REFUSED


@pytest.mark.parametrize(("name", "by_handle"), [("x86_64", 304), ("aarch64", 265)])
def test_neither_a_handle_nor_an_io_uring_is_a_way_around_it(name: str, by_handle: int) -> None:
    machine = MACHINES[name]
    program = seccomp.compiled(machine, keeps_names=True)
    call = {0: by_handle, 4: machine.audit}
    assert run(program, call | {32: os.O_RDWR}) == REFUSED
    assert run(program, call | {32: os.O_RDONLY}) == ALLOW
    assert run(program, {0: 425, 4: machine.audit}) == REFUSED


@pytest.mark.parametrize("name", list(MACHINES))
def test_names_may_change_where_that_was_kept(name: str) -> None:
    machine = MACHINES[name]
    program = seccomp.compiled(machine, keeps_names=True)
    for number in machine.others:
        assert run(program, {0: number, 4: machine.audit}) == REFUSED
    for number in (*machine.names, *machine.marks, machine.unlinkat):
        assert run(program, {0: number, 4: machine.audit}) == ALLOW


def test_why_nothing_holds_us_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    assert seccomp.unavailable() == "the numbers of system calls on riscv64 are not known"
    assert seccomp.forbid_writing() is False


def test_to_ask_whether_it_can_be_held_changes_nothing(filtered: None) -> None:
    if seccomp.unavailable() is not None:
        pytest.skip("this kernel has no filters of system calls")
    before = Path("/proc/self/status").read_text().partition("Seccomp:")[2].split()[0]
    assert before == "0"
