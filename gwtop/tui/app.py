"""The app: facts from an intake into a model, snapshots of it onto the screen, keys back.

In: an `Intake`, and a pipe for wishes. Out: what a person sees. Refuses to know the engine: it is
a descriptor that ends, sometimes without a summary.

When facts are applied and what of them is drawn is `painting`'s to know, where a key goes
`keyboard`'s, which panes there are `stage`'s. Pause is keeping an old snapshot; the model goes on.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar

from rich.segment import Segment, Segments
from textual import events
from textual.app import ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.containers import Container
from textual.filter import LineFilter
from textual.screen import Screen as TextualScreen
from textual.widget import Widget

from gwtop.config import Config
from gwtop.journal import encode_wish
from gwtop.model import Model, Snapshot
from gwtop.nouns.driving import Driver
from gwtop.nouns.plan import DEFAULT_COPY_BYTES
from gwtop.nouns.wishes import Connections, Copy, TickEvery
from gwtop.panels import Cell, Look, discover
from gwtop.tui import details, guide, palette
from gwtop.tui.asking import Asking
from gwtop.tui.bars import Bar, Foot
from gwtop.tui.calm import Calm
from gwtop.tui.chooser import Chooser
from gwtop.tui.driving import Drive
from gwtop.tui.edges import Edges
from gwtop.tui.feed import Feed, Lines
from gwtop.tui.habits import Habits
from gwtop.tui.hands import Hands
from gwtop.tui.keyboard import Keyboard
from gwtop.tui.keys import BINDINGS
from gwtop.tui.lifelines import Lifelines
from gwtop.tui.opening import Opening
from gwtop.tui.painting import Painting
from gwtop.tui.pane import Pane
from gwtop.tui.past import Past
from gwtop.tui.plots import Plots
from gwtop.tui.requests import RequestTable
from gwtop.tui.seeing import Seeing
from gwtop.tui.sheet import Sheet
from gwtop.tui.stage import CSS, Stage
from gwtop.tui.table import LiveTable
from gwtop.tui.views import View, views
from gwtop.tui.wishes import Wishes

if TYPE_CHECKING:
    from gwtop.tui.deeds import Deed
    from gwtop.tui.filterbar import FilterBar, Purpose
    from gwtop.tui.linked import Linked
    from gwtop.tui.person import Person
    from gwtop.tui.request_sheet import RequestSheet

PAINT_S = 0.1
TICK_WISH_S = 0.25


class Screen(Calm[int]):
    CSS = CSS
    TITLE = "gwtop"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = list(BINDINGS)

    def __init__(
        self,
        intake: Lines,
        wishes: BinaryIO | None = None,
        *,
        title: str = "",
        explain: str = "",
        look: Look | None = None,
        trouble: Callable[[], str | None] = lambda: None,
        config: Config | None = None,
        driver: Driver | None = None,
    ) -> None:
        super().__init__(ansi_color=True)
        self.intake = intake
        self.model = Model()
        self.shown = Snapshot()
        self.paused = False
        self.view = 1
        self.gateway_title = title
        self.explain = explain
        self.look = look or Look()
        self.habits = Habits(self, config or Config())
        self.past = Past(self)
        self.wishes = Wishes(wishes)
        self._ask_trouble = trouble
        self.trouble: str | None = None
        self.views: tuple[View, ...] = ()
        self.feed = Feed(intake, self.model)
        self.panes: dict[str, LiveTable | Lifelines | Plots] = {}
        self.detail: details.Detail | None = None
        self.opening = Opening(self)
        self.hands = Hands(self)
        self.asking = Asking(self)
        self.keyboard = Keyboard(self)
        self.drive = Drive(self, driver)
        self.seeing = Seeing(self)
        self.stage = Stage(self)
        self.edges = Edges(self)
        self.painting = Painting(self)

    def compose(self) -> ComposeResult:
        panels = discover()
        self.views = views(panels.values())
        for name, panel in panels.items():
            is_requests = name == "requests"
            follows = getattr(panel, "FOLLOWS", False)
            table = RequestTable(panel) if is_requests else LiveTable(panel, follows=follows)
            self.panes[name] = table
        self.panes["lifelines"] = Lifelines()
        self.panes["plots"] = Plots()
        yield Bar(id="head", corner="pause")
        yield Bar(id="alert")
        yield Bar(id="explain")
        with Container(id="body"):
            with Container(id="tables"):
                yield self.panes["processes"]
                yield from (self.panes[name] for name in panels if name != "processes")
            yield self.panes["lifelines"]
            yield self.panes["plots"]
        yield from self.opening.sheets
        yield Sheet(id="help")
        yield Chooser()
        yield Bar(id="tiny")
        yield self.drive
        yield Foot(id="foot")

    def on_mount(self) -> None:
        self.stage.room = self.size
        self.habits.settle()
        self.stage.arrange()
        self.screen.set_focus(self.panes["requests"])
        self.wishes.say(encode_wish(TickEvery(seconds=TICK_WISH_S)))
        self.intake.start()
        self.set_interval(PAINT_S, self.catch_up)
        self.call_after_refresh(self.paint)

    def get_line_filters(self) -> Sequence[LineFilter]:
        return [*self.habits.filters, *super().get_line_filters()]

    def _register(self, *args: Any, **options: Any) -> list[Widget]:
        """Whatever is mounted answers to the user's keys."""
        made = super()._register(*args, **options)
        for widget in made:
            self.habits.keymap.bind(widget)
        return made

    # Facts in, snapshots out

    def look_for_trouble(self) -> bool:
        """Whether something else is wrong beside the engine, or no longer."""
        before, self.trouble = self.trouble, self._ask_trouble()
        return self.trouble != before

    def catch_up(self) -> None:
        self.painting.catch_up()

    def paint(self) -> None:
        self.painting.paint()

    def wants(self, panel: str) -> bool:
        """Whether what is costly to make of it is looked at."""
        return self.panes[panel].display or self.opening.needs(panel)

    def renew(self) -> None:
        """What is newly shown is told what is known by now; paused, what was."""
        self.call_after_refresh(self.painting.repaint if self.paused else self.painting.paint)

    @property
    def sheet(self) -> "Sheet | Linked | RequestSheet":
        return self.opening.sheet

    @property
    def person(self) -> "Person":
        return self.opening.person

    @property
    def request_sheet(self) -> "RequestSheet":
        return self.opening.request_sheet

    def repaint_detail(self) -> None:
        self.opening.repaint()

    # The room there is

    def on_resize(self, event: events.Resize) -> None:
        self.stage.room = event.size
        self.stage.arrange()
        self.renew()

    # Keys

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key) and not event.is_forwarded:
            self.app_focus = True
            if await self.keyboard.did(event):
                return
        await super().on_event(event)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.keyboard.may(action)

    def action_drive(self) -> None:
        self.drive.toggle()

    def action_pause(self) -> None:
        self.paused = not self.paused
        if self.paused:
            self.shown = self.past.begin()
            self.painting.repaint()
        else:
            self.past.end()
            self.paint()

    def action_step(self, n_moments: int) -> None:
        """Back (or forth) in time, which pauses."""
        if not self.paused:
            self.action_pause()
        self.shown = self.past.step(n_moments) or self.shown
        self.painting.repaint()

    def action_habit(self, deed: "Deed") -> None:
        self.habits.do(deed)

    def on_pane_newest(self) -> None:
        if self.paused:
            self.action_pause()

    def action_view(self, place: int) -> None:
        if place > len(self.views):
            return
        self.view = place
        if "connections" in self.views[place - 1].panes:
            self.wishes.once(encode_wish(Connections(on=True)))
        self.query_one("#help").display = False
        self.detail = None
        self.stage.arrange()
        # not Widget.focus: that takes effect a message later, and the next key may be there
        self.screen.set_focus(self.panes[self.views[place - 1].focus])
        self.renew()

    def action_view_named(self, label: str) -> None:
        self.action_view([view.label for view in self.views].index(label) + 1)

    def action_help(self) -> None:
        sheet = self.query_one("#help", Sheet)
        sheet.display = not sheet.display
        pane = self.focused
        title, entries = guide.about(pane)
        sheet.say((Cell("help", "bold"),), guide.lines(title, entries, self.habits.keymap.told()))
        self.stage.arrange()
        if sheet.display:
            self.screen.set_focus(sheet)
        else:
            self.focus_pane()
        self.call_after_refresh(self.painting.repaint)

    def action_leave(self) -> None:
        if self.query_one("#help").display:
            self.action_help()
        elif self.detail is not None:
            self.opening.back()
        elif self.query_one(Chooser).display:
            self.action_columns()
        elif isinstance(self.focused, LiveTable):
            self.focused.let_go()
        elif self.requests.display:
            self.requests.let_go()

    @property
    def requests(self) -> RequestTable:
        return self.query_one(RequestTable)

    async def action_ask(self, purpose: "Purpose") -> None:
        await self.asking.ask(purpose)

    def action_columns(self) -> None:
        self.asking.columns()
        self.call_after_refresh(self.painting.repaint)

    def on_filter_bar_typed(self, message: "FilterBar.Typed") -> None:
        self.asking.typed(message.purpose, message.filter)

    def on_chooser_toggled(self, message: Chooser.Toggled) -> None:
        self.asking.toggled(message.name)

    def action_pages(self) -> None:
        from gwtop.tui.pages import Pages, word_for  # textual's input: 30 ms

        self.push_screen(Pages(word_for(self)))

    def action_explain(self) -> None:
        self.seeing.toggle()
        self.call_after_refresh(self.painting.repaint)

    def action_bytes(self) -> None:
        calls = self.shown.calls
        if calls is not None:
            wished = 0 if calls.copy_bytes else DEFAULT_COPY_BYTES
            self.wishes.say(encode_wish(Copy(bytes=wished)))

    def action_signal(self) -> None:
        self.hands.signal()

    def action_stack(self) -> None:
        self.hands.stack()

    def action_open(self) -> None:
        if isinstance(self.focused, LiveTable | Lifelines):
            self.focused.action_open()

    def on_pane_opened(self, message: Pane.Opened) -> None:
        self.opening.open(message.panel, message.key, message.deeper)

    def open_detail(self, panel: str, key: int) -> None:
        self.opening.open(panel, key)

    def on_pane_moved(self, message: Pane.Moved) -> None:
        self.opening.go_along(message.panel, message.key)

    def get_system_commands(self, screen: TextualScreen[object]) -> Iterable[SystemCommand]:
        return palette.commands(self)

    def focus_pane(self) -> None:
        shown = [pane for pane in self.panes.values() if pane.display]
        chosen = (p for p in shown if isinstance(p, LiveTable) and p.cursor.selected is not None)
        self.screen.set_focus(next(chosen, self.panes[self.views[self.view - 1].focus]))

    def _fatal_error(self) -> None:
        """A defect of ours: the terminal is given back, and one line says what it was."""
        words = f"gwtop: the screen failed: {type(self._exception).__name__}: {self._exception}"
        self._exit_renderables.append(Segments([Segment(words)]))
        self._close_messages_no_wait()
