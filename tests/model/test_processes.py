"""The process table: pids come back, rows do not."""

from gwtop.model.processes import KEPT_DEAD, KEPT_LIVING, ProcessTable
from gwtop.model.requests import to_row
from gwtop.nouns.facts import Request
from tests.screens._facts import MS, T0, born, exited, request, sample, seen


def answered(table: ProcessTable, fact: Request) -> None:
    table.answered(fact, to_row(fact, fact.id, T0))


def test_a_pid_that_comes_back_is_another_row() -> None:
    table = ProcessTable()
    table.born(born(500, T0))
    table.exited(exited(500, T0 + 1, code=3))
    table.born(born(500, T0 + 2))
    living, dead = table.rows()
    assert (living.pid, dead.pid) == (500, 500)
    assert living.key != dead.key
    assert (living.died_at, dead.code) == (None, 3)
    assert (table.n_born, table.n_exited) == (2, 1)


def test_a_birth_without_the_exit_before_it_buries_the_old_row() -> None:
    table = ProcessTable()
    table.born(born(500, T0))
    table.born(born(500, T0 + 2))
    assert [row.key for row in table.rows()] == [1, 0]


def test_a_request_is_told_to_the_process_that_answered_it_even_after_its_end() -> None:
    table = ProcessTable()
    table.born(born(500, T0))
    table.exited(exited(500, T0 + 38 * MS))
    answered(table, request(7, T0, pid=500, births=[500], evidence="environ", target="/x"))
    (row,) = table.rows()
    assert row.answered is not None
    assert (row.answered.number, row.answered.target, row.answered.status) == (7, "/x", 200)
    assert row.requests == 1, "told by the exit and by the request, and it is one"


def test_requests_of_a_worker_are_counted_between_samples() -> None:
    table = ProcessTable()
    table.seen(seen(1207, 1203, "worker", "uwsgi"))
    for n in range(3):
        answered(table, request(n, T0, pid=1207))
    assert table.rows()[0].requests == 3
    table.sampled(sample(T0, 1207, requests=5, busy_with=[9]))
    assert (table.rows()[0].requests, table.rows()[0].busy_with) == (5, (9,))


def test_the_dead_and_the_living_are_bounded() -> None:
    table = ProcessTable()
    for pid in range(KEPT_LIVING + 1000):
        table.born(born(pid, T0))
    rows = table.rows()
    assert sum(row.died_at is None for row in rows) <= KEPT_LIVING + KEPT_DEAD
    assert len(rows) <= KEPT_LIVING + KEPT_DEAD
    assert len(table._by_pid) <= len(rows)


def test_facts_about_strangers_are_passed_over() -> None:
    table = ProcessTable()
    table.exited(exited(1, T0))
    table.sampled(sample(T0, 1))
    answered(table, request(0, T0, pid=1))
    assert table.rows() == ()
    assert table.of(1) is None
