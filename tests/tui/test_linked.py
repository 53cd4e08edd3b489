"""Sheets that lead on: a route's requests, a connection's, and the way back; at any size."""

import pytest

from gwtop.nouns.times import instant
from gwtop.tui.app import Screen
from tests.model.test_connections import closed
from tests.screens._facts import MS, T0, S, pool, request, tick
from tests.screens._stage import settle, shown, staged, text


def on_connections(n: int) -> list[object]:
    """Requests on three connections that are kept."""
    return [
        request(
            100 + i,
            T0 + 11 * S + i * MS,
            connection=500 + i % 3,
            sequence=i // 3,
            target=f"/kept/{i}",
            duration_ns=(i + 1) * MS,
        )
        for i in range(n)
    ]


def titles(app: Screen) -> str:
    return next(line for line in reversed(shown(app)) if "╭─" in line)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["alone", "below"])
async def test_a_route_leads_to_its_slowest_and_its_last_requests(size: tuple[int, int]) -> None:
    app, script = staged(pool())
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press("4", "home", "enter", "enter")
        await settle(app, pilot)
        script.add([tick(T0 + 12 * S, 40)])
        await settle(app, pilot)
        assert "GET / ── 8 requests" in titles(app), "known on, with its table out of sight"
        await pilot.press("right")
        assert "the slowest of its newest 8" in text(app)
        await pilot.press("down", "enter")
        await settle(app, pilot)
        assert "GET / ── 200 ── 38 ms" in titles(app)
        await pilot.press("escape")
        await settle(app, pilot)
        assert "GET / ── 8 requests" in titles(app) and app.focused is app.opening.linked
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.detail is None


async def test_a_connection_leads_to_the_requests_that_it_carried() -> None:
    app, _ = staged([*pool(), *on_connections(9), tick(T0 + 12 * S, 49)])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("5", "up", "enter")
        await settle(app, pilot)
        assert "its last 3 requests, the newest first" in text(app)
        got = [line for line in shown(app) if "/kept/" in line]
        assert ["/kept/8" in got[0], "/kept/5" in got[1], "/kept/2" in got[2]] == [True] * 3
        await pilot.click("#linked", offset=(12, shown(app).index(got[1]) - 2))
        await settle(app, pilot)
        assert "GET /kept/5" in titles(app)


async def test_from_a_process_to_a_connection_whose_table_is_not_shown() -> None:
    from tests.screens._people import looked_at_pool

    app, script = staged(looked_at_pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("3", "home", "down", "down", "down", "enter", *["right"] * 4, "down")
        assert app.person.at == ("connections", 37)
        await pilot.press("enter")
        await settle(app, pilot)
        script.add([tick(T0 + 12 * S, 40)])
        await settle(app, pilot)
        assert "connection ── 37" in titles(app) and "its request" in text(app)


async def test_what_is_no_longer_kept_is_said() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        app.open_detail("connections", 99_999)
        await settle(app, pilot)
        assert "no longer kept: only the newest are" in text(app)


async def test_a_connection_is_not_called_open_where_nobody_would_tell_its_close() -> None:
    app, script = staged([*pool(), *on_connections(3)])
    async with app.run_test(size=(120, 20)) as pilot:
        await settle(app, pilot)
        await pilot.press("5")
        await settle(app, pilot)
        assert "○ open" not in text(app)
        script.add([closed(7, closed_at=instant(T0 + 12 * S)), *(on_connections(6)[3:])])
        script.add([request(300, T0 + 13 * S, connection=900), tick(T0 + 13 * S, 45)])
        await settle(app, pilot)
        open_now = [line for line in shown(app) if "○ open" in line]
        assert len(open_now) == 1, "only the one that was used since closes are told"
