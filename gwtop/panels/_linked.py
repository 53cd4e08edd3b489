"""Requests as entries of a sheet: what another thing has to do with them, each of which opens.

In: request rows, newest last. Out: entries under a head, newest first. Knows no sheet.
"""

from collections.abc import Callable, Sequence

from gwtop.model import Snapshot
from gwtop.model.requests import RequestRow
from gwtop.panels._anatomy import Entry, head
from gwtop.panels._base import MIDDLE, PLAIN, Cell, Line, Look
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, time_of_day
from gwtop.panels.requests import INFERRED, status_style

LOOKED_THROUGH = 2_000
"""So many of the newest requests: some 1 ms of a paint."""


def among(
    snapshot: Snapshot, wanted: Callable[[RequestRow], bool], n_looked: int = LOOKED_THROUGH
) -> list[RequestRow]:
    """Those of the newest requests that are wanted, oldest first."""
    requests = snapshot.requests
    return [row for row in requests.between(requests.end - n_looked, requests.end) if wanted(row)]


def listed(words: str, rows: Sequence[RequestRow], look: Look = PLAIN) -> list[Entry]:
    """[] where there is none."""
    return [Entry(), head(words), *(_one(row, look) for row in rows)] if rows else []


def between(client: str, server: str) -> Line:
    """The two ends of a connection: the longer one is the first that has to be shortened."""
    return (
        Cell("between".ljust(13), "dim"),
        Cell(safe(client)),
        Cell(" → "),
        Cell(safe(server), "", MIDDLE),
    )


def _one(row: RequestRow, look: Look) -> Entry:
    status = UNKNOWN if row.status is None else str(row.status)
    wait = f"  {duration(row.queue_ns)} in the queue" if row.queue_ns else ""
    line = (
        Cell(f"{time_of_day(row.at, look.utc_offset_s)} ", "dim"),
        Cell(f"{status:>3} ", status_style(row.status)),
        Cell(f"{duration(row.duration_ns):>6}  "),
        Cell(f"{safe(row.method or UNKNOWN):<4} {safe(row.target or UNKNOWN)}"),
        Cell(wait, "dim"),
        Cell("  ≈ inferred" if row.evidence in INFERRED else "", "dim"),
    )
    return Entry(line, ("requests", row.number))
