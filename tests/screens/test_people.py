"""Golden text screens of a process in full: its sections, the question before a signal.

Regenerate with `GWTOP_GOLDEN=write pytest tests/screens`, and say in the commit why.
"""

import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from gwtop.panels import Cell
from gwtop.tui.app import Screen
from gwtop.tui.confirm import Confirm
from tests.screens._people import looked_at_pool
from tests.screens._stage import settle, shown, staged, styles, text
from tests.screens.test_screens import SIZES, hold

SCENES: dict[str, list[str]] = {
    "pool-processes": ["3"],
    "pool-process": ["3", "home", "down", "down", "down", "enter", "enter", "down", "down"],
    "pool-process-end": ["3", "home", "down", "down", "down", "enter", "enter", "end"],
    "pool-process-stack": ["3", "home", "down", "down", "down", "enter", "enter"],
    "pool-signal": ["3", "home", "down", "enter"],
}
COLOURED = ("pool-process", "pool-process-end", "pool-signal")
STACK = (
    (Cell('Thread 1209 (active): "MainThread"', "bold"),),
    (Cell("    cart (shop/views.py:88)"),),
    (Cell("    application (shop/wsgi.py:12)"),),
)


async def play(app: Screen, pilot: Pilot[int], scene: str) -> None:
    await settle(app, pilot)
    await pilot.press(*SCENES[scene])
    await settle(app, pilot)
    if scene == "pool-signal":
        about = ("to process 1207, worker:", "uwsgi --socket :3031 -p 4")
        app.push_screen(Confirm(about))
    elif scene == "pool-process-stack":
        assert app.person.process is not None
        key = app.person.process.key
        app.person.stack, app.person.said = (key, STACK), (key, (Cell("SIGHUP sent", "good"),))
        app.repaint_detail()
    await settle(app, pilot)


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
async def test_the_screen_is_the_golden_one(scene: str, size: tuple[int, int]) -> None:
    app, _ = staged(looked_at_pool())
    async with app.run_test(size=size) as pilot:
        await play(app, pilot, scene)
        assert {cell_len(line) for line in shown(app)} == {size[0]}
        got = text(app)
    hold(f"{scene}-{size[0]}x{size[1]}.txt", got)


@pytest.mark.parametrize("scene", COLOURED)
async def test_the_colours_are_the_golden_ones(scene: str) -> None:
    app, _ = staged(looked_at_pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await play(app, pilot, scene)
        hold(f"{scene}-120x40.colours.txt", styles(app))


@pytest.mark.parametrize("scene", COLOURED)
async def test_without_colour_the_text_is_the_same(
    scene: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, _ = staged(looked_at_pool())
    async with app.run_test(size=(120, 40)) as pilot:
        await play(app, pilot, scene)
        assert app.no_color and not set("gyrcGYRC") & set(styles(app))
        hold(f"{scene}-120x40.txt", text(app))
