"""Driving a demo by keys and by the mouse: what is wished of its load, and what comes next."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from gwtop.nouns.offers import RunDemo
from gwtop.tui import guide
from gwtop.tui.app import Screen
from gwtop.tui.driving import Drive, Line
from tests.screens._driver import Noting
from tests.screens._facts import rain
from tests.screens._stage import Script, settle, shown
from tests.screens.test_driving_screens import driven


@asynccontextmanager
async def driving(*keys: str) -> AsyncIterator[tuple[Screen, Noting, Pilot[int]]]:
    app, driver = driven()
    async with app.run_test(size=(170, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("d", *keys)
        await settle(app, pilot)
        yield app, driver, pilot


WISHES: list[tuple[list[str], dict[str, object]]] = [
    (["plus"], {"rate": 10}),
    (["up"], {"rate": 10}),
    (["equals_sign"], {"rate": 10}),
    (["minus"], {"rate": 2}),
    (["down"], {"rate": 2}),
    (["greater_than_sign"], {"concurrency": 4}),
    (["right"], {"concurrency": 4}),
    (["less_than_sign"], {"concurrency": 1}),
    (["left"], {"concurrency": 1}),
    (["s"], {"pause": True}),
    (["o"], {"send": "/"}),
    (["e"], {"send": "/error"}),
    (["k"], {"send": "/crash"}),
    (["u", *"slow", "question_mark", *"ms=5", "enter"], {"send": "/slow?ms=5"}),
    (["u", "backspace", *"big", "enter"], {"send": "/big"}),
    (["u", *"cf1/", "enter"], {"send": "/cf1/"}),
]


async def test_a_key_wishes_something_of_the_load() -> None:
    async with driving() as (app, driver, pilot):
        for keys, wish in WISHES:
            driver.wishes.clear()
            await pilot.press(*keys)
            await settle(app, pilot)
            assert driver.wishes == [wish], keys
            assert isinstance(app.focused, Line), keys


@pytest.mark.parametrize("keys", [["u", "escape"], ["u", "backspace", "enter"], ["a", "escape"]])
async def test_a_question_that_is_left_changes_nothing(keys: list[str]) -> None:
    async with driving(*keys) as (app, driver, _):
        assert driver.wishes == [] and driver.next is None
        assert isinstance(app.focused, Line) and not app.query_one(Drive).is_asking


async def test_without_d_the_same_keys_are_the_tables() -> None:
    app, driver = driven()
    async with app.run_test(size=(170, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("s", "o", "k", "plus", "u", "r", "a")
        assert driver.wishes == [] and driver.next is None


@pytest.mark.parametrize("key", ["d", "escape"])
async def test_the_keys_go_back_to_the_tables(key: str) -> None:
    async with driving(key) as (app, _, _pilot):
        assert app.focused is app.requests


async def test_another_demo_comes_next_with_the_rate_by_now() -> None:
    async with driving("a", "down", "enter") as (app, driver, _):
        assert driver.next == RunDemo("uwsgi", workers=3, rate=5, concurrency=2)
        assert app.return_value == 0


async def test_a_demo_that_lacks_parts_does_not_start() -> None:
    async with driving("a", "end", "enter") as (app, driver, _):
        assert driver.next is None and app.clipboard == "apt-get install tomcat10"
        assert not app.query_one(Drive).is_asking


async def test_r_starts_the_same_demo_anew() -> None:
    async with driving("r") as (_, driver, _pilot):
        assert driver.next == RunDemo("cgi", workers=3, front="nginx", rate=5, concurrency=2)


async def test_x_ends_the_demo_and_then_starts_it() -> None:
    async with driving("x") as (app, driver, pilot):
        assert driver.has_stopped and driver.next is None
        assert any("■ stopped" in line for line in shown(app))
        await pilot.press("x")
        assert isinstance(driver.next, RunDemo) and driver.next.name == "cgi"


async def test_before_the_load_has_said_anything_keys_wish_nothing() -> None:
    async with driving() as (_, driver, pilot):
        driver.told = None
        await pilot.press("plus", "greater_than_sign", "s")
        assert driver.wishes == []
        await pilot.press("r")
        assert driver.next == RunDemo("cgi", workers=3, front="nginx")


async def test_a_click_takes_the_keys_and_each_word_is_a_button() -> None:
    app, driver = driven()
    async with app.run_test(size=(170, 40)) as pilot:
        await settle(app, pilot)
        await pilot.click(offset=(135, 38))
        for _ in range(50):  # the line with the keys grows, and what it grows into is laid out
            if "crash" in shown(app)[38]:
                break
            await settle(app, pilot)
        assert isinstance(app.focused, Line)
        words = shown(app)[38]
        for word in ("faster", "send one", "an error", "crash"):
            await pilot.click(offset=(words.index(word), 38))
        assert driver.wishes == [
            {"rate": 10},
            {"send": "/"},
            {"send": "/error"},
            {"send": "/crash"},
        ]


async def test_where_no_demo_runs_there_is_no_line_and_d_does_nothing() -> None:
    app = Screen(Script(rain()))
    async with app.run_test(size=(170, 40)) as pilot:
        await settle(app, pilot)
        before = app.focused
        await pilot.press("d")
        assert app.focused is before and not app.query_one(Drive).display
        assert not list(app.query_one(Drive).commands())


async def test_the_palette_drives_too() -> None:
    async with driving() as (app, driver, _):
        commands = {command.title: command for command in app.get_system_commands(app.screen)}
        commands["Load: faster"].callback()
        commands["Load: slower"].callback()
        commands["Load: more at a time"].callback()
        commands["Load: fewer at a time"].callback()
        commands["Load: stop or go on"].callback()
        commands["Send an error"].callback()
        commands["Send one request"].callback()
        commands["Crash a worker"].callback()
        assert len(driver.wishes) == 8
        commands["Demo: end"].callback()
        assert driver.has_stopped
        commands["Demo: uwsgi"].callback()
        assert isinstance(driver.next, RunDemo) and driver.next.name == "uwsgi"
        assert "Demo: servlet" not in commands


async def test_the_line_says_its_keys_for_the_help() -> None:
    async with driving() as (app, _, _pilot):
        title, entries = guide.about(app.focused)
        assert title == "driving the demo"
        assert ("a", "another demo, on this screen") in entries
