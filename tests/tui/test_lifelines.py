"""The pane of lifelines under a pilot: each key, the mouse, pause, and what it opens."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from gwtop.nouns.times import MILLISECOND_NS
from gwtop.panels._lifelines import STEPS_NS
from gwtop.tui.app import Screen
from gwtop.tui.lifelines import FIRST_STEP, Lifelines
from tests.screens._facts import MS, T0, S, born, exited, pool, rain, request, seen, tick
from tests.screens._stage import Script, settle, shown, staged, text


@asynccontextmanager
async def lifelines(
    facts: list[object], size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Screen, Script, Pilot[int], Lifelines]]:
    app, script = staged(facts)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press("l")
        await settle(app, pilot)
        yield app, script, pilot, app.query_one(Lifelines)


def lines(app: Screen) -> list[str]:
    """What stands between the borders."""
    return [line[2:-2] for line in shown(app)[3:-3]]


async def test_l_shows_them_alone_and_follows() -> None:
    async with lifelines(pool()) as (app, script, pilot, pane):
        assert app.focused is pane and "following" in text(app)
        before = lines(app)[1]
        script.add([tick(T0 + 11 * S, 40)])
        await settle(app, pilot)
        assert lines(app)[1] != before


async def test_plus_and_minus_zoom_and_stop_at_the_ends() -> None:
    async with lifelines(pool()) as (app, _, pilot, pane):
        await pilot.press("plus")
        assert STEPS_NS[pane.step] == 50 * MILLISECOND_NS and "50 ms a cell" in text(app)
        await pilot.press("minus", "minus")
        assert "200 ms a cell" in text(app)
        await pilot.press(*["plus"] * 30)
        assert pane.step == 0 and "100 µs a cell" in text(app)
        await pilot.press(*["minus"] * 40)
        assert pane.step == len(STEPS_NS) - 1 and "500 s a cell" in text(app)


async def test_left_and_right_scroll_and_end_is_live_again() -> None:
    async with lifelines(pool()) as (app, script, pilot, pane):
        await pilot.press("plus", "left", "left")
        assert pane.end_at is not None and "End: live" in text(app)
        before = lines(app)
        script.add([tick(T0 + 12 * S, 40)])
        await settle(app, pilot)
        assert lines(app) == before, "what was scrolled to stays"
        await pilot.press("pagedown", "pagedown", "pagedown")
        assert pane.end_at is None
        await pilot.press("pageup", "end")
        assert pane.end_at is None and "following" in text(app)


async def test_home_is_the_first_request() -> None:
    async with lifelines(pool()) as (app, _, pilot, pane):
        await pilot.press("plus", "home")
        shown_window = pane.shown
        assert shown_window.from_at <= T0 < shown_window.to_at
        assert "06:00:00" in text(app)
        await pilot.press("pageup", "pageup", "pageup")
        assert pane.end_at == T0, "before the first there is nothing to scroll to"


async def test_a_line_is_chosen_and_opened() -> None:
    async with lifelines(pool()) as (app, _, pilot, pane):
        await pilot.press("down", "down")
        assert pane.chosen == 1
        await pilot.press("enter")
        await settle(app, pilot)
        assert "process 1207" in text(app)
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.focused is pane


async def test_the_caret_goes_from_block_to_block_and_opens_requests() -> None:
    async with lifelines(pool()) as (app, _, pilot, pane):
        await pilot.press("down", "down", "down", "down")
        assert pane.chosen == 3
        await pilot.press("comma")
        first = pane.caret_at
        assert first is not None and pane.end_at is not None, "time must not run away under it"
        await pilot.press("comma")
        assert pane.caret_at is not None and pane.caret_at < first - 500 * MS
        await pilot.press("full_stop")
        await pilot.press("enter")
        await settle(app, pilot)
        assert "GET /users/17/cart ── 500 ── 41 ms" in text(app)
        await pilot.press("escape", "end")
        assert pane.caret_at is None


async def test_a_click_on_a_block_opens_the_request_and_on_a_name_the_process() -> None:
    async with lifelines(pool()) as (app, _, pilot, _pane):
        screen = shown(app)
        y = next(n for n, line in enumerate(screen) if "1209 worker" in line)
        x = screen[y].index("5")
        await pilot.click(offset=(x, y))
        await settle(app, pilot)
        assert "── 500 ── 41 ms" in text(app)
        await pilot.press("escape")
        await settle(app, pilot)
        await pilot.click(offset=(4, y))
        await settle(app, pilot)
        assert "process 1209" in text(app)


async def test_a_drop_of_the_rain_opens_its_request() -> None:
    async with lifelines(rain()) as (app, _, pilot, _pane):
        screen = shown(app)
        y = next(n for n, line in enumerate(screen) if "55╳" in line)
        await pilot.click(offset=(screen[y].index("55╳"), y))
        await settle(app, pilot)
        assert "── 500 ──" in text(app)


async def test_pause_holds_still_and_one_may_zoom_in_it() -> None:
    async with lifelines(pool()) as (app, script, pilot, _pane):
        await pilot.press("space")
        before = lines(app)
        script.add([request(n, T0 + 9 * S + n * MS, pid=1207, status=500) for n in range(90)])
        script.add([tick(T0 + 20 * S, 40)])
        await settle(app, pilot)
        assert lines(app) == before
        await pilot.press("plus", "minus")
        assert lines(app) == before, "what came meanwhile is not drawn into the past"
        await pilot.press("space")
        await settle(app, pilot)
        assert lines(app) != before


async def test_wide_cells_are_not_drawn_for_every_fact() -> None:
    async with lifelines(pool()) as (app, script, pilot, pane):
        await pilot.press(*["minus"] * (len(STEPS_NS) - 1 - FIRST_STEP))
        script.add([tick(T0 + 10 * S, 40)])
        await settle(app, pilot)
        drawn = pane._strips
        script.add([tick(T0 + 11 * S, 40)])
        await settle(app, pilot)
        assert pane._strips is drawn


async def test_every_size_keeps_its_borders() -> None:
    facts = [*rain(), *(seen(n, 1, "worker", "w") for n in range(100, 150))]
    facts += [born(999, T0 + S, role="worker"), exited(999, T0 + 2 * S, signal=11, code=None)]
    for size in ((40, 10), (80, 24), (120, 40), (200, 60)):
        async with lifelines(facts, size) as (app, _, pilot, _pane):
            await pilot.press("down", "comma")
            for line in shown(app)[2:-1]:
                assert len(line) == size[0] and line[0] in "╭│╰" and line[-1] in "╮│╯"


async def test_a_click_on_a_block_stops_time_and_zoom_goes_around_it() -> None:
    async with lifelines(pool()) as (app, script, pilot, pane):
        before = lines(app)[2]
        place = before.index("■", 30)
        await pilot.click("#lifelines", offset=(place + 2, 3))
        await settle(app, pilot)
        assert app.detail is not None and pane.end_at is not None and pane.caret_at is not None
        await pilot.press("escape")
        await settle(app, pilot)
        script.add([tick(T0 + 20 * S, 40)])
        await settle(app, pilot)
        assert lines(app)[2][:80] == before[:80].replace("▒", "━"), "the end of time did not move"
        at = pane.shown.place(pane.caret_at)
        for key in ("plus", "plus", "minus", "minus", "minus"):
            await pilot.press(key)
            assert pane.shown.place(pane.caret_at) == at
        assert at == place - 13 - 1


async def test_a_line_has_a_process_for_keys_that_want_one() -> None:
    async with lifelines(pool()) as (app, _, pilot, pane):
        assert pane.chosen_process() is None
        await pilot.press("down", "down")
        row = next(p for p in app.shown.processes if p.key == pane.chosen_process())
        assert row.pid == 1207 and app.hands.process() == row
