"""A request's sheet under a pilot: tabs, the tree and its bytes, narrowing, bodies, the engine."""

from base64 import b64encode
from typing import BinaryIO

import pytest

from gwtop.nouns.facts import Detail, DetailRecord, NoteText
from gwtop.nouns.times import instant
from gwtop.panels._body_tab import WORDS
from gwtop.panels._records import matching
from gwtop.tui.app import Screen
from gwtop.tui.request_words import ASKED, ELSEWHERE, ENDED, GONE
from tests.screens._details import fastcgi_detail, with_details
from tests.screens._facts import MS, T0, pool, request
from tests.screens._stage import Script, ear, heard, settle, shown, staged, text

SIZE = (160, 48)


class Opened:
    """An app with the last of the pool's requests open, and its sheet."""

    def __init__(self, facts: list[object], wishes: BinaryIO | None = None) -> None:
        self.script = Script(facts)
        self.app = Screen(self.script, wishes)
        self.sheet = self.app.request_sheet


async def opened(pilot: object, app: Screen, *keys: str) -> str:
    await settle(app, pilot)
    await pilot.press("up", "up", "enter")  # type: ignore[attr-defined]
    await settle(app, pilot)
    await pilot.press("enter", *keys)  # type: ignore[attr-defined]
    await settle(app, pilot)
    return text(app)


async def test_each_letter_opens_its_tab_and_the_arrows_go_round() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app)
        sheet = app.request_sheet
        assert app.focused is sheet and sheet.tab == "Summary"
        for key, tab in zip("vabphns", (*TABS[1:4], *TABS[5:], TABS[0]), strict=True):
            await pilot.press(key)
            assert sheet.tab == tab
            assert f"[{tab}" in text(app)
        await pilot.press("left")
        assert sheet.tab == "Notes"
        await pilot.press("right", "right")
        assert sheet.tab == "Variables"
        await pilot.press("r", "right")
        assert sheet.tab == "Records", "there the arrows open and close"
        await pilot.press("greater_than_sign")
        assert sheet.tab == "Process"
        await pilot.press("less_than_sign", "less_than_sign")
        assert sheet.tab == "Body"


TABS = ("Summary", "Variables", "Answer", "Body", "Records", "Process", "Hops", "Notes")


async def test_the_bytes_of_a_field_are_in_brackets() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "r", "slash", *"request_method", "enter")
        got = text(app)
        assert "REQUEST_METHOD" in got
        node = app.request_sheet.records.tree[app.request_sheet.records.at]
        assert node.name == "REQUEST_METHOD"
        between = "".join(part.partition("]")[0] for part in _hex(app).split("[")[1:])
        raw = app.request_sheet.records.fetched.data[node.offset : node.end]  # type: ignore[union-attr]
        assert bytes.fromhex(between) == raw


def _hex(app: Screen) -> str:
    """The hex of the lines with brackets, in order."""
    found = []
    for line in shown(app):
        _, bar, bytes_ = line.partition(" │ 0")
        if bar and "[" in bytes_:
            found.append(bytes_[4:52])
    return "".join(found)


async def test_open_close_and_all() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "r", "home")
        records = app.request_sheet.records
        n_sight = len(records._sight)
        await pilot.press("enter")
        assert len(records._sight) > n_sight
        await pilot.press("left")
        assert len(records._sight) == n_sight
        await pilot.press("right", "right", "left")
        assert records.at == 0, "to the first part, and back to what it is a part of"
        await pilot.press("left", "o")
        assert len(records._sight) == len(records.tree)
        await pilot.press("o")
        assert len(records._sight) == len(app.model.details.of(38).records)  # type: ignore[union-attr]


async def test_the_cursor_stays_in_sight_and_the_bytes_can_be_scrolled_away() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "r", "o", "end")
        sheet = app.request_sheet
        assert sheet.records.at == sheet.records._sight[-1]
        assert sheet.records.tree[sheet.records.at].name in text(app)
        await pilot.press("home", "pagedown", "down", "up")
        assert sheet.records.at == sheet.records._sight[10]
        before = shown(app)[-8:]
        await pilot.press("J", "J")
        assert shown(app)[-8:] != before
        await pilot.press("K", "K")
        assert shown(app)[-8:] == before


async def test_a_click_on_a_byte_goes_to_its_field_and_on_a_line_selects_it() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "r", "home", "z")
        rows = [(n, line, line.partition(" │ 0")[2]) for n, line in enumerate(shown(app))]
        y, line = next((n, line) for n, line, right in rows if "REQUEST_" in right)
        await pilot.click(offset=(line.rindex("REQUEST_"), y))
        records = app.request_sheet.records
        assert records.tree[records.at].name == "nameData"
        y, line = next((n, line) for n, line in enumerate(shown(app)) if "END_REQUEST" in line)
        await pilot.click(offset=(line.index("END_REQUEST"), y))
        assert records.tree[records.at].name == "END_REQUEST"
        await pilot.pause(0.6)
        await pilot.click(offset=(line.index("END_REQUEST"), y))
        assert records.at in records.opened


async def test_tabs_and_words_at_the_foot_are_clicked() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app)
        y, line = next((n, line) for n, line in enumerate(shown(app)) if "Variables" in line)
        await pilot.click(offset=(line.index("Body"), y))
        assert app.request_sheet.tab == "Body"
        y, line = next((n, line) for n, line in enumerate(shown(app)) if "m: as auto" in line)
        await pilot.click(offset=(line.index("m: as"), y))
        assert app.request_sheet.mode == "text"
        y, line = next((n, line) for n, line in enumerate(shown(app)) if "z: larger" in line)
        await pilot.click(offset=(line.index("z: larger"), y))
        assert app.stage.zoomed
        await pilot.click(offset=(shown(app)[-2].index("Esc: back"), SIZE[1] - 2))
        assert app.detail is None


async def test_typing_narrows_and_letters_are_letters_meanwhile() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, "v", "slash", *"q7?fce", "backspace", "backspace", "backspace")
        sheet = app.request_sheet
        assert (sheet.typing, sheet.text, app.view) == (True, "q7?", 1)
        await pilot.press("escape", "slash", *"cookie")
        got = text(app)
        assert "HTTP_COOKIE" in got and "REQUEST_METHOD" not in got
        await pilot.press("enter")
        assert not sheet.typing and sheet.text == "cookie"
        await pilot.press("escape")
        assert sheet.text == "" and app.detail is not None
        assert "REQUEST_METHOD" in text(app)
        await pilot.press("escape")
        assert app.detail is None


async def test_bodies_are_shown_in_every_mode() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        got = await opened(pilot, app, "b")
        assert all(words in got for words in WORDS.values())
        assert "name                      J. Doe" in got and '"answer": 42' in got
        for mode in ("text", "JSON", "form", "hex", "auto"):
            await pilot.press("m")
            assert app.request_sheet.mode == mode
        await pilot.press("m")
        assert "name=J.+Doe&password=******" in text(app)


async def test_the_detail_is_wished_for_once_and_shown_when_it_comes() -> None:
    wishes = ear()
    script = Script(pool())
    app = Screen(script, wishes)
    async with app.run_test(size=SIZE) as pilot:
        assert ASKED in await opened(pilot, app, "r")
        assert heard(wishes).count(b'{"wish":"detail","id":38}') == 1
        script.add([fastcgi_detail(38)])
        await settle(app, pilot)
        assert "BEGIN_REQUEST" in text(app)
        script.add([Detail(id=38, kept=False, records=[], data="")])
        await settle(app, pilot)
        assert GONE in text(app)
        assert heard(wishes).count(b'"detail"') == 1


async def test_a_detail_that_comes_in_a_pause_is_shown() -> None:
    app, script = staged(pool())
    app.wishes.pipe = ear()
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "r", "space")
        script.add([fastcgi_detail(38)])
        await settle(app, pilot)
        assert app.paused and "BEGIN_REQUEST" in text(app)


@pytest.mark.parametrize(("engine", "words"), [(False, ELSEWHERE), (True, ENDED)])
async def test_without_an_engine_it_says_so(engine: bool, words: str) -> None:
    app, script = staged(pool())
    app.wishes.pipe = ear() if engine else None
    script.ended = engine
    async with app.run_test(size=SIZE) as pilot:
        assert words[:60] in await opened(pilot, app, "r")
        await pilot.press("b")
        assert words[:60] in text(app) and "answer body: 1.0K" in text(app)


async def test_tab_text_and_mode_stay_while_one_goes_through_requests() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=(160, 60)) as pilot:
        await opened(pilot, app, "v", "slash", *"cookie", "enter", "tab")
        app.screen.set_focus(app.panes["requests"])
        await pilot.press("up")
        await settle(app, pilot)
        assert app.request_sheet.tab == "Variables" and app.request_sheet.text == "cookie"
        assert "HTTP_COOKIE" in text(app)


async def test_its_process_opens_from_its_sheet_and_escape_comes_back() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        got = await opened(pilot, app, "p")
        assert "╰─ 1209 worker" in got
        await pilot.press("enter")
        await settle(app, pilot)
        assert "process 1209 ── worker" in text(app)
        await pilot.press("escape")
        await settle(app, pilot)
        assert app.request_sheet.display and app.request_sheet.tab == "Process"


async def test_larger_and_back() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, app)
        height = app.request_sheet.size.height
        await pilot.press("z")
        await settle(app, pilot)
        assert app.request_sheet.size.height > 2 * height - 5
        await pilot.press("z")
        await settle(app, pilot)
        assert app.request_sheet.size.height == height


async def test_a_search_goes_from_hit_to_hit_and_closes_what_it_opened_on_the_way() -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "r", "z")
        records = app.request_sheet.records
        before = set(records.opened)
        await pilot.press("slash", *"conte")
        n_open = len(records.opened)
        assert f"{len(matching(records.tree, 'conte'))} found" in text(app)
        await pilot.press("enter")
        first = records.at
        await pilot.press("enter")
        assert records.at > first
        await pilot.press("slash", *"zzz")
        assert "0 found" in text(app)
        await pilot.press("escape")
        assert before <= records.opened and n_open >= len(before)


async def test_notes_say_what_to_do() -> None:
    note = NoteText("content-length-mismatch", "warn", "It said 3 and sent 4.")
    app, _ = staged([request(1, T0, notes=[note])])
    async with app.run_test(size=SIZE) as pilot:
        await settle(app, pilot)
        await pilot.press("up", "enter", "enter", "n")
        assert "It said 3 and sent 4." in text(app) and "Do: " in text(app)


HOSTILE = "\x1b]0;owned\x07\x9b31m\u202e[red]x[/] \x00"


@pytest.mark.slow
async def test_nothing_hostile_in_a_detail_reaches_the_terminal() -> None:
    fields = [(HOSTILE, HOSTILE, 0, 40), (HOSTILE, HOSTILE, 0, 4)]
    data = b64encode(bytes(range(256)) * 2).decode()
    record = DetailRecord("client", instant(T0), 0, 64, HOSTILE, fields)
    bodies = [("client", 0, 256), ("server", 256, 256)]
    told = Detail(id=9, kept=True, records=[record], data=data, answer_offset=256, bodies=bodies)  # type: ignore[arg-type]
    notes = [NoteText(HOSTILE, "warn", HOSTILE)]
    pairs = [("Content-Type", HOSTILE), ("Content-Encoding", HOSTILE)]
    fact = request(
        9, T0 + MS, fields=pairs, response_fields=pairs, notes=notes, target=HOSTILE, stderr=HOSTILE
    )
    app, _ = staged([fact, told])
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("up", "enter", "enter")
        for key in ("s", "v", "a", "b", "m", "m", "m", "m", "r", "o", "p", "h", "n"):
            await pilot.press(key)
            await settle(app, pilot)
            assert all(c.isprintable() for line in shown(app) for c in line), key
            assert {len(line) for line in shown(app)} == {80}


@pytest.mark.parametrize("size", [(40, 10), (44, 14), (20, 5), (300, 80)])
async def test_every_tab_fits_into_every_room(size: tuple[int, int]) -> None:
    app, _ = staged(with_details())
    async with app.run_test(size=SIZE) as pilot:
        await opened(pilot, app, "r", "o")
        await pilot.resize_terminal(*size)
        for key in "svabrphn":
            await pilot.press(key)
            await settle(app, pilot)
            assert {len(line) for line in shown(app)} == {size[0]}
