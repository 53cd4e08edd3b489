"""The keys of the whole screen, and those that are named at its foot.

Out: bindings, and `Key`s with their actions. Knows no pane; what a pane does stands in its file.

Keys that move the focus have priority: they take effect before the next key is handed on, so what
is typed right after them does not go astray. Where text is typed, `Screen.check_action` gives them
back.
"""

from textual.binding import Binding

from gwtop.tui.bars import Key

BINDINGS: tuple[Binding, ...] = (
    Binding("q", "quit", "quit"),
    Binding("ctrl+c", "quit", "quit", priority=True, show=False),
    Binding("space", "pause", "pause"),
    Binding("question_mark,f1", "help", "help", priority=True),
    Binding("escape", "leave", "back"),
    Binding("e", "pages", "explain"),
    Binding("E", "explain", "what you are seeing", show=False),
    Binding("slash", "ask('filter')", "filter", priority=True),
    Binding("f", "ask('find')", "find", show=False, priority=True),
    Binding("F", "ask('name')", "save the filter", show=False, priority=True),
    Binding("c", "columns", "columns", show=False, priority=True),
    Binding("d", "drive", "drive the demo", show=False, priority=True),
    Binding("l", "view_named('Lifelines')", "lifelines", show=False),
    Binding("b", "bytes", "bytes of calls: count or copy", show=False),
    Binding("x", "signal", "send a signal", show=False),
    Binding("t", "stack", "the stack", show=False),
    Binding("tab", "app.focus_next", "next pane", show=False),
    Binding("shift+tab", "app.focus_previous", "pane before", show=False),
    Binding("y", "habit('copy')", "copy", show=False),
    Binding("w", "habit('export')", "export", show=False),
    Binding("ctrl+s", "habit('picture')", "picture", show=False),
    Binding("left_square_bracket", "step(-1)", "a second back", show=False),
    Binding("right_square_bracket", "step(1)", "a second forth", show=False),
    Binding("left_curly_bracket", "step(-10)", "ten seconds back", show=False),
    Binding("right_curly_bracket", "step(10)", "ten seconds forth", show=False),
    *(Binding(str(n), f"view({n})", show=False, priority=True) for n in range(1, 10)),
)
KEYS = (
    Key("/", "filter", "ask('filter')", 4),
    Key("⏎", "detail", "open", 3),
    Key("^p", "all", "command_palette", 5),
    Key("?", "help", "help", 8),
    Key("q", "quit", "quit", 9),
)
"""At the foot, after the views."""
IN_TIME = (
    Key("[", "back", "step(-1)", 8),
    Key("]", "forth", "step(1)", 8),
)
"""There instead of the filter while the screen is paused."""
