"""Stacks: what py-spy prints, and what is said where it is missing, refused, slow or of no use.

The program is a stand-in that prints what it is told; tests/live has the real one.
"""

import asyncio
import os
import sys
from pathlib import Path

import pytest

from gwtop.panels import Line
from gwtop.tui import stacks
from gwtop.tui.signalling import Target, start_ticks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")
OURS = Target(os.getpid(), start_ticks(os.getpid()), None)


def texts(lines: tuple[Line, ...]) -> list[str]:
    return ["".join(cell.text for cell in line) for line in lines]


@pytest.fixture
def spy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An executable in the place of py-spy; tests write what it does."""
    path = tmp_path / "py-spy"
    monkeypatch.setattr(stacks, "program", lambda: str(path))
    return path


def does(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


async def test_its_lines_are_shown_and_threads_stand_out(spy: Path) -> None:
    does(spy, 'printf "Thread 7 (idle): \\"MainThread\\"\\n    serve (app.py:7)\\n\\n"; echo $@')
    found = await stacks.stack(OURS, "python", True)
    assert texts(found) == [
        'Thread 7 (idle): "MainThread"',
        "    serve (app.py:7)",
        f"dump --pid {os.getpid()}",
    ]
    assert [line[0].style for line in found] == ["bold", "", "bold"]


async def test_hostile_frames_are_escaped_and_many_are_cut(spy: Path) -> None:
    does(spy, r'printf "\033[2J\302\233\377\n"; seq 1 900')
    found = await stacks.stack(OURS, "python", True)
    assert texts(found)[0] == "\\x1b[2J\\x9b\ufffd"
    assert len(found) == stacks.MAX_LINES + 1 and texts(found)[-1] == "… and 401 lines more"


async def test_where_it_is_not_installed_the_command_is_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stacks, "program", lambda: None)
    found = texts(await stacks.stack(OURS, "python", True))
    assert "not installed" in found[0] and found[1].endswith("install py-spy")


def test_it_is_looked_for_beside_our_python_and_on_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "a" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert stacks.program() is None
    does(tmp_path / "py-spy", "")
    assert stacks.program() == str(tmp_path / "py-spy")
    (tmp_path / "a").mkdir()
    does(tmp_path / "a" / "py-spy", "")
    assert stacks.program() == str(tmp_path / "a" / "py-spy")


@pytest.mark.parametrize(
    ("prefix", "command"), [("/usr", "pipx install py-spy"), ("/venv", "-m pip install py-spy")]
)
def test_how_it_is_installed_depends_on_whose_python_it_is(
    prefix: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", prefix)
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    assert stacks.install_command().endswith(command)


@pytest.mark.parametrize(("uid", "words"), [(0, "in a root shell: "), (7, "sudo ")])
async def test_where_it_is_refused_the_command_is_said(
    uid: int, words: str, spy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    does(spy, "echo 'Error: Permission Denied: Try running again' >&2; exit 1")
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    found = texts(await stacks.stack(OURS, "python", True))
    assert found[1] == f"  {words}{spy} dump --pid {os.getpid()}"


async def test_another_failure_is_said_in_its_own_words(spy: Path) -> None:
    does(spy, "echo 'Error: no libpython in \x1bhere' >&2; exit 1")
    found = texts(await stacks.stack(OURS, "python", True))
    assert found == ["py-spy failed: Error: no libpython in \\x1bhere"]


async def test_one_that_does_not_answer_is_ended(
    spy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    does(spy, "exec sleep 60")
    monkeypatch.setattr(stacks, "DEADLINE_S", 0.05)
    assert "did not answer" in texts(await stacks.stack(OURS, "python", True))[0]


async def test_a_process_that_was_replaced_is_not_read(spy: Path) -> None:
    does(spy, "echo wrong")
    other = Target(OURS.pid, 1, None)
    assert texts(await stacks.stack(other, "python", True)) == [f"process {OURS.pid} has ended"]


@pytest.mark.parametrize("language", [*stacks.OTHERS, None])
async def test_where_it_is_no_python_what_would_help_is_said(
    language: str | None, spy: Path
) -> None:
    does(spy, "echo wrong")
    found = texts(await stacks.stack(OURS, language, True))
    assert "wrong" not in found[0] and len(found) == 2
    assert str(OURS.pid) in found[1]


async def test_where_nobody_looked_py_spy_finds_out(spy: Path) -> None:
    does(spy, "echo Thread")
    assert texts(await stacks.stack(OURS, None, False)) == ["Thread"]


async def test_a_look_that_nobody_waits_for_any_more_is_ended(spy: Path) -> None:
    fifo = spy.parent / "alive"
    os.mkfifo(fifo)
    alive = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    does(spy, f"exec 3>{fifo}; echo on >&3; exec sleep 60")
    look = asyncio.ensure_future(stacks.stack(OURS, "python", True))
    begun = asyncio.Event()
    asyncio.get_running_loop().add_reader(alive, begun.set)
    await begun.wait()
    asyncio.get_running_loop().remove_reader(alive)
    look.cancel()
    with pytest.raises(asyncio.CancelledError):
        await look
    assert (os.read(alive, 10), os.read(alive, 10)) == (b"on\n", b"")  # its end: it has ended
    os.close(alive)
