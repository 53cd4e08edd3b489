"""What stands in the detail: a request's whole fact, a process, a note.

In: the panel and key of the row that was opened. Out: a title and lines. Knows three panels by
name, for only they have more to say than their row.
"""

from typing import NamedTuple, TypeAlias

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import Request
from gwtop.panels import Cell, Line, Look, notes
from gwtop.panels import _detail as request_detail
from gwtop.panels import _process as process_detail


class Pointed(NamedTuple):
    """A row that is looked up again at each paint, for it goes on changing."""

    panel: str
    key: int


Detail: TypeAlias = Request | Pointed


def chosen(panel: str, key: int, model: Model) -> Detail | None:
    """What to tell of a row; a request's fact is held from now on. None: nothing more to say."""
    if panel == "requests":
        fact = model.requests.detail(key)
        return Pointed(panel, key) if fact is None else fact
    return Pointed(panel, key) if panel in ("processes", "notes") else None


def told(detail: Detail, snapshot: Snapshot, width: int, look: Look) -> tuple[Line, list[Line]]:
    if isinstance(detail, Request):
        title = request_detail.title(detail)
        return title, request_detail.lines(detail, snapshot, width, look)
    if detail.panel == "processes":
        for process in snapshot.processes:
            if process.key == detail.key:
                lines = process_detail.lines(process, snapshot, look)
                return process_detail.title(process), lines
    for note in snapshot.notes:
        if detail == ("notes", note.key):
            lines = request_detail.wrap_lines(notes.lines(note, look), width)
            return (Cell("note", "bold"), Cell(f" ── {note.severity}")), lines
    return (Cell(detail.panel, "bold"),), [(Cell(GONE, "dim"),)]


GONE = "no longer kept in full: only the newest 2,000 are"


def wrapped(text: str, width: int, n_lines: int) -> list[Line]:
    """Words in at most so many lines."""
    lines: list[str] = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    if len(lines) > n_lines:
        lines = lines[:n_lines]
        lines[-1] = lines[-1][: width - 2] + " …"
    return [(Cell("  "), Cell(line, "dim")) for line in lines]
