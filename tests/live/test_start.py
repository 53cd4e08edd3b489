"""The start screen on a real terminal: a demo from it, another demo, back; nothing of any stays."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.live._running import gwtop_command, need_root, need_uwsgi
from tests.live._terminal import Terminal, terminal
from tests.live._trees import await_nobody, children, living_in, told

pytestmark = pytest.mark.live

TO_CGI = "\t\x1b[B"
"""Tab to the demos (ajp is the first of them, cgi the second)."""


@pytest.fixture(autouse=True)
def _own_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))


@contextmanager
def started(folder: Path, *words: str) -> Iterator[Terminal]:
    need_root()
    need_uwsgi()
    with terminal(gwtop_command(*words), folder) as screen:
        yield screen


def running(folder: Path, words: str) -> list[int]:
    return [pid for pid in living_in(folder) if words in told(pid)]


def test_a_demo_from_the_start_screen_comes_back_to_it(tmp_path: Path) -> None:
    with started(tmp_path) as screen:
        screen.await_text("can start here")
        screen.press(TO_CGI)
        screen.await_text("gwtop demo cgi")
        screen.press("\r")
        screen.await_text("/slow?ms")
        assert running(tmp_path, "demo_cgi.py")
        screen.forget()
        screen.press("q")
        screen.await_text("which gateway")
        await_nobody(tmp_path, tuple(running(tmp_path, "gwtop")))
        assert not running(tmp_path, "demo_")
        screen.press("q")
        assert screen.wait() == 0
        await_nobody(tmp_path)


def test_another_demo_on_the_same_terminal_leaves_nothing_of_the_first(tmp_path: Path) -> None:
    with started(tmp_path, "demo", "cgi") as screen:
        screen.await_text("/slow?ms")
        first = set(running(tmp_path, "demo_cgi.py"))
        screen.press("da")
        screen.await_text("cgi-fcgiwrap")
        screen.forget()
        screen.press("\x1b[F\x1b[A\x1b[A\x1b[A\x1b[A\r")  # the last but four: uwsgi
        screen.await_text("demo uwsgi  ▶")
        assert first and not first & set(living_in(tmp_path))
        assert not running(tmp_path, "_cgi_script")
        assert running(tmp_path, "demo_uwsgi.py")
        assert len(list(tmp_path.glob("gwtop-demo-*"))) == 1
        screen.press("q")
        assert screen.wait() == 0
        await_nobody(tmp_path)
        assert not list(tmp_path.glob("gwtop-demo-*"))


def test_what_is_sent_by_hand_shows(tmp_path: Path) -> None:
    with started(tmp_path, "demo", "uwsgi", "--keep") as screen:
        screen.await_text("load stopped")
        screen.press("d")
        screen.press("u")
        screen.press("big?bytes=4711\r")
        screen.await_text("/big?bytes=4711")
        screen.press("k")
        screen.await_text("/crash")
        demo = running(tmp_path, "demo_")
        screen.press("x")
        screen.await_text("r starts it again")
        await_nobody(tmp_path, tuple(pid for pid in living_in(tmp_path) if pid not in demo))
        screen.forget()
        screen.press("r")
        screen.await_text("load stopped")
        assert running(tmp_path, "demo_uwsgi.py")
        screen.press("q")
        assert screen.wait() == 0
        await_nobody(tmp_path)


@pytest.mark.parametrize("which", ["first", "start screen"])
def test_whichever_is_killed_at_the_start_screen_the_other_ends(tmp_path: Path, which: str) -> None:
    with started(tmp_path) as screen:
        screen.await_text("can start here")
        first = screen.process.pid
        others = [pid for pid in living_in(tmp_path) if pid != first]
        assert len(others) == 2, "who paints and who looks"
        os.kill(first if which == "first" else max(others), signal.SIGKILL)
        await_nobody(tmp_path)


def test_a_killed_screen_gives_the_terminal_back_and_says_so(tmp_path: Path) -> None:
    with started(tmp_path, "demo", "cgi") as screen:
        screen.await_text("/slow?ms")
        (painter,) = children(screen.process.pid)
        os.kill(painter, signal.SIGKILL)
        screen.await_text("the screen was killed (signal 9)")
        assert screen.wait() == 1
        await_nobody(tmp_path)
        assert not list(tmp_path.glob("gwtop-demo-*"))


def test_a_file_that_was_read_is_offered_and_one_that_cannot_be_read_says_why(
    tmp_path: Path,
) -> None:
    facts = tmp_path / "evening.jsonl"
    facts.write_bytes(b"")
    with started(tmp_path, "view", str(facts)) as screen:
        screen.await_text("no request yet")
        screen.press("q")
        assert screen.wait() == 0
    with started(tmp_path) as screen:
        screen.await_text("can start here")
        screen.press("\x1b[F")
        screen.await_text("evening.jsonl")
        facts.write_bytes(b"this is no fact\n")
        screen.forget()
        screen.press("\r")
        screen.await_text("not a line of facts")
        screen.press("q")
        screen.await_text("which gateway")
        screen.press("q")
        assert screen.wait() == 0
