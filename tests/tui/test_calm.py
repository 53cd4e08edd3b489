"""What comes twice or too late ends nothing."""

import pytest
from textual.command import CommandPalette
from textual.css.query import NoMatches

from gwtop.tui.calm import is_the_palettes
from gwtop.tui.picker import Entries
from tests.screens._facts import pool
from tests.screens._stage import settle, staged


async def test_a_list_that_is_closed_twice_is_closed_once() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("home", "y")
        await settle(app, pilot)
        entries = app.screen.query_one(Entries)
        entries.action_choose()
        entries.action_choose()
        app.pop_screen()
        await settle(app, pilot)
        assert app.is_running and len(app.screen_stack) == 1


async def test_the_palette_turns_no_page_that_it_has_not() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(40, 10)) as pilot:
        await settle(app, pilot)
        await pilot.press("ctrl+p", "pagedown", *"zzzzz", "pagedown", "pageup", "enter", "escape")
        await settle(app, pilot)
        await pilot.press("ctrl+p", "f", "escape", "escape")
        await settle(app, pilot)
        assert app.is_running


def test_only_the_palettes_own_troubles_are_passed_over() -> None:
    assert is_the_palettes(
        NoMatches(f"No nodes match 'CommandList' on {CommandPalette.__name__}()")
    )
    with pytest.raises(KeyError) as ours:
        dict[str, int]()["x"]
    assert not is_the_palettes(ours.value)
    assert not is_the_palettes(NoMatches("No nodes match '#head' on Screen()"))
