"""The notes: what an expert would say, each once, with how often it held.

In: a snapshot. Out: a row for each note code, errors first. Knows no code by name.
"""

from gwtop.model import Snapshot
from gwtop.model.notes import NoteRow
from gwtop.panels._base import PLAIN, Cell, Column, Look, Row, Style
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, n_times, time_of_day

NAME = "notes"
TITLE = "notes"
ORDER = 4
COLUMNS = (
    Column("", 7, "<", "⚑ error, ⚑ warn, or · info"),
    Column("said", 7, ">", "how often"),
    Column("last", 8, "<", "when it was said last", keep=7),
    Column("pid", 8, ">", "the process it is about", keep=5),
    Column("note", 70, "<", "what was said last", grow=True),
    Column("code", 26, "<", "its code: gwtop explain CODE tells more", keep=6),
)

_STYLES: dict[str, Style] = {"error": "bad", "warn": "warn", "info": "dim"}


def rows(snapshot: Snapshot, look: Look = PLAIN) -> list[Row]:
    return [_row(note, look) for note in snapshot.notes]


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
