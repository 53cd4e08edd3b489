"""The palette's commands: what this screen can do, by name, and nothing that does not fit it.

In: the app. Out: commands. Knows no keys.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from textual.app import SystemCommand

from gwtop.config import THEMES
from gwtop.tui.keymap import sign

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

STEPS = (
    (-1, "a second back"),
    (1, "a second forth"),
    (-10, "ten seconds back"),
    (10, "ten seconds forth"),
)


def commands(app: "Screen") -> Iterator[SystemCommand]:
    for place, view in enumerate(app.views, 1):
        yield SystemCommand(view.label, view.about, partial(app.action_view, place))
    for name, line in app.habits.config.filters.items():
        yield SystemCommand(f"Filter: {name}", line, partial(app.habits.use_filter, name))
    for name in THEMES:
        yield SystemCommand(f"Theme: {name}", "until the end", partial(app.habits.wear, name))
    yield SystemCommand("Signal", "to the process that is open or selected", app.action_signal)
    yield SystemCommand("Stack", "what its Python is executing (py-spy)", app.action_stack)
    if app.shown.calls is not None:
        about = "of the workers' calls on a unix socket: copied, or only counted"
        yield SystemCommand("Bytes", about, app.action_bytes)
    yield SystemCommand("Pause", "or go on", app.action_pause)
    about = "the note one is on, the demo or the protocol; all pages"
    yield SystemCommand("Explain", about, app.action_pages)
    yield SystemCommand("What you are seeing", "show or hide it", app.action_explain)
    yield from app.drive.commands()
    yield SystemCommand("Help", "keys, signs and columns", app.action_help)
    yield from _habits(app)
    yield from _of_the_pane(app)
    yield SystemCommand("Quit", "the terminal as it was", app.exit)


def _habits(app: "Screen") -> Iterator[SystemCommand]:
    yield SystemCommand("Filter", "this table, or the requests", partial(app.action_ask, "filter"))
    about = "the one in use, by a name, into the config file"
    yield SystemCommand("Save filter", about, partial(app.action_ask, "name"))
    yield SystemCommand("Find", "a row", partial(app.action_ask, "find"))
    yield SystemCommand("Columns", "which ones this table has", app.action_columns)
    yield SystemCommand("Open", "the selected row in full", app.action_open)
    yield SystemCommand("Back", "closes what is open", app.action_leave)
    about = "the row or request: text, JSON, curl, a line that repeats it"
    yield SystemCommand("Copy", about, partial(app.habits.do, "copy"))
    about = "the marked, else the filtered requests: JSON lines, HAR, a script"
    yield SystemCommand("Export", about, partial(app.habits.do, "export"))
    yield SystemCommand(
        "Screenshot", "a picture of this screen, as SVG", partial(app.habits.do, "picture")
    )
    yield SystemCommand("Next pane", "has the keys", app.action_focus_next)
    yield SystemCommand("Pane before", "has the keys", app.action_focus_previous)
    for n, words in STEPS:
        yield SystemCommand(f"Step {words}", "in time; pauses", partial(app.action_step, n))


def _of_the_pane(app: "Screen") -> Iterator[SystemCommand]:
    """What only the pane that has the keys can do, by the words of its bindings."""
    pane = app.screen_stack[0].focused
    if pane is None:
        return
    told: set[str] = set()
    for _, binding in pane._bindings:
        if binding.description and binding.action not in told:
            told.add(binding.action)
            run = partial(app.run_action, binding.action, default_namespace=pane)
            yield SystemCommand(f"Here: {binding.description}", f"key {sign(binding.key)}", run)
