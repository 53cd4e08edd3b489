"""Golden text screens: what a person sees of two fixed gateways, at three sizes.

Regenerate with `GWTOP_GOLDEN=write pytest tests/screens`, and say in the commit why.
"""

import os
from pathlib import Path

import pytest
from rich.cells import cell_len

from tests.screens._facts import T0, pool, rain, summary
from tests.screens._stage import settle, shown, staged, styles, text

HERE = Path(__file__).parent
SIZES = [(80, 24), (120, 40), (200, 60)]
EXPLAIN = (
    "Every request makes a new process. The front forks, the child becomes Python, runs the "
    "script, answers and is gone: watch the pids rise under the front."
)
SCENES: dict[str, tuple[list[str], bool]] = {
    "pool": ([], True),
    "pool-detail": (["up", "up", "enter"], True),
    "pool-requests": (["2"], True),
    "pool-routes": (["4"], True),
    "pool-route": (["4", "home", "enter"], True),
    "pool-connections": (["5"], True),
    "pool-errors": (["6", "up", "enter"], True),
    "rain-errors": (["6"], False),
    "pool-plots": (["7"], True),
    "pool-notes": (["8"], True),
    "pool-lifelines": (["l", "plus", "down", "down", "comma"], True),
    "rain-lifelines": (["l"], False),
    "pool-filtering": (["slash", *"status>=500 or d"], True),
    "pool-filtered": (["2", "slash", *"duration>30ms", "enter", "up", "m"], True),
    "pool-columns": (["2", "s", "s", "s", "c", "down"], True),
    "rain": ([], False),
    "rain-process": (["tab", "down", "down", "down", "enter"], False),
    "rain-paused": (["space"], False),
    "help": (["question_mark"], True),
}


COLOURED = ("pool", "rain", "pool-lifelines")


def hold(name: str, got: str) -> None:
    golden = HERE / name
    if os.environ.get("GWTOP_GOLDEN") == "write":
        golden.write_text(got, encoding="utf-8")
    assert got == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
async def test_the_screen_is_the_golden_one(scene: str, size: tuple[int, int]) -> None:
    keys, is_pool = SCENES[scene]
    app, _ = staged(pool(), "") if is_pool else staged(rain(), "demo cgi", EXPLAIN)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press(*keys)
        await settle(app, pilot)
        got = text(app)
        assert {cell_len(line) for line in shown(app)} == {size[0]}
    hold(f"{scene}-{size[0]}x{size[1]}.txt", got)


@pytest.mark.parametrize("scene", COLOURED)
async def test_the_colours_are_the_golden_ones(scene: str) -> None:
    keys, is_pool = SCENES[scene]
    app, _ = staged(pool() if is_pool else rain())
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press(*keys)
        await settle(app, pilot)
        hold(f"{scene}-120x40.colours.txt", styles(app))


@pytest.mark.parametrize("scene", COLOURED)
async def test_without_colour_the_text_is_the_same(
    scene: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    keys, is_pool = SCENES[scene]
    app, _ = staged(pool(), "") if is_pool else staged(rain(), "demo cgi", EXPLAIN)
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press(*keys)
        await settle(app, pilot)
        assert app.no_color
        assert not set("gyrcGYRC") & set(styles(app))
        hold(f"{scene}-120x40.txt", text(app))


async def test_a_finished_session_shows_its_totals() -> None:
    app, script = staged([*pool(), summary(T0 + 11 * 10**9, 40)])
    script.ended = True
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        head = text(app).splitlines()[:2]
    assert "■ done" in head[0]
    assert "40 requests in all" in head[1]
    assert "p99  41 ms" in head[1]
    assert "missed 0" in head[1]
