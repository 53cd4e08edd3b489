"""What one does to a process from the screen: a signal, a look at its stack.

In: the app, with the process that is open or selected. Out: questions, and what became of it on
the process's sheet. Refuses to do either to a process of another machine.
"""

from typing import TYPE_CHECKING

from gwtop.model.processes import ProcessRow
from gwtop.panels import Cell, Line, Style, safe
from gwtop.panels._text import UNKNOWN, time_of_day
from gwtop.panels.processes import command
from gwtop.tui.details import Pointed
from gwtop.tui.lifelines import Lifelines
from gwtop.tui.signalling import RefusedError, Target, send, start_ticks
from gwtop.tui.table import LiveTable

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

COMMAND_CHARACTERS = 66


class Hands:
    def __init__(self, app: "Screen") -> None:
        self._app = app

    def process(self) -> ProcessRow | None:
        """The one that is open, else the one that is selected."""
        app = self._app
        key: int | None = None
        if isinstance(app.detail, Pointed) and app.detail.panel == "processes":
            key = app.detail.key
            if app.person.process is not None and app.person.process.key == key:
                return app.person.process
        elif isinstance(app.focused, LiveTable) and app.focused.panel.NAME == "processes":
            key = app.focused.cursor.selected
        elif isinstance(app.focused, Lifelines):
            key = app.focused.chosen_process()
        return next((p for p in app.shown.processes if p.key == key), None)

    def _in_reach(self) -> ProcessRow | None:
        """The one that is meant. None: there is none, or it is said why it cannot be reached."""
        process = self.process()
        if process is None:
            self._app.bell()
            return None
        why = self._why_not(process)
        if why is not None:
            self._say(process, why, "warn")
            return None
        return process

    def signal(self) -> None:
        process = self._in_reach()
        if process is None:
            return
        from gwtop.tui.confirm import Confirm

        target = self._target(process)

        def answered(name: str | None) -> None:
            if name is not None:
                self._send(process, target, name)

        self._app.push_screen(Confirm(about(process)), answered)

    def _send(self, process: ProcessRow, target: Target, name: str) -> None:
        try:
            self._say(process, send(target, name), "good")
        except RefusedError as refusal:
            self._say(process, str(refusal), "bad")

    def stack(self) -> None:
        process = self._in_reach()
        if process is not None:
            self._open(process)
            self._app.run_worker(self._read_stack(process), exclusive=True, group="stack")

    async def _read_stack(self, process: ProcessRow) -> None:
        from gwtop.tui import stacks

        looked = self._app.shown.looked.get(process.key)
        language = None if looked is None else looked.fact.language
        known = looked is not None and ("exe" not in looked.fact.unread or language is not None)
        self._show_stack(process, ((Cell("it is being read …", "dim"),),))
        try:
            found = await stacks.stack(self._target(process), language, known)
        except RefusedError as refusal:
            found = ((Cell(str(refusal), "warn"),),)
        self._show_stack(process, found)

    def _show_stack(self, process: ProcessRow, lines: tuple[Line, ...]) -> None:
        self._app.person.stack = process.key, lines
        self._app.repaint_detail()

    def _target(self, process: ProcessRow) -> Target:
        looked = self._app.shown.looked.get(process.key)
        ticks = None if looked is None else looked.fact.start_ticks
        return Target(process.pid, ticks, process.born_at)

    def _why_not(self, process: ProcessRow) -> str | None:
        """Why it cannot be reached from here. None: it may be."""
        if process.died_at is not None:
            return f"process {process.pid} has ended"
        app = self._app
        if app.wishes.pipe is None or app.shown.hello is None or app.shown.hello.source != "live":
            host = UNKNOWN if app.shown.hello is None else safe(app.shown.hello.host)
            return f"these facts come from elsewhere ({host}): only there is process {process.pid}"
        if start_ticks(process.pid) is None:
            return f"process {process.pid} is not seen from here"
        return None

    def _open(self, process: ProcessRow) -> None:
        app = self._app
        app.open_detail("processes", process.key)

    def _say(self, process: ProcessRow, words: str, style: Style) -> None:
        """On the sheet of the process, which is opened for it."""
        app = self._app
        self._open(process)
        at = time_of_day(app.shown.now_at, app.look.utc_offset_s)
        app.person.said = process.key, (Cell(f"{at}  ", "dim"), Cell(words, style))
        app.repaint_detail()


def about(process: ProcessRow) -> tuple[str, ...]:
    """Lines that name it."""
    words = command(process)
    if len(words) > COMMAND_CHARACTERS:
        words = words[: COMMAND_CHARACTERS - 1] + "…"
    return (f"to process {process.pid}, {process.role}:", words)
