"""The routes: requests that look alike, counted together, busiest first.

In: a snapshot made with its routes. Out: a row for each. Knows no framework.
"""

from gwtop.model import Snapshot
from gwtop.model.routes import RouteRow
from gwtop.panels._base import PLAIN, Cell, Column, Look, Row
from gwtop.panels._safe import safe
from gwtop.panels._sorting import Keys, Sort, arranged
from gwtop.panels._text import UNKNOWN, duration, n_bytes, n_times, rate, share

NAME = "routes"
TITLE = "routes"
ORDER = 40
EMPTY = "no request yet"
COLUMNS = (
    Column("method", 7, "<", "as sent", keep=8),
    Column("route", 44, "<", "path without query; N a number, # an id", grow=True),
    Column("requests", 8, ">", "how many, since this began"),
    Column("rate", 6, ">", "a second, over the last ten", keep=4, room=20),
    Column("p50", 6, ">", "half of them took no longer"),
    Column("p90", 6, ">", "90 of 100 took no longer", keep=3, room=24),
    Column("p99", 6, ">", "99 of 100 took no longer"),
    Column("5xx", 6, ">", "answers with a status of 500 or more", keep=7),
    Column("bytes", 5, ">", "of all answers' bodies", keep=5),
    Column("time", 5, ">", "its share of workers' time, the wait before left out", keep=6),
)


def said(snapshot: Snapshot) -> str:
    """Back in time, what the sums are of."""
    n_counted = snapshot.routes_of
    return "" if n_counted is None else f"of {n_counted:,} requests before"


SORTS: Keys[RouteRow] = {
    "method": lambda r: r.method,
    "route": lambda r: r.route,
    "requests": lambda r: r.requests,
    "rate": lambda r: r.requests_per_s,
    "p50": lambda r: r.p50_ns,
    "p90": lambda r: r.p90_ns,
    "p99": lambda r: r.p99_ns,
    "5xx": lambda r: r.server_errors,
    "bytes": lambda r: r.response_body_bytes,
    "time": lambda r: r.time_share,
}


def rows(snapshot: Snapshot, look: Look = PLAIN, sort: Sort | None = None) -> list[Row]:
    return [
        Row(
            route.key,
            (
                Cell(UNKNOWN if route.method is None else safe(route.method)),
                Cell(safe(route.route) or UNKNOWN),
                Cell(n_times(route.requests)),
                Cell(rate(route.requests_per_s), "" if route.requests_per_s else "dim"),
                Cell(duration(route.p50_ns)),
                Cell(duration(route.p90_ns)),
                Cell(duration(route.p99_ns)),
                Cell(n_times(route.server_errors), "bad" if route.server_errors else "dim"),
                Cell(n_bytes(route.response_body_bytes), "dim"),
                Cell(share(route.time_share)),
            ),
        )
        for route in arranged(snapshot.routes, sort, SORTS)
    ]
