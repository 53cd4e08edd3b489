"""A sheet of which some lines open something, and a caret that goes from one to the next.

In: a title, entries, keys, clicks. Out: strips; messages when a request, a relative or a connection
is opened, from which one comes back here. Refuses to know what its lines say.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType

from gwtop.panels import Line
from gwtop.panels._anatomy import Entry
from gwtop.tui.sheet import BACK, Sheet
from gwtop.tui.strips import Mark, line_strip


class Linked(Sheet, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "up"),
        Binding("down,j", "go(1)", "down"),
        Binding("right", "section(1)", "next section"),
        Binding("left", "section(-1)", "section before"),
        Binding("enter", "open_entry", "open"),
    ]

    def __init__(self, *, id: str, buttons: Sequence[tuple[str, str]] = (BACK,)) -> None:
        super().__init__(id=id, buttons=buttons)
        self.at: tuple[str, int] | None = None
        """What the caret is on."""
        self._entries: Sequence[Entry] = ()
        self._about: object = None

    def tell_of(self, about: object, title: Line, entries: Sequence[Entry]) -> None:
        """`about`: what it all is of; of another thing one begins at the top."""
        if about != self._about:
            self._about, self.top, self.at = about, 0, None
        self._entries = entries
        self.say(title, [entry.line for entry in entries])

    def drawn(self, number: int, width: int) -> list[Segment]:
        entry = self._entries[number]
        chosen = entry.opens is not None and entry.opens == self.at
        mark: Mark = ("reverse" if self.has_focus else "underline") if chosen else ""
        return list(line_strip(entry.line, width, mark))

    # Keys and clicks

    def action_go(self, direction: int) -> None:
        """To the next thing that opens if it is in sight, else a line further."""
        last = self.last
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

    def action_open_entry(self) -> None:
        if self.at is not None and any(entry.opens == self.at for entry in self._entries):
            self.lead_to(self.Opened(*self.at, deeper=True))

    async def on_click(self, event: events.Click) -> None:
        place = self.top + event.y - 1
        is_line = 1 <= event.y < self.size.height - 1 and place < len(self._entries)
        if is_line and self._entries[place].opens:
            self.at = self._entries[place].opens
            self.draw()
            self.action_open_entry()
