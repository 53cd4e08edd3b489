"""A live table: one panel's rows between borders, with a cursor, keys and the mouse.

In: snapshots. Out: strips, and messages when a row is opened. Knows no panel by name.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.strip import Strip

from gwtop.model import Snapshot
from gwtop.panels import Cell, Column, Look, Panel, Style, fit
from gwtop.tui.cursor import Cursor, Listed, Source
from gwtop.tui.pane import Pane
from gwtop.tui.strips import Mark, border, boxed, heads, look_of, row_cells, sized

WHEEL_LINES = 3
_CHROME_LINES = 3
"""Two borders and the heads of the columns."""


class LiveTable(Pane, can_focus=True):
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up"),
        Binding("down,j", "move(1)", "down"),
        Binding("pageup,ctrl+b", "page(-1)", "page up"),
        Binding("pagedown,ctrl+f", "page(1)", "page down"),
        Binding("home,g", "home", "first"),
        Binding("end,G", "to_end", "newest"),
        Binding("enter", "open", "detail"),
    ]

    def __init__(self, panel: Panel, *, follows: bool = False, empty: str = "") -> None:
        super().__init__(id=panel.NAME)
        self.panel = panel
        self.cursor = Cursor(follows=follows)
        self.empty = empty
        """What is said when there is no row."""
        self._snapshot = Snapshot()
        self._look = Look()

    @property
    def help(self) -> tuple[str, tuple[tuple[str, str], ...]]:
        """What the guide says of it."""
        meanings = tuple((c.name or "⚑", c.meaning) for c in self.panel.COLUMNS)
        return f"columns of {self.panel.TITLE}", meanings

    def show(self, snapshot: Snapshot, look: Look) -> None:
        self._snapshot, self._look = snapshot, look
        if self.size.height > 0:
            self.cursor.renew(self._source(), self.size.height - _CHROME_LINES)
            self.draw()

    def draw(self) -> None:
        width, n_rows = self.size.width, self.cursor.height
        if width < 8 or self.size.height < 1:
            return
        columns = self._columns()
        widths = fit(columns, width - 4)
        edge: Style = "accent" if self.has_focus else "dim"
        strips = [self._top(width, edge)]
        strips.append(boxed(row_cells(heads(columns), columns, widths), width, edge))
        strips += self._rows(columns, widths, edge)
        blank = boxed([], width, edge)
        strips += [blank] * (n_rows + 2 - len(strips))
        strips.append(border((), (), width, edge, top=False))
        self.put(strips[: self.size.height])

    def _source(self) -> Source:
        return Listed(self.panel.rows(self._snapshot, self._look))

    def _columns(self) -> tuple[Column, ...]:
        choose = getattr(self.panel, "columns", None)
        return self.panel.COLUMNS if choose is None else choose(self._snapshot)

    def _rows(self, columns: Sequence[Column], widths: Sequence[int], edge: Style) -> list[Strip]:
        visible = self.cursor.visible()
        if not visible and self.empty:
            words = [Segment(sized(self.empty, self.size.width - 4), look_of("dim"))]
            return [boxed([], self.size.width, edge), boxed(words, self.size.width, edge)]
        strips = []
        for row in visible:
            own: Mark = "reverse" if self.has_focus else "underline"
            mark: Mark = own if row.key == self.cursor.selected else ""
            cells = row_cells(row, columns, widths, mark)
            strips.append(boxed(cells, self.size.width, edge, self._left(row.key)))
        return strips

    def _left(self, key: int) -> str:
        """What stands before a row."""
        return "│ "

    def _top(self, width: int, edge: Style) -> Strip:
        title: Style = "bold" if self.has_focus else ""
        return border((Cell(self.panel.TITLE, title),), self._place(), width, edge, top=True)

    def _place(self) -> tuple[Cell, ...]:
        """At the right of the title: how many, and where in them one is."""
        cursor = self.cursor
        n_rows = cursor.source.end - cursor.source.first
        if not cursor.follows:
            hidden = n_rows - cursor.height
            more = f"{cursor.top + 1}–{min(cursor.top + cursor.height, n_rows)} of "
            return (Cell(f"{more if hidden > 0 else ''}{n_rows:,}", "dim"),)
        total = f"{cursor.source.end:,}"
        if cursor.following:
            return (Cell("following", "good"), Cell(f" ─ {total}", "dim"))
        last = min(cursor.top + cursor.height, cursor.source.end)
        return (Cell("End: live", "warn"), Cell(f" ─ to {last:,} of {total}", "dim"))

    def _moved(self) -> None:
        self.draw()
        self.post_message(self.Moved(self.panel.NAME, self.cursor.selected))

    def action_move(self, n_lines: int) -> None:
        self.cursor.move(n_lines)
        self._moved()

    def action_page(self, direction: int) -> None:
        self.cursor.move(direction * max(1, self.cursor.height - 1))
        self._moved()

    def action_home(self) -> None:
        self.cursor.home()
        self._moved()

    def action_to_end(self) -> None:
        self.cursor.to_end()
        self._moved()

    def action_open(self) -> None:
        if self.cursor.selected is None:
            self.cursor.move(-1 if self.cursor.follows else 0)
            self.draw()
        if self.cursor.selected is not None:
            self.post_message(self.Opened(self.panel.NAME, self.cursor.selected))

    def on_click(self, event: events.Click) -> None:
        was = self.cursor.selected
        if event.y == 0 and self.cursor.follows:
            self.cursor.to_end()
        elif self.cursor.click(event.y - 2) and (self.cursor.selected == was or event.chain > 1):
            self.action_open()
        self._moved()

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.cursor.scroll(-WHEEL_LINES)
        self.draw()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.cursor.scroll(WHEEL_LINES)
        self.draw()

    def on_focus(self) -> None:
        self.draw()

    def on_blur(self) -> None:
        self.draw()

    def on_resize(self) -> None:
        self.show(self._snapshot, self._look)
