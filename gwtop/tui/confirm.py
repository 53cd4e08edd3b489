"""A question over the screen: which signal, and then whether really; it names the process.

In: what the process is. Out: the name of a signal that was confirmed, or None. Sends nothing.
"""

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from gwtop.panels import Cell, Line
from gwtop.tui.pane import Pane
from gwtop.tui.signalling import MEANINGS
from gwtop.tui.strips import border, boxed, line_strip

WIDTH, HEIGHT = 72, len(MEANINGS) + 5


class Question(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up"),
        Binding("down,j", "move(1)", "down"),
        Binding("enter", "choose", "choose"),
        Binding("y", "yes", "yes"),
        Binding("n,escape,q", "no", "no"),
    ]

    def __init__(self, about: tuple[str, ...]) -> None:
        super().__init__(id="question")
        self.about = about
        """Lines that name the process."""
        self.at = 0
        self.is_sure = False
        """A signal is chosen; what is missing is a yes."""

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 4:
            return
        name, meaning = MEANINGS[self.at]
        title = f"send SIG{name}?" if self.is_sure else "send a signal"
        strips = [border((Cell(title, "bold"),), (), width, "accent", top=True)]
        lines: list[Line] = [(Cell(line),) for line in self.about]
        strips += [boxed(list(line_strip(line, width - 4)), width, "accent") for line in lines]
        strips.append(boxed([], width, "accent"))
        if self.is_sure:
            strips.append(boxed(list(line_strip((Cell(meaning),), width - 4)), width, "accent"))
        else:
            for place, (word, meaning) in enumerate(MEANINGS):
                line = (Cell(f"{word:<5}", "accent"), Cell(meaning, "dim"))
                mark = line_strip(line, width - 4, "reverse" if place == self.at else "")
                strips.append(boxed(list(mark), width, "accent"))
        hint = "y: send it   n: don't" if self.is_sure else "Enter: this one   Esc: none"
        strips = strips[: height - 1]
        strips += [boxed([], width, "accent")] * (height - 1 - len(strips))
        strips.append(
            border((), (Cell(hint, "warn" if self.is_sure else "dim"),), width, "accent", top=False)
        )
        self.put(strips)

    def action_move(self, n_lines: int) -> None:
        if not self.is_sure:
            self.at = min(max(self.at + n_lines, 0), len(MEANINGS) - 1)
            self.draw()

    def action_choose(self) -> None:
        """Enter chooses, and never confirms: one key too many must not kill."""
        self.is_sure = True
        self.draw()

    def action_yes(self) -> None:
        if self.is_sure:
            self.screen.dismiss(MEANINGS[self.at][0])

    def action_no(self) -> None:
        if self.is_sure:
            self.is_sure = False
            self.draw()
        else:
            self.screen.dismiss(None)

    def on_click(self, event: events.Click) -> None:
        place = event.y - 2 - len(self.about)
        if event.y == self.size.height - 1:
            yes = event.x < self.size.width - len("n: don't") - 4
            (self.action_yes if self.is_sure and yes else self.action_no)()
        elif not self.is_sure and 0 <= place < len(MEANINGS):
            self.at = place
            self.action_choose()

    def on_resize(self) -> None:
        self.draw()


class Confirm(ModalScreen[str | None]):
    CSS = f"""
    Confirm {{ align: center middle; background: transparent; }}
    #question {{ width: {WIDTH}; max-width: 100%; height: {HEIGHT}; max-height: 100%; }}
    """

    def __init__(self, about: tuple[str, ...]) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        yield Question(self._about)

    def on_mount(self) -> None:
        self.set_focus(self.query_one(Question))
