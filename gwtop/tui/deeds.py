"""What is done with what is shown: copied, exported, pictured.

In: the app. Out: a list to choose from, then a clipboard, a file, a word about it. Loaded when the
first of them is asked for: formats and protocols are nothing a screen needs to start.
"""

import os
from typing import TYPE_CHECKING, Literal, TypeAlias

from gwtop.errors import GwtopError
from gwtop.tui import copying, exporting
from gwtop.tui.exporting import Format, Selection
from gwtop.tui.picker import Entry, Picker

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

Deed: TypeAlias = Literal["copy", "export", "picture"]
FORMATS: tuple[tuple[str, Format, str, str], ...] = (
    ("j", "jsonl", "JSON lines", "facts as `--json` tells them; `gwtop view` shows them"),
    ("h", "har", "HAR 1.2", "as HTTP requests, for browsers and their kin"),
    ("s", "sh", "a shell script", "that asks each of them again"),
)


def do(app: "Screen", deed: Deed) -> None:
    match deed:
        case "copy":
            _copy(app)
        case "export":
            _export(app)
        case "picture":
            _picture(app)


def _copy(app: "Screen") -> None:
    found = copying.choices(app)
    if not found:
        app.habits.say("nothing is selected: ↑ and ↓ select a row", "warning")
        return

    def chosen(place: int | None) -> None:
        if place is not None:
            copying.put(app, found[place])

    entries = [Entry(choice.key, choice.label, choice.text) for choice in found]
    app.push_screen(Picker("copy", entries), chosen)


def _export(app: "Screen") -> None:
    which = exporting.selection(app)
    if not which.facts:
        app.habits.say("there is no request to export", "warning")
        return

    def chosen(place: int | None) -> None:
        if place is not None:
            _write(app, which, FORMATS[place][1])

    entries = [Entry(key, label, words) for key, _, label, words in FORMATS]
    app.push_screen(Picker(f"export {which.words}", entries), chosen)


def _write(app: "Screen", which: Selection, format: Format) -> None:
    """In a thread: 20,000 requests with their fields take longer than a key may."""

    def write() -> None:
        try:
            text = exporting.text_of(which.facts, format)
            path = exporting.written(
                text, exporting.folder_for_exports(os.environ), "gwtop-requests", format
            )
        except GwtopError as error:
            app.call_from_thread(app.habits.say, str(error), "error")
            return
        n_facts, n_all = len(which.facts), len(which.numbers)
        words = f"{n_facts:,} of {which.words}: the newest that are kept in full"
        said = words if n_facts < n_all else which.words
        app.call_from_thread(app.habits.say, f"{path}\n{said}")

    app.run_worker(write, thread=True, group="deeds")


def _picture(app: "Screen") -> None:
    try:
        folder = exporting.folder_for_pictures(os.environ)
        path = exporting.written(app.export_screenshot(title="gwtop"), folder, "gwtop", "svg")
    except GwtopError as error:
        app.habits.say(str(error), "error")
        return
    app.habits.say(str(path))
