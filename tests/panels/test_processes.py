"""The process tree."""

from gwtop.model import Model
from gwtop.nouns.facts import InFlight, UnixWork
from gwtop.nouns.times import instant
from gwtop.panels.processes import GONE_SHOWN_NS, SHOWN_GONE, columns, rows, why_empty
from tests.screens._facts import (
    MS,
    T0,
    S,
    born,
    exited,
    hello,
    note,
    pool,
    rain,
    request,
    sample,
    seen,
    tick,
)


def drawn(facts: list[object]) -> list[list[str]]:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return [[cell.text for cell in row.cells] for row in rows(model.snapshot())]


def test_a_pool_is_a_master_and_its_workers_in_order_of_birth() -> None:
    tree = drawn(pool())
    assert [row[0] for row in tree] == ["1203", "├ 1207", "├ 1208", "├ 1209", "╰ 1210"]
    assert [row[1] for row in tree] == ["  master", "● worker", "● worker", "○ worker", "○ worker"]
    assert tree[1][2] == "GET /report?id=8  38 ms"
    assert tree[3][2] == "idle  0.5 s"
    assert tree[1][3:] == ["60 min", "", "68 %", "44M", "10", "–"]


def test_rain_is_a_front_the_living_and_the_gone_newest_first() -> None:
    tree = drawn(rain())
    assert [row[0] for row in tree[:4]] == ["4700", "├ 4731", "├ 4730", "├ 4729"]
    assert tree[1][1] == "● cgi"
    assert tree[2][1:] == [
        "† cgi",
        "GET /search?q=queue+of+the+pool  → 500",
        "49 ms",
        "sig 9",
        "",
        "12M",
        "1",
        "–",
    ]
    assert tree[-8][4] == "1"
    assert tree[-1][0] == "╰ 4701"


def test_deep_families_are_drawn_with_guides_and_very_deep_ones_flat() -> None:
    facts: list[object] = [hello(), seen(1, 0, "front", "front")]
    facts += [born(n, T0, parent=n - 1) for n in range(2, 9)]
    assert [row[0] for row in drawn(facts)] == [
        *("1", "╰ 2", "  ╰ 3", "    ╰ 4", "    … 5", "    … 6", "    … 7", "    … 8")
    ]


def test_a_chain_of_forks_as_long_as_a_table_does_no_harm() -> None:
    facts: list[object] = [born(n, T0, parent=n - 1) for n in range(2, 4000)]
    assert len(drawn(facts)) == 3998


def test_pids_in_a_circle_are_still_shown() -> None:
    facts: list[object] = [born(5, T0, parent=7), born(7, T0, parent=5)]
    assert sorted(row[0] for row in drawn(facts)) == ["5", "╰ 7"] or len(drawn(facts)) == 2


def test_a_worker_that_died_idle_is_shown_for_a_minute() -> None:
    facts = [*pool(), exited(1210, T0 + 10 * S, code=None, signal=11, requests=0)]
    model = Model()
    for fact in [hello(), seen(9, 1, "worker", "w"), exited(9, T0, signal=11, code=None)]:
        model.apply(fact)  # type: ignore[arg-type]
    assert rows(model.snapshot())[0].cells[4].text == "sig 11"
    model.apply(tick(T0 + GONE_SHOWN_NS + S, 0))
    assert rows(model.snapshot()) == []
    assert drawn(facts)[-1][0] == "╰ 1210"


def test_of_the_gone_only_the_newest_are_shown() -> None:
    facts: list[object] = []
    for n in range(SHOWN_GONE + 50):
        facts += [born(n + 10, T0 + n), exited(n + 10, T0 + n)]
        facts.append(request(n, T0 + n, pid=n + 10, births=[n + 10]))
    assert len(drawn(facts)) == SHOWN_GONE


def test_a_worker_of_whom_nothing_is_known_is_not_called_idle() -> None:
    (row,) = drawn([seen(9, 1, "worker", "uwsgi")])
    assert row[1:3] == ["· worker", "–"]


def test_busy_with_joins_a_sample_to_what_is_in_flight() -> None:
    flying = [InFlight(7, 1, "GET", "/x", instant(T0), None)]
    facts: list[object] = [hello(), seen(9, 1, "worker", "uwsgi"), sample(T0, 9, busy_with=[7])]
    (row,) = drawn([*facts, tick(T0 + 50 * MS, 0, in_flight=flying)])
    assert row[1:3] == ["● worker", "GET /x  50 ms"]


def test_the_process_model_decides_which_columns_are_kept() -> None:
    def kept(facts: list[object]) -> list[str]:
        model = Model()
        for fact in facts:
            model.apply(fact)  # type: ignore[arg-type]
        return [c.name for c in sorted(columns(model.snapshot()), key=lambda c: c.keep)]

    assert kept(pool())[:3] == ["gone", "exit", "age"]
    assert kept(rain())[:4] == ["gone", "cpu", "rss", "req"]


def test_of_a_unix_connection_whose_bytes_nobody_sees_it_shows_how_many_went() -> None:
    done = UnixWork(3, 1_576, 288, instant(T0 + S // 2))
    flight = InFlight(1, 0, None, None, instant(T0), 7, read_bytes=520, wrote_bytes=0)
    facts = [hello(), seen(7, 1, "worker", "php-fpm"), seen(8, 1, "worker", "php-fpm")]
    samples = [sample(T0 + S, 7, unix=done), sample(T0 + S, 8, unix=done)]
    busy, idle = drawn([*facts, *samples, tick(T0 + S, 0, in_flight=[flight])])
    assert busy[1:3] == ["● worker", "a connection: 520B read, 0B written  1.0 s"]
    assert idle[1:3] == ["○ worker", "idle after 3 connections: 1.5K read, 288B written  0.5 s"]


def test_what_waited_in_the_queue_is_not_the_time_its_worker_has_been_at_it() -> None:
    flight = InFlight(1, 1, "GET", "/slow", instant(T0), 7, queue_ns=3 * S)
    facts = [hello(), seen(7, 1, "worker", "php-fpm"), tick(T0 + 5 * S, 0, in_flight=[flight])]
    assert drawn(facts)[0][2] == "GET /slow  2.0 s"


def test_where_nobody_sees_who_answers_no_worker_is_said_to_be_idle() -> None:
    answered = request(1, T0, pid=7, evidence="relay")
    facts = [hello(), seen(7, 1, "worker", "php-fpm"), answered]

    def doing(flight: InFlight) -> list[str]:
        return drawn([*facts, tick(T0 + 5 * S, 1, in_flight=[flight])])[0][1:3]

    unseen = InFlight(2, 2, "GET", "/slow", instant(T0 + 3 * S), None)
    assert doing(unseen) == ["· worker", "answered  5.0 s ago"]
    blink = InFlight(2, 2, "GET", "/", instant(T0 + 5 * S - 200 * MS), None)
    assert doing(blink) == ["○ worker", "idle  5.0 s"]
    unread = InFlight(2, 2, "GET", "/slow", instant(T0 + 3 * S), None, queue_ns=None)
    assert doing(unread) == ["○ worker", "idle  5.0 s"]


def test_where_the_owner_is_hidden_an_empty_table_says_what_shows_him() -> None:
    model = Model()
    model.apply(hello())
    assert why_empty(model.snapshot()) == ""
    model.apply(note(T0, pid=None, code="owner-hidden", text="the listener's owner is hidden"))
    assert "--pid PID" in why_empty(model.snapshot())
