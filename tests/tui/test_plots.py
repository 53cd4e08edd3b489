"""The pane of plots under a pilot: what is drawn, how far back, and in what room."""

import pytest

from gwtop.tui.app import Screen
from gwtop.tui.plots import Plots
from tests.screens._facts import MS, T0, S, hello, hostile, request, tick
from tests.screens._stage import settle, shown, staged, text
from tests.tui.test_hostile import assert_whole


def minutes() -> list[object]:
    facts: list[object] = [hello()]
    for second in range(90):
        at = T0 + second * S
        n = 5 + second % 20
        status = 500 if second == 60 else 200
        facts += [
            request(second * 100 + i, at + i * MS, duration_ns=(i + 1) * MS, status=status)
            for i in range(n)
        ]
        facts.append(tick(at + 900 * MS, 0, busy=second % 3, idle=2))
    return [*facts, tick(T0 + 90 * S, 0)]


@pytest.fixture
def app() -> Screen:
    return staged(minutes())[0]


async def test_all_six_are_drawn_with_their_newest_values(app: Screen) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("7")
        await settle(app, pilot)
        assert isinstance(app.focused, Plots) and "last 120 s" in text(app)
        for title in ("requests", "took", "busy workers", "queue", "born", "memory"):
            assert title in text(app)
        assert "requests   14/s" in text(app) and "p99  14 ms" in text(app)
        assert any(0x2800 < ord(c) < 0x2900 for c in text(app))
        assert_whole(app)


async def test_plus_and_minus_change_how_far_back_one_sees(app: Screen) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("7", "plus")
        await settle(app, pilot)
        assert "last 60 s" in text(app) and "-60 s" in text(app)
        await pilot.press("plus", "minus", "minus", "minus", "minus")
        assert "last 600 s" in text(app)


@pytest.mark.parametrize("size", [(40, 10), (80, 24), (119, 30), (200, 60), (161, 12)])
async def test_any_room_is_filled_and_nothing_sticks_out(
    app: Screen, size: tuple[int, int]
) -> None:
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press("7")
        await settle(app, pilot)
        assert_whole(app)
        assert "requests" in text(app) and "now" in text(app)


async def test_nothing_is_drawn_anew_within_a_second(app: Screen) -> None:
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("7")
        await settle(app, pilot)
        pane = app.query_one(Plots)
        drawn = pane._strips
        app.model.apply(tick(T0 + 90 * S + 500 * MS, 0))
        app.catch_up()
        assert pane._strips is drawn
        app.model.apply(tick(T0 + 91 * S, 0))
        app.catch_up()
        assert pane._strips is not drawn


async def test_help_says_the_keys_of_the_pane(app: Screen) -> None:
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(app, pilot)
        for key, words in (("7", "two, five, ten"), ("l", "finer, coarser"), ("2", "filter:")):
            await pilot.press(key, "question_mark")
            await settle(app, pilot)
            assert words in text(app)
            await pilot.press("escape")


async def test_hostile_facts_draw_whole_plots() -> None:
    app, _ = staged(hostile())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("7")
        await settle(app, pilot)
        assert_whole(app)
        assert len(shown(app)) == 24
