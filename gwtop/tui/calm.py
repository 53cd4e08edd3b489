"""What every app of ours does with what comes twice, or too late: nothing.

In: screens to be closed, exceptions. Out: a screen is closed once. Knows no screen.

A list, a question or the palette is closed by a key or a click, and the next one may be on its way
already: the second click of a double one. Textual (8.2) answers that with an exception. Its palette
goes on looking for commands when it is closed, and then fails to find its own list; and it fails to
turn a page before it has one. Those are no reason to end a session, and no defects of ours.
"""

from asyncio import InvalidStateError
from collections.abc import Iterator
from types import TracebackType
from typing import TypeVar

from textual.app import App
from textual.await_complete import AwaitComplete
from textual.command import CommandPalette
from textual.css.query import NoMatches
from textual.worker import WorkerFailed

Result = TypeVar("Result")
PALETTE = frozenset({"textual.command", "textual.widgets._option_list"})


class Calm(App[Result]):
    def pop_screen(self) -> AwaitComplete:
        if len(self.screen_stack) <= 1:
            return AwaitComplete()
        return super().pop_screen()

    def action_command_palette(self) -> None:
        """Unless there is one, which may be on its way out."""
        if not any(isinstance(node, CommandPalette) for node in self._nodes):
            super().action_command_palette()

    def _handle_exception(self, error: Exception) -> None:
        if not is_the_palettes(error):
            super()._handle_exception(error)


def is_the_palettes(error: BaseException) -> bool:
    """Raised in textual's palette itself, or for its list, which is gone."""
    cause = error.error if isinstance(error, WorkerFailed) else error
    if isinstance(cause, InvalidStateError):  # its answer was given before
        return True
    if isinstance(cause, NoMatches) and CommandPalette.__name__ in str(cause):
        return True
    return not PALETTE.isdisjoint(_modules(cause.__traceback__))


def _modules(trace: TracebackType | None) -> Iterator[str]:
    """Through which it went; commands of ours are called from elsewhere."""
    while trace is not None:
        yield str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
