"""What stands around the panes: the two lines at the head, the alert, the foot.

In: the app, with the snapshot it shows. Out: lines said to its bars. Knows no pane.
"""

from typing import TYPE_CHECKING

from gwtop.model import Snapshot
from gwtop.panels import Cell
from gwtop.panels._header import numbers_line, title_line
from gwtop.tui.alerts import NO_SUMMARY, alert
from gwtop.tui.bars import Bar, Foot, Key
from gwtop.tui.keys import IN_TIME, KEYS

if TYPE_CHECKING:
    from gwtop.tui.app import Screen

ASCII_SIGNS = {"␣": "Spc", "⏎": "Ent"}


class Edges:
    def __init__(self, app: "Screen") -> None:
        self._app = app

    def paint(self) -> None:
        app, width = self._app, self._app.size.width
        app.query_one("#head", Bar).say(
            (
                title_line(app.shown, app.gateway_title, self._state(), width),
                numbers_line(app.shown, width),
            )
        )
        self._paint_alert()
        self._paint_foot()

    def _state(self) -> Cell:
        app = self._app
        if app.paused:
            return app.past.words()
        if app.model.summary is not None:
            return Cell("■ done", "bold")
        if app.feed.has_ended:
            return Cell("■ ended", "bad")
        if is_gateway_gone(app.shown):
            return Cell("■ gateway gone", "bad")
        return Cell("▶ live", "good")

    def _paint_alert(self) -> None:
        app = self._app
        bar = app.query_one("#alert", Bar)
        why = (app.intake.last_words or NO_SUMMARY) if app.feed.was_cut_off else None
        copy_key = app.habits.keymap.sign_of("bytes", "b")
        lines = alert(app.shown, why, app.trouble, app.size.width, copy_key)
        bar.display = bool(lines)
        if lines:
            bar.styles.height = len(lines)
            bar.say(lines)

    def _paint_foot(self) -> None:
        app = self._app
        tabs = [
            Key(str(place), view.label, f"view({place})", 6, app.view == place, view.short)
            for place, view in enumerate(app.views, 1)
        ]
        app.query_one("#foot", Foot).say(tabs, [*map(self._own, self._keys())])

    def _keys(self) -> tuple[Key, ...]:
        if not self._app.paused:
            return (Key("␣", "pause", "pause", 7), *KEYS)
        rest = (key for key in KEYS if not key.action.startswith("ask"))
        return (Key("␣", "go on", "pause", 9), *IN_TIME, *rest)

    def _own(self, key: Key) -> Key:
        """With the sign of the key that the user chose for it."""
        sign = self._app.habits.keymap.sign_of(key.action, key.key)
        return key._replace(key=ASCII_SIGNS.get(sign, sign) if self._app.look.ascii else sign)


def is_gateway_gone(shown: Snapshot) -> bool:
    """Every process that was watched has ended: the engine is live, what it watches is not."""
    return bool(shown.processes) and all(p.died_at is not None for p in shown.processes)
