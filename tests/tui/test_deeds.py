"""Copying, exporting, pictures: what is offered, what is written, and where it is said."""

import asyncio
import json
import os
import re
import resource
import threading
from base64 import b64decode
from pathlib import Path

import pytest

from gwtop import journal
from gwtop.errors import GwtopError
from gwtop.nouns.facts import Request
from gwtop.tui import copying
from gwtop.tui.app import Screen
from gwtop.tui.copying import MAX_BYTES, Choice, osc52, put, tell_tmux
from gwtop.tui.exporting import folder_for_exports, folder_for_pictures, written
from gwtop.tui.picker import Entries, Picker
from tests._replay import replay
from tests.screens._facts import hostile, pool
from tests.screens._stage import Script, settle, shown, staged


def from_capture() -> Screen:
    """A session of which every request's fields are told."""
    script = Script([])
    script.lines.extend(replay("fastcgi/nginx-php-fpm"))
    return Screen(script)


def listed(app: Screen) -> dict[str, str]:
    return {entry.label: entry.key for entry in app.screen.query_one(Entries).entries}


async def test_a_request_is_copied_as_text_json_curl_and_lines_that_repeat_it() -> None:
    app = from_capture()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("2", "home", "y")
        await settle(app, pilot)
        assert isinstance(app.screen, Picker)
        offered = listed(app)
        assert {"as text", "as JSON, the whole fact", "a line for curl", "target"} <= set(offered)
        await pilot.press("j")
        assert isinstance(journal.decode(app.habits.copied.encode()), Request)
        await pilot.press("y", "p")
        assert "python3 - <<" in app.habits.copied
        await pilot.press("y", "r")
        assert " cgi-fcgi -bind -connect 127.0.0.1:" in app.habits.copied
        await pilot.press("y", "c")
        assert "curl " in app.habits.copied
        assert re.match(r"copied: a line for curl, \d+ bytes", app.habits.said)
        await pilot.press("y", "down", "down", "down", "down", "down", "enter")
        assert app.habits.copied.startswith("/")
        before = app.habits.copied
        await pilot.press("y", "escape")
        assert app.habits.copied == before


async def test_the_list_can_be_clicked_and_a_click_beside_it_closes_it() -> None:
    app = from_capture()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("2", "home", "y")
        await settle(app, pilot)
        await pilot.click(Entries, offset=(4, 2))
        assert app.habits.said.startswith("copied: as JSON")
        await pilot.press("y")
        await settle(app, pilot)
        await pilot.click(offset=(1, 1))
        assert not isinstance(app.screen, Picker)


async def test_rows_of_other_tables_are_copied_as_text_json_and_cells() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("3", "home", "y")
        await settle(app, pilot)
        await pilot.press("j")
        row = json.loads(app.habits.copied)
        assert row["pid"] == "1203"


async def test_nothing_selected_is_said() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("y")
        assert app.habits.said.startswith("nothing is selected")


async def test_what_is_too_long_for_a_clipboard_is_not_cut() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        put(app, Choice("t", "x", "x" * (MAX_BYTES + 1)))
        assert "too long" in app.habits.said and app.habits.copied == ""


@pytest.mark.slow
async def test_hostile_text_is_only_data_on_the_list_and_in_the_word_about_it() -> None:
    app, _ = staged(hostile())
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(app, pilot)
        for n in range(10):
            await pilot.press("2", "home", *["down"] * n, "y")
            await settle(app, pilot)
            text = "\n".join(shown(app))
            assert "\x1b" not in text and "\u202e" not in text
            await pilot.press("t")
            await settle(app, pilot)
            assert app.is_running


def test_osc_52_is_what_the_terminal_gets_through_tmux_and_screen() -> None:
    plain = osc52("héé", {})
    found = re.fullmatch("\x1b\\]52;c;([A-Za-z0-9+/=]*)\x07", plain)
    assert found and b64decode(found[1]).decode() == "héé"
    through = osc52("héé", {"TMUX": "/tmp/x,1,0"})
    assert through == plain + "\x1bPtmux;" + plain.replace("\x1b", "\x1b\x1b") + "\x1b\\"
    pieces = osc52("x" * 1000, {"STY": "1.pts"})
    assert "".join(re.findall("\x1bP(.*?)\x1b\\\\", pieces, re.DOTALL)) == osc52("x" * 1000, {})
    assert not tell_tmux("x", {})


async def test_a_tmux_that_does_not_answer_stops_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, answers = threading.Event(), threading.Event()

    def hang(text: str, environ: object) -> bool:
        asked.set()
        return answers.wait(30)

    monkeypatch.setattr(copying, "tell_tmux", hang)
    app = from_capture()
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(app, pilot)
        monkeypatch.setattr(type(app), "is_headless", False)
        try:
            put(app, Choice("t", "as text", "some text"))
            await asyncio.to_thread(asked.wait, 30)
            await pilot.press("3")
            assert "copied: as text" in app.habits.said
        finally:
            monkeypatch.undo()
            answers.set()


@pytest.mark.parametrize(
    ("keys", "words", "n_lines"),
    [
        pytest.param(["home"], "1 selected", 1, id="selected"),
        pytest.param(["home", "m", "down", "down", "m", "up"], "2 marked", 2, id="marked"),
        pytest.param(["slash", *"status>=400", "enter"], "let through", None, id="filtered"),
        pytest.param([], "seen", None, id="all"),
    ],
)
async def test_the_selection_goes_into_a_file_that_is_said(
    keys: list[str],
    words: str,
    n_lines: int | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    app = from_capture()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("2", *keys, "w")
        await settle(app, pilot)
        assert words in "\n".join(shown(app))
        await pilot.press("j")
        await app.workers.wait_for_complete()
        await settle(app, pilot)
        assert words in app.habits.said
    [path] = tmp_path.iterdir()
    assert str(path) in app.habits.said
    facts = [journal.decode(line) for line in path.read_bytes().splitlines()]
    assert all(isinstance(fact, Request) for fact in facts)
    assert n_lines is None or len(facts) == n_lines
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(("key", "ending"), [("h", "har"), ("s", "sh")])
async def test_other_formats_are_whole_files_of_their_kind(
    key: str, ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = from_capture()
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("2", "w", key)
        await app.workers.wait_for_complete()
    [path] = tmp_path.iterdir()
    assert path.suffix == f".{ending}"
    if ending == "har":
        assert json.loads(path.read_text())["log"]["entries"]
    else:
        assert path.read_text().startswith("#!/bin/sh\n")


def test_a_name_that_is_taken_gets_a_number_and_nothing_is_followed(tmp_path: Path) -> None:
    paths = {written("x", tmp_path, "a", "txt") for _ in range(4)}
    assert len(paths) == 4
    assert all(path.read_text() == "x" for path in paths)


def test_a_full_disk_leaves_no_half_of_a_file_and_is_said(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
    try:
        with pytest.raises(GwtopError, match="cannot write "):
            written("x" * 100_000, tmp_path, "a", "txt")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_from_a_folder_that_is_gone_exports_go_to_the_state_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert folder_for_exports({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "gwtop"


def test_folders_are_those_of_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures, here = tmp_path / "pics", tmp_path / "here"
    pictures.mkdir()
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert folder_for_exports({}) == here
    assert folder_for_pictures({}) == here
    assert folder_for_pictures({"XDG_PICTURES_DIR": str(pictures)}) == pictures
    (tmp_path / ".config").mkdir()
    (tmp_path / ".config/user-dirs.dirs").write_text('XDG_PICTURES_DIR="$HOME/pics"\n')
    assert folder_for_pictures({}) == pictures
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert folder_for_pictures({"XDG_STATE_HOME": str(tmp_path)}) == tmp_path / "gwtop"


async def test_a_picture_is_an_svg_and_its_path_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path))
    app, _ = staged(hostile())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("ctrl+s")
    [path] = tmp_path.iterdir()
    assert app.habits.said == str(path)
    text = path.read_text()
    assert text.startswith("<svg") and "\x1b" not in text


async def test_a_folder_whose_name_is_hostile_is_only_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "\x1b[2J").mkdir()
    monkeypatch.setenv("XDG_PICTURES_DIR", str(tmp_path / "\x1b[2J"))
    app, _ = staged(hostile())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("ctrl+s")
    assert f"{tmp_path}/\\x1b[2J/gwtop-" in app.habits.said
