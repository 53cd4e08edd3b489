"""Who is on which line, and what is remembered of whom."""

from gwtop.model import Model
from gwtop.model.lifelines import (
    BROKEN,
    FAILED,
    FINE,
    KEPT_DROPS,
    KEPT_ROWS,
    MOVED,
    REFUSED,
    RINGS_FROM,
    UNANSWERED,
    Lifelines,
    kind,
)
from gwtop.model.requests import to_row
from gwtop.model.rings import read
from tests.screens._facts import MS, T0, S, born, exited, request, sample, seen


def told(*facts: object) -> Lifelines:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot().lifelines


def test_a_worker_that_replaces_another_goes_on_in_its_line() -> None:
    lines = told(
        seen(1, 0, "worker", "w"),
        seen(2, 0, "worker", "w"),
        exited(1, T0 + S, code=1),
        born(3, T0 + 2 * S, role="worker"),
        born(4, T0 + 3 * S, role="worker"),
    )
    places = {track.pid: track.slot for track in lines.strings(T0)}
    assert places == {1: 0, 2: 1, 3: 0, 4: 2}
    assert [t.ended_badly for t in lines.strings(T0)] == [True, False, False, False]
    assert [t.pid for t in lines.strings(T0 + 2 * S)] == [2, 3, 4]


def test_drops_take_turns_whatever_became_of_the_others() -> None:
    lines = told(born(10, T0), born(11, T0 + MS), exited(10, T0 + 2 * MS), born(12, T0 + 3 * MS))
    assert {t.pid: t.slot for t in lines.drops(T0, T0 + S)} == {12: 2, 11: 1, 10: 0}
    assert {t.pid for t in lines.drops(T0, T0 + 2 * MS)} == {10, 11}
    assert {t.pid for t in lines.drops(T0 + 2 * MS + 1, T0 + S)} == {11, 12}


def test_a_role_that_is_learnt_later_moves_the_line() -> None:
    lines = told(born(5, T0, role="other"), sample(T0 + S, 5), seen(6, 0, "other", "x"))
    assert [(t.pid, t.role, t.slot) for t in lines.strings(T0)] == [
        (5, "worker", 0),
        (6, "other", 0),
    ]


def test_a_pid_that_came_back_is_another_life() -> None:
    lines = told(
        born(7, T0, role="worker"),
        request(1, T0 + 5 * MS, pid=7),
        born(7, T0 + S, role="worker"),
        request(2, T0 + S + 5 * MS, pid=7),
    )
    first, second = lines.strings(T0)
    assert (first.died_at, second.died_at) == (T0 + S, None)
    assert [row.id for row in first.rows] == [1] and [row.id for row in second.rows] == [2]


def test_requests_without_a_process_are_not_lost() -> None:
    lines = told(request(1, T0), request(2, T0, pid=99, evidence="kernel"))
    assert lines.unknown.n_answered == 1
    (nameless,) = lines.strings(T0)
    assert (nameless.pid, nameless.was_told, nameless.n_answered) == (99, False, 1)


def test_a_busy_process_keeps_its_newest_requests_and_marks_them_all() -> None:
    n = 4 * KEPT_ROWS
    many = [request(i, T0 + i * MS, pid=1, duration_ns=MS // 2) for i in range(n)]
    (track,) = told(seen(1, 0, "worker", "w"), *many).strings(T0)
    assert KEPT_ROWS <= len(track.rows) <= 2 * KEPT_ROWS
    assert track.rows[-1].id == n - 1 and track.n_answered == n
    assert read(track.rings, T0, MS, n) == bytes([FINE]) * n
    few = [request(i, T0 + i * MS, pid=1) for i in range(RINGS_FROM - 1)]
    (track,) = told(seen(1, 0, "worker", "w"), *few).strings(T0)
    assert track.rings == ()


def test_what_is_kept_of_the_dead_is_bounded() -> None:
    lines = Lifelines()
    model = Model(lifelines=lines)
    for n in range(KEPT_DROPS + 50):
        model.apply(born(100 + n, T0 + n * MS))
        model.apply(exited(100 + n, T0 + n * MS))
    assert len(lines.drops(T0, T0 + 100 * S)) == KEPT_DROPS
    assert lines.drops(T0, T0 + 100 * S)[-1].died_at == T0 + 50 * MS
    assert len(lines._by_key) == KEPT_DROPS and not lines._by_pid and not lines._living


def test_a_frozen_copy_does_not_go_on() -> None:
    model = Model()
    for fact in (seen(1, 0, "worker", "w"), born(2, T0), request(1, T0, pid=1)):
        model.apply(fact)
    kept = model.snapshot().kept()
    for fact in (request(2, T0 + S, pid=1), exited(2, T0 + S), born(3, T0 + S), request(4, T0)):
        model.apply(fact)
    (worker,) = kept.lifelines.strings(T0)
    (drop,) = kept.lifelines.drops(T0, T0 + 9 * S)
    assert worker.n_answered == 1 and drop.died_at is None
    assert kept.lifelines.unknown.n_answered == 0


def test_the_kinds_of_an_answer() -> None:
    cases = [(100, FINE), (204, FINE), (304, MOVED), (404, REFUSED), (503, FAILED)]
    for status, meant in [*cases, (None, UNANSWERED), (999, FAILED)]:
        assert kind(to_row(request(1, T0, status=status), 0, T0)) == meant
    assert kind(to_row(request(1, T0, outcome="aborted", status=None), 0, T0)) == BROKEN


def test_one_that_turns_out_to_be_cgi_when_it_ends_falls_with_the_others() -> None:
    """Told before its exec, it still held the listener and looked like a worker."""
    model = Model()
    model.apply(born(4711, T0, role="worker"))
    model.apply(exited(4711, T0 + 60 * MS, role="cgi"))
    (row,) = model.snapshot().processes
    assert row.role == "cgi"
    (drop,) = model.lifelines.drops(T0, T0 + S)
    assert (drop.pid, drop.role) == (4711, "cgi")
