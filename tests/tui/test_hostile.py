"""Nothing that anybody sends reaches the terminal as anything but text."""

import unicodedata
from base64 import b64encode
from typing import get_args

import msgspec
import pytest
from rich.cells import cell_len
from textual.pilot import Pilot

from gwtop.nouns.facts import Fact, Hello
from gwtop.nouns.times import instant
from gwtop.tui.app import Screen
from gwtop.tui.table import LiveTable
from tests.screens._facts import HOSTILE, MS, T0, hostile
from tests.screens._stage import settle, shown, staged

SIZES = [(80, 24), (160, 50), (41, 11)]
FORBIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


def assert_whole(app: Screen) -> None:
    for line in shown(app):
        assert cell_len(line) == app.size.width
        bad = [c for c in line if unicodedata.category(c) in FORBIDDEN]
        assert not bad, f"{bad!r} in {line!r}"


async def walk(app: Screen, pilot: Pilot[int]) -> None:
    """Through every view and every detail."""
    for view in "123456789":
        await pilot.press(view)
        await settle(app, pilot)
        assert_whole(app)
    for place, view in enumerate(app.views, 1):
        name = view.focus
        if not isinstance(app.focused, LiveTable) and name == "lifelines":
            continue
        await pilot.press(str(place), "home", "enter")
        for _ in range(11 if isinstance(app.query_one(f"#{name}"), LiveTable) else 0):
            table = app.query_one(f"#{name}", LiveTable)
            table.action_move(1)
            await pilot.pause()
            assert app.sheet.display
            assert_whole(app)
        await pilot.press("escape")


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_hostile_text_in_every_field_leaves_the_screen_whole(size: tuple[int, int]) -> None:
    app, script = staged(hostile(), "[b]\x1b[2J", "\x1b[31m[red]\u202e explain")
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        assert app.model.requests.n_told == 10
        await walk(app, pilot)
        script.last_words = "\x1b]0;x\x07[bold]"
        script.ended = True
        app.catch_up()
        assert_whole(app)


async def test_lines_that_are_no_facts_are_counted_on_the_screen() -> None:
    app, script = staged(hostile())
    script.lines.extend([b"\x1b[2J", b"{}", b'{"type":"request"}', b"\xff\xfe", b"[" * 100_000])
    script.lines.append(b'{"type":"of_next_year","x":1}')
    async with app.run_test(size=(120, 24)) as pilot:
        await settle(app, pilot)
        assert app.model.n_unread == 5
        assert "missed 5 lines" in shown(app)[1]
        assert_whole(app)


INSTANTS = ("at", "began_at", "born_at", "opened_at", "closed_at", "since", "accepted_at")


def filled(kind: msgspec.inspect.Type, text: str, n: int, name: str = "") -> object:
    """A value of that type, with this text wherever it has one."""
    inspect = msgspec.inspect
    match kind:
        case inspect.StrType():
            if name in INSTANTS or name.endswith("_at"):
                return instant(T0 + n * MS)
            return b64encode(text.encode("utf-8", "replace")).decode() if name == "data" else text
        case inspect.StructType():
            fields = {f.name: filled(f.type, text, n, f.name) for f in kind.fields}
            return kind.cls(**fields)
        case inspect.UnionType():
            others = (t for t in kind.types if not isinstance(t, inspect.NoneType))
            return filled(next(others), text, n, name)
        case inspect.ListType():
            return [filled(kind.item_type, text, n, name)]
        case inspect.TupleType():
            return tuple(filled(t, text, n, name) for t in kind.item_types)
        case inspect.DictType():
            return {text: filled(kind.value_type, text, n, name)}
        case inspect.LiteralType():
            return kind.values[n % len(kind.values)]
        case inspect.IntType():
            return 1 if name == "format" else n
        case inspect.FloatType():
            return float(n)
        case inspect.BoolType():
            return True
    raise AssertionError(f"{kind} of {name} is not thought of here")


def all_filled() -> list[object]:
    """Each kind of fact there is, each of its texts hostile: what is added later is here too."""
    kinds = sorted(get_args(Fact), key=lambda kind: kind is not Hello)
    last = [kind for kind in kinds if kind.__name__ == "Summary"]
    found: list[object] = []
    for n, text in enumerate(HOSTILE):
        for kind in kinds:
            if kind not in last and (kind is not Hello or n == 0):
                found.append(filled(msgspec.inspect.type_info(kind), text, n + 1))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_every_text_of_every_kind_of_fact_is_only_text(size: tuple[int, int]) -> None:
    app, _ = staged(all_filled())
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        assert app.model.n_unread == 0 and app.model.requests.n_told == len(HOSTILE)
        assert_whole(app)
        for place, view in enumerate(app.views, 1):
            await pilot.press(str(place), "home", "enter")
            await settle(app, pilot)
            assert_whole(app)
            sheet = app.sheet
            for key in "svabrphn" if app.detail is not None and sheet.display else "":
                app.screen.set_focus(sheet)
                await pilot.press(key)
                await settle(app, pilot)
                assert_whole(app)
            await pilot.press("escape", "escape", "y")
            await settle(app, pilot)
            assert_whole(app)
            await pilot.press("escape")
            assert view.label
