"""The start screen: what listens here, the demos, the files shown before; one of them is chosen.

In: an `Offer`, and a descriptor on which somebody with more rights tells what is heard, again and
again. Out: a `Choice`, or None. It starts nothing.
"""

import asyncio
import os
from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar

import msgspec
from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.screen import Screen as TextualScreen

from gwtop.nouns.offers import Choice, Heard, WithSudo
from gwtop.panels import Cell, Line, escape
from gwtop.panels._start import UNFOLD, Entry, Offer, entries
from gwtop.tui import guide
from gwtop.tui.bars import Bar, Foot, Key
from gwtop.tui.calm import Calm
from gwtop.tui.menu import Menu
from gwtop.tui.sheet import Sheet

READ_BYTES = 1 << 20
ABOUT_LINES = 2
KEYS = (
    ("↑ ↓  j k", "the row above, the row below"),
    ("Tab", "the next heading: what listens, demos, files"),
    ("Enter", "start it; quitting that comes back here (a second click, too)"),
    ("s", "start again with sudo, to see other users' processes"),
    ("mouse", "click selects, the wheel scrolls, words at the foot are buttons"),
    ("^p", "all commands by name"),
    ("q", "quit"),
)
SIGNS = (
    ("≈", "a guess, by the name and the arguments of whose it is"),
    ("queue", "connections that nobody has accepted yet, and how many may wait"),
    ("needs …", "a demo that lacks parts; Enter copies the command for them"),
)


class Start(Calm[Choice]):
    CSS = """
    Screen { layout: vertical; }
    #head { height: 2; }
    #notice { display: none; height: 1; }
    #menu { height: 1fr; }
    #help { display: none; height: 1fr; }
    #about { height: 2; }
    #foot { height: 1; }
    """
    TITLE = "gwtop"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q,escape", "leave", "quit"),
        Binding("ctrl+c", "quit", "quit", priority=True, show=False),
        Binding("question_mark,f1", "help", "help"),
        Binding("s", "sudo", "with sudo"),
    ]

    def __init__(
        self, offer: Offer, heard: int | None = None, notice: str = "", at: str = ""
    ) -> None:
        """`heard`: lines of `Heard`. `notice`: how what was chosen before ended. `at`: its row."""
        super().__init__(ansi_color=True)
        self.offer = offer
        self.notice = notice
        self.at = at
        self.theme_filter: LineFilter | None = None
        self._heard = heard
        self._rest = b""
        self._unfolded = False
        self._entries: list[Entry] = []

    def compose(self) -> ComposeResult:
        yield Bar(id="head", corner="help")
        yield Bar(id="notice")
        yield Menu(id="menu", at=self.at)
        yield Sheet(id="help")
        yield Bar(id="about")
        yield Foot(id="foot")

    def get_line_filters(self) -> Sequence[LineFilter]:
        mine = () if self.theme_filter is None else (self.theme_filter,)
        return [*mine, *super().get_line_filters()]

    def on_mount(self) -> None:
        if self._heard is not None:
            os.set_blocking(self._heard, False)
            asyncio.get_running_loop().add_reader(self._heard, self._read)
        self.query_one("#notice").display = bool(self.notice)
        self.screen.set_focus(self.query_one(Menu))
        self.call_after_refresh(self.paint)

    def _read(self) -> None:
        assert self._heard is not None
        try:
            data = os.read(self._heard, READ_BYTES)
        except BlockingIOError:
            return
        if not data:  # whoever looked is gone; what was heard stays
            asyncio.get_running_loop().remove_reader(self._heard)
            return
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines[-1:]:
            self.offer = self.offer._replace(heard=msgspec.json.decode(line, type=Heard))
            self.paint()

    def on_resize(self, event: events.Resize) -> None:
        self.call_after_refresh(self.paint)

    def paint(self) -> None:
        if not self.query("#head"):
            return  # the screen is being taken away
        self._entries = entries(self.offer, self.size.width, self._unfolded)
        self.query_one("#head", Bar).say((_TITLE, ()))
        self.query_one("#notice", Bar).say(((Cell(" ■ ", "bad"), Cell(escape(self.notice))),))
        self.query_one(Menu).say(self._entries)
        self._paint_about()

    def _paint_about(self) -> None:
        entry = self._selected()
        words = entry.about[:ABOUT_LINES] if entry is not None else ()
        lines: list[Line] = [
            (
                Cell(" ⏎ " if place == 0 else "   ", "accent"),
                Cell(line, "" if place == 0 else "dim"),
            )
            for place, line in enumerate(words)
        ]
        self.query_one("#about", Bar).say(lines)
        verb = "copy" if entry is not None and entry.copies else "start"
        self.query_one("#foot", Foot).say(
            [Key("⏎", verb, "choose", 8), Key("Tab", "next heading", "section", 3)],
            [*self._sudo_key(), Key("?", "help", "help", 7), Key("q", "quit", "quit", 9)],
        )

    def _sudo_key(self) -> list[Key]:
        return [] if self.offer.has_rights else [Key("s", "with sudo", "sudo", 5)]

    def _selected(self) -> Entry | None:
        key = self.query_one(Menu).key
        return next((entry for entry in self._entries if key and entry.key == key), None)

    def on_menu_moved(self, message: Menu.Moved) -> None:
        self._paint_about()

    def on_menu_chosen(self, message: Menu.Chosen) -> None:
        entry = self._selected()
        if entry is None:
            return
        if entry.choice is not None:
            self.at = entry.key
            self.exit(entry.choice)
        elif entry.key == UNFOLD:
            self._unfolded = True
            self.paint()
        elif entry.copies:
            self.copy_to_clipboard(entry.copies)
            self.say(f"copied: {entry.copies}")

    def say(self, notice: str) -> None:
        self.notice = notice
        self.query_one("#notice").display = True
        self.call_after_refresh(self.paint)

    def action_choose(self) -> None:
        self.query_one(Menu).action_choose()

    def action_section(self) -> None:
        self.query_one(Menu).action_section(1)

    def action_sudo(self) -> None:
        if not self.offer.has_rights:
            self.exit(WithSudo())

    def action_help(self) -> None:
        sheet, menu = self.query_one("#help", Sheet), self.query_one(Menu)
        sheet.display, menu.display = not sheet.display, sheet.display
        told = [guide.entry(*one) for one in KEYS]
        told += [(), *(guide.entry(*one) for one in SIGNS)]
        sheet.say((Cell("help", "bold"),), told)
        self.screen.set_focus(sheet if sheet.display else menu)
        self.call_after_refresh(self.paint)

    async def action_leave(self) -> None:
        if self.query_one("#help").display:
            self.action_help()
        else:
            await self.action_quit()

    def get_system_commands(self, screen: TextualScreen[object]) -> Iterable[SystemCommand]:
        for entry in self._entries:
            if entry.choice is not None and entry.about:
                yield SystemCommand(
                    entry.about[0], entry.about[-1], partial(self.exit, entry.choice)
                )
        yield SystemCommand("Help", "keys and signs", self.action_help)
        yield SystemCommand("Quit", "the terminal as it was", self.exit)


_TITLE: Line = (
    Cell(" gwtop ", "head"),
    Cell("   which gateway do you want to watch?", "bold"),
)
