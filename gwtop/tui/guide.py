"""Help: the keys, and what each column of the table one was in means.

In: what the pane that had the focus says of itself. Out: lines. The columns' meanings stand beside
the columns, in their panels, so help cannot say something else.
"""

from textual.widget import Widget

from gwtop.panels import Cell, Line
from gwtop.tui.keymap import sign
from gwtop.tui.pane import Pane

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
    ("b", "unix sockets: copy the bytes of the workers' calls, or only their lengths"),
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


def about(pane: Widget | None) -> tuple[str, tuple[tuple[str, str], ...]]:
    """What that pane says of itself; else what its keys are called."""
    told = getattr(pane, "help", None)
    if told is not None:
        title, entries = told
        return title, entries
    keys: dict[str, list[str]] = {}
    for key, binding in pane._bindings if isinstance(pane, Pane) else ():
        if binding.description:
            keys.setdefault(binding.description, []).append(sign(key))
    return "keys here", tuple((" ".join(signs), words) for words, signs in keys.items())


def lines(
    title: str, entries: tuple[tuple[str, str], ...], own: tuple[tuple[str, str], ...] = ()
) -> list[Line]:
    """What belongs to the pane one was in stands first. `own`: the user's keys."""
    found: list[Line] = []
    if entries:
        found += [(Cell(title, "bold"),), *(entry(name, words) for name, words in entries), ()]
    if own:
        found += [(Cell("your keys", "bold"),), *(entry(key, words) for key, words in own), ()]
    found += [(Cell("everywhere", "bold"),), *(entry(key, words) for key, words in KEYS)]
    return [*found, (), *(entry(name, words) for name, words in SIGNS)]


def entry(name: str, words: str) -> Line:
    return (Cell(f" {name:<10}", "accent"), Cell(words))
