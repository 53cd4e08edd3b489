"""`gwtop compare` as a command: which demos it takes, and that one that fails does not end it."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import gwtop.compare
import gwtop.demos
import gwtop.janitor
from gwtop.cli.compare import compare
from gwtop.compare import Progress
from gwtop.demos import DemoInfo
from gwtop.errors import GwtopError
from gwtop.nouns.comparison import COLUMNS, Cell, Compared


def info(name: str, missing: tuple[str, ...] = ()) -> DemoInfo:
    return DemoInfo(name, "", name, "pool", (), not missing, missing, "apt install it", Path("x"))


CATALOGUE = [info("absent", ("nginx",)), info("bad"), info("good")]


def measured(name: str, folder: Path, seconds: float, tell: Progress) -> Compared:
    assert folder.is_dir() and list(folder.iterdir()) == []
    tell("starting")
    if name == "bad":
        raise GwtopError("it did not start")
    return Compared(name, {column.key: Cell(1.0) for column in COLUMNS})


@pytest.fixture(autouse=True)
def _no_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gwtop.compare, "measure", measured)
    monkeypatch.setattr(gwtop.demos, "catalogue", lambda: CATALOGUE)
    monkeypatch.setattr(gwtop.janitor, "watch_over_us", lambda clean: None)


def test_all_are_those_whose_parts_are_here_and_one_that_fails_is_a_row_of_reasons() -> None:
    run = CliRunner().invoke(compare, ["--all", "--markdown"], standalone_mode=False)
    assert run.exception is None and run.return_value == 0
    assert run.stdout.startswith("| | bad | good |") and "- bad: it did not start" in run.stdout
    assert "absent: left out, needs nginx; install it with: apt install it" in run.stderr
    assert run.stderr.count("[1/2] bad: starting") == 2, "it has a second chance"
    assert "[1/2] bad: it did not start; once more" in run.stderr
    assert "[1/2] bad: it did not start\n" in run.stderr and "[2/2] good: starting" in run.stderr


def test_the_only_one_that_fails_is_an_error() -> None:
    run = CliRunner().invoke(compare, ["bad"], standalone_mode=False)
    assert isinstance(run.exception, GwtopError)


def test_a_name_whose_parts_are_missing_ends_it_before_anything_starts() -> None:
    run = CliRunner().invoke(compare, ["good", "absent"], standalone_mode=False)
    assert isinstance(run.exception, GwtopError) and "apt install it" in str(run.exception)
    assert "starting" not in run.stderr


@pytest.mark.parametrize("words", [["--all", "good"], ["good", "--json", "--markdown"]])
def test_what_contradicts_itself_is_wrong_usage(words: list[str]) -> None:
    assert CliRunner().invoke(compare, words).exit_code == 2


def test_a_picture_that_cannot_be_written_costs_no_table(tmp_path: Path) -> None:
    words = ["good", "--markdown", "--svg", str(tmp_path / "no" / "a.svg")]
    run = CliRunner().invoke(compare, words, standalone_mode=False)
    assert run.stdout.startswith("| | good |")
    assert isinstance(run.exception, GwtopError) and "cannot write" in str(run.exception)
