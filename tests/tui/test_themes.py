"""Themes: each role in each theme, ASCII cell for cell, and screens of both as goldens."""

import pytest
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color

from gwtop.config import ROLES, THEMES
from gwtop.config.reading import is_style, parse
from gwtop.panels import Look
from gwtop.tui import themes
from gwtop.tui.app import Screen
from gwtop.tui.strips import COLOURS, look_of
from gwtop.tui.themes import Theme, theme_of, to_ascii
from tests.screens._facts import hostile, pool, rain
from tests.screens._stage import Script, settle, shown, styles, text
from tests.screens.test_screens import SCENES, hold

BLACK = Color(0, 0, 0)


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """WCAG 2.1's contrast ratio."""

    def luminance(rgb: tuple[int, int, int]) -> float:
        parts = [
            c / 255 / 12.92 if c / 255 <= 0.03928 else ((c / 255 + 0.055) / 1.055) ** 2.4
            for c in rgb
        ]
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_names_are_those_that_a_config_may_say() -> None:
    assert tuple(themes.THEMES) == THEMES
    assert {"text", *COLOURS} - {""} == set(ROLES)
    for theme in themes.THEMES.values():
        assert all(is_style(style) for style in theme.values())


@pytest.mark.parametrize(("name", "least"), [("dark", 4.5), ("light", 4.5), ("high-contrast", 7.0)])
def test_every_role_can_be_read_on_its_ground(name: str, least: float) -> None:
    theme = Theme(name, {}, False)
    for role in COLOURS:
        [segment] = theme.apply([Segment("x", look_of(role))], BLACK)
        style = segment.style
        assert style is not None and style.color is not None and style.bgcolor is not None
        ratio = contrast(tuple(style.color.get_truecolor()), tuple(style.bgcolor.get_truecolor()))
        assert ratio >= (4.0 if role == "dim" and name != "high-contrast" else least), (role, ratio)


def test_mono_has_no_colour_and_tells_good_from_bad() -> None:
    theme = Theme("mono", {}, False)
    looks = [
        theme.apply([Segment("x", look_of(r))], BLACK)[0].style for r in ("good", "bad", "warn")
    ]
    assert all(look is not None and look.color is None and look.bgcolor is None for look in looks)
    assert len(set(looks)) == 3


def test_a_users_colour_goes_over_the_theme_and_leaves_the_rest() -> None:
    theme = Theme("terminal", {"bad": "magenta"}, False)
    bad, good = theme.apply([Segment("x", look_of("bad")), Segment("x", look_of("good"))], BLACK)
    assert bad.style is not None and bad.style.color is not None
    assert bad.style.color.name == "magenta"
    assert good.style == look_of("good")


def test_the_usual_theme_is_no_filter_at_all() -> None:
    assert theme_of("terminal", {}, False) is None
    assert theme_of("terminal", {}, True) is not None


def test_ascii_has_as_many_cells() -> None:
    for line in ["╭─ requests ─╮", "●●○ µs ≈1207 ⚑…", "▁▂▃▅▇ █▓░", "漢字 é \u2801\u28ff", "plain"]:
        plain = to_ascii(line)
        assert plain.isascii() and len(plain) == cell_len(line), (line, plain)
    assert to_ascii("漢") == "??"
    assert to_ascii("⚑") == "!"


@pytest.mark.parametrize("scene", ["pool", "rain", "pool-lifelines", "pool-plots", "help"])
async def test_a_screen_of_ascii_is_the_golden_one(scene: str) -> None:
    keys, is_pool = SCENES[scene]
    facts = pool() if is_pool else rain()
    app = Screen(Script(facts), look=Look(ascii=True))
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press(*keys)
        await settle(app, pilot)
        got = text(app)
    assert got.isascii()
    hold(f"{scene}-ascii-80x24.txt", got)


async def test_a_screen_of_one_colour_is_the_golden_one() -> None:
    app = Screen(Script(pool()), config=parse('theme = "mono"'))
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        got = styles(app)
        words = text(app)
    assert not set("gyrcGYRC") & set(got)
    hold("pool-mono-120x40.colours.txt", got)
    hold("pool-120x40.txt", words)


async def test_hostile_text_leaves_a_screen_of_ascii_whole() -> None:
    app = Screen(Script(hostile()), look=Look(ascii=True))
    async with app.run_test(size=(100, 40)) as pilot:
        await settle(app, pilot)
        for key in "123456789":
            await pilot.press(key)
            await settle(app, pilot)
            assert all(line.isascii() and len(line) == 100 for line in shown(app))


async def test_a_theme_can_be_worn_while_the_screen_runs() -> None:
    app = Screen(Script(pool()))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        app.habits.wear("dark")
        await settle(app, pilot)
        strips = app.screen._compositor.render_strips(app.size)
        grounds = {
            s.style.bgcolor.name for strip in strips for s in strip if s.style and s.style.bgcolor
        }
        assert "#14181d" in grounds and "default" not in grounds


def test_styles_without_number_are_drawn_and_not_all_kept() -> None:
    theme = Theme("dark", {}, False)
    for n in range(2 * themes.MAX_KNOWN):
        style = RichStyle(bold=True, meta={"offset": (n, 0)})
        [segment] = theme.apply([Segment("x", style)], BLACK)
        assert segment.style is not None and segment.style.bold
    assert len(theme._known) <= themes.MAX_KNOWN
