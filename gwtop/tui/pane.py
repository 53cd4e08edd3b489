"""A pane: a widget that is a list of strips, and repaints only the lines that changed.

In: strips. Out: those of them that differ from the last ones, to the compositor. Knows nothing of
what it shows.

Painting is what a live screen spends its time on; most lines of a tick are the same as before
(a pool's tree, a paused screen, the borders), so each is compared with what is there.
"""

from collections.abc import Callable

from textual.events import Key
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from gwtop.tui.strips import look_of

WHEEL_LINES = 3


class Pane(Widget):
    class Opened(Message):
        """Enter, or a second click, on a row (or on what stands for one)."""

        def __init__(self, panel: str, key: int, deeper: bool = False) -> None:
            """`deeper`: from a sheet, to which one wants to come back."""
            super().__init__()
            self.panel, self.key, self.deeper = panel, key, deeper

    class Moved(Message):
        """Another row is selected now, or none."""

        def __init__(self, panel: str, key: int | None) -> None:
            super().__init__()
            self.panel, self.key = panel, key

    class Newest(Message):
        """The newest is asked for: a paused screen goes on."""

    def __init__(self, *, id: str) -> None:
        super().__init__(id=id)
        self._strips: list[Strip] = []
        self._put_width = 0

    def lead_to(self, message: Opened) -> None:
        """At once, for the next key may be there and belongs to what is opened: a message would
        arrive behind it."""
        opened: Callable[[Pane.Opened], None] | None
        opened = getattr(self.app, "on_pane_opened", None)
        if opened is not None:
            opened(message)

    def took(self, event: Key) -> bool:
        """Whether the key was a letter here, and no command."""
        return False

    def put(self, strips: list[Strip]) -> None:
        old, self._strips = self._strips, strips
        width = self.size.width
        if len(old) != len(strips) or width != self._put_width:
            self._put_width = width
            self.refresh()
            return
        changed = [
            Region(0, y, width, 1)
            for y, (before, now) in enumerate(zip(old, strips, strict=True))
            if before != now
        ]
        if changed:
            self.refresh(*changed)

    def render_line(self, y: int) -> Strip:
        if y < len(self._strips):
            return self._strips[y]
        return Strip.blank(self.size.width, look_of(""))
