"""The screen: facts from a descriptor on a terminal, wishes back. Loads textual when it is run.

In: a descriptor of JSON lines (an engine's stdout, a pipe, a file). Out: an exit status. Knows
nothing of engines: whoever started one says through `on_end` how it ended.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from gwtop import clock
from gwtop.config import load
from gwtop.nouns.times import SECOND_NS

if TYPE_CHECKING:
    from gwtop.nouns.driving import Driver
    from gwtop.nouns.offers import Choice
    from gwtop.panels._start import Offer

PIPE_BYTES = 1 << 20
"""Room for some 500 requests with their fields: what a paint may take at 5,000 a second."""

ESCAPE_DELAY_MS = "25"
"""How long Esc waits for the rest of a key's sequence; ncurses reads the same variable. Textual
looks every 100 ms, so with its own 100 one Esc in ten was found late and took 200 to 300."""


def run_screen(
    source: int | BinaryIO,
    wishes: BinaryIO | None = None,
    *,
    title: str = "",
    explain: str = "",
    on_end: Callable[[], str | None] | None = None,
    trouble: Callable[[], str | None] = lambda: None,
    driver: "Driver | None" = None,
    waits: bool = False,
) -> int:
    """Shows facts until the user quits; 0, or 1 when the screen itself failed.

    `on_end` is called once, in a thread, when `source` has ended: it may wait for the engine, and
    says why it ended (None: nothing to say). `trouble` is asked with every paint for what else
    went wrong. `explain` is a demo's "what you are seeing"; `driver` drives it. `waits`:
    whoever tells waits where the screen is slow, and nothing is lost.
    """
    descriptor = source if isinstance(source, int) else source.fileno()
    if descriptor == 0:
        descriptor = take_stdin()
    widen(descriptor)
    os.environ.setdefault("ESCDELAY", ESCAPE_DELAY_MS)
    from gwtop.panels import Look
    from gwtop.tui.app import Screen  # textual costs 300 ms
    from gwtop.tui.driver import Driver
    from gwtop.tui.intake import Intake

    intake = Intake(descriptor, on_end, waits)
    config = load(os.environ, Path.home())
    look = Look(
        utc_offset_s=0 if config.zone == "utc" else utc_offset_s(),
        ascii=config.is_ascii(os.environ),
    )
    app = Screen(
        intake,
        wishes,
        title=title,
        explain=explain,
        look=look,
        trouble=trouble,
        config=config,
        driver=driver,
    )
    app.driver_class = Driver
    with painting_on_the_terminal():
        app.run()
    return app.return_code or 0


def run_start(
    offer: "Offer", heard: int | None, notice: str, at: str
) -> "tuple[Choice | None, str]":
    """The start screen, on the row `at`; what was chosen, or None, and on which row.

    `heard`: lines of what is heard.
    """
    os.environ.setdefault("ESCDELAY", ESCAPE_DELAY_MS)
    from gwtop.tui.driver import Driver
    from gwtop.tui.habits import theme_for
    from gwtop.tui.start import Start

    app = Start(offer, heard, notice, at)
    app.driver_class = Driver
    config = load(os.environ, Path.home())
    app.theme_filter = theme_for(config, config.is_ascii(os.environ))
    with painting_on_the_terminal():
        return app.run(), app.at


def take_stdin() -> int:
    """Facts come on descriptor 0, where textual reads its keys: gives it the terminal instead."""
    facts = os.dup(0)
    terminal = os.open("/dev/tty", os.O_RDWR)
    os.dup2(terminal, 0)
    os.close(terminal)
    return facts


@contextmanager
def painting_on_the_terminal() -> Iterator[None]:
    """Textual paints on descriptor 2: makes that the terminal, if it is a file, for a while."""
    if os.isatty(2):
        yield
        return
    terminal = os.open("/dev/tty", os.O_WRONLY)
    errors = os.dup(2)
    os.dup2(terminal, 2)
    os.close(terminal)
    try:
        yield
    finally:
        os.dup2(errors, 2)
        os.close(errors)


def widen(descriptor: int) -> None:
    """Asks for a larger pipe; what is no pipe, or too much to ask, stays as it is."""
    import fcntl

    try:
        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (OSError, AttributeError):  # EBADF, EPERM: no pipe, over the user's limit; no Linux
        return


def utc_offset_s() -> int:
    offset = datetime.fromtimestamp(clock.now() // SECOND_NS).astimezone().utcoffset()
    return 0 if offset is None else round(offset.total_seconds())
