"""A sheet of lines of which some open something, and a caret that goes from one to the next.

In: a title, entries, keys, clicks. Out: strips; messages when a request, a relative or a connection
is opened, from which one comes back here. Refuses to know what its lines say.
"""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType

from gwtop.panels import Cell, Line, Style
from gwtop.panels._anatomy import Entry
from gwtop.tui.pane import Pane
from gwtop.tui.strips import Mark, border, boxed, line_strip

WHEEL_LINES = 3
GAP = 3
BACK = ("Esc: back", "leave")


class Linked(Pane, can_focus=True):
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

    def __init__(self, *, id: str, buttons: Sequence[tuple[str, str]] = (BACK,)) -> None:
        super().__init__(id=id)
        self.buttons = buttons
        """Words at the foot, and the app's action behind each."""
        self.top = 0
        self.at: tuple[str, int] | None = None
        """What the caret is on."""
        self.title: Line = ()
        self._entries: Sequence[Entry] = ()
        self._about: object = None

    @property
    def inner_width(self) -> int:
        return max(8, self.size.width - 4)

    def say(self, about: object, title: Line, entries: Sequence[Entry]) -> None:
        """`about`: what it all is of; of another thing one begins at the top."""
        if about != self._about:
            self._about, self.top, self.at = about, 0, None
        self.title, self._entries = title, entries
        self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 3 or not self.title:
            return
        n_lines = height - 2
        self.top = max(0, min(self.top, len(self._entries) - n_lines))
        edge: Style = "accent" if self.has_focus else "dim"
        strips = [border(self.title, self._place(n_lines), width, edge, top=True)]
        for entry in self._entries[self.top : self.top + n_lines]:
            chosen = entry.opens is not None and entry.opens == self.at
            mark: Mark = ("reverse" if self.has_focus else "underline") if chosen else ""
            strips.append(boxed(list(line_strip(entry.line, width - 4, mark)), width, edge))
        strips += [boxed([], width, edge)] * (n_lines + 1 - len(strips))
        words = (" " * GAP).join(label for label, _ in self.buttons)
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
            self.lead_to(self.Opened(*self.at, deeper=True))

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
            self.size.width
            - 3
            - sum(len(label) for label, _ in self.buttons)
            - GAP * (len(self.buttons) - 1)
        )
        for label, action in self.buttons:
            if at <= x < at + len(label):
                await self.app.run_action(action)
            at += len(label) + GAP

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()
