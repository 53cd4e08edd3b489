"""The pages over the screen: which one opens, reading it, finding another, and the way back."""

import pytest

from gwtop.explain import titles
from gwtop.nouns.times import SECOND_NS
from gwtop.tui.app import Screen
from gwtop.tui.pages import Pages
from tests.screens._facts import T0, note, pool, rain
from tests.screens._stage import settle, shown, staged, text


def opened(app: Screen) -> str:
    """The word whose page is open."""
    assert isinstance(app.screen, Pages)
    return app.screen.word


async def test_a_demo_opens_its_own_page_and_escape_goes_back() -> None:
    from gwtop.cli.screen import first_words

    app, _ = staged(rain(), "demo cgi", first_words("cgi"))
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        before = shown(app)
        await pilot.press("e")
        await settle(app, pilot)
        assert opened(app) == "CGI"
        assert "explain ── CGI" in text(app) and "Kind:     interface specification" in text(app)
        await pilot.press("escape")
        await settle(app, pilot)
        assert shown(app) == before


async def test_without_a_demo_the_protocol_that_is_spoken_is_explained() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("e")
        await settle(app, pilot)
        assert opened(app).lower() == app.shown.watch[0].protocol


async def test_the_note_one_stands_on_is_explained() -> None:
    app, script = staged(pool())
    async with app.run_test(size=(120, 40)) as pilot:
        script.add([note(T0 + 11 * SECOND_NS)])
        await settle(app, pilot)
        places = [place for place, view in enumerate(app.views, 1) if view.focus == "notes"]
        await pilot.press(str(places[0]), "home", "down")
        await settle(app, pilot)
        await pilot.press("e")
        await settle(app, pilot)
        assert opened(app) == "worker-killed"


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (200, 60)])
async def test_arrows_turn_the_pages_in_whatever_room_there_is(size: tuple[int, int]) -> None:
    app, _ = staged(pool())
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press("e")
        await settle(app, pilot)
        names = [name for name, _ in titles()]
        first = names.index(opened(app))
        await pilot.press("right", "right", "end", "home", "left")
        await settle(app, pilot)
        assert opened(app) == names[first + 1]
        assert f"explain ── {names[first + 1]}" in shown(app)[0]
        await pilot.press("left", "left", *["left"] * first)
        assert opened(app) == names[-1], "from the first page to the last"


async def test_a_page_is_found_by_its_name_and_by_what_it_says() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("slash", *"harakiri")
        await settle(app, pilot)
        assert "closed-without-answer" in text(app)
        await pilot.press("enter")
        await settle(app, pilot)
        assert opened(app) == "closed-without-answer" and "Do:" in text(app)
        await pilot.press("slash", *"wsgi", "down", "enter")
        await settle(app, pilot)
        assert "wsgi" in opened(app).lower()


async def test_a_misspelt_word_offers_what_looks_like_it() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("slash", *"fastgci", "enter")
        await settle(app, pilot)
        assert opened(app) == "FastCGI"


async def test_letters_that_are_keys_elsewhere_are_letters_here_and_escape_leaves_one_step() -> (
    None
):
    app, _ = staged(pool())
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        await pilot.press("e")
        await pilot.pause()
        before = opened(app)
        await pilot.press("slash", *"qflxct1 e?/")
        await settle(app, pilot)
        assert isinstance(app.screen, Pages) and app.screen.wanted.value == "qflxct1 e?/"
        await pilot.press("enter")  # nothing is found: nothing happens
        await pilot.press("escape")
        await settle(app, pilot)
        assert opened(app) == before
        await pilot.press("q")
        await settle(app, pilot)
        assert not isinstance(app.screen, Pages) and app.is_running


async def test_the_mouse_opens_what_is_found_and_closes_a_page() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        await pilot.press("e")
        await pilot.pause()
        await pilot.press("slash")
        await settle(app, pilot)
        await pilot.click(offset=(5, 3))
        await settle(app, pilot)
        assert opened(app) == titles()[2][0]
        await pilot.click(offset=(92, 29))
        await settle(app, pilot)
        assert not isinstance(app.screen, Pages)
