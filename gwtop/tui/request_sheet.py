"""The sheet of one request: its phases, and under them one tab after the other.

In: the request's fact, snapshots, keys, clicks. Out: strips; a wish for its bytes when it is shown;
a message when its process is opened. Refuses to know what the tabs say.

Which tab is open, what its variables are narrowed to and how bodies are shown stay as they are
while one goes from request to request.
"""

from typing import TYPE_CHECKING, ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType

from gwtop import explain
from gwtop.journal import encode_wish
from gwtop.model import Snapshot
from gwtop.model.details import Fetched
from gwtop.nouns.facts import Request
from gwtop.nouns.wishes import ShowDetail
from gwtop.panels import PLAIN, Cell, Line, Style, safe
from gwtop.panels import _detail as detail
from gwtop.panels import _lineage as lineage
from gwtop.panels import _variables as variables
from gwtop.panels._bodies import MODES, Mode
from gwtop.panels._body_tab import lines as body_lines
from gwtop.panels._text import n_bytes
from gwtop.panels._wrap import by_words
from gwtop.panels.processes import process_of
from gwtop.tui.pane import WHEEL_LINES, Pane
from gwtop.tui.records_view import RecordsView
from gwtop.tui.request_words import ASKED, ELSEWHERE, ENDED, GONE, HELP
from gwtop.tui.strips import border, boxed, line_strip
from gwtop.tui.tab_line import TabLine

if TYPE_CHECKING:
    from gwtop.tui.app import Screen
    from gwtop.tui.stage import Stage

MIN_LINES_FOR_PHASES = 8
NARROWED = ("Variables", "Answer", "Records")
"""Tabs whose lines one may look for a text in."""


class RequestSheet(Pane, can_focus=True):
    DEFAULT_CSS = """
    RequestSheet { display: none; height: 1fr; }
    RequestSheet.below { height: 45%; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "go(-1)", "up"),
        Binding("down,j", "go(1)", "down"),
        Binding("pageup,ctrl+b", "go(-10)", "page up"),
        Binding("pagedown,ctrl+f", "go(10)", "page down"),
        Binding("home,g", "go(-100000)", "first"),
        Binding("end,G", "go(100000)", "last"),
        Binding("right", "right", "next tab, or open"),
        Binding("left", "left", "tab before, or close"),
        Binding("greater_than_sign", "tab(1)", "next tab"),
        Binding("less_than_sign", "tab(-1)", "tab before"),
        *(Binding(t, f"tab_of('{t}')", f"tab {t}", show=False) for t in "svabrphn"),
        Binding("slash", "narrow", "look for a text"),
        Binding("m", "mode", "bodies as text, JSON, form, hex"),
        Binding("o", "open_all", "open all records, or none"),
        Binding("J,shift+down", "scroll_bytes(1)", "bytes down"),
        Binding("K,shift+up", "scroll_bytes(-1)", "bytes up"),
        Binding("z", "zoom", "larger"),
        Binding("enter", "enter", "open"),
    ]

    def __init__(self) -> None:
        super().__init__(id="request")
        self.top = 0
        self.fact: Request | None = None
        self.tab = "Summary"
        self.text = ""
        """What the variables are narrowed to, or the records looked through for."""
        self.typing = False
        self.mode: Mode = "auto"
        self.records = RecordsView()
        self._asked: int | None = None
        """The id of the request whose bytes were last wished for."""
        self._why = ""
        """Why there are no bytes to show. "": there are."""
        self._fetched: Fetched | None = None
        self._tabs: list[detail.Tab] = []
        self._tab_line = TabLine()
        self._lines: list[Line] = []
        self._snapshot = Snapshot()
        self._look = PLAIN
        self._n_found: int | None = None
        self._stage: Stage | None = None
        self._body: tuple[object, list[Line]] = None, []

    # What is told

    def tell(self, app: "Screen", fact: Request) -> None:
        """What is known of the request by now; wishes for its bytes when it is another one."""
        if self.fact is None or self.fact.id != fact.id:
            self.top = 0
        self.fact, self._snapshot, self._look = fact, app.shown, app.look
        self._stage = app.stage
        self._fetched = app.model.details.of(fact.id)
        self._why = self._ask(app, fact.id)
        if self._fetched is not None and self._fetched.kept:
            self.records.renew(self._fetched)
        self.draw()

    def _ask(self, app: "Screen", id: int) -> str:
        fetched = self._fetched
        if fetched is not None and fetched.kept:
            return ""
        if app.wishes.pipe is None or app.feed.has_ended:
            return ELSEWHERE if app.wishes.pipe is None else ENDED
        if self._asked != id:
            self._asked = id
            app.wishes.say(encode_wish(ShowDetail(id)))
            return ASKED
        return GONE if fetched is not None else ASKED

    def draw(self) -> None:
        width, height = self.size
        if width < 8 or height < 3 or self.fact is None:
            return
        inner, n_lines = width - 4, height - 2
        head: list[Line] = []
        if n_lines >= MIN_LINES_FOR_PHASES:
            head = detail.phases(self.fact, inner)
        self._tabs = detail.tabs(self.fact, self._fetched, self._snapshot)
        line = self._tab_line.line(self._tabs, self.tab, inner, self._look)
        head = [*head, line][:n_lines]
        room = n_lines - len(head)
        edge: Style = "accent" if self.has_focus else "dim"
        rows = [list(line_strip(line, inner)) for line in head]
        rows += self._content(inner, room)
        strips = [border(detail.title(self.fact), self._place(room), width, edge, top=True)]
        strips += [boxed(row, width, edge) for row in rows[:n_lines]]
        strips += [boxed([], width, edge)] * (n_lines + 1 - len(strips))
        strips.append(border(self._foot(), self._hints(width), width, edge, top=False))
        self.put(strips)

    def _content(self, width: int, room: int) -> list[list[Segment]]:
        assert self.fact is not None
        if self.tab == "Records" and not self._why:
            self._lines = []
            return self.records.lines(width, room, self._look, self.has_focus)
        self._lines = self._told(self.fact, width)
        self.top = max(0, min(self.top, len(self._lines) - room))
        shown = self._lines[self.top : self.top + max(0, room)]
        return [list(line_strip(line, width)) for line in shown]

    def _told(self, fact: Request, width: int) -> list[Line]:
        match self.tab:
            case "Variables":
                return variables.lines(fact.fields, self.text, width)
            case "Answer":
                return variables.lines(fact.response_fields, self.text, width)
            case "Body":
                return self._bodies(fact, width)
            case "Records":
                return [(Cell(part, "dim"),) for part in by_words(self._why, width)]
            case "Process":
                return lineage.lines(fact, self._snapshot, self._look)
            case "Hops":
                return detail.hops(fact, self._snapshot, width)
            case "Notes":
                return detail.notes(fact, width, explain.page)
            case _:
                return detail.summary(fact, self._snapshot, width, self._look)

    def _bodies(self, fact: Request, width: int) -> list[Line]:
        """Made once: a megabyte of JSON is not indented with every paint."""
        key = fact.id, self._fetched, self.mode, width, self._why
        if self._body[0] != key:
            why = (Cell(self._why, "dim"),) if self._why else ()
            self._body = key, body_lines(fact, self._fetched, self.mode, width, why)
        return self._body[1]

    def _place(self, room: int) -> tuple[Cell, ...]:
        if self._shows_records:
            return (Cell(self.records.place(), "dim"),) if self.records.is_split else ()
        if len(self._lines) <= room:
            return ()
        last = min(self.top + room, len(self._lines))
        return (Cell(f"{self.top + 1}–{last} of {len(self._lines)}", "dim"),)

    def _foot(self) -> Line:
        if self.tab not in NARROWED or not (self.typing or self.text):
            return self._left_out()
        cursor = "_" if self.typing else ""
        found = "" if self._n_found is None else f"  {self._n_found:,} found"
        told = found if self.tab == "Records" and self.text else ""
        return (Cell("/", "accent"), Cell(safe(self.text) + cursor), Cell(told, "dim"))

    def _left_out(self) -> Line:
        beyond = sum(self._fetched.left_out) if self._fetched is not None else 0
        if self.tab != "Records" or not beyond:
            return ()
        return (Cell(f"{n_bytes(beyond)} more came than is kept", "warn"),)

    def _hints(self, width: int) -> tuple[Cell, ...]:
        if self.typing:
            return (Cell("⏎: that is it   Esc: all of them", "dim"),)
        words = {
            "Variables": "/: narrow   ",
            "Answer": "/: narrow   ",
            "Records": f"⏎: {'next' if self.text else 'open'}   o: all   /: find   ",
            "Body": f"m: as {self.mode}   ",
            "Process": "⏎: open   ",
        }.get(self.tab, "")
        return (Cell(f"{words}z: larger   Esc: back", "dim"),)

    # Keys

    @property
    def help(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What there is to know of its keys."""
        letters = tuple((tab.key, tab.name) for tab in self._tabs)
        return "a request in full", (*letters, *HELP)

    def takes(self, action: str) -> bool:
        """Keys of the whole screen that are this sheet's while it has them."""
        return self.typing or (action == "ask" and self.tab in NARROWED)

    def action_go(self, n_lines: int) -> None:
        if self._shows_records:
            self.records.move(n_lines)
        else:
            self.top = max(0, self.top + n_lines)
        self.draw()

    @property
    def _shows_records(self) -> bool:
        return self.tab == "Records" and not self._why

    def action_right(self) -> None:
        if self._shows_records:
            self.records.unfold()
            self.draw()
        else:
            self.action_tab(1)

    def action_left(self) -> None:
        if self._shows_records:
            self.records.fold()
            self.draw()
        else:
            self.action_tab(-1)

    def action_tab(self, direction: int) -> None:
        names = [tab.name for tab in self._tabs]
        if names:
            self._turn_to(names[(names.index(self.tab) + direction) % len(names)])

    def action_tab_of(self, key: str) -> None:
        found = [tab.name for tab in self._tabs if tab.key == key]
        if found:
            self._turn_to(found[0])

    def _turn_to(self, name: str) -> None:
        self.tab, self.top = name, 0
        self.draw()

    def action_mode(self) -> None:
        self.mode = MODES[(MODES.index(self.mode) + 1) % len(MODES)]
        self._turn_to("Body")

    def action_open_all(self) -> None:
        if self._shows_records:
            self.records.open_all()
            self.draw()

    def action_scroll_bytes(self, n_lines: int) -> None:
        if self._shows_records:
            self.records.scroll_bytes(n_lines)
            self.draw()

    def action_zoom(self) -> None:
        if self._stage is not None:
            self._stage.zoomed = not self._stage.zoomed
            self._stage.arrange()

    def action_enter(self) -> None:
        if self._shows_records and self.text:
            self._n_found = self.records.find_next(self.text)
        elif self._shows_records:
            self.records.toggle()
        elif self.tab == "Process" and self.fact is not None:
            process = process_of(self.fact.pid, self._snapshot)
            if process is not None:
                self.lead_to(self.Opened("processes", process.key, deeper=True))
        self.draw()

    # A text to look for

    def action_narrow(self) -> None:
        if self.tab in NARROWED:
            self.typing = True
            self.text = ""
            self._n_found = None
            self.records.begin_find()
            self.draw()

    def took(self, event: events.Key) -> bool:
        if not self.typing:
            if event.key == "escape" and self.text:
                self._type("")
                return True
            return False
        if event.key == "enter":
            self.typing = False
            self.draw()
        elif event.key == "escape":
            self._type("")
            self.typing = False
            self.draw()
        elif event.key == "backspace":
            self._type(self.text[:-1])
        elif event.is_printable and event.character is not None:
            self._type(self.text + event.character)
        return True

    def _type(self, text: str) -> None:
        self.text, self.top = text, 0
        self._n_found = None
        if self._shows_records and self.typing:
            self._n_found = self.records.find_first(text)
        self.draw()

    # The mouse

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.action_go(-WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.action_go(WHEEL_LINES)

    async def on_click(self, event: events.Click) -> None:
        x, y, height = event.x - 2, event.y - 1, self.size.height
        n_head = (2 if height - 2 >= MIN_LINES_FOR_PHASES else 0) + 1
        if event.y == height - 1:
            await self._press(event.x)
        elif y == n_head - 1:
            self._turn_to(self._tab_line.name_at(x) or self.tab)
        elif y >= n_head and self._shows_records:
            if self.records.click(x, y - n_head):
                self.records.toggle()
            self.draw()
        elif y >= n_head and self.tab == "Process":
            self.action_enter()

    async def _press(self, x: int) -> None:
        """A word at the foot."""
        words = self._hints(self.size.width)[0].text
        at = self.size.width - 3 - cell_len(words)
        for word in words.split("   "):
            if at <= x < at + len(word):
                await self._do(word.partition(":")[0])
            at += len(word) + 3

    async def _do(self, key: str) -> None:
        actions = {"z": self.action_zoom, "m": self.action_mode, "o": self.action_open_all}
        actions |= {"/": self.action_narrow, "⏎": self.action_enter}
        if key == "Esc":
            await self.app.run_action("leave")
        elif key in actions:
            actions[key]()

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.typing = False
        self.draw()

    def on_resize(self) -> None:
        self.draw()
