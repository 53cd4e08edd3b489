"""Routes: requests grouped by method and path, with numbers and ids folded.

In: `Request` facts. Out: `RouteRow`s, the busiest first, made when asked for. Knows no framework:
a route is what looks alike ("/users/7/cart" and "/users/8/cart" are "/users/N/cart").

Targets come from outside, so the number of routes is bounded; what comes after the limit is
counted under one row that says so.
"""

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from gwtop.model.histogram import Counts, count, percentile_ns
from gwtop.model.requests import clip
from gwtop.nouns.facts import Request

KEPT_ROUTES = 500
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
    server_errors: int
    p50_ns: int | None
    p99_ns: int | None
    response_body_bytes: int
    time_share: float | None
    """Of the time that all requests took together."""


@dataclass(slots=True)
class Route:
    requests: int = 0
    server_errors: int = 0
    duration_ns: int = 0
    response_body_bytes: int = 0
    durations: Counts = field(default_factory=dict)


@dataclass(slots=True)
class RouteTable:
    _routes: dict[tuple[str | None, str], Route] = field(default_factory=dict)

    def add(self, fact: Request) -> None:
        key = (clip(fact.method, 20), fold(clip(fact.target, 200) or ""))
        route = self._routes.get(key)
        if route is None:
            if len(self._routes) >= KEPT_ROUTES:
                key = (None, OTHERS)
            route = self._routes.setdefault(key, Route())
        route.requests += 1
        route.server_errors += fact.status is not None and fact.status >= 500
        route.response_body_bytes += fact.response_body_bytes
        if fact.duration_ns is not None:
            route.duration_ns += fact.duration_ns
            count(route.durations, fact.duration_ns)

    def rows(self) -> tuple[RouteRow, ...]:
        all_ns = sum(route.duration_ns for route in self._routes.values())
        rows = [
            RouteRow(
                key=key,
                method=method,
                route=name,
                requests=route.requests,
                server_errors=route.server_errors,
                p50_ns=percentile_ns(route.durations, 50),
                p99_ns=percentile_ns(route.durations, 99),
                response_body_bytes=route.response_body_bytes,
                time_share=route.duration_ns / all_ns if all_ns else None,
            )
            for key, ((method, name), route) in enumerate(self._routes.items())
        ]
        return tuple(sorted(rows, key=lambda row: (-row.requests, row.route, row.method or "")))
