"""What stands in the detail: a request's whole fact, or a process.

In: the panel and key of the row that was opened. Out: a title and lines. Knows two panels by
name, for only they have more to say than their row.
"""

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import Request
from gwtop.panels import Cell, Line, Look
from gwtop.panels import _detail as request_detail
from gwtop.panels import _process as process_detail


def chosen(panel: str, key: int, model: Model) -> Request | int | None:
    """A request's fact (held from now on), or a process row's key. None: nothing more to say."""
    if panel == "requests":
        return model.requests.detail(key)
    return key if panel == "processes" else None


def told(
    detail: Request | int, snapshot: Snapshot, width: int, look: Look
) -> tuple[Line, list[Line]]:
    if isinstance(detail, Request):
        title = request_detail.title(detail)
        return title, request_detail.lines(detail, snapshot, width, look)
    row = next((p for p in snapshot.processes if p.key == detail), None)
    if row is None:
        return (Cell("process", "bold"),), [(Cell("no longer kept", "dim"),)]
    return process_detail.title(row), process_detail.lines(row, snapshot, look)


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
