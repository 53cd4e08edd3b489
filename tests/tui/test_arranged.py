"""Every table under a pilot: sorted, filtered by words, searched, columns put away."""

import pytest

from gwtop.panels import Cell, Row
from gwtop.panels._sorting import Sort
from gwtop.tui.app import Screen
from gwtop.tui.arranged import Arranged, matcher, words
from gwtop.tui.table import LiveTable
from tests.screens._facts import T0, S, born, exited, pool, rain, request, tick
from tests.screens._stage import settle, shown, staged, text

TABLES = {"processes": "3", "routes": "4", "connections": "5", "errors": "6", "notes": "8"}


def table(app: Screen) -> LiveTable:
    assert isinstance(app.focused, LiveTable)
    return app.focused


def rows(app: Screen) -> list[str]:
    return [line[2:-2].rstrip() for line in shown(app)[4:-2] if line[2:-2].strip()]


def row(*texts: str) -> Row:
    return Row(0, tuple(Cell(one) for one in texts))


def test_a_row_holds_words_in_any_cell_and_letters_of_any_size() -> None:
    assert matcher(words("get /Users"))(row("GET", "/users/7"))
    assert not matcher(words("get -users"))(row("GET", "/users/7"))
    assert matcher(words("get -users"))(row("GET", "/"))
    assert not matcher(words("t/u"))(row("GET", "/users")), "not across cells"


def test_words_are_never_wrong() -> None:
    for text_ in ("", "  ", "(", '"', "status>=", "-"):
        assert words(text_).text == " ".join(text_.split())


def test_a_column_is_turned_twice_and_then_let_go() -> None:
    wanted = Arranged()
    states = []
    for _ in range(3):
        wanted.turn("p50")
        states.append(wanted.sort)
    assert states == [Sort("p50"), Sort("p50", False), None]


@pytest.mark.parametrize("name", TABLES)
async def test_s_goes_through_the_columns_and_esc_undoes(name: str) -> None:
    app, _ = staged([*pool(), *rain()[1:]])
    async with app.run_test(size=(160, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press(TABLES[name], "s")
        first = table(app).arranged.sort
        assert first is not None and f"↓{first.column}" in shown(app)[3]
        await pilot.press("S")
        assert f"↑{first.column}" in shown(app)[3]
        await pilot.press("s")
        second = table(app).arranged.sort
        assert second is not None and second.column != first.column
        await pilot.press("escape")
        assert table(app).arranged.sort is None and "↓" not in shown(app)[3]
        await pilot.press(*["s"] * (len(table(app).sorts) + 1))
        assert table(app).arranged.sort is None, "after the last, as they came"


@pytest.mark.parametrize("name", TABLES)
async def test_a_click_on_a_head_sorts(name: str) -> None:
    app, _ = staged([*pool(), *rain()[1:]])
    async with app.run_test(size=(160, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press(TABLES[name])
        head = "pid" if "pid" in shown(app)[3] else "p50"
        at = shown(app)[3].index(head)
        await pilot.click(f"#{name}", offset=(at, 1))
        assert table(app).arranged.sort == Sort(head) and f"↓{head}" in shown(app)[3]
        await pilot.click(f"#{name}", offset=(shown(app)[3].index(f"↓{head}") + 1, 1))
        assert table(app).arranged.sort == Sort(head, False)
        assert app.detail is None


async def test_the_selection_stays_on_its_row_when_the_order_changes() -> None:
    app, script = staged(pool())
    async with app.run_test(size=(100, 14)) as pilot:
        await settle(app, pilot)
        await pilot.press("4", "home", "down", "down")
        chosen = table(app).cursor.selected
        await pilot.press("s", "s", "s")
        assert table(app).cursor.selected == chosen
        script.add([request(n, T0 + 11 * S, target=f"/x{n}/a") for n in range(40, 60)])
        await settle(app, pilot)
        assert table(app).cursor.selected == chosen


async def test_sorted_errors_are_not_followed_and_then_they_are_again() -> None:
    facts = [*rain(), *(born(5000 + n, T0 + 6 * S) for n in range(30))]
    facts += [exited(5000 + n, T0 + 7 * S, code=n + 1) for n in range(30)]
    app, _ = staged(facts)
    async with app.run_test(size=(100, 14)) as pilot:
        await settle(app, pilot)
        await pilot.press("6")
        assert "following" in text(app)
        await pilot.press("s")
        assert "following" not in text(app) and table(app).cursor.top == 0
        await pilot.press("escape")
        assert "following" in text(app)


async def test_words_filter_a_table_while_they_are_typed() -> None:
    app, script = staged(rain())
    async with app.run_test(size=(100, 20)) as pilot:
        await settle(app, pilot)
        await pilot.press("3", "slash", *"sig")
        await settle(app, pilot)
        assert "sig 9" in rows(app)[0] and "sig ─ 1" in text(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert table(app).panel.NAME == "processes"
        script.add([exited(4731, T0 + 7 * S, signal=11, code=None), tick(T0 + 7 * S, 31)])
        await settle(app, pilot)
        assert len(rows(app)) == 2
        await pilot.press("slash", *" nothing", "enter")
        await settle(app, pilot)
        assert "no row holds these words" in text(app)
        await pilot.press("escape")
        await settle(app, pilot)
        assert len(rows(app)) > 5 and not table(app).arranged.filter


async def test_esc_while_typing_gives_back_what_was() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(100, 20)) as pilot:
        await settle(app, pilot)
        await pilot.press("4", "slash", *"cart", "enter", "slash", *"xyz", "escape")
        await settle(app, pilot)
        assert table(app).arranged.filter.text == "cart" and "/users/N/cart" in rows(app)[0]


async def test_f_finds_and_n_goes_on_around() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(100, 20)) as pilot:
        await settle(app, pilot)
        await pilot.press("3", "f", *"worker", "enter")
        await settle(app, pilot)
        found = []
        for key in ("n", "n", "n", "n", "N"):
            found.append(table(app).cursor.selected)
            await pilot.press(key)
        assert found == [1, 2, 3, 4, 1] and table(app).cursor.selected == 4


async def test_in_the_overview_the_table_with_the_keys_is_asked() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        app.screen.set_focus(app.panes["processes"])
        await pilot.press("slash", *"master", "enter")
        await settle(app, pilot)
        assert table(app).panel.NAME == "processes" and "master ─ 1" in text(app)
        assert not app.requests.picked.filter


@pytest.mark.parametrize("name", TABLES)
async def test_columns_of_every_table_can_be_put_away(name: str) -> None:
    app, _ = staged([*pool(), *rain()[1:]])
    async with app.run_test(size=(160, 30)) as pilot:
        await settle(app, pilot)
        await pilot.press(TABLES[name], "c")
        await settle(app, pilot)
        columns = [c.name for c in table_named(app, name).panel.COLUMNS if c.name]
        await pilot.press("down", "space", "escape")
        await settle(app, pilot)
        assert app.focused is table_named(app, name)
        assert table_named(app, name).hidden == {columns[1]}
        assert f" {columns[1]} " not in shown(app)[3]


def table_named(app: Screen, name: str) -> LiveTable:
    return app.query_one(f"#{name}", LiveTable)
