"""Driving a demo from its screen: a line that says how the load goes, with keys of its own.

In: a `Driver`, and the app it stands in. Out: wishes to the load; a `RunDemo` to come after this
screen. It refuses to know processes.

`d` puts the keys here, and then one key does one thing: so none of them is taken from the tables.
Each of them can be clicked. A path of one's own and another demo are asked for in place.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widget import Widget

from gwtop.nouns.driving import Driver
from gwtop.nouns.offers import RunDemo
from gwtop.panels import Cell
from gwtop.panels._driving import next_crowd, next_rate, state_line
from gwtop.panels._start import Entry, demo_entries
from gwtop.tui.bars import Key, Spots
from gwtop.tui.menu import Menu
from gwtop.tui.pane import Pane
from gwtop.tui.strips import line_strip

if TYPE_CHECKING:
    from textual.widgets import Input

    from gwtop.tui.app import Screen

LOOK_S = 0.25
MENU_LINES = 12
EXAMPLE = "/slow?ms=500"
KEYS = (
    Key("+", "faster", "rate(1)", short="fast"),
    Key("-", "slower", "rate(-1)", short="slow"),
    Key(">", "more at a time", "crowd(1)", short="more at a time"),
    Key("<", "fewer", "crowd(-1)"),
    Key("s", "stop the load", "load"),
    Key("o", "send one", "send('/')", short="one"),
    Key("e", "an error", "send('/error')", short="error"),
    Key("k", "crash a worker", "send('/crash')", short="crash"),
    Key("u", "a path", "ask_path", short="path"),
    Key("a", "another demo", "another", short="another"),
    Key("r", "restart", "restart"),
    Key("x", "end it", "end", short="end"),
)
FIRST_ROW = 5
"""So many stand on a line of their own where one line is too short for all: the load's own."""
ONE_ROW_COLUMNS = 160
HELP: tuple[tuple[str, str], ...] = (
    ("+ -  ↑ ↓", "more or fewer requests a second; above 5,000, as fast as it goes"),
    ("> <  → ←", "more or fewer of them at a time"),
    ("s", "stop the load, or go on"),
    ("o  e  k", "send one request; one that fails; one that kills its worker"),
    ("u", "send one to a path of your own: /slow?ms=500, /big?bytes=100000"),
    ("a", "another demo, on this screen"),
    ("r  x", "start this demo anew; end it and keep what was seen"),
    ("Esc", "back to the tables; the load goes on"),
)


class Line(Pane, can_focus=True):
    """The line itself; two, while it has the keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus,equals_sign,up", "drive('rate(1)')"),
        Binding("minus,down", "drive('rate(-1)')"),
        Binding("greater_than_sign,right", "drive('crowd(1)')"),
        Binding("less_than_sign,left", "drive('crowd(-1)')"),
        Binding("s", "drive('load')"),
        Binding("o", "drive(\"send('/')\")"),
        Binding("e", "drive(\"send('/error')\")"),
        Binding("k", "drive(\"send('/crash')\")"),
        # What is typed right after these is for what they open: they come first (keys.py).
        Binding("u", "drive('ask_path')", priority=True),
        Binding("a", "drive('another')", priority=True),
        Binding("r", "drive('restart')"),
        Binding("x", "drive('end')"),
        Binding("escape", "drive('leave')"),
    ]
    help = ("driving the demo", HELP)

    def __init__(self, drive: "Drive") -> None:
        super().__init__(id="drive")
        self._drive = drive
        self._rows: list[Spots] = []

    def draw(self) -> None:
        drive, width = self._drive, self.app.size.width
        driver = drive.driver
        assert driver is not None
        name, state = driver.running.name, driver.state()
        cells = [*state_line(name, state, driver.has_stopped, driver.has_load)]
        if not self.has_focus:
            room = width - sum(len(cell.text) for cell in cells) - 10
            cells += [Cell(" " * max(2, room)), Cell("d", "accent"), Cell(" drive")]
        strips = [line_strip(cells, width)]
        if self.has_focus:
            is_still = state is not None and state["paused"]
            keys = [k._replace(label="load on") if is_still and k.key == "s" else k for k in KEYS]
            rows = [keys] if width >= ONE_ROW_COLUMNS else [keys[:FIRST_ROW], keys[FIRST_ROW:]]
            self._rows = [Spots() for _ in rows]
            strips += [
                line_strip(spots.lay(row, [], width), width)
                for spots, row in zip(self._rows, rows, strict=True)
            ]
        self.styles.height = len(strips)
        self.put(strips)

    async def action_drive(self, what: str) -> None:
        await self.app.run_action(what, self._drive)

    async def on_click(self, event: events.Click) -> None:
        row = self._rows[event.y - 1 : event.y] if event.y and self.has_focus else []
        action = row[0].at(event.x) if row else None
        self.screen.set_focus(self)
        if action is not None:
            await self.action_drive(action)

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.draw()


class Drive(Vertical):
    """The line, and what it asks for; nothing where no demo is driven."""

    DEFAULT_CSS = """
    Drive { height: auto; display: none; }
    Drive #drive { height: 1; }
    Drive Input, Drive Input:focus {
        height: 1; border: none; padding: 0 1; background: ansi_default; color: ansi_default;
    }
    """

    def __init__(self, app: "Screen", driver: Driver | None) -> None:
        super().__init__()
        self._screen_app = app
        self.driver = driver
        self._line = Line(self)
        self._menu: Menu | None = None
        self._entries: list[Entry] = []
        self._path: Input | None = None

    def compose(self) -> ComposeResult:
        yield self._line

    def on_mount(self) -> None:
        self.display = self.driver is not None
        if self.driver is not None:
            self.set_interval(LOOK_S, self._line.draw)
            self.call_after_refresh(self._line.draw)

    @property
    def is_asking(self) -> bool:
        """Whether a path is typed or a demo chosen: letters are letters then."""
        return self._path is not None or self._menu is not None

    def takes_key(self, focused: Widget | None) -> bool:
        """Whether `d` is ours: there is a demo, and the keys are where nothing is typed."""
        is_pane = isinstance(focused, Line) or focused in self._screen_app.panes.values()
        return self.driver is not None and is_pane

    def toggle(self) -> None:
        """The keys here, or back."""
        if self.driver is None:
            return
        if self._screen_app.focused is self._line:
            self._screen_app.focus_pane()
        else:
            self._screen_app.screen.set_focus(self._line)

    # What the keys do

    def action_leave(self) -> None:
        self._screen_app.focus_pane()

    def action_rate(self, direction: int) -> None:
        state = self.driver.state() if self.driver else None
        if self.driver and state:
            self.driver.wish(rate=next_rate(state["rate"], direction))

    def action_crowd(self, direction: int) -> None:
        state = self.driver.state() if self.driver else None
        if self.driver and state:
            self.driver.wish(concurrency=next_crowd(state["concurrency"], direction))

    def action_load(self) -> None:
        state = self.driver.state() if self.driver else None
        if self.driver and state:
            self.driver.wish(pause=not state["paused"])

    def action_send(self, path: str) -> None:
        if self.driver:
            self.driver.wish(send=path)

    def action_end(self) -> None:
        if self.driver is None:
            return
        if self.driver.has_stopped:
            self.action_restart()
        else:
            self.driver.stop()
            self._line.draw()

    def action_restart(self) -> None:
        if self.driver is not None:
            self._go(self.driver.running.name)

    def _go(self, name: str) -> None:
        """That demo comes next, driven as this one is by now."""
        driver = self.driver
        assert driver is not None
        before, state = driver.running, driver.state()
        same = name == before.name
        driver.leave_for(
            RunDemo(
                name,
                workers=before.workers,
                rate=state["rate"] if state else before.rate,
                concurrency=state["concurrency"] if state else before.concurrency,
                front=before.front if same else None,
                unix=before.unix if same else False,
                path=state["path"] if state else before.path,
                paused=state["paused"] if state and same else before.paused,
            )
        )
        self._screen_app.exit(0)

    # What they ask for

    async def action_another(self) -> None:
        assert self.driver is not None
        self._entries = demo_entries(self.driver.offers())
        self._menu = Menu(id="demos")
        self._menu.styles.height = min(MENU_LINES, len(self._entries))
        await self.mount(self._menu)
        self._menu.say(self._entries)
        self._screen_app.screen.set_focus(self._menu)

    async def on_menu_chosen(self, message: Menu.Chosen) -> None:
        message.stop()
        entry = next(entry for entry in self._entries if entry.key == message.key)
        if isinstance(entry.choice, RunDemo):
            self._go(entry.choice.name)
        elif entry.copies:
            self._screen_app.copy_to_clipboard(entry.copies)
            await self.put_away()

    async def action_ask_path(self) -> None:
        from textual.widgets import Input  # 30 ms

        self._path = Input(value="/", placeholder=EXAMPLE, compact=True, select_on_focus=False)
        await self.mount(self._path)
        self._screen_app.screen.set_focus(self._path)

    async def on_input_submitted(self, message: "Input.Submitted") -> None:
        message.stop()
        path = message.value.strip()
        await self.put_away()
        if path:
            self.action_send(path if path.startswith("/") else f"/{path}")

    async def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.is_asking:
            event.stop()
            event.prevent_default()
            await self.put_away()

    async def put_away(self) -> None:
        """No more questions; the keys are the line's again."""
        for widget in (self._menu, self._path):
            if widget is not None:
                await widget.remove()
        self._menu = self._path = None
        self._screen_app.screen.set_focus(self._line)

    def commands(self) -> Iterator[SystemCommand]:
        """For the palette."""
        if self.driver is None:
            return
        yield SystemCommand("Load: faster", "more requests a second", lambda: self.action_rate(1))
        yield SystemCommand("Load: slower", "fewer of them", lambda: self.action_rate(-1))
        yield SystemCommand("Load: more at a time", "", lambda: self.action_crowd(1))
        yield SystemCommand("Load: fewer at a time", "", lambda: self.action_crowd(-1))
        yield SystemCommand("Load: stop or go on", "", self.action_load)
        yield SystemCommand("Send one request", "GET /", lambda: self.action_send("/"))
        yield SystemCommand("Send an error", "GET /error", lambda: self.action_send("/error"))
        yield SystemCommand("Crash a worker", "GET /crash", lambda: self.action_send("/crash"))
        yield SystemCommand("Demo: restart", "the same one anew", self.action_restart)
        yield SystemCommand("Demo: end", "and keep what was seen", self.action_end)
        for entry in demo_entries(self.driver.offers()):
            if isinstance(entry.choice, RunDemo):
                name = entry.choice.name
                yield SystemCommand(f"Demo: {name}", entry.about[1], lambda n=name: self._go(n))
