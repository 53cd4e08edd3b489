"""The sheet of one process: its sections, and a caret on what of them can be opened.

In: the process row that was opened, snapshots, keys, clicks. Out: strips; messages when a request,
a relative or a connection is opened; a wish for a close look, each second while it is shown.
Refuses to know what the sections say.

A process that is gone, or of which only newer ones are still kept, stays as it was last shown.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import Binding, BindingType

from gwtop import clock
from gwtop.journal import encode_wish
from gwtop.model import Snapshot
from gwtop.model.processes import ProcessRow
from gwtop.nouns.times import SECOND_NS
from gwtop.nouns.wishes import ShowProcess
from gwtop.panels import Cell, Line, Look, Style
from gwtop.panels._anatomy import Entry
from gwtop.panels._process import Asked, entries, title
from gwtop.tui.pane import Pane
from gwtop.tui.strips import Mark, border, boxed, line_strip

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

WHEEL_LINES = 3
ASK_EVERY_NS = SECOND_NS - SECOND_NS // 20
"""A second, less what a paint may come too early."""
BUTTONS = (("x: signal", "signal"), ("t: stack", "stack"), ("Esc: back", "leave"))
GAP = 3


class Person(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "up"),
        Binding("down,j", "go(1)", "down"),
        Binding("pageup,ctrl+b", "scroll_lines(-10)", "page up"),
        Binding("pagedown,ctrl+f", "scroll_lines(10)", "page down"),
        Binding("home,g", "scroll_lines(-100000)", "first"),
        Binding("end,G", "scroll_lines(100000)", "last"),
        Binding("right", "section(1)", "next section"),
        Binding("left", "section(-1)", "section before"),
        Binding("enter", "open_entry", "open"),
    ]

    def __init__(self) -> None:
        super().__init__(id="process")
        self.top = 0
        self.process: ProcessRow | None = None
        """Shown now, as it was last known."""
        self.at: tuple[str, int] | None = None
        """What the caret is on."""
        self.stack: tuple[int, tuple[Line, ...]] = (-1, ())
        """What was read of the stack, and the key of the process that it is of."""
        self.said: tuple[int, Line] = (-1, ())
        """What became of a signal, likewise."""
        self._entries: Sequence[Entry] = ()
        self._asked_ns = 0

    def tell(self, app: "Screen", key: int) -> None:
        """What is known of the process by now; asks for a close look when it is time."""
        found = next((p for p in app.shown.processes if p.key == key), None)
        if self.process is None or self.process.key != key:
            self.top, self.at, self.process, self._asked_ns = 0, None, None, 0
        self.process = found or self.process
        if self.process is None:
            return
        self._ask(app, self.process)
        self._show(app.shown, app.look, app.wishes.pipe is not None)

    def _ask(self, app: "Screen", process: ProcessRow) -> None:
        now_ns = clock.monotonic_ns()
        due = not self._asked_ns or now_ns - self._asked_ns >= ASK_EVERY_NS
        if due and process.died_at is None and not app.paused:
            self._asked_ns = now_ns
            app.wishes.say(encode_wish(ShowProcess(process.pid)))

    def _show(self, snapshot: Snapshot, look: Look, engine: bool) -> None:
        assert self.process is not None
        (of_stack, stack), (of_said, said) = self.stack, self.said
        key = self.process.key
        asked = Asked(engine, stack if of_stack == key else (), said if of_said == key else ())
        width = max(8, self.size.width - 4)
        self._entries = entries(self.process, snapshot, width, look, asked)
        self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 3 or self.process is None:
            return
        n_lines = height - 2
        self.top = max(0, min(self.top, len(self._entries) - n_lines))
        edge: Style = "accent" if self.has_focus else "dim"
        strips = [border(title(self.process), self._place(n_lines), width, edge, top=True)]
        for entry in self._entries[self.top : self.top + n_lines]:
            chosen = entry.opens is not None and entry.opens == self.at
            mark: Mark = ("reverse" if self.has_focus else "underline") if chosen else ""
            strips.append(boxed(list(line_strip(entry.line, width - 4, mark)), width, edge))
        strips += [boxed([], width, edge)] * (n_lines + 1 - len(strips))
        words = (" " * GAP).join(label for label, _ in BUTTONS)
        strips.append(border((), (Cell(words, "dim"),), width, edge, top=False))
        self.put(strips)

    def _place(self, n_lines: int) -> tuple[Cell, ...]:
        if len(self._entries) <= n_lines:
            return ()
        last = min(self.top + n_lines, len(self._entries))
        return (Cell(f"{self.top + 1}–{last} of {len(self._entries)}", "dim"),)

    # Keys and clicks

    def action_go(self, direction: int) -> None:
        """To the next thing that opens if it is in sight, else a line further."""
        last = self.top + self.size.height - 3
        at = [n for n, entry in enumerate(self._entries) if entry.opens and entry.opens == self.at]
        here = (
            at[0] if at and self.top <= at[0] <= last else (self.top - 1, last + 1)[direction < 0]
        )
        places = range(here + direction, last + 1 if direction > 0 else self.top - 1, direction)
        found = next(
            (n for n in places if self._entries[n : n + 1] and self._entries[n].opens), None
        )
        if found is None:
            self.action_scroll_lines(direction)
        else:
            self.at = self._entries[found].opens
            self.draw()

    def action_section(self, direction: int) -> None:
        """The head of the next section, or of the one before, to the first line."""
        heads = [0, *(n for n, entry in enumerate(self._entries) if entry.is_head)]
        beyond = [n for n in heads if (n - self.top) * direction > 0]
        if beyond:
            self.top = min(beyond) if direction > 0 else max(beyond)
            self.draw()

    def action_scroll_lines(self, n_lines: int) -> None:
        self.top = max(0, self.top + n_lines)
        self.draw()

    def action_open_entry(self) -> None:
        if self.at is not None and any(entry.opens == self.at for entry in self._entries):
            self.post_message(self.Opened(*self.at, deeper=True))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_scroll_lines(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_scroll_lines(WHEEL_LINES)

    async def on_click(self, event: events.Click) -> None:
        if event.y == self.size.height - 1:
            await self._press(event.x)
            return
        place = self.top + event.y - 1
        if event.y >= 1 and place < len(self._entries) and self._entries[place].opens:
            self.at = self._entries[place].opens
            self.draw()
            self.action_open_entry()

    async def _press(self, x: int) -> None:
        at = (
            self.size.width - 3 - sum(len(label) for label, _ in BUTTONS) - GAP * (len(BUTTONS) - 1)
        )
        for label, action in BUTTONS:
            if at <= x < at + len(label):
                await self.app.run_action(action)
            at += len(label) + GAP

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()
