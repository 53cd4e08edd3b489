"""One route in full: how long its requests took, as a histogram.

In: a route's row and a width. Out: lines of cells. Knows no framework.

Durations are counted in sixteenths of powers of two; people read 1, 2, 5, so buckets are added up
to those. The band that holds the median is marked, for an average would hide two humps.
"""

from gwtop.model import Snapshot
from gwtop.model.histogram import middle_ns
from gwtop.model.requests import clip
from gwtop.model.routes import RouteRow, fold
from gwtop.panels._anatomy import Entry
from gwtop.panels._base import PLAIN, Cell, Line, Look
from gwtop.panels._linked import among, listed
from gwtop.panels._safe import safe
from gwtop.panels._text import UNKNOWN, duration, n_bytes, n_times, rate, share

SHOWN_SLOWEST, SHOWN_LAST = 5, 20
EDGES_NS = tuple(step * 10**power for power in range(3, 12) for step in (1, 2, 5))
"""1 us ... 500 s."""
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def title(route: RouteRow) -> Line:
    return (
        Cell(f"{safe(route.method or UNKNOWN)} {safe(route.route) or UNKNOWN}", "bold"),
        Cell(f" ── {n_times(route.requests)} requests"),
    )


def lines(route: RouteRow, width: int) -> list[Line]:
    told = (
        (
            "took",
            f"p50 {duration(route.p50_ns)}   p90 {duration(route.p90_ns)}   "
            f"p99 {duration(route.p99_ns)}",
        ),
        ("rate", f"{rate(route.requests_per_s)} over the last 10 s"),
        ("errors", f"{n_times(route.server_errors)} with 5xx, {n_times(route.refused)} with 4xx"),
        ("bytes", f"{n_bytes(route.response_body_bytes)} answered"),
        ("time", f"{share(route.time_share)} of what workers spent on all requests"),
    )
    found: list[Line] = [(Cell(name.ljust(9), "dim"), Cell(words)) for name, words in told]
    return [*found, (), *_histogram(route, width)]


def entries(route: RouteRow, snapshot: Snapshot, width: int, look: Look = PLAIN) -> list[Entry]:
    """`lines`, and of the newest requests those that were of it: the slowest, and the last."""
    name = route.method, route.route
    of_it = among(snapshot, lambda row: (clip(row.method, 20), fold(row.target or "")) == name)
    slowest = sorted(of_it, key=lambda row: row.duration_ns or 0, reverse=True)[:SHOWN_SLOWEST]
    return [
        *map(Entry, lines(route, width)),
        *listed(f"the slowest of its newest {len(of_it):,}", slowest, look),
        *listed("its last requests", of_it[: -SHOWN_LAST - 1 : -1], look),
    ]


def bands(route: RouteRow) -> list[tuple[int, int, int]]:
    """(from, to, how many), without gaps, from the first band that was hit to the last."""
    counts = [0] * len(EDGES_NS)
    for index, n in route.durations:
        place = sum(edge <= middle_ns(index) for edge in EDGES_NS)
        counts[min(place, len(EDGES_NS) - 1)] += n
    hit = [place for place, n in enumerate(counts) if n]
    if not hit:
        return []
    return [
        (EDGES_NS[place - 1] if place else 0, EDGES_NS[place], counts[place])
        for place in range(hit[0], hit[-1] + 1)
    ]


def _histogram(route: RouteRow, width: int) -> list[Line]:
    found = bands(route)
    if not found:
        return [(Cell("no duration is known", "dim"),)]
    most = max(n for _, _, n in found)
    room = max(8, width - 28)
    drawn: list[Line] = []
    for low, high, n in found:
        middle = route.p50_ns is not None and low <= route.p50_ns < high
        drawn.append(
            (
                Cell(f"{duration(low):>6} – {duration(high):<6} ", "dim"),
                Cell("▸" if middle else " ", "accent"),
                Cell(_bar(n * room * 8 // most).ljust(room), "accent" if middle else "good"),
                Cell(f" {n_times(n):>7}", "" if n else "dim"),
            )
        )
    return drawn


def _bar(n_eighths: int) -> str:
    whole, rest = divmod(max(1, n_eighths) if n_eighths else 0, 8)
    return "█" * whole + _EIGHTHS[rest].strip()
