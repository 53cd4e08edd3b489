"""Help: the keys, and what each column of the table one was in means.

In: the panel that had the focus. Out: lines. The columns' meanings stand beside the columns, in
their panels, so help cannot say something else.
"""

from gwtop.panels import Cell, Line, Panel

KEYS = (
    ("1 2 3 …", "overview, or one table alone"),
    ("Tab", "the next pane"),
    ("↑ ↓  j k", "the row above, the row below; the selection stays on its row"),
    ("Home g", "the oldest row"),
    ("End G", "the newest; in the requests: live again"),
    ("Enter", "the request or process in full; a second click does the same"),
    ("Esc", "back"),
    ("Space", "pause: keep what is shown; nothing is lost meanwhile"),
    ("mouse", "click selects, the wheel scrolls, and the words at the foot are buttons"),
    ("e", "what you are seeing (demos)"),
    ("^p", "all commands by name"),
    ("q", "quit"),
)
SIGNS = (
    ("–", "not known"),
    ("≈", "inferred, not observed; the detail says from what"),
    ("missed", "what was not seen; red when it is not 0, ? where nobody could count"),
)


def lines(panel: Panel | None) -> list[Line]:
    found: list[Line] = [_entry(key, words) for key, words in KEYS]
    found += [(), *(_entry(sign, words) for sign, words in SIGNS)]
    if panel is not None:
        found += [(), (Cell(f"columns of {panel.TITLE}", "bold"),)]
        found += [_entry(c.name or "⚑", c.meaning) for c in panel.COLUMNS]
    return found


def _entry(name: str, words: str) -> Line:
    return (Cell(f" {name:<10}", "accent"), Cell(words))
