"""Who answered, and whose children they are."""

from gwtop.model import Model
from gwtop.nouns.facts import Request
from gwtop.panels import Look
from gwtop.panels._base import PLAIN
from gwtop.panels._lineage import OPENS, UNKNOWN_PROCESS, lines
from gwtop.panels.processes import process_of
from tests.screens._facts import MS, T0, born, exited, request, seen


def told(fact: Request, *before: object, look: Look = PLAIN) -> list[str]:
    model = Model()
    for other in before:
        model.apply(other)  # type: ignore[arg-type]
    return ["".join(c.text for c in line) for line in lines(fact, model.snapshot(), look)]


def test_the_tree_is_shown_from_its_top_to_the_process_and_its_children() -> None:
    fact = request(1, T0 + 40 * MS, duration_ns=40 * MS, pid=500, evidence="environ")
    fact = request(
        1, T0 + 40 * MS, duration_ns=40 * MS, pid=500, evidence="environ", births=[500, 501]
    )
    got = told(
        fact,
        seen(10, 1, "front", "/usr/bin/front"),
        born(500, T0 - 2 * MS, 10, argv=["/bin/sh", "x.cgi"]),
        born(501, T0 + 5 * MS, 500, argv=["/bin/date"]),
        exited(501, T0 + 9 * MS, lifetime_ns=4 * MS, code=1),
        exited(500, T0 + 41 * MS, lifetime_ns=43 * MS),
    )
    assert got[2:5] == [
        "10 front  front",
        "╰─ 500 cgi  sh x.cgi  born 2.0 ms before the request  gone 41 ms into it",
        "   ╰─ 501 cgi  date  born 5.0 ms into it  gone 9.0 ms into it, exit status 1",
    ]
    assert got[-1] == OPENS


def test_ascii_branches() -> None:
    got = told(
        request(1, T0, pid=11, evidence="kernel"),
        seen(10, 1, "master", "uwsgi"),
        seen(11, 10, "worker", "uwsgi"),
        look=Look(ascii=True),
    )
    assert "`- 11 worker  uwsgi" in got


def test_a_reader_that_passed_the_work_on_is_named() -> None:
    got = told(request(1, T0, pid=7, reader=8, evidence="kernel"), seen(8, 1, "front", "apache2"))
    assert got[1] == "read by      8  apache2, which passed the work on"
    assert got[-1] == UNKNOWN_PROCESS


def test_nobody_known_is_said_and_no_tree_is_drawn() -> None:
    (line,) = told(request(1, T0))
    assert "not known" in line


def test_parents_in_a_circle_end() -> None:
    got = told(
        request(1, T0, pid=5, evidence="kernel"),
        seen(5, 6, "worker", "a"),
        seen(6, 5, "worker", "b"),
    )
    assert len(got) < 8


def test_of_a_pid_that_was_used_again_the_newest_counts() -> None:
    model = Model()
    for at in (T0, T0 + MS):
        model.apply(born(9, at))
    found = process_of(9, model.snapshot())
    assert found is not None and found.born_at == T0 + MS


def test_who_lives_under_a_pid_again_is_not_told_the_life_of_who_had_it_before() -> None:
    fact = request(1, T0 + 40 * MS, duration_ns=5 * MS, pid=9, evidence="kernel")
    before = born(9, T0), exited(9, T0 + MS, lifetime_ns=MS)
    assert "it lived 1.0 ms" in told(fact, *before)[0]
    assert "it lived" not in told(fact, *before, born(9, T0 + 2 * MS))[0]
