"""A session's processes: what a screen says at its end, and how one ends with the other."""

import os
import select
import signal
from collections.abc import Callable

import pytest

from gwtop.cli import session
from gwtop.cli.session import Outcome, Stage, argv_of, play
from gwtop.nouns.offers import Attach, Choice, RunDemo, ShowFile, WithSudo


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        (Attach(9000, ""), ["attach", "--port", "9000"]),
        (Attach(0, "-rf"), ["attach", "--socket=-rf"]),
        (ShowFile("read", "--json"), ["read", "--", "--json"]),
        (ShowFile("view", "x"), ["view", "--", "x"]),
        (ShowFile("rm", "x"), ["read", "--", "x"]),
        (WithSudo(), ["--sudo"]),
        (
            RunDemo("cgi"),
            ["demo", "--rate=5", "--concurrency=1", "--workers=2", "--", "cgi"],
        ),
        (
            RunDemo("cgi", 3, 0.5, 4, "nginx", True, "/x", True, 9),
            [
                *("demo", "--rate=0.5", "--concurrency=4", "--workers=3", "--requests=9"),
                *("--front=nginx", "--path=/x", "--unix", "--keep", "--", "cgi"),
            ],
        ),
    ],
)
def test_a_choice_is_a_command_of_checked_words(choice: Choice, words: list[str]) -> None:
    assert argv_of(choice) == words


def saying(next: Choice | None, notice: str = "", status: int = 0) -> Callable[[Stage], int]:
    def perform(stage: Stage) -> int:
        stage.words.next, stage.words.notice, stage.words.at = next, notice, "row"
        return status

    return perform


def test_what_a_screen_says_at_its_end_comes_back() -> None:
    assert play(saying(Attach(9, ""), "it was cut", 3)) == Outcome(
        3, Attach(9, ""), "it was cut", "row"
    )
    assert play(saying(None)) == Outcome(0, None, "", "row")


def test_a_screen_that_fails_is_status_1(capfd: pytest.CaptureFixture[str]) -> None:
    def perform(stage: Stage) -> int:
        raise RuntimeError("broken")

    assert play(perform).status == 1
    assert "RuntimeError: broken" in capfd.readouterr().err


def test_a_screen_that_leaves_by_its_own_status_has_it() -> None:
    def perform(stage: Stage) -> int:
        raise SystemExit(143)

    assert play(perform).status == 143


def test_a_screen_that_is_killed_is_said_and_the_terminal_given_back(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def perform(stage: Stage) -> int:
        os.kill(os.getpid(), signal.SIGKILL)
        return 0

    assert play(perform) == Outcome(137, None, "the screen was killed (signal 9)")
    assert "\x1b[?1049l" in capfd.readouterr().out


def test_words_that_are_none_are_said_and_start_nothing() -> None:
    said, saying_fd = os.pipe()
    os.write(saying_fd, b'{"next":{"type":"Attach","port":70000,"socket":""}}')
    os.close(saying_fd)
    words = session._words(said)
    os.close(said)
    assert words.next is None and "were none" in words.notice


def test_a_screen_ends_when_who_started_it_is_killed() -> None:
    """SIGKILL of the parent reaches the child as SIGTERM, sent by the kernel."""
    ended, ending = os.pipe()
    ready, telling = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(ended)

        def perform(stage: Stage) -> int:
            signal.signal(signal.SIGTERM, lambda number, frame: os._exit(0))
            os.write(telling, b"x")
            select.select([], [], [])
            return 0

        play(perform)
        os._exit(0)
    os.close(ending)
    os.close(telling)
    assert os.read(ready, 1) == b"x"
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert select.select([ended], [], [], 20)[0] and os.read(ended, 1) == b""
    os.close(ended)
    os.close(ready)


def test_a_session_goes_from_one_choice_to_the_next_and_ends_with_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    outcomes = [Outcome(0, RunDemo("uwsgi"), ""), Outcome(7, None, "")]
    played: list[object] = []

    def note(perform: object) -> Outcome:
        played.append(perform)
        return outcomes[len(played) - 1]

    monkeypatch.setattr(session, "play", note)
    assert session.run(RunDemo("cgi")) == 7
    assert len(played) == 2


def test_from_the_start_screen_it_comes_back_there_with_how_it_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from gwtop.cli import start

    asked: list[tuple[str, str]] = []
    answers: list[tuple[Choice | None, str]] = [(Attach(9, ""), "ear x"), (None, "")]

    def ask(notice: str, at: str) -> tuple[Choice | None, str]:
        asked.append((notice, at))
        return answers[len(asked) - 1]

    monkeypatch.setattr(start, "ask", ask)
    monkeypatch.setattr(session, "play", lambda perform: Outcome(1, None, "nothing listens"))
    assert session.run(None) == 0
    assert asked == [("", ""), ("nothing listens", "ear x")]


def test_without_sudo_here_the_start_screen_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from gwtop.cli import start

    monkeypatch.setenv("PATH", "/nowhere")
    assert "there is no sudo here" in start.begin_with_sudo()
