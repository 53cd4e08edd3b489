"""The notes: what an expert would say, each once, with how often it held.

In: a snapshot. Out: a row for each note code, errors first. Knows no code by name.
"""

from gwtop.model import Snapshot
from gwtop.model.notes import NoteRow
from gwtop.panels._base import MIDDLE, PLAIN, Cell, Column, Line, Look, Row, Style
from gwtop.panels._safe import safe
from gwtop.panels._sorting import Keys, Sort, arranged
from gwtop.panels._text import UNKNOWN, n_times, plural, time_of_day
from gwtop.panels._wrap import by_words

NAME = "notes"
TITLE = "notes"
ORDER = 80
EMPTY = "nothing to remark so far"
COLUMNS = (
    Column("", 7, "<", "⚑ error, ⚑ warn, or · info"),
    Column("said", 7, ">", "how often"),
    Column("last", 8, "<", "when it was said last", keep=7),
    Column("pid", 8, ">", "the process it is about", keep=5, room=50),
    Column("note", 70, "<", "what was said last", grow=True),
    Column("code", 26, "<", "its code: gwtop explain CODE tells more", keep=4, room=60),
)

_STYLES: dict[str, Style] = {"error": "bad", "warn": "warn", "info": "dim"}


SORTS: Keys[NoteRow] = {
    "said": lambda n: n.n_said,
    "last": lambda n: n.last_at,
    "pid": lambda n: n.pid,
    "note": lambda n: n.text,
    "code": lambda n: n.code,
}


def rows(snapshot: Snapshot, look: Look = PLAIN, sort: Sort | None = None) -> list[Row]:
    return [_row(note, look) for note in arranged(snapshot.notes, sort, SORTS)]


def lines(note: NoteRow, width: int, look: Look = PLAIN) -> list[Line]:
    """The note in full."""
    first, last = (time_of_day(at, look.utc_offset_s) for at in (note.first_at, note.last_at))
    said = f"{plural(note.n_said, 'time')}, first {first}, last {last}"
    about = [word for word in (note.listen, note.pid and f"process {note.pid}") if word]
    return [
        *((Cell(part),) for part in by_words(safe(note.text), width)),
        (),
        (Cell("said    ", "dim"), Cell(said)),
        (Cell("about   ", "dim"), Cell(safe(", ".join(about)) or UNKNOWN, "", MIDDLE)),
        (Cell("more    ", "dim"), Cell(f"gwtop explain {safe(note.code)}")),
    ]


def _row(note: NoteRow, look: Look) -> Row:
    mark = "·" if note.severity == "info" else "⚑"
    return Row(
        note.key,
        (
            Cell(f"{mark} {note.severity}", _STYLES[note.severity]),
            Cell(n_times(note.n_said)),
            Cell(time_of_day(note.last_at, look.utc_offset_s), "dim"),
            Cell(UNKNOWN if note.pid is None else str(note.pid), "accent" if note.pid else "dim"),
            Cell(safe(note.text)),
            Cell(safe(note.code), "dim"),
        ),
    )
