"""Keys that are all there at the same instant take effect in the order in which they were typed."""

import pytest
from textual.events import Key
from textual.pilot import Pilot

from gwtop.tui.app import Screen
from tests.screens._facts import pool
from tests.screens._stage import settle, text
from tests.tui.test_requests import requests, rows

NAMES = {
    "⏎": ("enter", "\r"),
    "␛": ("escape", None),
    "/": ("slash", "/"),
    "?": ("question_mark", "?"),
    ">": ("greater_than_sign", ">"),
    "=": ("equals_sign", "="),
    "~": ("tilde", "~"),
}


async def at_once(app: Screen, pilot: Pilot[int], keys: str) -> None:
    for sign in keys:
        key, character = NAMES.get(sign, (sign, sign))
        app.post_message(Key(key, character))
    await settle(app, pilot)
    await settle(app, pilot)


async def test_a_filter_typed_right_after_a_request_was_opened_comes_after_it() -> None:
    async with requests(pool(), (100, 40)) as (app, _, pilot, table):
        await at_once(app, pilot, "k⏎/status>=500⏎")
        assert app.detail is not None and table.chosen.text == "status>=500"
        assert len(rows(app)) >= 1 and app.focused is table


@pytest.mark.parametrize(
    ("key", "seen"),
    [("?", "help"), ("c", "columns"), ("f", "find"), ("F", "no filter of requests is in use")],
)
async def test_a_key_of_the_whole_screen_waits_for_the_enter_before_it(key: str, seen: str) -> None:
    async with requests(pool(), (100, 40)) as (app, _, pilot, _table):
        await at_once(app, pilot, "k⏎" + key)
        assert app.detail is not None
        assert seen in text(app) + app.habits.said


async def test_what_is_typed_behind_the_enter_that_closes_a_line_is_a_command() -> None:
    async with requests(pool(), (100, 40)) as (app, _, pilot, table):
        await at_once(app, pilot, "/status=200⏎k⏎v")
        assert table.chosen.text == "status=200"
        assert app.detail is not None and app.focused is table
        await at_once(app, pilot, "⏎v/cook⏎s")
        assert app.request_sheet.tab == "Summary" and app.request_sheet.text == "cook"


async def test_an_escape_gives_the_line_back_before_the_next_key() -> None:
    async with requests() as (app, _, pilot, table):
        await at_once(app, pilot, "/status>=500␛s")
        assert not table.chosen and table.picked.column == "ended"


async def test_what_was_typed_shows_once_and_in_its_place() -> None:
    async with requests() as (app, _, pilot, _table):
        await at_once(app, pilot, "/target~a")
        app.post_message(Key("left", None))
        await at_once(app, pilot, "b c")
        assert app.asking.is_open
        app.post_message(Key("backspace", None))
        await at_once(app, pilot, "⏎")
        assert app.requests.chosen.text == "target~b a"
