"""The requests: one row each, newest last, with who answered it.

In: a snapshot. Out: rows for all kept requests, or for a window of them by number, so that a
screen pays for what it shows. Refuses to know selection and scrolling.
"""

from collections.abc import Callable

from gwtop.model import Snapshot
from gwtop.model.requests import RequestRow
from gwtop.nouns.facts import Evidence, Outcome, Severity
from gwtop.panels._base import HOST, PLAIN, Cell, Column, Line, Look, Row, Style, beside
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, time_of_day
from gwtop.panels._wrap import by_words

NAME = "requests"
TITLE = "requests"
ORDER = 20
COLUMNS = (
    Column("ended", 8, "<", "when its last byte was seen", keep=5),
    Column("method", 6, "<", "as sent", keep=6),
    Column("target", 44, "<", "path and query, as sent", grow=True),
    Column("status", 6, ">", "of the answer; – when no answer head was seen"),
    Column("took", 6, ">", "from its first byte to the answer's last"),
    Column("first", 6, ">", "from its first byte to the answer's first", keep=2, room=30),
    Column("queue", 6, ">", "how long it waited before a worker read it", keep=3, room=24),
    Column("bytes", 5, ">", "of the answer's body", keep=1, room=36),
    Column(
        "pid", 8, ">", "the process that ran the application; ≈: inferred, not observed", keep=7
    ),
    Column(
        "", 2, "<", "⚑ an expert has something to say; A aborted, F failed, P partly seen", keep=8
    ),
)

ROW_ONLY = (
    "Only this row of it is left: facts are kept in full as long as the newest take 32 MiB, packed."
)
INFERRED: tuple[Evidence, ...] = ("spawn", "sole")
_OUTCOMES: dict[Outcome | None, str] = {
    "done": "",
    "aborted": "A",
    "failed": "F",
    "partial": "P",
    None: "",
}
_FLAGS: dict[Severity | None, Style] = {"error": "bad", "warn": "warn", "info": "dim", None: ""}


SORTS: dict[str, Callable[[RequestRow], int | str | None]] = {
    "ended": lambda r: r.at,
    "method": lambda r: r.method,
    "target": lambda r: r.target,
    "status": lambda r: r.status,
    "took": lambda r: r.duration_ns,
    "first": lambda r: r.first_byte_ns,
    "queue": lambda r: r.queue_ns,
    "bytes": lambda r: r.response_body_bytes,
    "pid": lambda r: r.pid,
}
"""What rows are sorted by, for each column that they can be."""


def columns(snapshot: Snapshot) -> tuple[Column, ...]:
    """COLUMNS, and whose they are where that is not always the same."""
    return (COLUMNS[0], HOST, *COLUMNS[1:]) if snapshot.hosts else COLUMNS


def rows(snapshot: Snapshot, look: Look = PLAIN) -> list[Row]:
    return window(snapshot, snapshot.requests.first, snapshot.requests.end, look)


def window(snapshot: Snapshot, first: int, end: int, look: Look = PLAIN) -> list[Row]:
    """The rows that are still kept of numbers `first` .. `end - 1`."""
    seen = beside(look, snapshot)
    return [one(request, seen) for request in snapshot.requests.between(first, end)]


def status_style(status: int | None) -> Style:
    if status is None:
        return "dim"
    if status >= 500:
        return "bad"
    return "warn" if status >= 400 else "good" if status < 300 else ""


def pid_text(pid: int | None, evidence: Evidence | None) -> str:
    if pid is None:
        return UNKNOWN
    return f"≈{pid}" if evidence in INFERRED else str(pid)


def one(request: RequestRow, look: Look = PLAIN) -> Row:
    known = request.pid is not None
    return Row(
        request.number,
        (
            Cell(time_of_day(request.at, look.utc_offset_s), "dim"),
            *([Cell(safe(request.host or UNKNOWN))] if look.hosts else ()),
            Cell(UNKNOWN if request.method is None else safe(request.method)),
            Cell(UNKNOWN if request.target is None else safe(request.target)),
            Cell(
                UNKNOWN if request.status is None else str(request.status),
                status_style(request.status),
            ),
            Cell(duration(request.duration_ns)),
            Cell(duration(request.first_byte_ns), "dim"),
            Cell(duration(request.queue_ns), "dim" if request.queue_ns is None else ""),
            Cell(n_bytes(request.response_body_bytes), "dim"),
            Cell(pid_text(request.pid, request.evidence), "accent" if known else "dim"),
            _marks(request),
        ),
    )


def lines(request: RequestRow, width: int, look: Look = PLAIN) -> list[Line]:
    """What is left of one whose fact is no longer kept: its row."""
    told = (
        ("ended", time_of_day(request.at, look.utc_offset_s)),
        ("took", duration(request.duration_ns)),
        ("queue", duration(request.queue_ns)),
        ("process", pid_text(request.pid, request.evidence)),
        (
            "sizes",
            f"asked {n_bytes(request.request_body_bytes)} body, "
            f"answered {n_bytes(request.response_body_bytes)} body",
        ),
        ("notes", safe(", ".join(request.notes)) or UNKNOWN),
    )
    named: list[Line] = [(Cell(name.ljust(13), "dim"), Cell(words)) for name, words in told]
    why = [(Cell(part, "dim"),) for part in by_words(ROW_ONLY, width)]
    return [*named, (), *why]


def _marks(request: RequestRow) -> Cell:
    outcome = _OUTCOMES[request.outcome]
    flag = "⚑" if request.severity in ("warn", "error") else ""
    style = _FLAGS[request.severity] if flag else "warn" if outcome else ""
    return Cell(outcome + flag, style)
