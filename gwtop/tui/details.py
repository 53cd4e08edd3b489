"""What stands in the detail: a request's whole fact, a route, a connection, a note.

In: the panel and key of the row that was opened. Out: a title and lines. Knows the panels by name,
for each has something else to say beyond its row.
"""

from typing import NamedTuple, TypeAlias, TypeGuard

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import Request
from gwtop.panels import Cell, Line, Look, connections, errors, notes, requests, safe
from gwtop.panels import _in_flight as flying
from gwtop.panels import _route as route_detail
from gwtop.panels._anatomy import Entry
from gwtop.panels._text import UNKNOWN
from gwtop.panels._wrap import wrap_lines


class Pointed(NamedTuple):
    """A row that is looked up again at each paint, for it goes on changing."""

    panel: str
    key: int


Detail: TypeAlias = Request | Pointed


def chosen(panel: str, key: int, model: Model) -> Detail | None:
    """What to tell of a row; a request's fact is held from now on. None: nothing more to say."""
    if panel == "errors":
        return _behind(key, model)
    if panel == "requests":
        fact = model.requests.detail(key)
        return Pointed(panel, key) if fact is None else fact
    return Pointed(panel, key)


def now_over(detail: Detail | None, model: Model) -> Request | None:
    """The fact of a request that was opened while it was in flight and is over now."""
    if not isinstance(detail, Pointed) or detail.panel != "requests":
        return None
    id = flying.id_of(detail.key)
    return None if id is None else model.requests.of_id(id)


def process_of(detail: Detail | None) -> int | None:
    """The key of the process that it is about: it has a sheet of its own."""
    is_process = isinstance(detail, Pointed) and detail.panel == "processes"
    return detail.key if isinstance(detail, Pointed) and is_process else None


def is_linked(detail: Detail | None) -> TypeGuard[Pointed]:
    """Whether its sheet leads on to others."""
    if not isinstance(detail, Pointed):
        return False
    in_flight = detail.panel == "requests" and detail.key < 0
    return in_flight or detail.panel in ("routes", "connections")


def linked(detail: Pointed, snapshot: Snapshot, width: int, look: Look) -> tuple[Line, list[Entry]]:
    if detail.panel == "routes":
        for route in snapshot.routes:
            if route.key == detail.key:
                told = route_detail.entries(route, snapshot, width, look)
                return route_detail.title(route), told
    if detail.panel == "requests":
        request = flying.find(snapshot, -1 - detail.key)
        if request is not None:
            return flying.title(request), flying.entries(request, snapshot, look)
    for connection in snapshot.connections:
        if connection.key == detail.key and detail.panel == "connections":
            title = (Cell("connection", "bold"), Cell(f" ── {connection.key}"))
            return title, connections.entries(connection, snapshot, look)
    return (Cell(detail.panel, "bold"),), [Entry((Cell(GONE, "dim"),))]


def _behind(key: int, model: Model) -> Detail:
    """What an error is about: its request, else its process, else only itself."""
    error = next((error for error in model.errors.rows() if error.key == key), None)
    if error is not None and error.process is not None:
        return Pointed("processes", error.process)
    fact = None
    if error is not None and error.request is not None:
        fact = model.requests.detail(error.request)
    return Pointed("errors", key) if fact is None else fact


def told(detail: Pointed, snapshot: Snapshot, width: int, look: Look) -> tuple[Line, list[Line]]:
    """Requests and processes have sheets of their own."""
    found = _told(detail, snapshot, width, look)
    return found or ((Cell(detail.panel, "bold"),), [(Cell(GONE, "dim"),)])


def _told(
    detail: Pointed, snapshot: Snapshot, width: int, look: Look
) -> tuple[Line, list[Line]] | None:
    match detail.panel:
        case "requests":
            for row in snapshot.requests.between(detail.key, detail.key + 1):
                name = f"{safe(row.method or UNKNOWN)} {safe(row.target or UNKNOWN)}"
                status = UNKNOWN if row.status is None else str(row.status)
                title = (
                    Cell(name, "bold"),
                    Cell(f" ── {status}", requests.status_style(row.status)),
                )
                return title, requests.lines(row, width, look)
        case "notes":
            for note in snapshot.notes:
                if note.key == detail.key:
                    title = (Cell("note", "bold"), Cell(f" ── {note.severity}"))
                    return title, notes.lines(note, width, look)
        case "errors":
            for error in snapshot.errors:
                if error.key == detail.key:
                    lines = wrap_lines(errors.lines(error, look), width)
                    return (Cell("error", "bold"), Cell(f" ── {error.what}")), lines
    return None


GONE = "no longer kept: only the newest are"
