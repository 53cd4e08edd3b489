"""The palette's commands: what this screen can do, by name, and nothing that does not fit it.

In: the app. Out: commands. Knows no keys.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from gwtop.config import THEMES

if TYPE_CHECKING:
    from gwtop.tui.app import Screen


def commands(app: "Screen") -> Iterator[SystemCommand]:
    for place, view in enumerate(app.views, 1):
        yield SystemCommand(view.label, view.about, partial(app.action_view, place))
    for name, line in app.habits.config.filters.items():
        yield SystemCommand(f"Filter: {name}", line, partial(app.habits.use_filter, name))
    for name in THEMES:
        yield SystemCommand(f"Theme: {name}", "until the end", partial(app.habits.wear, name))
    yield SystemCommand("Signal", "to the process that is open or selected", app.action_signal)
    yield SystemCommand("Stack", "what its Python is executing (py-spy)", app.action_stack)
    yield SystemCommand("Pause", "or go on", app.action_pause)
    about = "the note one is on, the demo or the protocol; all pages"
    yield SystemCommand("Explain", about, app.action_pages)
    yield SystemCommand("What you are seeing", "show or hide it", app.action_explain)
    yield from app.drive.commands()
    yield SystemCommand("Help", "keys, signs and columns", app.action_help)
    yield SystemCommand("Screenshot", "of this screen, as SVG", app.deliver_screenshot)
    yield SystemCommand("Quit", "the terminal as it was", app.exit)
