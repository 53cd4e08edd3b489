"""Pictures: each cell's text where it stands on the screen, small enough, and good XML."""

from xml.etree import ElementTree

import pytest

from gwtop.config import Config
from gwtop.tui.app import Screen
from tests.pictures import CELL_H, CELL_W, FOLDER, MAX_BYTES, PICTURES, drawn, main
from tests.screens._facts import hostile, pool
from tests.screens._stage import Script, settle, shown

SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("facts", [pool, hostile], ids=["pool", "hostile"])
async def test_a_picture_says_what_the_screen_says(facts: object) -> None:
    app = Screen(Script(facts()), config=Config(theme="dark"))  # type: ignore[operator]
    async with app.run_test(size=(120, 36)) as pilot:
        await settle(app, pilot)
        svg, lines = drawn(app, "a < b"), shown(app)
    assert len(svg.encode()) < MAX_BYTES
    root = ElementTree.fromstring(svg)
    for n, text in enumerate(root.iter(f"{SVG}text")):
        assert (float(text.get("y", "")) - 14) / CELL_H == n
        for span in text.iter(f"{SVG}tspan"):
            cell = round(float(span.get("x", "")) / CELL_W)
            if lines[n].isascii():
                assert lines[n][cell:].startswith(str(span.text))
            assert str(span.text) in lines[n]
    assert n == 35


def test_every_picture_that_can_be_taken_is_there_and_small() -> None:
    for name in PICTURES:
        path = FOLDER / f"{name}.svg"
        assert path.stat().st_size <= MAX_BYTES
        ElementTree.fromstring(path.read_text(encoding="utf-8"))


def test_a_name_that_is_no_picture_is_one_line_and_nothing_is_drawn() -> None:
    with pytest.raises(SystemExit) as ended:
        main(["cgi", "unknown", "other"])
    assert ended.value.code == (
        "pictures: no other, unknown; there are pool, cgi, request, lifelines"
    )
