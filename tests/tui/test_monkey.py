"""A monkey at the keys while facts pour in: whatever it presses, the screen stays whole.

`GWTOP_MONKEY_KEYS=20000 pytest tests/tui/test_monkey.py` lets it play for some minutes;
`python -m tests.live.monkey --minutes 5` plays on a real terminal, with a gateway under load.
"""

import os
import random
from pathlib import Path

import pytest
from textual.events import Key, MouseDown, MouseUp

from gwtop.tui.app import Screen
from tests.screens._facts import MS, T0, S, born, exited, hostile, pool, rain, request, tick
from tests.screens._stage import settle, staged
from tests.tui.test_hostile import assert_whole

N_KEYS = int(os.environ.get("GWTOP_MONKEY_KEYS", "300"))
NAMES = {
    "[": "left_square_bracket",
    "]": "right_square_bracket",
    "{": "left_curly_bracket",
    "}": "right_curly_bracket",
    "<": "less_than_sign",
    "/": "slash",
    "?": "question_mark",
    "+": "plus",
    "-": "minus",
    ",": "comma",
    ".": "full_stop",
    " ": "space",
    ">": "greater_than_sign",
    "=": "equals_sign",
}
KEYS = [
    *"123456789lfcsSmMnNeEghjkG5xtywdzoJKabrvp",
    *NAMES,
    "up",
    "down",
    "left",
    "right",
    "enter",
    "escape",
]
KEYS += ["home", "end", "pageup", "pagedown", "tab", "shift+tab", "backspace", "ctrl+p"]
SIZES = [(80, 24), (160, 50), (20, 5), (120, 40), (41, 11)]


def click(app: Screen, x: int, y: int) -> None:
    """As the terminal tells it; nobody waits for what becomes of it."""
    assert app._driver is not None
    for kind in (MouseDown, MouseUp):
        spot = kind(None, x, y, 0, 0, 1, False, False, False, screen_x=x, screen_y=y)
        app._driver.process_message(spot)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_monkey_does_not_break_the_screen(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    print(f"seed {seed}")
    monkeypatch.chdir(tmp_path)  # it writes files, too
    play = random.Random(seed)
    facts = [pool(), rain(), hostile()][seed % 3]
    app, script = staged(facts)
    monkeypatch.setattr(app, "exit", lambda *args, **kwargs: None)  # it finds "q quit", too
    n = 1_000
    async with app.run_test(size=SIZES[1]) as pilot:
        await settle(app, pilot)
        for place in range(N_KEYS):
            key = play.choice(KEYS)
            character = next((c for c, name in NAMES.items() if name == key), key)
            name = NAMES.get(key, key)
            app.post_message(Key(name, character if len(character) == 1 else None))
            if place % 10 == 0:
                at = T0 + 12 * S + n * MS
                script.add([born(n, at), request(n, at, pid=n, status=play.choice([200, 500]))])
                script.add([exited(n, at, code=play.choice([0, 1])), tick(at, n)])
                n += 1
                await pilot.pause()
                app.catch_up()
            if place % 7 == 6:
                click(app, play.randrange(app.size.width), play.randrange(app.size.height))
            if place % 60 == 59:
                await pilot.resize_terminal(*play.choice(SIZES))
                await settle(app, pilot)
                assert app.is_running
                assert_whole(app)
        await settle(app, pilot)  # the pilot would take the screen away under keys that still wait
