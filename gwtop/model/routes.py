"""Routes: requests grouped by method and path, with numbers and ids folded.

In: `Request` facts, or rows of them. Out: `RouteRow`s, busiest first, made when asked for; those of
an earlier moment, from rows that are kept. Knows no framework: a route is what looks alike
("/users/7/cart" and "/users/8/cart" are "/users/N/cart").

Targets come from outside, so the number of routes is bounded; what comes after the limit is
counted under one row that says so.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from gwtop.model.histogram import Counts, count, percentile_ns
from gwtop.model.requests import RequestRow, clip
from gwtop.nouns.facts import Request
from gwtop.nouns.times import SECOND_NS, Nanos

KEPT_ROUTES = 500
RATE_SECONDS = 10
OTHERS = "(other routes)"

_ID = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
    r"|(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{16,})(?![0-9A-Za-z])|\d+"
)


@lru_cache(maxsize=4096)
def fold(target: str) -> str:
    """The path without its query, each number as N, each UUID or long hexadecimal id as #."""
    path = target.partition("?")[0]
    return _ID.sub(lambda m: "N" if m[0].isdigit() and len(m[0]) < 16 else "#", path)


class RouteRow(NamedTuple):
    key: int
    """Stays with the route while others overtake it."""
    method: str | None
    route: str
    requests: int
    requests_per_s: float
    """Over the last `RATE_SECONDS`."""
    server_errors: int
    refused: int
    """Answers with 4xx."""
    p50_ns: int | None
    p90_ns: int | None
    p99_ns: int | None
    response_body_bytes: int
    time_share: float | None
    """Of the time that workers spent on all requests: without the wait before."""
    durations: tuple[tuple[int, int], ...]
    """Bucket of `gwtop.model.histogram`, how many."""


@dataclass(slots=True)
class Route:
    requests: int = 0
    server_errors: int = 0
    refused: int = 0
    worker_ns: int = 0
    response_body_bytes: int = 0
    durations: Counts = field(default_factory=dict)
    seconds: dict[int, int] = field(default_factory=dict)
    """Requests in each of the newest seconds."""

    def tick(self, second: int) -> None:
        self.seconds[second] = self.seconds.get(second, 0) + 1
        if len(self.seconds) > 2 * RATE_SECONDS:
            for old in sorted(self.seconds)[:RATE_SECONDS]:
                del self.seconds[old]

    def per_s(self, now_second: int) -> float:
        """Over whole seconds, the running one left out."""
        first = now_second - RATE_SECONDS
        return sum(n for s, n in self.seconds.items() if first <= s < now_second) / RATE_SECONDS


@dataclass(slots=True)
class RouteTable:
    _routes: dict[tuple[str | None, str], Route] = field(default_factory=dict)

    def add(self, fact: Request | RequestRow, at: Nanos) -> None:
        key = (clip(fact.method, 20), fold(clip(fact.target, 200) or ""))
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= KEPT_ROUTES:
                key = (None, OTHERS)
            route = self._routes.setdefault(key, Route())
        route.requests += 1
        route.tick(at // SECOND_NS)
        route.server_errors += fact.status is not None and fact.status >= 500
        route.refused += fact.status is not None and 400 <= fact.status < 500
        route.response_body_bytes += fact.response_body_bytes or 0
        if fact.duration_ns is not None:
            route.worker_ns += max(0, fact.duration_ns - (fact.queue_ns or 0))
            count(route.durations, fact.duration_ns)

    def rows(self, now_at: Nanos = 0) -> tuple[RouteRow, ...]:
        all_ns = sum(route.worker_ns for route in self._routes.values())
        rows = [
            RouteRow(
                key=key,
                method=method,
                route=name,
                requests=route.requests,
                requests_per_s=route.per_s(now_at // SECOND_NS),
                server_errors=route.server_errors,
                refused=route.refused,
                p50_ns=percentile_ns(route.durations, 50),
                p90_ns=percentile_ns(route.durations, 90),
                p99_ns=percentile_ns(route.durations, 99),
                response_body_bytes=route.response_body_bytes,
                time_share=route.worker_ns / all_ns if all_ns else None,
                durations=tuple(sorted(route.durations.items())),
            )
            for key, ((method, name), route) in enumerate(self._routes.items())
        ]
        return tuple(sorted(rows, key=lambda row: (-row.requests, row.route, row.method or "")))


def again(
    rows: Iterable[RequestRow], now_at: Nanos, known: Iterable[RouteRow]
) -> tuple[RouteRow, ...]:
    """Counted anew from rows; a route that is `known` keeps its key."""
    table = RouteTable()
    for row in rows:
        table.add(row, row.at)
    keys = {(route.method, route.route): route.key for route in known}
    return tuple(
        route._replace(key=keys.get((route.method, route.route), -1 - route.key))
        for route in table.rows(now_at)
    )
