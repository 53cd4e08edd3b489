"""One of several: a list over the screen, each entry with a letter of its own.

In: what it is about, and entries. Out: the place of the chosen one, or None. Knows no entry.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from gwtop.panels import Cell, safe
from gwtop.tui.pane import Pane
from gwtop.tui.strips import border, boxed, line_strip

WIDTH = 100
_LABEL_WIDTH = 36
_CHROME_LINES = 2


class Entry(NamedTuple):
    key: str
    """A letter; "": reached by the arrows and the mouse."""
    label: str
    preview: str


class Entries(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", "up"),
        Binding("down", "move(1)", "down"),
        Binding("pageup,home", "move(-100)", "first"),
        Binding("pagedown,end", "move(100)", "last"),
        Binding("enter", "choose", "choose"),
        Binding("escape", "close", "close"),
        Binding("ctrl+c", "app.quit", "quit", show=False),
    ]

    def __init__(self, title: str, entries: Sequence[Entry]) -> None:
        super().__init__(id="entries")
        self.title, self.entries = title, entries
        self.at = self.top = 0

    def draw(self) -> None:
        width, height = self.size
        n_lines = height - _CHROME_LINES
        if width < 8 or n_lines < 1:
            return
        self.top = min(max(self.top, self.at - n_lines + 1), self.at)
        strips = [border((Cell(self.title, "bold"),), (), width, "accent", top=True)]
        for place, entry in enumerate(self.entries[self.top : self.top + n_lines], self.top):
            line = (
                Cell(f"{entry.key:<2}", "accent"),
                Cell(f"{entry.label:<{_LABEL_WIDTH}} "),
                Cell(safe(entry.preview.replace("\n", " ")[: 4 * width]), "dim"),
            )
            mark = line_strip(line, width - 4, "reverse" if place == self.at else "")
            strips.append(boxed(list(mark), width, "accent"))
        strips += [boxed([], width, "accent")] * (height - 1 - len(strips))
        hint = (Cell("Enter: this one   Esc: none", "dim"),)
        strips.append(border((), hint, width, "accent", top=False))
        self.put(strips)

    def action_move(self, n_lines: int) -> None:
        self.at = min(max(self.at + n_lines, 0), len(self.entries) - 1)
        self.draw()

    def action_choose(self) -> None:
        self._close(self.at)

    def action_close(self) -> None:
        self._close(None)

    def _close(self, place: int | None) -> None:
        """Once: a key may be behind the one that closed it."""
        if self.app.screen is self.screen:
            self.screen.dismiss(place)

    def took(self, event: events.Key) -> bool:
        places = [n for n, e in enumerate(self.entries) if e.key and e.key == event.character]
        if places:
            self._close(places[0])
        return bool(places)

    def on_click(self, event: events.Click) -> None:
        event.stop()
        place = event.y - 1 + self.top
        if event.y == self.size.height - 1:
            self.action_close()
        elif event.y > 0 and place < len(self.entries):
            self._close(place)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        self.action_move(-1)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        self.action_move(1)

    def on_resize(self) -> None:
        self.draw()


class Picker(ModalScreen[int | None]):
    CSS = f"""
    Picker {{ align: center middle; background: transparent; }}
    #entries {{ width: {WIDTH}; max-width: 100%; max-height: 100%; }}
    """

    def __init__(self, title: str, entries: Sequence[Entry]) -> None:
        super().__init__()
        self._list = Entries(title, entries)
        self._list.styles.height = len(entries) + _CHROME_LINES

    def compose(self) -> ComposeResult:
        yield self._list

    def on_mount(self) -> None:
        self.set_focus(self._list)

    def on_click(self, event: events.Click) -> None:
        """Beside the list: none."""
        if self.is_current:
            self.dismiss(None)
