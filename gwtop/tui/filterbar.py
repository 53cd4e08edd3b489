"""The line in which a filter or a search is typed: an input, and under it what could come next.

In: keys; values that were seen. Out: messages with a filter, each time what is typed is one; a call
when it is done. Refuses to know what is filtered.

It is made when it is first asked for: textual's input costs some 30 ms to import.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar, Literal, TypeAlias

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input

from gwtop.model.filter import Completion, Filter, FilterError, complete, parse
from gwtop.panels import Cell, Line, safe
from gwtop.tui.arranged import words
from gwtop.tui.bars import Bar

Purpose: TypeAlias = Literal["filter", "find", "name"]
KEPT_LINES = 50
PROMPTS: dict[Purpose, str] = {"filter": " filter ", "find": " find   ", "name": " save as "}
NAME = "a name for this filter: letters, digits, -"
WORDS = "words that a row holds; -word: that it does not"
EXAMPLE = "status>=500 and duration>100ms and target~/api"


class FilterBar(Vertical):
    DEFAULT_CSS = """
    FilterBar { height: 2; display: none; }
    FilterBar Input, FilterBar Input:focus {
        height: 1; border: none; padding: 0 1; background: ansi_default; color: ansi_default;
    }
    FilterBar Bar { height: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "accept", "complete", priority=True),
        Binding("down", "offer(1)", "next", priority=True),
        Binding("up", "offer(-1)", "before", priority=True),
        Binding("escape", "cancel", "cancel", priority=True),
    ]

    class Typed(Message):
        """What is typed is a filter now."""

        def __init__(self, purpose: Purpose, filter: Filter) -> None:
            super().__init__()
            self.purpose, self.filter = purpose, filter

    def __init__(self, done: Callable[[Purpose, Filter], None]) -> None:
        """`done`: what Enter does, or Esc with what there was before."""
        super().__init__(id="filterbar")
        self._done = done
        self.purpose: Purpose = "filter"
        self.offered: list[Completion] = []
        self.chosen = 0
        self.error: FilterError | None = None
        self.in_language = True
        self._before = parse("")
        self._known: Mapping[str, Iterable[str]] = {}
        self._lines: dict[bool, list[str]] = {True: [], False: []}
        """What was typed before, in the language and in words."""
        self.saved: list[str] = []
        """Filters that the config knows by name."""

    def compose(self) -> ComposeResult:
        yield Input(placeholder=EXAMPLE, compact=True, select_on_focus=False)
        yield Bar(id="offers")

    @property
    def input(self) -> Input:
        return self.query_one(Input)

    def ask(
        self,
        purpose: Purpose,
        before: Filter,
        known: Mapping[str, Iterable[str]],
        in_language: bool = True,
    ) -> None:
        """`in_language`: else what is typed are words, and nothing about them can be wrong."""
        self.purpose, self._before, self._known = purpose, before, known
        self.in_language = in_language
        self.input.placeholder = EXAMPLE if in_language else NAME if purpose == "name" else WORDS
        self.display = True
        self.input.value = before.text
        self.input.cursor_position = len(before.text)
        self.screen.set_focus(self.input)
        self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.display:
            typed = self._look()
            if typed is not None and not self._is_begun():
                self.post_message(self.Typed(self.purpose, typed))

    def _is_begun(self) -> bool:
        """A name of which only the beginning is typed is no word to look for yet."""
        return bool(self.offered) and self.offered[0].at < self.input.cursor_position

    def took(self, event: events.Key) -> bool:
        """A letter, or Enter: done before the next key is looked at."""
        if event.key == "enter":
            self._submit()
        elif event.is_printable and event.character is not None:
            self.input.replace(event.character, *self.input.selection)
        else:
            return False
        return True

    def _submit(self) -> None:
        typed = self._look()
        if typed is None:
            return
        if self.purpose != "name":
            others = [line for line in self._lines[self.in_language] if line != typed.text]
            self._lines[self.in_language] = [*others[-KEPT_LINES:], typed.text]
        self._close(typed)

    def action_cancel(self) -> None:
        self._close(self._before)

    def _close(self, filter: Filter) -> None:
        """At once, for the next key is not for this line."""
        self.display = False
        self._done(self.purpose, filter)

    def action_accept(self) -> None:
        if self.offered:
            offer = self.offered[self.chosen]
            cursor = self.input.cursor_position
            value = self.input.value
            self.input.value = value[: offer.at] + offer.text + value[cursor:]
            self.input.cursor_position = offer.at + len(offer.text)
            self._look()

    def action_offer(self, step: int) -> None:
        """Through what is offered; in an empty line, through the lines there were and those that
        were saved."""
        value, lines = self.input.value, [*self.saved, *self._lines[self.in_language]]
        if lines and (not value or value in lines):
            at = lines.index(value) + step if value in lines else -1
            self.input.value = lines[at % len(lines)]
            self.input.cursor_position = len(self.input.value)
        elif self.offered:
            self.chosen = (self.chosen + step) % len(self.offered)
            self.say()

    def _look(self) -> Filter | None:
        """What is typed now, which may be more than an event told; None: an error is shown."""
        text, cursor = self.input.value, self.input.cursor_position
        self.offered, self.chosen, self.error = [], 0, None
        if not self.in_language:
            self.say()
            return words(text)
        self.offered = complete(text, cursor, self._known)
        typed = None
        try:
            typed = parse(text)
        except FilterError as error:
            self.error = error
        self.say()
        return typed

    def say(self) -> None:
        self.query_one("#offers", Bar).say((self._words(),))

    def _words(self) -> Line:
        """The error under its place, and what could be typed."""
        head = Cell(PROMPTS[self.purpose], "head")
        error = self.error
        if error is not None and (not self.offered or error.at < self.offered[0].at - 2):
            return (head, Cell(f" column {error.at + 1}: ", "bad"), Cell(safe(error.message)))
        said: list[Cell] = [head, Cell("  ")]
        for place, offer in enumerate(self.offered):
            said.append(Cell(safe(offer.text), "head" if place == self.chosen else "accent"))
            said.append(Cell("  "))
        if self.offered:
            said.append(Cell(f"Tab: {safe(self.offered[self.chosen].meaning)}", "dim"))
        else:
            said.append(Cell("Enter: use it   Esc: as it was", "dim"))
        return tuple(said)

    async def on_click(self, event: events.Click) -> None:
        if event.y == 1 and self.offered:
            self.action_accept()
