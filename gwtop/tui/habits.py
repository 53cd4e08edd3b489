"""How the person at the screen wants it: the config applied to the app.

In: a `Config`. Out: filters for what is painted, widgets bound to the user's keys, columns put
away, filters by name. Raises ConfigError for keys that cannot be meant, before there is a screen.
"""

import os
from typing import TYPE_CHECKING

from textual.filter import LineFilter

from gwtop.config import PLAIN_TERMINALS, Config
from gwtop.model.filter import parse
from gwtop.tui.keymap import Keymap
from gwtop.tui.themes import theme_of

if TYPE_CHECKING:
    from gwtop.tui.app import Screen


class Habits:
    def __init__(self, app: "Screen", config: Config) -> None:
        self._app = app
        self.config = config
        self.keymap = Keymap(config)
        self.keymap.bind(app)
        self.theme = theme_of(self._theme_name(), config.colours, app.look.ascii)

    @property
    def filters(self) -> tuple[LineFilter, ...]:
        """Behind every widget, before NO_COLOR takes what colour there is."""
        return () if self.theme is None else (self.theme,)

    def _theme_name(self) -> str:
        """A terminal of one colour gets shapes for it, unless a theme was asked for."""
        is_plain = os.environ.get("TERM", "").startswith(PLAIN_TERMINALS[1:])
        chosen = self.config.theme
        return "mono" if is_plain and chosen == "terminal" else chosen

    def wear(self, name: str) -> None:
        """Another theme, now."""
        app = self._app
        self.theme = theme_of(name, self.config.colours, app.look.ascii)
        for widget in app.screen.walk_children():
            widget.refresh()
        app.screen.refresh()

    def settle(self) -> None:
        """Once the panes are there: columns put away that the config does not name."""
        for name, columns in self.config.columns.items():
            pane = self._app.panes.get(name)
            panel, hidden = getattr(pane, "panel", None), getattr(pane, "hidden", None)
            if panel is not None and isinstance(hidden, set):
                hidden |= {c.name for c in panel.COLUMNS if c.name and c.name not in columns}

    def use_filter(self, name: str) -> None:
        app = self._app
        if not app.requests.display:
            app.action_view_named("Requests")
        app.requests.choose(parse(self.config.filters[name]))
