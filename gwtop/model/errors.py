"""What went wrong, one line each, newest last: answers, notes, stderr, exits.

In: requests, notes, rows of processes that ended. Out: `ErrorRow`s, each with the request and the
process it belongs to. Refuses to know what a code means.

Bounded, and told so: `n_told` counts what there was. What a worker writes to stderr is given line
by line, for that is how it is read, but never more lines than a screen would show.
"""

from collections import deque
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from gwtop.model.processes import ProcessRow
from gwtop.model.requests import RequestRow, clip
from gwtop.nouns.facts import Note, Request, Severity
from gwtop.nouns.times import Nanos, nanos

KEPT_ERRORS = 2_000
KEPT_TEXT = 400
SHOWN_STDERR_LINES = 20
"""Of one request: a traceback and a half."""

What: TypeAlias = Literal["answer", "stderr", "note", "exit"]


class ErrorRow(NamedTuple):
    key: int
    at: Nanos
    severity: Severity
    what: What
    text: str
    pid: int | None
    request: int | None
    """Its number."""
    process: int | None
    """The key of its row."""
    target: str | None


@dataclass(slots=True)
class ErrorLog:
    n_told: int = 0
    _rows: deque[ErrorRow] = field(default_factory=lambda: deque(maxlen=KEPT_ERRORS))

    def add_of(self, fact: Request, row: RequestRow) -> None:
        """What a request has to say, if anything."""
        words = _words(row)
        if words is not None:
            self._say(row, "error" if row.outcome != "partial" else "warn", "answer", words)
        for note in fact.notes:
            if note.severity != "info":
                self._say(row, note.severity, "note", f"{note.text} ({note.code})")
        if fact.stderr:
            lines = [line for line in fact.stderr.replace("\r", "").split("\n") if line.strip()]
            for line in lines[:SHOWN_STDERR_LINES]:
                self._say(row, "warn", "stderr", line)
            if len(lines) > SHOWN_STDERR_LINES:
                more = f"… and {len(lines) - SHOWN_STDERR_LINES} lines more"
                self._say(row, "warn", "stderr", more)

    def add_note(self, fact: Note) -> None:
        if fact.severity != "info":
            text = clip(f"{fact.text} ({fact.code})", KEPT_TEXT) or ""
            self._add(nanos(fact.at), fact.severity, "note", text, fact.pid)

    def add_exit(self, process: ProcessRow) -> None:
        """An end that was none of the process's own: a signal, or a status that is not 0."""
        if process.died_at is None or (process.signal is None and not process.code):
            return
        how = f"exit status {process.code}"
        if process.signal is not None:
            how = f"killed by signal {process.signal}"
        answered = process.answered
        self._add(
            process.died_at,
            "error" if process.signal is not None else "warn",
            "exit",
            f"{process.role} {process.name or process.pid}: {how}",
            process.pid,
            None if answered is None else answered.number,
            process.key,
            None if answered is None else answered.target,
        )

    def rows(self) -> tuple[ErrorRow, ...]:
        return tuple(self._rows)

    def _say(self, row: RequestRow, severity: Severity, what: What, text: str) -> None:
        clipped = clip(text, KEPT_TEXT) or ""
        self._add(row.at, severity, what, clipped, row.pid, row.number, None, row.target)

    def _add(
        self,
        at: Nanos,
        severity: Severity,
        what: What,
        text: str,
        pid: int | None,
        request: int | None = None,
        process: int | None = None,
        target: str | None = None,
    ) -> None:
        row = ErrorRow(self.n_told, at, severity, what, text, pid, request, process, target)
        self._rows.append(row)
        self.n_told += 1


def _words(row: RequestRow) -> str | None:
    """What was wrong with an answer. None: nothing."""
    if row.outcome == "failed":
        return "the gateway said that it failed"
    if row.outcome == "aborted":
        return "the connection ended before the answer did"
    if row.status is not None and row.status >= 500:
        return f"answered {row.status}"
    return "bytes of it were not seen" if row.outcome == "partial" else None
