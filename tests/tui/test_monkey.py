"""A monkey at the keys while facts pour in: whatever it presses, the screen stays whole.

`GWTOP_MONKEY_KEYS=20000 pytest tests/tui/test_monkey.py` lets it play for some minutes.
"""

import os
import random

import pytest
from textual.events import Key

from tests.screens._facts import MS, T0, S, born, exited, hostile, pool, rain, request, tick
from tests.screens._stage import settle, staged
from tests.tui.test_hostile import assert_whole

N_KEYS = int(os.environ.get("GWTOP_MONKEY_KEYS", "300"))
NAMES = {
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
KEYS = [*"123456789lfcsSmMnNeghjkG5xty", *NAMES, "up", "down", "left", "right", "enter", "escape"]
KEYS += ["home", "end", "pageup", "pagedown", "tab", "shift+tab", "backspace"]
SIZES = [(80, 24), (160, 50), (20, 5), (120, 40), (41, 11)]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_a_monkey_does_not_break_the_screen(seed: int) -> None:
    print(f"seed {seed}")
    play = random.Random(seed)
    facts = [pool(), rain(), hostile()][seed % 3]
    app, script = staged(facts)
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
            if place % 60 == 59:
                await pilot.resize_terminal(*play.choice(SIZES))
                await settle(app, pilot)
                assert app.is_running
                assert_whole(app)
        await settle(app, pilot)  # the pilot would take the screen away under keys that still wait
