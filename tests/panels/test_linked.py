"""Requests as entries that open: which of them, in what order, and in what words."""

from gwtop.model import Model, Snapshot
from gwtop.panels import connections
from gwtop.panels._linked import LOOKED_THROUGH, among, listed
from gwtop.panels._route import entries
from tests.screens._facts import MS, T0, request


def snapshot_of(facts: list[object]) -> Snapshot:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


def test_only_the_newest_are_looked_through() -> None:
    snapshot = snapshot_of([request(n, T0 + n) for n in range(LOOKED_THROUGH + 5)])
    found = among(snapshot, lambda row: True)
    assert [found[0].number, found[-1].number] == [5, LOOKED_THROUGH + 4]
    assert among(snapshot, lambda row: row.number < 5) == []


def test_a_request_says_its_time_status_wait_and_how_sure_its_process_is() -> None:
    told = {"queue_ns": 3 * MS, "evidence": "spawn", "pid": 7, "status": None}
    rows = among(snapshot_of([request(1, T0, **told)]), lambda row: True)
    blank, head, one = listed("these", rows)
    assert blank.line == () and head.is_head
    words = "".join(cell.text for cell in one.line)
    assert words == "06:00:00   –  12 ms  GET  /slow?ms=20  3.0 ms in the queue  ≈ inferred"
    assert one.opens == ("requests", 0)
    assert listed("none", []) == []


def test_a_route_opens_its_slowest_first_and_then_its_last() -> None:
    facts: list[object] = [
        request(n, T0 + n, target=f"/u/{n}", duration_ns=(9 - n) * MS) for n in range(9)
    ]
    snapshot = snapshot_of([*facts, request(9, T0 + 9, target="/other")])
    route = next(r for r in snapshot.routes if r.route == "/u/N")
    opened = [e.opens[1] for e in entries(route, snapshot, 80) if e.opens]
    assert opened == [0, 1, 2, 3, 4, *range(8, -1, -1)]


def test_a_connection_opens_what_it_carried() -> None:
    facts: list[object] = [request(n, T0 + n, connection=n % 2) for n in range(6)]
    snapshot = snapshot_of(facts)
    found = connections.entries(snapshot.connections[1], snapshot)
    assert [e.opens for e in found if e.opens] == [("requests", n) for n in (5, 3, 1)]
