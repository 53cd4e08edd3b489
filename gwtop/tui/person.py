"""The sheet of one process: what is known of it by now, and a wish for a close look at it.

In: the process row that was opened, snapshots. Out: what its sheet says; a wish each second while
it is shown. Refuses to know what the sections say.

A process that is gone, or of which only newer ones are still kept, stays as it was last shown.
"""

from typing import TYPE_CHECKING

from gwtop import clock
from gwtop.journal import encode_wish
from gwtop.model.processes import ProcessRow
from gwtop.nouns.times import SECOND_NS
from gwtop.nouns.wishes import ShowProcess
from gwtop.panels import Line
from gwtop.panels._process import Asked, entries, title
from gwtop.tui.linked import Linked
from gwtop.tui.sheet import BACK

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

ASK_EVERY_NS = SECOND_NS - SECOND_NS // 20
"""A second, less what a paint may come too early."""
BUTTONS = (("x: signal", "signal"), ("t: stack", "stack"), BACK)


class Person(Linked):
    def __init__(self) -> None:
        super().__init__(id="process", buttons=BUTTONS)
        self.process: ProcessRow | None = None
        """Shown now, as it was last known."""
        self.stack: tuple[int, tuple[Line, ...]] = (-1, ())
        """What was read of the stack, and the key of the process that it is of."""
        self.said: tuple[int, Line] = (-1, ())
        """What became of a signal, likewise."""
        self._asked_ns = 0

    def tell(self, app: "Screen", key: int) -> None:
        """What is known of the process by now; asks for a close look when it is time."""
        found = next((p for p in app.shown.processes if p.key == key), None)
        if self.process is None or self.process.key != key:
            self.process, self._asked_ns = None, 0
        self.process = found or self.process
        if self.process is None:
            return
        self._ask(app, self.process)
        (of_stack, stack), (of_said, said) = self.stack, self.said
        asked = Asked(
            app.wishes.pipe is not None,
            stack if of_stack == key else (),
            said if of_said == key else (),
        )
        told = entries(self.process, app.shown, self.inner_width, app.look, asked)
        self.tell_of(key, title(self.process), told)

    def _ask(self, app: "Screen", process: ProcessRow) -> None:
        now_ns = clock.monotonic_ns()
        due = not self._asked_ns or now_ns - self._asked_ns >= ASK_EVERY_NS
        if due and process.died_at is None and not app.paused:
            self._asked_ns = now_ns
            app.wishes.say(encode_wish(ShowProcess(process.pid)))
