"""Golden text of a request in full: each tab at three sizes, with and without colours.

Regenerate with `GWTOP_GOLDEN=write pytest tests/screens`, and say in the commit why.
"""

import pytest
from rich.cells import cell_len

from tests.screens._details import with_details
from tests.screens._stage import settle, shown, staged, styles, text
from tests.screens.test_screens import SIZES, hold

OPEN = ("up", "up", "enter")
INTO = ("enter", "z")
SCENES: dict[str, tuple[str, ...]] = {
    "request-variables": ("v",),
    "request-narrowed": ("v", "slash", *"http"),
    "request-body": ("b",),
    "request-records": ("r", "slash", *"cookie", "enter"),
    "request-answer-records": ("r", "end", "up", "enter", "down", "down"),
    "request-process": ("p",),
    "request-notes": ("n",),
}


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
async def test_a_request_in_full_is_the_golden_one(scene: str, size: tuple[int, int]) -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press(*OPEN)
        await settle(app, pilot)
        await pilot.press(*INTO, *SCENES[scene])
        await settle(app, pilot)
        got = text(app)
        assert {cell_len(line) for line in shown(app)} == {size[0]}
    hold(f"{scene}-{size[0]}x{size[1]}.txt", got)


async def test_the_colours_of_the_bytes_are_the_golden_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for no_color in (False, True):
        if no_color:
            monkeypatch.setenv("NO_COLOR", "1")
        app, _ = staged(with_details())
        async with app.run_test(size=(120, 40)) as pilot:
            await settle(app, pilot)
            await pilot.press(*OPEN)
            await settle(app, pilot)
            await pilot.press(*INTO, *SCENES["request-records"])
            await settle(app, pilot)
            hold("request-records-120x40.txt", text(app))
            if not no_color:
                hold("request-records-120x40.colours.txt", styles(app))
