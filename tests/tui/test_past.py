"""Pause, and back and forth in time."""

from gwtop.nouns.times import SECOND_NS as S
from tests.screens._facts import MS, T0, hello, pool, request, seen, tick
from tests.screens._stage import settle, shown, staged, text


def session(n_seconds: int) -> list[object]:
    """Two requests a second of one worker."""
    facts: list[object] = [hello(), seen(1207, 1, "worker", "uwsgi")]
    for second in range(n_seconds):
        at = T0 + second * S
        facts += [request(2 * second, at, pid=1207), tick(at + MS, 2 * second)]
        facts += [request(2 * second + 1, at + 500 * MS, pid=1207), tick(at + 600 * MS, 2)]
    return facts


async def test_a_paused_screen_steps_back_and_forth_and_goes_on() -> None:
    app, script = staged(session(10))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("space")
        assert "⏸ 06:00:09" in shown(app)[0]
        await pilot.press("left_square_bracket")
        await settle(app, pilot)
        assert app.past.is_back
        first = shown(app)
        assert "⏸ 06:00:09, " not in first[0]
        await pilot.press("left_square_bracket", "left_square_bracket", "left_square_bracket")
        await settle(app, pilot)
        assert "⏸ 06:00:06, 3.6 s ago" in shown(app)[0]
        assert app.shown.requests.end == 13
        assert "13" in "\n".join(shown(app))
        await pilot.press("right_square_bracket")
        assert app.shown.requests.end == 15
        await pilot.press("right_curly_bracket")
        assert not app.past.is_back and app.paused
        await pilot.press("left_curly_bracket", "left_curly_bracket")
        await settle(app, pilot)
        assert "⏸ 06:00:00" in shown(app)[0]
        assert app.shown.requests.end == 1
        script.add([request(99, T0 + 20 * S, pid=1207), tick(T0 + 20 * S, 21)])
        await settle(app, pilot)
        assert app.shown.requests.end == 1, "a paused screen holds still"
        assert ", 20 s ago" in shown(app)[0]
        await pilot.press("space")
        await settle(app, pilot)
        assert "▶ live" in shown(app)[0]
        assert app.shown.requests.end == 21


async def test_a_step_back_pauses_and_end_goes_on() -> None:
    app, _ = staged(session(10))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert app.paused and app.past.is_back
        await pilot.press("end")
        await settle(app, pilot)
        assert not app.paused
        await pilot.press("l", "left_square_bracket", "left_square_bracket")
        assert app.paused
        await pilot.press("end")
        await settle(app, pilot)
        assert not app.paused


async def test_every_view_can_be_seen_as_it_was() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("left_curly_bracket")
        for view in "123456789":
            await pilot.press(view, "home", "enter", "escape")
            await settle(app, pilot)
            assert app.is_running and app.paused


async def test_before_anything_was_told_there_is_nowhere_to_go() -> None:
    app, _ = staged([])
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("left_square_bracket", "right_square_bracket")
        assert "⏸ paused" in shown(app)[0]


async def test_the_routes_of_then_are_counted_from_what_is_kept() -> None:
    facts: list[object] = [hello(), seen(1207, 1, "worker", "uwsgi")]
    for n in range(20):
        at = T0 + n * S
        target = "/early" if n < 10 else f"/late/{n}"
        facts += [request(n, at, target=target), tick(at + MS, n)]
    app, _ = staged(facts)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("4", "space", "left_curly_bracket", "left_square_bracket")
        await settle(app, pilot)
        assert app.past.is_back and "/early" in text(app) and "/late" not in text(app)
        assert "of " not in shown(app)[2]
        (route,) = app.shown.routes
        assert route.requests == app.shown.requests.end
        assert route.key == next(r.key for r in app.model.routes.rows() if r.route == "/early")
        await pilot.press("space")
        await settle(app, pilot)
        assert "/late/N" in text(app)
