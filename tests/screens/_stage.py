"""A stage for the screen: an app fed with a fixed list of lines, and what a terminal would show.

In: facts. Out: an app for `run_test`, its screen as lines of text, and its raw strips.
"""

import os
from collections import deque
from tempfile import TemporaryFile
from typing import BinaryIO, cast

from rich.cells import cell_len

from gwtop.journal import encode
from gwtop.tui.app import Screen


class Script:
    """Lines that are all there from the start; more may be added, the end may come."""

    def __init__(self, facts: list[object]) -> None:
        self.n_dropped = 0
        self.ended = False
        self.last_words: str | None = None
        self.lines: deque[bytes] = deque()
        self.add(facts)

    def add(self, facts: list[object]) -> None:
        self.lines.extend(encode(fact) for fact in facts)  # type: ignore[arg-type]

    @property
    def n_waiting(self) -> int:
        return len(self.lines)

    def start(self) -> None:
        """Nothing to read."""

    def take(self, n_lines: int) -> list[bytes]:
        return [self.lines.popleft() for _ in range(min(n_lines, len(self.lines)))]


def staged(facts: list[object], title: str = "", explain: str = "") -> tuple[Screen, Script]:
    script = Script(facts)
    return Screen(script, None, title=title, explain=explain), script


def ear() -> BinaryIO:
    """A file that stands where the engine would listen."""
    return cast(BinaryIO, TemporaryFile())


def heard(pipe: BinaryIO) -> bytes:
    """What was wished for."""
    return os.pread(pipe.fileno(), 1 << 20, 0)


async def settle(app: Screen, pilot: object) -> None:
    """Every line applied and painted, in the room there is."""
    await pilot.pause()  # type: ignore[attr-defined]
    while app.intake.n_waiting:
        app.catch_up()
        await pilot.pause()  # type: ignore[attr-defined]
    app.catch_up()
    await pilot.pause()  # type: ignore[attr-defined]


def shown(app: Screen) -> list[str]:
    """The screen's lines, as wide as the terminal."""
    strips = app.screen._compositor.render_strips(app.size)
    return [strip.text for strip in strips]


def text(app: Screen) -> str:
    return "\n".join(line.rstrip() for line in shown(app)) + "\n"


LETTERS = {None: " ", "green": "g", "yellow": "y", "red": "r", "cyan": "c", "default": " "}


def styles(app: Screen) -> str:
    """What colour each cell has, as a letter; capital where it is bold or reversed, "d" dim."""
    lines = []
    for strip in app.screen._compositor.render_strips(app.size):
        line = ""
        for segment in strip:
            style = segment.style
            letter = LETTERS[style.color.name if style and style.color else None]
            if style and (style.bold or style.reverse):
                letter = letter.upper().replace(" ", "B")
            elif style and style.dim:
                letter = "d"
            line += letter * cell_len(segment.text)
        lines.append(line.rstrip())
    return "\n".join(lines) + "\n"
