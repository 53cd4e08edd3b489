"""Requests in flight in the table: under the newest, filtered, sorted, marked; then over."""

from gwtop.nouns.facts import InFlight
from gwtop.nouns.times import instant
from tests.screens._facts import MS, T0, S, pool, request, tick
from tests.screens._stage import settle, text
from tests.tui.test_requests import requests, rows, typed


def waiting(now_at: int, *ids: int, pid: int | None = None) -> object:
    flying = [
        InFlight(n, n, "GET", f"/wait?n={n}", instant(T0 + 5 * S), pid, 5 * MS if pid else None)
        for n in ids
    ]
    return tick(now_at, 40, in_flight=flying, busy=1, idle=0)


async def test_under_the_newest_stand_those_that_are_not_over() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100, 101)]
    async with requests(facts) as (app, _, _pilot, _table):
        assert "following ─ 40" in text(app)
        assert "/wait?n=100" in rows(app)[-2] and rows(app)[-1].startswith("○ waits")
        assert " 6.0 s" in rows(app)[-1]


async def test_they_take_half_of_the_room_and_tell_how_many_more_there_are() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, *range(100, 140))]
    async with requests(facts) as (app, _, _pilot, table):
        n_lines = table.size.height - 3
        assert sum("○ waits" in row for row in rows(app)) == n_lines // 2 - 1
        assert f"… and {40 - n_lines // 2 + 1} more wait" in rows(app)[-1]


async def test_one_in_flight_opens_and_goes_over_to_its_request_when_it_is_over() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100, 101)]
    async with requests(facts, (100, 40)) as (app, script, pilot, table):
        await typed(app, pilot, "up", "enter")
        assert "waits for a worker, 6.0 s so far" in text(app)
        await typed(app, pilot, "enter")
        assert app.focused is app.opening.linked
        over = request(101, T0 + 12 * S, duration_ns=7 * S, pid=1207, target="/wait?n=101")
        script.add([over, waiting(T0 + 12 * S, 100)])
        await settle(app, pilot)
        assert app.focused is app.request_sheet and "GET /wait?n=101 ── 200 ── 7.0 s" in text(app)
        assert table.cursor.selected == 40


async def test_one_in_flight_is_held_no_longer_when_nobody_knows_its_end() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100)]
    async with requests(facts) as (app, script, pilot, table):
        await typed(app, pilot, "up", "m")
        assert table.picked.marks == {-101} and table.cursor.selected == -101
        script.add([waiting(T0 + 12 * S)])
        await settle(app, pilot)
        assert table.cursor.selected is None and "○ waits" not in text(app)
        assert not table.picked.marks


async def test_those_in_flight_obey_the_filter_and_stand_under_what_it_lets_through() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100, 101, 200)]
    async with requests(facts) as (app, script, pilot, _table):
        await typed(app, pilot, "slash", *"target~n=1", "enter")
        assert [row.split()[3] for row in rows(app)] == ["/wait?n=100", "/wait?n=101"]
        assert "target~n=1 ─ 0 of 40 + 2 in flight" in text(app)
        done = request(100, T0 + 12 * S, duration_ns=7 * S, target="/wait?n=100")
        script.add([done, waiting(T0 + 12 * S, 101, 200)])
        await settle(app, pilot)
        assert "/wait?n=100" in rows(app)[0] and rows(app)[1].startswith("○ waits")
        assert "1 of 41 + 1 in flight" in text(app)
        await typed(
            app, pilot, "slash", *(["backspace"] * 10), *"duration>6s outcome=none", "enter"
        )
        assert [row.split()[3] for row in rows(app)] == ["/wait?n=101", "/wait?n=200"]
        await typed(app, pilot, "slash", *(["backspace"] * 24), *"status!=200", "enter")
        assert "1 of 41 + 2 in flight" in text(app)


async def test_sorted_those_in_flight_stand_by_what_is_known_of_them_so_far() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100), request(50, T0 + 11 * S, duration_ns=5500 * MS)]
    facts.append(request(51, T0 + 11 * S, duration_ns=8 * S, target="/longest"))
    async with requests(facts) as (app, script, pilot, table):
        table.turn("took")
        assert table.picked.n_flying == 1 and "42 of 42 + 1 in flight" in text(app)
        assert "/longest" in rows(app)[0] and rows(app)[1].startswith("○ waits")
        script.add([waiting(T0 + 14 * S, 100)])
        await settle(app, pilot)
        assert rows(app)[0].startswith("○ waits") and "9.0 s" in rows(app)[0]
        table.turn("took")
        await typed(app, pilot, "end", "end")
        assert rows(app)[-1].startswith("○ waits") and "/longest" in rows(app)[-2]
        table.turn("status")
        await pilot.press("end")
        assert rows(app)[-1].startswith("○ waits"), "not known yet, so last"


async def test_a_sorted_one_in_flight_stays_selected_and_open_when_it_is_over() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100)]
    async with requests(facts, (100, 40)) as (app, script, pilot, table):
        table.turn("took")
        await typed(app, pilot, "home", "enter")
        assert table.cursor.selected == -101 and "waits for a worker" in text(app)
        over = request(100, T0 + 12 * S, duration_ns=7 * S, pid=1207, target="/wait?n=100")
        script.add([over, waiting(T0 + 12 * S)])
        await settle(app, pilot)
        assert table.cursor.selected == 40 and "/wait?n=100" in rows(app)[0]
        assert "GET /wait?n=100 ── 200 ── 7.0 s" in text(app)


async def test_a_marked_one_in_flight_is_shown_alone_and_keeps_its_mark_when_it_is_over() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100, 101)]
    async with requests(facts) as (app, script, pilot, table):
        await typed(app, pilot, "up", "m", "M")
        assert [row.split()[3] for row in rows(app)] == ["/wait?n=101"]
        over = request(101, T0 + 12 * S, duration_ns=7 * S, pid=1207, target="/wait?n=101")
        script.add([over, waiting(T0 + 12 * S, 100)])
        await settle(app, pilot)
        assert table.picked.marks == {40} and len(rows(app)) == 1
        assert " 200 " in rows(app)[0]


async def test_one_in_flight_is_found_by_the_same_language() -> None:
    facts = [*pool(), waiting(T0 + 11 * S, 100, 101)]
    async with requests(facts) as (app, _, pilot, table):
        await typed(app, pilot, "f", *"target~n=100", "enter")
        assert table.cursor.selected == -101
