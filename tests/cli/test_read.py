"""`gwtop read` on a screen: what its engine is told to read."""

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from gwtop.cli import screen
from gwtop.cli.options import Telling
from gwtop.cli.read import read
from gwtop.errors import GwtopError
from tests.test_cli import EMPTY_PCAP


@pytest.mark.parametrize(("file", "told"), [("-x.pcap", "./-x.pcap"), ("-", "-"), ("a/b", "a/b")])
def test_a_name_is_never_an_option_of_the_engine(
    file: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("a").mkdir()
    for name in ("-x.pcap", "a/b"):
        Path(name).write_bytes(EMPTY_PCAP)
    asked: list[list[str]] = []

    def spawn(argv: list[str], telling: Telling) -> None:
        asked.append(argv)
        raise GwtopError("no engine here")

    monkeypatch.setattr(screen, "need_terminal", lambda: None)
    monkeypatch.setattr(screen, "spawn_engine", spawn)
    run = CliRunner().invoke(read, ["--port", "9", "--", file], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert asked == [["read", told, "--port", "9"]]


@pytest.mark.parametrize(
    ("name", "words"), [("none.pcap", "there is no file"), (".", "is a directory")]
)
def test_what_cannot_be_read_is_said_before_there_is_a_screen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    monkeypatch.setattr(screen, "need_terminal", lambda: None)
    run = CliRunner().invoke(read, [str(tmp_path / name)], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)
    assert words in str(run.exception)


def test_a_pipe_is_left_for_the_engine_to_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who looks into one and leaves has ended its writer."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr(screen, "need_terminal", lambda: None)
    monkeypatch.setattr(screen, "spawn_engine", _no_engine)
    opened: list[object] = []
    monkeypatch.setattr("gwtop.taps.files.open_capture", lambda *words: opened.append(words))
    CliRunner().invoke(read, [str(pipe)], standalone_mode=False)
    assert opened == []


def _no_engine(argv: list[str], telling: Telling) -> None:
    raise GwtopError("no engine here")
