"""`gwtop config` as a process: statuses, streams, and that a wrong file stops a screen early."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gwtop.cli import screen
from gwtop.cli.config import home_of_user

GWTOP = [sys.executable, "-m", "gwtop"]


def run(path: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "GWTOP_CONFIG": str(path)}
    return subprocess.run(
        [*GWTOP, *arguments], env=environ, capture_output=True, text=True, check=False
    )


def test_a_file_is_written_once_and_is_what_counts(tmp_path: Path) -> None:
    path = tmp_path / "new" / "config.toml"
    assert run(path, "config", "init").stdout == f"wrote {path}\n"
    again = run(path, "config", "init")
    assert (again.returncode, again.stdout) == (2, "")
    assert "is there already" in again.stderr
    path.write_text('theme = "dark"\n[keys]\napp.pause = "p"\n')
    told = run(path, "config")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f'# {path}\ntheme = "dark"\n')
    assert 'app.pause = "p"   # yours' in told.stdout


def test_the_schema_is_json(tmp_path: Path) -> None:
    assert json.loads(run(tmp_path / "x", "config", "schema").stdout)["type"] == "object"


@pytest.mark.parametrize("text", ["thme = 1", "[keys]\napp.puase = 'p'", "[["])
def test_a_wrong_file_is_status_2_and_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    done = run(path, "config")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"gwtop: {path}:")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "term", "status", "words"),
    [
        pytest.param("thme = 1", "xterm", 2, 'did you mean "theme"?', id="unknown key"),
        pytest.param("[keys]\napp.x = 'p'", "xterm", 2, 'no action "app.x"', id="unknown action"),
        pytest.param("", "dumb", 1, "TERM=dumb cannot be painted on", id="dumb terminal"),
    ],
)
def test_what_stops_a_screen_is_said_before_it(
    tmp_path: Path, text: str, term: str, status: int, words: str
) -> None:
    path, facts = tmp_path / "config.toml", tmp_path / "facts.jsonl"
    path.write_text(text)
    facts.write_text("")
    master, slave = pty.openpty()
    done = subprocess.run(
        [*GWTOP, "view", str(facts)],
        env={**os.environ, "GWTOP_CONFIG": str(path), "TERM": term},
        stdin=slave,
        stdout=slave,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.set_blocking(master, False)
    try:
        painted = os.read(master, 65536)
    except BlockingIOError:  # nothing was written
        painted = b""
    os.close(slave)
    os.close(master)
    assert done.returncode == status
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert painted == b""


def test_who_has_no_home_has_the_root_folder_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(uid: int) -> None:
        raise KeyError(uid)

    monkeypatch.delenv("SUDO_UID", raising=False)
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", nobody)
    monkeypatch.setattr("os.geteuid", lambda: 12345)
    assert home_of_user() == Path("/")
    screen.become_user()
    assert Path.home() == Path("/")
