"""The pages of `gwtop explain` over the screen: one in full, and a list of all to search in.

In: a word or a note's code. Out: what a person reads. Knows no page; `word_for` says which one
belongs to what is on the screen: the note one stands on, else the demo, else the protocol.

The module is imported when it is first asked for: textual's input costs some 30 ms.
"""

from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen
from textual.widgets import Input

from gwtop.explain import near, page, search, titles
from gwtop.explain.layout import laid_out
from gwtop.nouns.facts import Request
from gwtop.panels import Cell, safe
from gwtop.tui.pane import Pane
from gwtop.tui.sheet import Sheet
from gwtop.tui.strips import border, boxed, line_strip
from gwtop.tui.table import LiveTable

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

FIRST = "gateway"
"""The page for a screen that shows nothing yet."""
_WORST = {"error": 0, "warn": 1, "info": 2}


def word_for(app: "Screen") -> str:
    """The word whose page says most about what one is looking at."""
    code = _code_in_sight(app)
    if code is not None and page(code) is not None:
        return code
    if app.explain and (named := search(app.explain)):
        return named[0][0]  # a demo comes with its page's first paragraph, not with the word
    spoken = [watched.protocol for watched in app.shown.watch if watched.protocol]
    known = [protocol for protocol in spoken if page(protocol) is not None]
    return known[0] if known else FIRST


def _code_in_sight(app: "Screen") -> str | None:
    """The code of the note that is selected, or stands on the request that is selected or open."""
    pane = app.focused
    key = pane.cursor.selected if isinstance(pane, LiveTable) else None
    name = pane.panel.NAME if isinstance(pane, LiveTable) else ""
    if name == "notes":
        return next((note.code for note in app.shown.notes if note.key == key), None)
    fact = app.detail if isinstance(app.detail, Request) else None
    if fact is None and name == "requests" and key is not None:
        fact = app.model.requests.detail(key)
    notes = sorted(fact.notes, key=lambda note: _WORST[note.severity]) if fact else []
    return notes[0].code if notes else None


BUTTONS = (
    ("/: find a page", "screen.find"),
    ("← →: the next", "screen.step(1)"),
    ("Esc: back", "screen.leave"),
)


class PageSheet(Sheet):
    """A page; the words at its foot are buttons."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "scroll_lines(10)", "page down"),
        Binding("q", "screen.leave", "close"),
    ]

    def __init__(self) -> None:
        super().__init__(id="page", buttons=BUTTONS)
        self.word = ""

    def tell(self, word: str) -> None:
        """From its beginning."""
        self.word, self.top = word, 0
        self.lay_out()

    def lay_out(self) -> None:
        text = page(self.word) or f"There is no page for {self.word}.\n"
        title = (Cell("explain", "bold"), Cell(f" ── {safe(self.word)}"))
        self.say(title, _cells(text, self.inner_width))

    def on_resize(self) -> None:
        self.lay_out()


class Index(Pane):
    """All pages that fit what is typed."""

    def __init__(self) -> None:
        super().__init__(id="index")
        self.found: list[tuple[str, str]] = []
        self.at = 0

    def look_for(self, text: str) -> None:
        self.found, self.at = search(text), 0
        if not self.found:
            known = dict(titles())
            self.found = [(name, known.get(name, "")) for name in near(text)]
        self.draw()

    @property
    def chosen(self) -> str | None:
        return self.found[self.at][0] if self.found else None

    def move(self, n_lines: int) -> None:
        self.at = min(max(self.at + n_lines, 0), max(len(self.found) - 1, 0))
        self.draw()

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 3:
            return
        room = height - 2
        top = max(0, min(self.at - room // 2, len(self.found) - room))
        n_found = (Cell(f"{len(self.found)} pages", "dim"),)
        strips = [border((Cell("explain", "bold"),), n_found, width, "accent", top=True)]
        for place, (name, title) in enumerate(self.found[top : top + room], top):
            line = (Cell(f"{safe(name):<28} ", "accent"), Cell(safe(title), "dim"))
            mark = line_strip(line, width - 4, "reverse" if place == self.at else "")
            strips.append(boxed(list(mark), width, "accent"))
        strips += [boxed([], width, "accent")] * (height - 1 - len(strips))
        hint = (Cell("type to find   Enter: open   Esc: back", "dim"),)
        strips.append(border((), hint, width, "accent", top=False))
        self.put(strips)

    def on_click(self, event: events.Click) -> None:
        room = self.size.height - 2
        top = max(0, min(self.at - room // 2, len(self.found) - room))
        place = top + event.y - 1
        if 0 < event.y <= room and place < len(self.found):
            self.at = place
            self.screen.open(self.found[place][0])  # type: ignore[attr-defined]  # Pages, below

    def on_resize(self) -> None:
        self.draw()


class Pages(ModalScreen[None]):
    CSS = """
    Pages { layout: vertical; background: transparent; }
    #page, #index { height: 1fr; }
    #index { display: none; }
    #wanted { display: none; height: 1; border: none; padding: 0 1;
              background: ansi_default; color: ansi_default; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back"),
        Binding("slash", "find", "find"),
        Binding("right,n", "step(1)", "the next page"),
        Binding("left,p", "step(-1)", "the page before"),
        Binding("up", "move(-1)", "up"),
        Binding("down", "move(1)", "down"),
        Binding("pageup", "move(-10)", "up"),
        Binding("pagedown", "move(10)", "down"),
    ]

    def __init__(self, word: str) -> None:
        super().__init__()
        self.word = word

    def compose(self) -> ComposeResult:
        yield PageSheet()
        yield Index()
        yield Input(id="wanted", placeholder="a word, a note's code", compact=True)

    def on_mount(self) -> None:
        self.open(self.word)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Not before it stands, and not when it is being taken away."""
        return bool(self.query("#wanted"))

    @property
    def sheet(self) -> PageSheet:
        return self.query_one(PageSheet)

    @property
    def index(self) -> Index:
        return self.query_one(Index)

    @property
    def wanted(self) -> Input:
        return self.query_one("#wanted", Input)

    def open(self, word: str) -> None:
        self.word = word
        self._show_index(False)
        self.sheet.tell(word)

    def _show_index(self, on: bool) -> None:
        self.index.display = self.wanted.display = on
        self.sheet.display = not on
        self.set_focus(self.wanted if on else self.sheet)

    def action_find(self) -> None:
        self.wanted.value = ""
        self._show_index(True)
        self.call_after_refresh(self.index.look_for, "")

    def action_leave(self) -> None:
        if self.index.display:
            self.open(self.word)
        else:
            self.dismiss(None)

    def action_step(self, n_pages: int) -> None:
        if not self.index.display:
            names = [name for name, _ in titles()]
            at = names.index(self.word) if self.word in names else 0
            self.open(names[(at + n_pages) % len(names)])

    def action_move(self, n_lines: int) -> None:
        self.index.move(n_lines)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self.index.display:
            self.index.look_for(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.index.chosen is not None:
            self.open(self.index.chosen)


def _cells(text: str, width: int) -> list[tuple[Cell, ...]]:
    return [
        tuple(Cell(safe(words), style) for words, style in line) for line in laid_out(text, width)
    ]
