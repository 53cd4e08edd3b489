"""Moments: one a second, bounded, and each shows what was to be seen then."""

from gwtop.journal import encode
from gwtop.model import Model
from gwtop.model.history import COUNTED_AGAIN, KEPT_MOMENTS, History, Moment, then, with_routes
from gwtop.model.snapshot import Snapshot
from gwtop.nouns.times import SECOND_NS as S
from gwtop.panels.routes import said
from tests.screens._facts import MS, T0, born, exited, pool, request, tick


def told(n_seconds: int) -> Model:
    """Two requests and four ticks a second; a process lives from the 3rd to the 5th second."""
    model = Model()
    for second in range(n_seconds):
        for part in range(4):
            at = T0 + second * S + part * 250 * MS
            if part % 2:
                n = 2 * second + part // 2
                model.apply(request(n, at, pid=1207))
            if (second, part) == (3, 0):
                model.apply(born(77, at))
            if (second, part) == (5, 0):
                model.apply(exited(77, at))
            model.apply(tick(at, 2 * second + part // 2))
    return model


def test_each_second_has_one_moment() -> None:
    history = told(10).history
    assert history.first_at() == T0
    moment = history.before(T0 + 10 * S)
    found = []
    while moment is not None:
        found.append((moment.at - T0) // S)
        moment = history.before(moment.at)
    assert found == list(range(9, -1, -1))


def test_a_moment_shows_the_requests_and_processes_of_then() -> None:
    model = told(10)
    now = model.snapshot()
    moment = model.history.before(T0 + 4 * S + 1)
    assert moment is not None
    past = then(moment, now)
    assert past.now_at == T0 + 4 * S
    assert (past.requests.end, past.n_requests) == (8, 8)
    assert [row.number for row in past.requests] == list(range(8))
    assert [(p.pid, p.died_at) for p in past.processes if p.pid == 77] == [(77, None)]
    assert all((one.second + 1) * S <= T0 + 4 * S for one in past.seconds)
    assert past.routes == ()
    assert past.lifelines is now.lifelines


def test_a_moment_does_not_hold_rows_that_the_table_let_go() -> None:
    model = told(10)
    moment = model.history.before(T0 + 2 * S)
    assert moment is not None and moment.snapshot.requests.blocks == ()
    gone = Snapshot(now_at=T0 + 9 * S)
    assert len(then(moment, gone).requests) == 0


def test_forth_and_back_stop_at_the_ends() -> None:
    history = told(5).history
    assert history.before(T0) is None
    first = history.before(T0 + 2 * S, 100)
    assert first is not None and first.at == T0
    last = history.after(T0, 4)
    assert last is not None and last.at == T0 + 4 * S
    assert history.after(T0, 5) is None
    assert History().before(T0) is None and History().first_at() is None


def test_moments_are_bounded_in_number_and_in_rows() -> None:
    model = Model()
    for fact in pool():
        model.apply(fact)
    base = model.snapshot()
    history = History()
    for second in range(KEPT_MOMENTS + 10):
        at = T0 + second * S
        history.keep(Snapshot(now_at=at, processes=base.processes))
        history.keep(Snapshot(now_at=at + 1))
    assert history.first_at() == T0 + 10 * S
    many = Snapshot(now_at=T0 + 10**4 * S, processes=base.processes * 20_000)
    history.keep(many)
    assert history.first_at() is None or history.first_at() == T0 + 10**4 * S
    assert encode(pool()[0])


def test_of_many_requests_the_routes_of_then_say_how_many_they_are_of() -> None:
    model = Model()
    for n in range(COUNTED_AGAIN + 10):
        model.apply(request(n, T0 + n))
    model.apply(request(1 << 20, T0 + S, target="/other"))
    now = model.snapshot()
    moment = Moment(T0 + COUNTED_AGAIN, COUNTED_AGAIN + 5, now)
    past = with_routes(then(moment, now), now)
    assert past.routes_of == COUNTED_AGAIN and sum(r.requests for r in past.routes) == COUNTED_AGAIN
    assert said(past) == f"of {COUNTED_AGAIN:,} requests before" and said(now) == ""
    assert {r.key for r in past.routes} <= {r.key for r in now.routes}
