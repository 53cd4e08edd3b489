"""The table of requests under a pilot: filter, search, sort, marks, columns, and how they end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from textual.events import Key
from textual.pilot import Pilot

from gwtop.panels.requests import SORTS
from gwtop.tui.app import Screen
from gwtop.tui.requests import RequestTable
from tests.screens._facts import MS, T0, S, hostile, pool, request, tick
from tests.screens._stage import Script, settle, shown, staged, text


@asynccontextmanager
async def requests(
    facts: list[object] | None = None, size: tuple[int, int] = (100, 24)
) -> AsyncIterator[tuple[Screen, Script, Pilot[int], RequestTable]]:
    app, script = staged(pool() if facts is None else facts)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press("2")
        await settle(app, pilot)
        yield app, script, pilot, app.requests


async def typed(app: Screen, pilot: Pilot[int], *keys: str) -> None:
    for key in keys:
        await pilot.press(*(key if len(key) > 1 and " " in key else [key]))
    await settle(app, pilot)


def rows(app: Screen) -> list[str]:
    return [line[2:-2].rstrip() for line in shown(app)[4:-2] if line[2:-2].strip()]


async def test_a_filter_is_applied_while_it_is_typed_and_kept_up() -> None:
    async with requests() as (app, script, pilot, table):
        await pilot.press("slash", *"status>=500")
        await settle(app, pilot)
        assert "status>=500 ─ 1 of 40" in text(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert app.focused is table and "/users/17/cart" in rows(app)[0] and len(rows(app)) == 1
        script.add([request(n, T0 + 11 * S, status=503 if n % 2 else 200) for n in range(40, 44)])
        await settle(app, pilot)
        assert "following ─ status>=500 ─ 3 of 44" in text(app)
        await pilot.press("escape")
        assert "following ─ 44" in text(app)


async def test_every_letter_can_be_typed_and_none_is_a_command() -> None:
    async with requests() as (app, _, pilot, _table):
        await pilot.press("slash", *"quit 123 ?e", "space", *"lfcsmMnN")
        await settle(app, pilot)
        assert app.is_running and app.view == 2 and not app.paused
        assert app.query_one("#filterbar Input").value == "quit 123 ?e lfcsmMnN"  # type: ignore[attr-defined]


async def test_the_beginning_of_a_name_is_not_looked_for() -> None:
    async with requests() as (app, _, pilot, _table):
        await pilot.press("slash", *"stat")
        await settle(app, pilot)
        assert "following ─ 40" in text(app)
        await pilot.press(*"istic")
        await settle(app, pilot)
        assert "0 of 40" in text(app) and "no request is let through" in text(app)


async def test_tab_completes_and_the_arrows_choose() -> None:
    async with requests() as (app, _, pilot, table):
        await pilot.press("slash", *"out", "tab")
        assert "outcome=" in text(app) and "outcome!=" in text(app)
        await pilot.press("tab", *"", "down", "down", "tab")
        await settle(app, pilot)
        assert " outcome=aborted" in text(app)
        await pilot.press("enter")
        assert table.picked.filter.text == "outcome=aborted"


async def test_values_that_were_seen_are_offered() -> None:
    async with requests() as (app, _, pilot, _table):
        await pilot.press("slash", *"note=")
        await settle(app, pilot)
        assert "stderr-text" in shown(app)[-2]


async def test_an_error_says_where_and_escape_restores_what_was() -> None:
    async with requests() as (app, _, pilot, table):
        await pilot.press("slash", *"status=200", "enter", "slash", *" and durtion>5ms x")
        await settle(app, pilot)
        assert "column 16: no name 'durtion'; is it duration?" in text(app)
        await pilot.press("enter")
        assert app.focused is not table, "an error is not let through"
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.focused is table and table.picked.filter.text == "status=200"
        assert "column 16" not in text(app)


async def test_the_line_before_comes_back() -> None:
    async with requests() as (app, _, pilot, table):
        await pilot.press("slash", *"/users", "enter", "escape", "slash", "up", "enter")
        await settle(app, pilot)
        assert table.picked.filter.text == "/users"


async def test_the_arrows_go_through_saved_filters_and_the_lines_there_were() -> None:
    async with requests() as (app, _, pilot, table):
        saved = {"errors": "status>=500", "slow": "duration>30ms"}
        app.habits.config = replace(app.habits.config, filters=saved)
        await pilot.press("slash", *"/users", "enter", "escape", "slash", "up")
        seen = [app.query_one("#filterbar Input").value]  # type: ignore[attr-defined]
        for _ in range(3):
            await pilot.press("up")
            seen.append(app.query_one("#filterbar Input").value)  # type: ignore[attr-defined]
        assert seen == ["/users", "duration>30ms", "status>=500", "/users"]
        await pilot.press("down", "enter")
        await settle(app, pilot)
        assert table.picked.filter.text == "status>=500"


async def test_find_goes_to_the_newest_and_n_to_the_others() -> None:
    async with requests() as (app, _, pilot, table):
        await pilot.press("f", *"/search", "enter")
        await settle(app, pilot)
        assert table.cursor.selected == 39 and len(rows(app)) == 18, "nothing is hidden"
        await pilot.press("N")
        assert table.cursor.selected == 34
        await pilot.press("N", "n")
        assert table.cursor.selected == 34
        await pilot.press("n", "n")
        assert table.cursor.selected == 4, "around once"


async def test_keys_sort_by_each_column_and_back() -> None:
    async with requests(size=(200, 60)) as (app, _script, pilot, table):
        for name in SORTS:
            await pilot.press("s")
            assert table.picked.column == name and f"↓{name}" in shown(app)[3]
        await pilot.press("s")
        assert table.picked.is_all and "following" in text(app)


async def test_sorted_rows_take_new_ones_in_and_hold_the_selection() -> None:
    async with requests() as (app, script, pilot, table):
        await pilot.press("s", "s", "s", "s", "s")
        assert table.picked.column == "took"
        assert [row.split()[4] for row in rows(app)[:3]] == ["42", "41", "40"]
        await pilot.press("S")
        assert [row.split()[4] for row in rows(app)[:3]] == ["3.0", "4.0", "5.0"]
        await pilot.press("S", "down", "down")
        assert table.cursor.selected == 38
        script.add([request(40, T0 + 11 * S, duration_ns=900 * MS, target="/late")])
        await settle(app, pilot)
        assert table.cursor.top == 3, "it, and two that are at it for a second by now"
        assert table.cursor.selected == 38
        await pilot.press("home")
        for path, row in zip(("/search", "/report", "/late"), rows(app), strict=False):
            assert path in row
        await pilot.press("escape")
        assert "following" in text(app)


async def test_a_click_on_a_head_sorts_and_two_more_undo_it() -> None:
    async with requests() as (app, _, pilot, _table):
        x = shown(app)[3].index("took") + 1
        for head in ("↓took", "↑took", " took"):
            await pilot.click(offset=(x, 3))
            await settle(app, pilot)
            assert head in shown(app)[3]


async def test_marks_stay_and_can_be_all_there_is() -> None:
    async with requests() as (app, _, pilot, table):
        await pilot.press("up", "up", "m", "up", "up", "m")
        assert table.picked.marks == {38, 36}
        assert [line[1] for line in shown(app) if line.startswith("│")].count("◆") == 2
        await pilot.press("M")
        await settle(app, pilot)
        assert "marked ─ 2 of 40" in text(app) and len(rows(app)) == 2
        await pilot.press("escape", "up", "up", "m")
        assert table.picked.marks == {36}


async def test_columns_are_put_away_and_brought_back() -> None:
    async with requests() as (app, _, pilot, table):
        await pilot.press("c", "down", "space")
        await settle(app, pilot)
        assert "[ ] method" in text(app) and "GET" not in rows(app)[0]
        await pilot.press("enter")
        await settle(app, pilot)
        assert "[x] method" in text(app)
        await pilot.click("#chooser", offset=(6, 3))
        await settle(app, pilot)
        assert "[ ] target" in text(app) and "/users" not in rows(app)[0]
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.focused is table and "[ ] target" not in text(app)


async def test_asking_from_a_view_without_a_table_goes_to_the_requests() -> None:
    async with requests() as (app, _, pilot, _table):
        await pilot.press("l", "slash", *"/users", "enter")
        await settle(app, pilot)
        assert app.view == 2 and "/users ─ 8 of 40" in text(app)


async def test_a_filter_holds_in_the_overview_and_through_a_pause() -> None:
    async with requests() as (app, script, pilot, _table):
        await pilot.press("slash", *"/users", "enter", "1", "space")
        script.add([request(n, T0 + 11 * S, target="/users/9") for n in range(40, 50)])
        await settle(app, pilot)
        assert "8 of 40" in text(app)
        await pilot.press("space")
        await settle(app, pilot)
        assert "18 of 50" in text(app)


@pytest.mark.parametrize("keys", [["slash", *"note="], ["slash", *"method="], ["s"], ["m", "M"]])
async def test_hostile_text_in_all_of_it_leaves_the_screen_whole(keys: list[str]) -> None:
    from tests.tui.test_hostile import assert_whole

    async with requests(hostile(), (80, 24)) as (app, _, pilot, _table):
        await pilot.press(*keys)
        await settle(app, pilot)
        assert_whole(app)


async def test_what_is_typed_faster_than_the_screen_goes_where_it_belongs() -> None:
    """A script or a fast hand: the line is opened by one key and the next are there already."""
    async with requests() as (app, script, pilot, table):
        names = {">": "greater_than_sign", "=": "equals_sign", "/": "slash", " ": "space"}
        for text in ("/status>=500 or q", "/ status=200"):
            for character in text:
                app.post_message(Key(names.get(character, character), character))
            script.add([request(n, T0 + 11 * S) for n in range(100)])
            app.post_message(Key("enter", "\r"))
            await settle(app, pilot)
            await settle(app, pilot)
            assert table.picked.filter.text == text[1:].strip()
            assert app.focused is table
            await pilot.press("escape")
            assert table.picked.is_all


async def test_back_in_time_a_filter_and_an_order_show_what_was_there_then() -> None:
    facts: list[object] = []
    for n in range(40):
        facts += [request(n, T0 + n * S, duration_ns=(100 - n) * MS), tick(T0 + n * S, n + 1)]
    async with requests(facts) as (app, _, pilot, table):
        await typed(app, pilot, "slash", *"status=200", "enter", "space", "left_curly_bracket")
        n_then = app.shown.requests.end
        assert n_then < 40 and len(rows(app)) == 18 and f"{n_then} of {n_then}" in text(app)
        table.turn("took")
        await pilot.press("home")
        assert "100 ms" in rows(app)[0] and f"{n_then} of {n_then}" in text(app)
        await pilot.press("space")
        await settle(app, pilot)
        assert "40 of 40" in text(app)


async def test_a_key_right_after_the_second_enter_is_the_sheets() -> None:
    async with requests(size=(100, 40)) as (app, _, pilot, table):
        await typed(app, pilot, "up", "enter")
        selected = table.cursor.selected
        for key, character in (("enter", "\r"), ("v", "v"), ("j", "j")):
            app.post_message(Key(key, character))
        await settle(app, pilot)
        assert app.focused is app.request_sheet and app.request_sheet.tab == "Variables"
        assert table.cursor.selected == selected


async def test_the_filter_in_use_is_saved_by_a_name_and_offered_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    monkeypatch.setenv("GWTOP_CONFIG", str(path))
    async with requests() as (app, _, pilot, table):
        await pilot.press("F")
        assert "no filter of requests is in use" in app.habits.said
        await typed(app, pilot, "slash", *"status>=500", "enter", "F", *"my-errors", "enter")
        assert path.read_text() == '[filters]\nmy-errors = "status>=500"\n'
        assert app.focused is table and "my-errors = status>=500" in app.habits.said
        assert table.chosen.text == "status>=500"
        assert app.habits.config.filters == {"my-errors": "status>=500"}
        await typed(app, pilot, "F", *"x.y", "enter")
        assert "no name for a filter" in app.habits.said and "x.y" not in path.read_text()


async def test_of_one_whose_fact_is_no_longer_kept_the_row_is_told() -> None:
    async with requests(size=(80, 24)) as (app, _, pilot, _table):
        app.model.requests._details.pop(39)
        await typed(app, pilot, "up", "enter")
        target = app.shown.requests[39].target
        assert f"GET {target} ── 200" in text(app) and "took         42 ms" in text(app)
        assert "Only this row of it is left" in text(app)
