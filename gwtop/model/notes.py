"""Notes, folded: one row for each code, with how often it was said and what was said last.

In: `note` facts, and the notes that stand on requests. Out: `NoteRow`s, errors first. Refuses to
know what a code means: `gwtop explain CODE` does.

A note that stands on every request would push all others out of a plain list; folded, the list
is short and nothing jumps, for a row keeps its place from the first time it was said.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from gwtop.model.requests import RequestRow, clip
from gwtop.nouns.facts import Note, Request, Severity
from gwtop.nouns.times import Nanos, nanos

KEPT_CODES = 300
KEPT_TEXT = 600


class NoteRow(NamedTuple):
    key: int
    code: str
    severity: Severity
    text: str
    n_said: int
    first_at: Nanos
    last_at: Nanos
    pid: int | None
    listen: str | None
    request: int | None
    """Number of the newest request that it stands on."""


_ORDER: dict[Severity, int] = {"error": 0, "warn": 1, "info": 2}


@dataclass(slots=True)
class NoteTable:
    _rows: dict[str, NoteRow] = field(default_factory=dict)
    newest: NoteRow | None = None
    """The newest warning or error that concerns no single request."""

    def add(self, fact: Note) -> None:
        at = nanos(fact.at)
        row = NoteRow(
            0, fact.code, fact.severity, fact.text, 1, at, at, fact.pid, fact.listen, None
        )
        row = self._say(row)
        if row.severity != "info":
            self.newest = row

    def add_of(self, fact: Request, request: RequestRow) -> None:
        at, number = request.at, request.number
        for note in fact.notes:
            self._say(
                NoteRow(0, note.code, note.severity, note.text, 1, at, at, fact.pid, None, number)
            )

    def _say(self, row: NoteRow) -> NoteRow:
        code, text = clip(row.code, 80) or "", clip(row.text, KEPT_TEXT) or ""
        old = self._rows.get(code)
        if old is None:
            row = row._replace(key=len(self._rows), code=code, text=text)
        else:
            row = row._replace(code=code, text=text, key=old.key)
            row = row._replace(first_at=old.first_at, n_said=old.n_said + 1)
        if old is not None or len(self._rows) < KEPT_CODES:
            self._rows[code] = row
        return row

    def rows(self) -> tuple[NoteRow, ...]:
        return tuple(sorted(self._rows.values(), key=lambda row: _ORDER[row.severity]))
