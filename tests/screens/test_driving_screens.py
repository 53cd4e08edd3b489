"""Golden text of a demo's screen while it is driven, at three sizes.

Regenerate with `GWTOP_GOLDEN=write pytest tests/screens`, and say in the commit why.
"""

import pytest
from rich.cells import cell_len

from gwtop.tui.app import Screen
from tests.screens._driver import Noting
from tests.screens._facts import rain
from tests.screens._stage import Script, settle, shown, text
from tests.screens.test_screens import SIZES, hold

SCENES: dict[str, list[str]] = {
    "driven": [],
    "driven-keys": ["d"],
    "driven-another": ["d", "a", "down"],
    "driven-path": ["d", "u", *"slow"],
}


def driven() -> tuple[Screen, Noting]:
    driver = Noting()
    return Screen(Script(rain()), None, title="demo cgi", driver=driver), driver


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
async def test_the_driven_screen_is_the_golden_one(scene: str, size: tuple[int, int]) -> None:
    app, _ = driven()
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press(*SCENES[scene])
        for _ in range(3):  # the line takes its room, the tables give it, and are painted anew
            await settle(app, pilot)
            app.paint()
        await pilot.pause()
        got = text(app)
        assert {cell_len(line) for line in shown(app)} == {size[0]}
    hold(f"{scene}-{size[0]}x{size[1]}.txt", got)
