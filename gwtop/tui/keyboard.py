"""Where a key goes, so that keys take effect in the order in which they were typed.

In: the app, its keys. Out: whether a key was done, whether an action may be. Knows no action.

Textual hands a key to the widget that has the focus, as a message, and looks for what it is bound
to when the message has come back through the widget's parents; keys with priority it does at once.
So a "/" typed right behind an Enter was done before it, and what was typed behind the Enter that
closes a line went into that line. Here every key of a pane and of the line for filters is done
before the next one is looked at, by the focus there is by then.
"""

from typing import TYPE_CHECKING

from textual import events

from gwtop.tui.pane import Pane

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

OF_PANES = ("ask", "columns", "help", "view")
"""Actions of the whole screen, except where text is typed."""


class Keyboard:
    def __init__(self, app: "Screen") -> None:
        self._app = app

    async def did(self, event: events.Key) -> bool:
        """Whether it was done; else it goes the way that Textual has for it."""
        app = self._app
        if await app._check_bindings(event.key, priority=True):
            return True
        if app.asking.has_keys:
            return app.asking.took(event) or await app._check_bindings(event.key)
        focused = app.focused
        if not isinstance(focused, Pane) or app.drive.is_asking:
            return False
        return focused.took(event) or await app._check_bindings(event.key)

    def may(self, action: str) -> bool:
        """Where text is typed, keys are letters."""
        app = self._app
        if action in OF_PANES:
            sheet = app.request_sheet
            # not has_focus: that is told a message later
            typing = app.focused is sheet and sheet.takes(action)
            typing = typing or app.asking.is_open or app.drive.is_asking
            return len(app.screen_stack) == 1 and not typing
        if action == "drive":
            return len(app.screen_stack) == 1 and app.drive.takes_key(app.focused)
        return True
