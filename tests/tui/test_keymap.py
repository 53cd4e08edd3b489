"""The user's keys: what they do, what they show, and what is no key."""

import pytest

from gwtop.config import ConfigError
from gwtop.config.reading import parse
from gwtop.tui.app import Screen
from gwtop.tui.keymap import Keymap, actions, default_keys, normal, sign
from tests.screens._facts import pool
from tests.screens._stage import Script, settle, shown


def screen(text: str) -> Screen:
    return Screen(Script(pool()), config=parse(text))


async def test_a_key_of_ones_own_does_what_the_built_in_one_did_and_that_no_longer() -> None:
    app = screen('[keys]\napp.pause = ["p", "ctrl+x"]\ntable.sort = "z"\n')
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("space")
        assert not app.paused
        await pilot.press("p")
        assert app.paused
        assert "p go on" in shown(app)[-1]
        await pilot.press("ctrl+x")
        assert not app.paused
        await pilot.press("s")
        assert app.requests.picked.column is None
        await pilot.press("z")
        assert app.requests.picked.column == "ended"


async def test_an_action_without_a_key_has_none_and_ctrl_c_stays() -> None:
    app = screen("[keys]\napp.quit = []\n")
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("q")
        assert app.is_running
        assert "q quit" not in shown(app)[-1]
        await pilot.press("ctrl+c")
    assert not app.is_running


async def test_what_is_mounted_later_has_the_users_keys_too() -> None:
    app = screen('[keys]\nfilterbar.cancel = "ctrl+g"\n')
    async with app.run_test(size=(120, 40)) as pilot:
        await settle(app, pilot)
        await pilot.press("slash", "x")
        assert app.query_one("#filterbar").display
        await pilot.press("ctrl+g")
        await settle(app, pilot)
        assert not app.query_one("#filterbar").display


async def test_help_says_the_users_keys() -> None:
    app = screen('[keys]\napp.pause = "p"\n')
    async with app.run_test(size=(120, 60)) as pilot:
        await settle(app, pilot)
        await pilot.press("question_mark")
        await settle(app, pilot)
        assert any("app.pause" in line and " p " in line for line in shown(app))


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('app.puase = "p"', 'config:2: no action "app.puase"; did you mean "app.pause"?'),
        ('app.pause = "pgup"', 'config:2: no key "pgup"; did you mean "pageup"?'),
        ('app.pause = "hyper+x"', 'no key "hyper+x"'),
        ('table.sort = "m"', '"m" is the key of table.sort and of requests.mark'),
        ('table.sort = "j"', "of table.sort and of table.down"),
        ('table.sort = "f"', "of table.sort and of app.find"),
    ],
)
def test_a_key_that_cannot_be_meant_is_said_before_there_is_a_screen(line: str, words: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        Keymap(parse(f"[keys]\n{line}\n"))
    assert words in str(wrong.value)


def test_two_keys_may_be_exchanged() -> None:
    keymap = Keymap(parse('[keys]\ntable.sort = "m"\nrequests.mark = "s"\n'))
    assert keymap.keys_of("table.sort") == ("m",)
    assert keymap.keys_of("requests.mark") == ("s",)


def test_the_built_in_keys_are_no_conflict_when_they_are_written_down() -> None:
    lines = [f"{name} = {list(keys)!r}" for name, keys in default_keys().items()]
    keymap = Keymap(parse("[keys]\n" + "\n".join(lines).replace("'", '"')))
    assert all(set(keymap.keys_of(name)) == set(actions()[name].keys) for name in actions())


@pytest.mark.parametrize(
    ("key", "named", "signed"),
    [
        ("?", "question_mark", "?"),
        (" ", "space", "␣"),
        ("ctrl+p", "ctrl+p", "^p"),
        ("F5", "f5", "f5"),
        ("S", "S", "S"),
        ("Enter", "enter", "⏎"),
        ("ctrl++", "ctrl+plus", None),
        ("", None, None),
        ("nokey", None, None),
    ],
)
def test_keys_have_the_names_that_people_write(
    key: str, named: str | None, signed: str | None
) -> None:
    assert normal(key) == named
    if named is not None and signed is not None:
        assert sign(named) == signed


def test_no_built_in_key_does_two_things_in_one_place() -> None:
    taken: dict[tuple[type, str], str] = {}
    for name, action in actions().items():
        for key in action.keys:
            assert taken.setdefault((action.owner, key), name) == name
