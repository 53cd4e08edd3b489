"""Help: the keys, and what each column of the table one was in means.

In: what the pane that had the focus says of itself. Out: lines. The columns' meanings stand beside
the columns, in their panels, so help cannot say something else.
"""

from gwtop.panels import Cell, Line

KEYS = (
    ("1 2 3 …", "overview, or one view alone; l: the lifelines"),
    ("Tab", "the next pane"),
    ("↑ ↓  j k", "the row above, the row below; the selection stays on its row"),
    ("Home g", "the oldest row"),
    ("End G", "the newest; in the requests: live again"),
    ("Enter", "the request or process in full; a second click does the same"),
    ("/  f", "filter this table, or the requests; find a row"),
    ("s S", "sort it by the next column (or click on its head); the other way round"),
    ("Esc", "back; no longer sorted; no longer filtered"),
    ("Space", "pause: keep what is shown; nothing is lost meanwhile"),
    ("[ ]  { }", "a second back in time, forth; ten seconds; End or Space: live again"),
    ("y", "copy: the row or request as text, JSON, for curl, as a line that repeats it"),
    ("w", "write the marked requests (else the filtered, else the selected) to a file"),
    ("^s", "a picture of the screen, as SVG"),
    ("x  t", "of a process: send it a signal (asks first); what its Python is executing"),
    ("← →", "on the sheet of a process: the section before, the next one"),
    ("mouse", "click selects, the wheel scrolls, and the words at the foot are buttons"),
    ("e", "explain: the note one is on, the demo or the protocol; / finds a page"),
    ("d", "drive the demo: its load, one request, an error, a crash, another demo"),
    ("E", "what you are seeing, in short (demos): hide it"),
    ("^p", "all commands by name"),
    ("q", "quit"),
)
SIGNS = (
    ("–", "not known"),
    ("≈", "inferred, not observed; the detail says from what"),
    ("missed", "what was not seen; red when it is not 0, ? where nobody could count"),
)


def lines(
    title: str, entries: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...] = ()
) -> list[Line]:
    """`own`: the user's keys and what they do."""
    found: list[Line] = [entry(key, words) for key, words in KEYS]
    if own:
        found += [(), (Cell("your keys", "bold"),), *(entry(key, words) for key, words in own)]
    found += [(), *(entry(sign, words) for sign, words in SIGNS)]
    if entries:
        found += [(), (Cell(title, "bold"),), *(entry(name, words) for name, words in entries)]
    return found


def entry(name: str, words: str) -> Line:
    return (Cell(f" {name:<10}", "accent"), Cell(words))
