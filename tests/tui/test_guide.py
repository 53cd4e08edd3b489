"""Help is about the pane one is in, first of all; every action has a way by key and by mouse."""

import pytest

from gwtop.tui import guide
from gwtop.tui.palette import commands
from tests.screens._facts import pool
from tests.screens._stage import settle, shown, staged


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        (["2"], "only the marked ones"),
        (["3"], "columns of processes"),
        (["l"], "the block before, the block after"),
        (["7"], "plots"),
        (["2", "home", "enter", "tab"], "tab"),
    ],
)
async def test_help_begins_with_the_pane_one_is_in(keys: list[str], words: str) -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(app, pilot)
        await pilot.press(*keys, "question_mark")
        await settle(app, pilot)
        text = shown(app)
        place = next(n for n, line in enumerate(text) if "everywhere" in line)
        assert any(words in line for line in text[:place])
        await pilot.press("question_mark")
        await settle(app, pilot)
        assert not app.query_one("#help").display


async def test_every_pane_that_takes_keys_says_what_they_do() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        for pane in app.screen.walk_children():
            if pane.focusable or pane.can_focus:
                title, entries = guide.about(pane)  # type: ignore[arg-type]
                assert title and entries, pane


async def test_every_action_of_the_app_is_a_command_of_the_palette() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        words = " ".join(f"{command.title} {command.help}" for command in commands(app)).lower()
        for _, binding in app._bindings:
            if binding.action == "command_palette":
                continue
            named = binding.description.split()[-1:] if binding.description else []
            assert all(name.lower() in words for name in named), binding
        assert any(command.title.startswith("Here: ") for command in commands(app))
        await pilot.click("#foot", offset=(app.size.width - 20, 0))
        await settle(app, pilot)
        assert app.is_running
