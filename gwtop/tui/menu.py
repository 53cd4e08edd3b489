"""A list to choose from: lines, some of which can be chosen, with headings and gaps between.

In: entries, again and again. Out: messages: which one the keys are on, which one was chosen. The
selection holds on to its entry, not to its line: rows that come and go do not move it.
"""

from collections.abc import Sequence
from typing import ClassVar, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from gwtop.panels import Line
from gwtop.tui.pane import WHEEL_LINES, Pane
from gwtop.tui.strips import line_strip


class Listed(Protocol):
    @property
    def key(self) -> str:
        """ "": cannot be chosen."""

    @property
    def line(self) -> Line: ...


class Menu(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up"),
        Binding("down,j", "move(1)", "down"),
        Binding("pageup,ctrl+b", "move(-10)", "page up"),
        Binding("pagedown,ctrl+f", "move(10)", "page down"),
        Binding("home,g", "move(-100000)", "first"),
        Binding("end,G", "move(100000)", "last"),
        Binding("tab", "section(1)", "next heading"),
        Binding("shift+tab", "section(-1)", "heading before"),
        Binding("enter", "choose", "start it"),
    ]

    class Moved(Message):
        """The selection is on another entry."""

    class Chosen(Message):
        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, *, id: str, at: str = "") -> None:
        """`at`: the key of the entry to begin with, as soon as it is there."""
        super().__init__(id=id)
        self.key = at
        """The entry the keys are on."""
        self._top = 0
        self._entries: Sequence[Listed] = ()
        self._touched = False
        """Nobody has moved yet: the first entry is the selected one, whichever it is by now."""
        self._wanted = at

    def say(self, entries: Sequence[Listed]) -> None:
        line = self._place() - self._top
        self._entries = entries
        places = self._places()
        if self._wanted and self._wanted in {entry.key for entry in entries}:
            self.key, self._wanted, self._touched = self._wanted, "", True
            self._top = max(0, self._place() - self.size.height // 2)
        elif places and (not self._touched or self.key not in {e.key for e in entries}):
            self.key = entries[places[0]].key
        elif self._touched:
            self._top = self._place() - line
        self.draw()

    def _places(self) -> list[int]:
        return [place for place, entry in enumerate(self._entries) if entry.key]

    def _place(self) -> int:
        found = (place for place, entry in enumerate(self._entries) if entry.key == self.key)
        return next(found, 0) if self.key else 0

    def draw(self) -> None:
        width, height = self.size
        if width < 4 or height < 1:
            return
        self._top = max(0, min(self._top, len(self._entries) - height))
        strips: list[Strip] = []
        for entry in self._entries[self._top : self._top + height]:
            is_on = bool(entry.key) and entry.key == self.key
            strips.append(line_strip(entry.line, width, "reverse" if is_on else ""))
        strips += [line_strip((), width)] * (height - len(strips))
        self.put(strips)

    def _select(self, place: int) -> None:
        self._touched = True
        self.key = self._entries[place].key
        places = self._places()
        top = 0 if place == places[0] else place  # its heading comes along
        if top < self._top:
            self._top = top
        self._top = max(self._top, place - self.size.height + 1)
        self.draw()
        self.post_message(self.Moved())

    def action_move(self, n_entries: int) -> None:
        places = self._places()
        if places:
            at = places.index(self._place()) if self._place() in places else 0
            self._select(places[min(max(at + n_entries, 0), len(places) - 1)])

    def action_section(self, direction: int) -> None:
        """The first entry under the next heading, around."""
        firsts = [
            place for place in self._places() if place == 0 or not self._entries[place - 1].key
        ]
        if not firsts:
            return
        at = max((n for n, place in enumerate(firsts) if place <= self._place()), default=0)
        self._select(firsts[(at + direction) % len(firsts)])

    def action_choose(self) -> None:
        if self.key:
            self.post_message(self.Chosen(self.key))

    def on_click(self, event: events.Click) -> None:
        place = self._top + event.y
        if place < len(self._entries) and self._entries[place].key:
            if self._touched and self._entries[place].key == self.key:
                self.action_choose()
            else:
                self._select(place)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self._scroll(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self._scroll(WHEEL_LINES)

    def _scroll(self, n_lines: int) -> None:
        self._touched = True
        self._top += n_lines
        self.draw()

    def on_resize(self) -> None:
        self.draw()
