"""Nothing that anybody sends reaches the terminal as anything but text."""

import unicodedata

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from gwtop.tui.app import Screen
from gwtop.tui.table import LiveTable
from tests.screens._facts import hostile
from tests.screens._stage import settle, shown, staged

SIZES = [(80, 24), (160, 50), (41, 11)]
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def assert_whole(app: Screen) -> None:
    for line in shown(app):
        assert cell_len(line) == app.size.width
        bad = [c for c in line if unicodedata.category(c) in FORBIDDEN]
        assert not bad, f"{bad!r} in {line!r}"


async def walk(app: Screen, pilot: Pilot[int]) -> None:
    """Through every view and every detail."""
    for view in "123456789":
        await pilot.press(view)
        await settle(app, pilot)
        assert_whole(app)
    for place, view in enumerate(app.views, 1):
        name = view.focus
        if not isinstance(app.focused, LiveTable) and name == "lifelines":
            continue
        await pilot.press(str(place), "home", "enter")
        for _ in range(11 if isinstance(app.query_one(f"#{name}"), LiveTable) else 0):
            table = app.query_one(f"#{name}", LiveTable)
            table.action_move(1)
            await pilot.pause()
            assert app.sheet.display
            assert_whole(app)
        await pilot.press("escape")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_hostile_text_in_every_field_leaves_the_screen_whole(size: tuple[int, int]) -> None:
    app, script = staged(hostile(), "[b]\x1b[2J", "\x1b[31m[red]\u202e explain")
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        assert app.model.requests.n_told == 10
        await walk(app, pilot)
        script.last_words = "\x1b]0;x\x07[bold]"
        script.ended = True
        app.catch_up()
        assert_whole(app)


async def test_lines_that_are_no_facts_are_counted_on_the_screen() -> None:
    app, script = staged(hostile())
    script.lines.extend([b"\x1b[2J", b"{}", b'{"type":"request"}', b"\xff\xfe", b"[" * 100_000])
    script.lines.append(b'{"type":"of_next_year","x":1}')
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(app, pilot)
        assert app.model.n_unread == 5
        assert "missed 5 lines" in shown(app)[1]
        assert_whole(app)
