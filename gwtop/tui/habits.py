"""How the person at the screen wants it: the config applied to the app.

In: a `Config`. Out: filters for what is painted, widgets bound to the user's keys, columns put
away, filters by name. Raises ConfigError for keys that cannot be meant, before there is a screen.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.filter import LineFilter

from gwtop.config import PLAIN_TERMINALS, Config, ConfigError, path_of
from gwtop.model.filter import parse
from gwtop.panels import escape
from gwtop.tui.keymap import Keymap
from gwtop.tui.themes import Theme, theme_of

if TYPE_CHECKING:
    from textual.notifications import SeverityLevel

    from gwtop.tui.app import Screen
    from gwtop.tui.deeds import Deed

SAID_S = 6.0


def theme_for(config: Config, ascii: bool) -> Theme | None:
    """A terminal of one colour gets shapes for it, unless a theme was asked for."""
    is_plain = os.environ.get("TERM", "").startswith(PLAIN_TERMINALS[1:])
    name = "mono" if is_plain and config.theme == "terminal" else config.theme
    return theme_of(name, config.colours, ascii)


class Habits:
    def __init__(self, app: "Screen", config: Config) -> None:
        self._app = app
        self.config = config
        self.keymap = Keymap(config)
        self.keymap.bind(app)
        self.theme = theme_for(config, app.look.ascii)
        self.said = ""
        """The newest word to the user."""
        self.copied = ""
        """Where there is no terminal."""

    @property
    def filters(self) -> tuple[LineFilter, ...]:
        """Behind every widget, before NO_COLOR takes what colour there is."""
        return () if self.theme is None else (self.theme,)

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

    def do(self, deed: "Deed") -> None:
        from gwtop.tui import deeds  # protocols and formats: 20 ms

        deeds.do(self._app, deed)

    def say(self, text: str, severity: "SeverityLevel" = "information") -> None:
        """A word in the corner, for some seconds; a click takes it away. It may name a file."""
        self.said = "\n".join(map(escape, text.split("\n")))
        self._app.notify(self.said, severity=severity, timeout=SAID_S, markup=False)

    def save_filter(self, name: str, line: str) -> None:
        """Into the config file, where the palette finds it from now on; "": never mind."""
        if not name:
            return
        from gwtop.config.saving import save_filter  # TOML and JSON: 10 ms

        path = self.config.path or path_of(os.environ, Path.home())
        try:
            said = save_filter(path, name.strip(), line)
        except ConfigError as wrong:
            self.say(f"{wrong}", "error")
            return
        self.config = replace(self.config, filters=said.filters, path=path, text=said.text)
        self.say(f"{path}: {name.strip()} = {line}")

    def use_filter(self, name: str) -> None:
        app = self._app
        if not app.requests.display:
            app.action_view_named("Requests")
        app.requests.choose(parse(self.config.filters[name]))
