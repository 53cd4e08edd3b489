"""Errors and stderr: a log of what went wrong, tied to requests and processes, newest last.

In: a snapshot. Out: a row for each line. Knows no code by name.
"""

from gwtop.model import Snapshot
from gwtop.model.errors import ErrorRow
from gwtop.panels._base import PLAIN, Cell, Column, Line, Look, Row, Style
from gwtop.panels._safe import safe
from gwtop.panels._sorting import Keys, Lazy, Sort, arranged
from gwtop.panels._text import UNKNOWN, time_of_day

NAME = "errors"
TITLE = "errors"
ORDER = 60
EMPTY = "no error so far"
FOLLOWS = True
COLUMNS = (
    Column("when", 8, "<", "when it was seen", keep=7),
    Column("what", 8, "<", "✖ an answer, ! a note, > a line of stderr, † an exit"),
    Column("pid", 8, ">", "the process it is about", keep=8, room=20),
    Column("said", 60, "<", "in words, or as the process wrote it", grow=True),
    Column("target", 30, "<", "of the request it belongs to", keep=4, room=50),
)
_MARKS = {"answer": "✖", "note": "!", "stderr": ">", "exit": "†"}
_STYLES: dict[str, Style] = {"error": "bad", "warn": "warn", "info": "dim"}


SORTS: Keys[ErrorRow] = {
    "when": lambda e: e.at,
    "what": lambda e: e.what,
    "pid": lambda e: e.pid,
    "said": lambda e: e.text,
    "target": lambda e: e.target,
}


def rows(snapshot: Snapshot, look: Look = PLAIN, sort: Sort | None = None) -> list[Row]:
    return list(lazy(snapshot, look, sort))


def lazy(snapshot: Snapshot, look: Look = PLAIN, sort: Sort | None = None) -> Lazy[ErrorRow]:
    shown = arranged(snapshot.errors, sort, SORTS)
    return Lazy(shown, lambda e: e.key, lambda e: _row(e, look))


def _row(error: ErrorRow, look: Look) -> Row:
    return Row(
        error.key,
        (
            Cell(time_of_day(error.at, look.utc_offset_s), "dim"),
            Cell(f"{_MARKS[error.what]} {error.what}", _STYLES[error.severity]),
            Cell(
                UNKNOWN if error.pid is None else str(error.pid), "accent" if error.pid else "dim"
            ),
            Cell(safe(error.text)),
            Cell(UNKNOWN if error.target is None else safe(error.target), "dim"),
        ),
    )


def lines(error: ErrorRow, look: Look = PLAIN) -> list[Line]:
    """One of them in full."""
    return [
        (Cell(safe(error.text)),),
        (),
        (Cell("when    ", "dim"), Cell(time_of_day(error.at, look.utc_offset_s))),
        (Cell("process ", "dim"), Cell(UNKNOWN if error.pid is None else str(error.pid))),
        (Cell("request ", "dim"), Cell(safe(error.target or UNKNOWN))),
    ]
