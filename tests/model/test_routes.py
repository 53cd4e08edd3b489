"""Routes: what looks alike is one row, and there are never too many."""

import pytest

from gwtop.model.routes import KEPT_ROUTES, OTHERS, RouteTable, fold
from tests.screens._facts import MS, T0, request


@pytest.mark.parametrize(
    ("target", "route"),
    [
        ("/users/17/cart?x=1", "/users/N/cart"),
        ("/v2/a1b2", "/vN/aNbN"),
        ("/o/0f8fad5b-d9cb-469f-a165-70867728950e", "/o/#"),
        ("/blob/9e107d9d372bb6826bd81d3542a419d6", "/blob/#"),
        ("/decade/facade", "/decade/facade"),
        ("", ""),
        ("*", "*"),
    ],
)
def test_numbers_and_ids_are_folded(target: str, route: str) -> None:
    assert fold(target) == route


def test_a_route_counts_what_it_covers() -> None:
    table = RouteTable()
    for n in range(4):
        table.add(request(n, T0, target=f"/u/{n}", duration_ns=10 * MS, status=200 + 100 * n), T0)
    table.add(request(9, T0, target="/", duration_ns=60 * MS), T0)
    first, second = table.rows()
    assert (first.route, first.requests, first.server_errors) == ("/u/N", 4, 1)
    assert first.time_share == 0.4
    assert first.p50_ns is not None and abs(first.p50_ns - 10 * MS) < MS
    assert (second.route, second.response_body_bytes) == ("/", 1024)
    assert first.key == 0 and second.key == 1


def test_a_flood_of_routes_ends_in_one_row() -> None:
    table = RouteTable()
    for n in range(KEPT_ROUTES + 50):
        table.add(request(n, T0, target="/" + chr(97 + n % 26) * (1 + n // 26)), T0)
    rows = table.rows()
    assert len(rows) <= KEPT_ROUTES + 1
    others = next(row for row in rows if row.route == OTHERS)
    assert sum(row.requests for row in rows) == KEPT_ROUTES + 50
    assert others.method is None
