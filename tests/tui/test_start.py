"""The start screen by its keys and by the mouse: what is chosen comes out."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from textual.pilot import Pilot

from gwtop.nouns.offers import Attach, Choice, Ear, Heard, RunDemo, ShowFile, WithSudo
from gwtop.panels._start import Offer
from gwtop.tui.menu import Menu
from gwtop.tui.start import Start
from tests.screens._stage import shown
from tests.screens.test_start_screens import EARS, OFFER, staged


@asynccontextmanager
async def running(
    offer: Offer = OFFER, **more: object
) -> AsyncIterator[tuple[Start, Pilot[Choice]]]:
    app = Start(offer, **more)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40)) as pilot:
        await staged(pilot)
        yield app, pilot


@pytest.mark.parametrize(
    ("keys", "choice"),
    [
        (["enter"], Attach(3031, "")),
        (["down", "enter"], Attach(9000, "")),
        (["j", "j", "enter"], Attach(0, "/run/fcgiwrap.socket")),
        (["down", "down", "k", "enter"], Attach(9000, "")),
        (["tab", "enter"], RunDemo("cgi")),
        (["tab", "tab", "enter"], ShowFile("read", "/var/tmp/evening.pcapng")),
        (["shift+tab", "enter"], ShowFile("read", "/var/tmp/evening.pcapng")),
        (["tab", "tab", "tab", "enter"], Attach(3031, "")),
        (["end", "enter"], ShowFile("view", "/srv/facts.jsonl")),
        (["G", "home", "enter"], Attach(3031, "")),
        (["pagedown", "pageup", "enter"], Attach(3031, "")),
        (["q"], None),
        (["escape"], None),
        (["ctrl+c"], None),
        (["question_mark", "escape", "down", "enter"], Attach(9000, "")),
        (["question_mark", "question_mark", "enter"], Attach(3031, "")),
        (["s"], "nothing"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else "",
)
async def test_keys_choose(keys: list[str], choice: object) -> None:
    async with running() as (app, pilot):
        await pilot.press(*keys)
        await staged(pilot)
        if choice == "nothing":
            assert app.is_running and app.return_value is None
        else:
            assert app.return_value == choice and app._exit


async def test_s_asks_for_sudo_where_that_shows_more() -> None:
    async with running(OFFER._replace(has_rights=False)) as (app, pilot):
        await pilot.press("s")
        assert app.return_value == WithSudo()


async def test_a_click_selects_and_a_second_one_starts() -> None:
    async with running() as (app, pilot):
        at = next(y for y, line in enumerate(shown(app)) if "php-fpm 16" in line)
        await pilot.click(offset=(20, at))
        assert app.query_one(Menu).key == "ear 127.0.0.1:9000" and app.return_value is None
        await pilot.click(offset=(20, at))
        assert app.return_value == Attach(9000, "")


async def test_the_words_at_the_foot_are_buttons() -> None:
    async with running() as (app, pilot):
        foot = shown(app)[-1]
        await pilot.click(offset=(foot.index("next heading"), 39))
        await pilot.click(offset=(foot.index("start"), 39))
        assert app.return_value == RunDemo("cgi")


async def test_the_wheel_scrolls_and_a_click_on_a_heading_does_nothing() -> None:
    async with running() as (app, pilot):
        app.query_one(Menu)._scroll(3)
        await pilot.click(offset=(2, 2))
        assert app.return_value is None and app.is_running


async def test_a_demo_that_lacks_parts_copies_its_command() -> None:
    async with running() as (app, pilot):
        await pilot.press("tab", "down", "down", "enter")
        await staged(pilot)
        assert app.clipboard == "apt-get install tomcat10"
        assert "copied: apt-get install tomcat10" in "".join(shown(app))
        assert app.return_value is None


async def test_the_fold_opens_where_it_is() -> None:
    async with running() as (app, pilot):
        await pilot.press(*["down"] * 8, "enter")
        await staged(pilot)
        assert "0.0.0.0:5432" in "".join(shown(app)) and app.return_value is None


async def test_what_is_heard_later_shows_and_the_selection_stays_on_its_row() -> None:
    heard, telling = os.pipe()
    try:
        async with running(OFFER._replace(heard=None), heard=heard) as (app, pilot):
            assert "looking" in "".join(shown(app))
            os.write(telling, msgspec.json.encode(Heard(EARS[1:2], 0)) + b"\n")
            await staged(pilot)
            await pilot.press("down", "up")
            selected = app.query_one(Menu).key
            new = Ear("127.0.0.1:80", 80, "scgi", "", True, 1, "new", "", 1, 0, 1)
            os.write(telling, msgspec.json.encode(Heard([new, *EARS[1:2]], 0)) + b"\n")
            await staged(pilot)
            assert "new 1" in "".join(shown(app))
            assert app.query_one(Menu).key == selected == "ear 127.0.0.1:9000"
            os.close(telling)
            telling = -1
            await staged(pilot)
            assert "new 1" in "".join(shown(app))
    finally:
        os.close(heard)
        if telling >= 0:
            os.close(telling)


async def test_how_the_one_before_ended_is_said() -> None:
    async with running(notice="no such \x1b file") as (app, _):
        assert "no such \\x1b file" in shown(app)[2]


async def test_the_palette_has_every_row_that_starts_something() -> None:
    async with running() as (app, _):
        names = [command.title for command in app.get_system_commands(app.screen)]
        assert {"gwtop attach --port 9000", "gwtop demo cgi", "Quit", "Help"} <= set(names)
        assert "gwtop demo servlet" not in names


@pytest.mark.parametrize("size", [(20, 5), (1, 1), (200, 60)])
async def test_any_size_is_survived(size: tuple[int, int]) -> None:
    async with running() as (app, pilot):
        await pilot.resize_terminal(*size)
        await pilot.press("down", "tab", "up", "question_mark", "escape")
        await pilot.resize_terminal(80, 24)
        await staged(pilot)
        assert "gwtop" in shown(app)[0]


async def test_coming_back_it_stands_where_it_stood() -> None:
    async with running(at="demo uwsgi") as (app, pilot):
        assert app.query_one(Menu).key == "demo uwsgi"
        await pilot.press("enter")
        assert app.return_value == RunDemo("uwsgi") and app.at == "demo uwsgi"


async def test_where_that_is_gone_it_stands_on_the_first() -> None:
    async with running(at="ear 127.0.0.1:1") as (app, _):
        assert app.query_one(Menu).key == "ear 127.0.0.1:3031"
