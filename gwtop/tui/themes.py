"""Themes: what a role looks like, applied to strips on their way to the terminal.

In: strips in the sixteen colours of `strips.COLOURS`. Out: the same in a theme's styles, and in
ASCII where the terminal has nothing else. Refuses to know what a line says.

It is a filter behind the panes, not something they ask: a pane names a role, and stays comparable
and cacheable whatever the theme is. The theme "terminal" has no filter at all; others cost one
look-up per segment that is painted, and nothing for those that are not.
"""

from collections.abc import Mapping
from functools import lru_cache

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual.color import Color
from textual.filter import LineFilter

from gwtop.panels import Style
from gwtop.tui.strips import COLOURS, Mark, look_of

TEXT = "text"
_DARK = {
    TEXT: "#d7dadf on #14181d",
    "dim": "#7d8590",
    "bold": "bold #ffffff",
    "good": "#7ec97e",
    "warn": "#e5b95c",
    "bad": "bold #ff6b6b",
    "accent": "#6cb6ff",
    "head": "bold #14181d on #8ba4c4",
    "warn-block": "#14181d on #e5b95c",
    "bad-block": "bold #14181d on #ff6b6b",
}
_LIGHT = {
    TEXT: "#24292f on #fdfdfb",
    "dim": "#6a737d",
    "bold": "bold #000000",
    "good": "#1a7f37",
    "warn": "#8a5a00",
    "bad": "bold #c11c28",
    "accent": "#0550ae",
    "head": "bold #ffffff on #3d5a80",
    "warn-block": "#ffffff on #8a5a00",
    "bad-block": "bold #ffffff on #c11c28",
}
_HIGH_CONTRAST = {
    TEXT: "#ffffff on #000000",
    "dim": "#d0d0d0",
    "bold": "bold #ffffff",
    "good": "bold #00ff5f",
    "warn": "bold #ffff00",
    "bad": "bold #ff8787",
    "accent": "bold #5fffff",
    "head": "bold #000000 on #ffffff",
    "warn-block": "bold #000000 on #ffff00",
    "bad-block": "bold #000000 on #ff8787",
}
_MONO = {
    TEXT: "",
    "dim": "dim",
    "bold": "bold",
    "good": "",
    "warn": "bold",
    "bad": "bold underline",
    "accent": "bold",
    "head": "bold reverse",
    "warn-block": "reverse",
    "bad-block": "bold reverse underline",
}
THEMES: Mapping[str, Mapping[str, str]] = {
    "terminal": {TEXT: ""} | {str(role): style for role, style in COLOURS.items()},
    "dark": _DARK,
    "light": _LIGHT,
    "high-contrast": _HIGH_CONTRAST,
    "mono": _MONO,
}
MARKS: tuple[Mark, ...] = ("", "reverse", "underline")
_GLYPHS = {
    "╭╮╰╯┌┐└┘├┤┬┴┼╞╡╪": "+",
    "│┃║╎┆▏▎▍▌▐": "|",
    "─━═╌┄▔": "-",
    "█▉▊▋▇": "#",
    "▓▨▆▅": "%",
    "▒▄": "=",
    "▃": "-",
    "░▂": ".",
    "▁": "_",
    "■●◆◉": "*",
    "○◇◌": "o",
    "▶▸→›": ">",
    "◀◂←‹": "<",
    "▲▴↑": "^",
    "▼▾↓⚑": "v",
    "≈…": "~",
    "–—−": "-",
    "·•": ".",
    "×✖╳†": "x",
    "⊕": "+",
    "↔": "=",
    "µ": "u",
    "⏸": "=",
    "⏎": "^",
    "␣": "_",
    "╵╷╹╻": "'",
    "✓": "y",
    "✗": "n",
    "“”": '"',
    "‘’": "'",
}
_FLAG = "!"  # a flag is no arrow: what an expert has to say must look like nothing else


@lru_cache(maxsize=1)
def _table() -> dict[int, str]:
    table = {ord(c): plain for glyphs, plain in _GLYPHS.items() for c in glyphs}
    braille = dict.fromkeys(range(10241, 10496), "*")
    return {**table, **braille, 0x2800: " ", ord("⚑"): _FLAG}


def to_ascii(text: str) -> str:
    """As many cells, all of them ASCII; what has no likeness is "?" in each of its cells."""
    if text.isascii():
        return text
    text = text.translate(_table())
    return (
        text if text.isascii() else "".join(c if c.isascii() else "?" * cell_len(c) for c in text)
    )


MAX_KNOWN = 4096
"""Styles: ours are under 200."""


class Theme(LineFilter):
    """A theme's look, and with `ascii` its letters. Never changes: strips cache what it made."""

    def __init__(self, name: str, colours: Mapping[str, str], ascii: bool) -> None:
        super().__init__()
        self.name = name
        self.ascii = ascii
        self.is_plain = name == "terminal" and not colours
        self._has_colour = name != "mono"
        roles = {**THEMES[name], **colours}
        self._text = RichStyle.parse(roles[TEXT] or "none")
        self._known: dict[RichStyle, RichStyle] = {}
        for role in COLOURS:
            for mark in MARKS:
                self._known[look_of(role, mark)] = self._look(role, mark, roles)

    def _look(self, role: Style, mark: Mark, roles: Mapping[str, str]) -> RichStyle:
        style = self._text + RichStyle.parse(roles.get(role or TEXT) or "none")
        if role.endswith("-block"):
            return style
        if mark == "reverse":  # one colour for the whole row, or it would look like several
            style = self._text + RichStyle.parse("reverse")
            return style + RichStyle.parse("bold") if role == "bad" else style
        return style + RichStyle.parse(mark) if mark else style

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if self.is_plain:
            return [Segment(to_ascii(t), style, control) for t, style, control in segments]
        return [
            Segment(to_ascii(text) if self.ascii else text, self._styled(style), control)
            for text, style, control in segments
        ]

    def _styled(self, style: RichStyle | None) -> RichStyle | None:
        if style is None:
            return self._text
        known = self._known.get(style)
        if known is None:
            known = self._foreign(style)
            if len(self._known) < MAX_KNOWN:  # a widget may put a place of the screen into each
                self._known[style] = known
        return known

    def _foreign(self, style: RichStyle) -> RichStyle:
        """Of a widget that is not ours: its own colours, else the theme's."""
        if not self._has_colour:
            return style.without_color
        over = RichStyle(
            color=None if style.color is None or style.color.is_default else style.color,
            bgcolor=None if style.bgcolor is None or style.bgcolor.is_default else style.bgcolor,
        )
        return self._text + style.without_color + over


def theme_of(name: str, colours: Mapping[str, str], ascii: bool) -> Theme | None:
    """None: there is nothing to change."""
    theme = Theme(name, colours, ascii)
    return None if theme.is_plain and not ascii else theme
