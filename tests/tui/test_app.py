"""The app under a pilot: keys, mouse, pause, sizes, the engine's death, and load."""

import pytest

from gwtop.nouns.facts import Calls
from gwtop.nouns.plan import DEFAULT_COPY_BYTES
from gwtop.tui.app import Screen
from gwtop.tui.table import LiveTable
from tests.screens._facts import (
    MS,
    T0,
    S,
    born,
    exited,
    hello,
    note,
    pool,
    rain,
    request,
    summary,
    tick,
)
from tests.screens._stage import ear, heard, settle, shown, staged, text


def table(app: Screen, name: str = "requests") -> LiveTable:
    return app.query_one(f"#{name}", LiveTable)


def many(first: int, n: int) -> list[object]:
    return [request(i, T0 + 10 * S + i * MS) for i in range(first, first + n)]


def reversed_text(app: Screen) -> str:
    """The text of the selected row, as the terminal shows it."""
    strips = app.screen._compositor.render_strips(app.size)[2:-1]
    return "".join(s.text for strip in strips for s in strip if s.style and s.style.reverse)


async def test_the_selection_stays_on_its_row_while_requests_pour_in() -> None:
    app, script = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("up", "up", "up")
        chosen = table(app).cursor.selected
        before = reversed_text(app)
        place = [i for i, line in enumerate(shown(app)) if before[:30] in line]
        script.add(many(40, 3000))
        await settle(app, pilot)
        assert chosen == 37 and table(app).cursor.selected == 37
        assert reversed_text(app) == before
        assert place == [i for i, line in enumerate(shown(app)) if before[:30] in line]
        assert "End: live" in text(app)
        await pilot.press("end")
        assert "following" in text(app)
        assert table(app).cursor.top + table(app).cursor.height == 3040


async def test_a_row_that_is_no_longer_kept_loses_the_selection_and_no_more() -> None:
    app, script = staged(pool())
    app.model.requests.limit = 2_000
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("home", "enter")
        script.add(many(40, 3_000))
        await settle(app, pilot)
        assert "GET / ──" in text(app), "what was opened stays open"
        await pilot.press("escape")
        assert table(app).cursor.selected is None
        assert table(app).cursor.top == app.model.requests.view().first


async def test_pause_keeps_the_old_snapshot_and_loses_nothing() -> None:
    app, script = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("space")
        frozen = shown(app)[2:-1]
        script.add(many(40, 500))
        await settle(app, pilot)
        assert "⏸" in shown(app)[0]
        assert shown(app)[2:-1] == frozen
        await pilot.press("up", "enter", "escape")  # one may look around in it
        assert table(app).cursor.selected == 39
        await pilot.press("space")
        await settle(app, pilot)
        assert "540" in text(app)
        assert app.model.requests.n_told == 540


async def test_the_mouse_selects_opens_scrolls_and_presses_keys() -> None:
    app, _ = staged([*pool(), *many(40, 300)])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.click("#requests", offset=(10, 4))
        selected = table(app).cursor.selected
        assert selected == table(app).cursor.top + 2
        await pilot._post_mouse_events([], "#requests", offset=(10, 4))
        await pilot.click("#requests", offset=(10, 4))
        assert app.sheet.display
        await pilot.press("escape")
        top = table(app).cursor.top
        table(app).on_mouse_scroll_up(_wheel())
        assert table(app).cursor.top == top - 3 and table(app).cursor.selected == selected
        foot = shown(app)[-1]
        await pilot.click("#foot", offset=(foot.index("4 "), 0))
        assert app.view == 4
        await pilot.click("#foot", offset=(shown(app)[-1].index("pause"), 0))
        assert app.paused
        await pilot.click("#head", offset=(76, 0))
        assert not app.paused


def _wheel() -> object:
    from textual.events import MouseScrollUp

    return MouseScrollUp(None, 1, 1, 0, 0, 0, False, False, False)


async def test_resizing_to_nothing_and_back_gives_the_same_screen() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("up", "up")
        before = text(app)
        for size in [(20, 5), (1, 1), (200, 60), (39, 24), (80, 9), (40, 10), (120, 12)]:
            await pilot.resize_terminal(*size)
            await settle(app, pilot)
            assert {len(line) for line in shown(app)} == {size[0]}
            if size[0] >= 39 and (size[0] < 40 or size[1] < 10):
                assert f"gwtop needs 40x10, this is {size[0]}x{size[1]}" in text(app)
        await pilot.resize_terminal(80, 24)
        await settle(app, pilot)
        assert text(app) == before


async def test_an_engine_that_died_is_said_and_the_screen_stays() -> None:
    app, script = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        script.last_words, script.ended = "killed by signal 9", True
        await settle(app, pilot)
        assert "■ ended" in shown(app)[0]
        assert "engine ended: killed by signal 9" in text(app)
        await pilot.press("up", "enter")
        assert "until first byte" in text(app)
        await pilot.press("q")
    assert app.return_code == 0


async def test_an_engine_that_finished_is_no_alarm() -> None:
    app, script = staged([*pool(), summary(T0 + 11 * S, 40)])
    async with app.run_test(size=(80, 24)) as pilot:
        script.ended = True
        await settle(app, pilot)
        assert "■ done" in shown(app)[0]
        assert "engine ended" not in text(app)


@pytest.mark.parametrize("key", ["q", "ctrl+c"])
async def test_both_quit_keys_quit(key: str) -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(key)
        assert (app.return_code == 0 and not app.is_running) or app._exit


async def test_a_refused_tap_says_what_would_help() -> None:
    from gwtop.nouns.facts import Tap

    tap = Tap("ring", "refused", "CAP_NET_RAW; run: sudo gwtop attach --port 3031")
    app, _ = staged([hello(taps=[tap])])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        assert "ring refused: CAP_NET_RAW; run: sudo gwtop attach" in text(app)


async def test_a_warning_of_the_gateway_stays_in_sight() -> None:
    app, script = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        script.add([note(T0 + 11 * S)])
        await settle(app, pilot)
        assert "worker 1210 was killed by signal 9" in shown(app)[2]


async def test_what_is_explained_can_be_put_away() -> None:
    app, _ = staged(rain(), "demo cgi", "Watch the pids rise.")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        assert "Watch the pids rise.  e: the whole page" in text(app)
        assert "was made for this request alone" in text(app)
        await pilot.press("E")
        await settle(app, pilot)
        assert "Watch the pids rise." not in text(app)


async def test_what_one_sees_is_told_of_any_gateway_when_asked_for() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        assert "On the hop" not in text(app)
        await pilot.press("E")
        await settle(app, pilot)
        assert "one of 4 workers, answered it in" in text(app)
        await pilot.resize_terminal(20, 5)
        await pilot.resize_terminal(80, 24)
        await settle(app, pilot)
        assert "one of 4 workers" in text(app)


async def test_an_open_detail_goes_with_the_selection() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("up", "enter")
        assert "GET /search?q=queue+of+the+pool ──" in text(app)
        await pilot.press("up")
        assert "GET /users/17/cart ── 500 ──" in text(app)
        assert "⚑ the worker wrote 3 lines to stderr (stderr-text)" in text(app)


async def test_a_screen_wishes_for_quicker_ticks() -> None:
    written = ear()
    app, _ = staged(pool())
    app.wishes.pipe = written
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
    assert heard(written) == b'{"wish":"tick","seconds":0.25}\n'


async def test_one_key_switches_the_copying_of_calls_bytes() -> None:
    written = ear()
    app, script = staged(pool())
    app.wishes.pipe = written
    async with app.run_test(size=(160, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("b")  # no call is seen here
        for n, copied in enumerate((DEFAULT_COPY_BYTES, 0)):
            calls = Calls(per_s=1234, missed=0, copy_bytes=copied)
            script.add([tick(T0 + (20 + n) * S, 40, calls=calls)])
            await settle(app, pilot)
            told = "up to 72K copied" if copied else "lengths only"
            assert f"calls 1,234/s, {told}" in shown(app)[1]
            await pilot.press("b")
    assert heard(written).splitlines()[1:] == [
        b'{"wish":"copy","bytes":0}',
        b'{"wish":"copy","bytes":%d}' % DEFAULT_COPY_BYTES,
    ]


@pytest.mark.slow
async def test_keys_are_answered_while_facts_pour_in() -> None:
    """Between two paints of a flood (500 a paint is 5,000/s) each key has had its effect."""
    app, script = staged(pool())
    n = 40
    async with app.run_test(size=(160, 50)) as pilot:
        await settle(app, pilot)
        seen_views = []
        for view in [2, 3, 4, 5, 6, 7, 8, 9, 1] * 4:
            script.add([*many(n, 500), tick(T0 + 10 * S + n * MS, n)])
            n += 500
            await pilot.press(str(view), "down", "up", "end")
            seen_views.append(app.view)
            app.catch_up()
        assert seen_views == [2, 3, 4, 5, 6, 7, 8, 9, 1] * 4
        await settle(app, pilot)
        assert app.model.requests.n_told == 40 + 36 * 500
        assert table(app).cursor.following


async def test_the_palette_names_our_commands_and_runs_them() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        names = [command.title for command in app.get_system_commands(app.screen)]
        assert names[:5] == ["Overview", "Requests", "Processes", "Routes", "Connections"]
        for command in app.get_system_commands(app.screen):
            if command.title in ("Routes", "Pause"):
                command.callback()
                await settle(app, pilot)
        assert app.view == 4 and app.paused


async def test_a_gateway_that_is_gone_is_not_called_live_until_it_is_back() -> None:
    app, script = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        assert "▶ live" in shown(app)[0]
        gone = [exited(pid, T0 + 11 * S) for pid in (1203, 1207, 1208, 1209)]
        script.add([*gone, tick(T0 + 11 * S, 40)])
        await settle(app, pilot)
        assert "▶ live" in shown(app)[0], "one of them still lives"
        script.add([exited(1210, T0 + 12 * S), tick(T0 + 12 * S, 40)])
        await settle(app, pilot)
        assert "■ gateway gone" in shown(app)[0]
        script.add([born(1300, T0 + 13 * S, role="worker"), tick(T0 + 13 * S, 40)])
        await settle(app, pilot)
        assert "▶ live" in shown(app)[0]
