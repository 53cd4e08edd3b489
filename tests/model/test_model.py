"""The model as a whole: totals exact, the latest tick believed, time taken from facts."""

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import InFlight
from gwtop.nouns.times import instant
from tests.screens._facts import MS, T0, S, hello, pool, rain, request, summary, tick


def told(facts: list[object]) -> Snapshot:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


def test_a_pool_is_counted_as_told() -> None:
    snapshot = told(pool())
    assert (snapshot.n_requests, snapshot.n_counted) == (40, 40)
    assert (snapshot.model, snapshot.busy, snapshot.idle) == ("worker-pool", 2, 2)
    assert snapshot.now_at == T0 + 10 * S
    assert snapshot.window.requests == 36, "the last ten seconds, the one that has begun included"
    assert [row.requests for row in snapshot.processes] == [0, 10, 10, 10, 10]
    assert snapshot.routes[0].requests == 8


def test_births_and_exits_are_counted() -> None:
    snapshot = told(rain())
    assert (snapshot.n_born, snapshot.n_exited) == (31, 30)
    dead = [row for row in snapshot.processes if row.died_at is not None]
    assert all(row.answered is not None for row in dead)


def test_a_request_that_ended_is_no_longer_in_flight() -> None:
    flying = [InFlight(n, n, "GET", "/", instant(T0), None) for n in (1, 2)]
    snapshot = told([hello(), tick(T0, 0, in_flight=flying), request(1, T0 + MS)])
    assert [r.id for r in snapshot.in_flight] == [2]


def test_a_file_is_timed_by_its_requests_and_not_by_when_it_was_read() -> None:
    facts = [hello(source="file", at=instant(T0 + 9000 * S))]
    facts += [request(n, T0 + n * S) for n in range(4)]
    snapshot = told([*facts])
    assert snapshot.now_at == T0 + 3 * S
    assert snapshot.window.requests_per_s == 4 / 3


def test_the_summary_has_the_last_word() -> None:
    snapshot = told([*pool(), summary(T0 + 20 * S, 41, model="threaded", model_evidence="x")])
    assert (snapshot.n_counted, snapshot.model, snapshot.in_flight) == (41, "threaded", ())
    assert snapshot.summary is not None


def test_equal_versions_mean_equal_snapshots() -> None:
    model = Model()
    for fact in pool():
        model.apply(fact)  # type: ignore[arg-type]
    assert model.snapshot() == model.snapshot()


def test_routes_are_made_only_when_asked_for() -> None:
    model = Model()
    model.apply(request(0, T0))
    assert model.snapshot(routes=False).routes == ()
    assert len(model.snapshot().routes) == 1
