"""Requests that are not over, as rows and one in full."""

import pytest

from gwtop.model import Model, Snapshot
from gwtop.model.filter import parse
from gwtop.nouns.facts import UNSET, InFlight, QueueState
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS as S
from gwtop.nouns.times import instant
from gwtop.panels import Look
from gwtop.panels._in_flight import entries, find, id_of, key_of, lasting, rows, so_far, title
from gwtop.panels.requests import columns
from tests.screens._facts import HOSTILE, T0, hello, seen, tick

LIMIT = [QueueState("127.0.0.1:9000", 2, 64)]


def flight(id: int, ago_ms: int, pid: int | None = None, **other: object) -> InFlight:
    told = {"id": id, "connection": id, "method": "GET", "target": f"/r?n={id}", "pid": pid}
    return InFlight(**(told | {"began_at": instant(T0 + 10 * S - ago_ms * MS)} | other))  # type: ignore[arg-type]


def told(*flying: InFlight) -> Snapshot:
    model = Model()
    facts = [hello(), seen(7, 1, "worker", "php-fpm")]
    last = tick(T0 + 10 * S, 0, in_flight=list(flying), busy=1, idle=0, queues=LIMIT)
    for fact in (*facts, last):
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


def line(snapshot: Snapshot, place: int = 0) -> str:
    return " ".join(cell.text for cell in rows(snapshot)[place].cells).strip()


def words(snapshot: Snapshot, id: int) -> str:
    request = find(snapshot, id)
    assert request is not None
    told = entries(request, snapshot)
    return "\n".join("".join(cell.text for cell in entry.line) for entry in told)


def test_one_that_waits_shows_its_wait_and_no_worker() -> None:
    snapshot = told(flight(3, 4200, queue_ns=None))
    assert line(snapshot) == "○ waits GET /r?n=3 – – – 4.2 s – –"


def test_one_that_is_answered_shows_its_worker_and_what_it_waited() -> None:
    snapshot = told(flight(3, 4200, 7, queue_ns=22 * MS))
    assert line(snapshot) == "● busy GET /r?n=3 – 4.2 s – 22 ms – 7"


def test_one_of_which_nobody_sees_reads_claims_no_wait() -> None:
    snapshot = told(flight(3, 400, queue_ns=UNSET))
    assert line(snapshot) == "· open GET /r?n=3 – 0.4 s – – – –"


def test_what_takes_no_longer_than_a_blink_is_no_row() -> None:
    assert rows(told(flight(1, 299, 7), flight(2, 0))) == []
    assert len(rows(told(flight(1, 300, 7)))) == 1


def test_connections_whose_bytes_nobody_sees_are_no_requests() -> None:
    assert lasting(told(flight(1, 4000, 7, read_bytes=10, wrote_bytes=0))) == []


def test_the_longest_under_way_stands_first_and_the_rest_is_counted() -> None:
    snapshot = told(*(flight(n, 1000 + n, queue_ns=None) for n in range(9)))
    shown = rows(snapshot, n_most=4)
    assert [row.key for row in shown] == [key_of(8), key_of(7), key_of(6), key_of(5)]
    assert "… and 6 more wait" in [cell.text for cell in shown[-1].cells]
    assert len(rows(snapshot, n_most=9)) == 9 and len(rows(snapshot, n_most=1)) == 1


def test_a_row_has_a_cell_for_each_column_with_and_without_hosts() -> None:
    snapshot = told(*(flight(n, 1000 + n) for n in range(3)))
    for row in rows(snapshot, n_most=2):
        assert len(row.cells) == len(columns(snapshot))
    for row in rows(snapshot, Look(hosts=True), n_most=2):
        assert len(row.cells) == len(columns(snapshot)) + 1


def test_keys_lie_beside_the_numbers_of_those_that_are_over() -> None:
    assert [id_of(key_of(n)) for n in (0, 7)] == [0, 7] and id_of(0) is None


def test_who_waits_is_told_who_waited_before_and_who_holds_things_up() -> None:
    flying = flight(1, 5000, 7, queue_ns=S), flight(2, 3000, queue_ns=None)
    told_of = words(told(*flying, flight(3, 2000, queue_ns=None)), 3)
    assert "waits for a worker, 2.0 s so far" in told_of and "nobody yet" in told_of
    assert "1 request waited before it came" in told_of and "127.0.0.1:9000: 2 of 64" in told_of
    assert "7  4.0 s  GET  /r?n=1" in told_of


def test_who_is_answered_leads_to_its_process() -> None:
    snapshot = told(flight(1, 5000, 7, queue_ns=S))
    request = find(snapshot, 1)
    assert request is not None and "waited 1.0 s until" in words(snapshot, 1)
    (key,) = (p.key for p in snapshot.processes)
    assert ("processes", key) in [entry.opens for entry in entries(request, snapshot)]


def test_hostile_words_are_tamed() -> None:
    text = "".join(HOSTILE)
    snapshot = told(flight(1, 5000, queue_ns=None, method=text, target=text))
    request = find(snapshot, 1)
    assert request is not None
    cells = [*title(request), *(cell for row in rows(snapshot) for cell in row.cells)]
    assert not [cell for cell in cells if "\x1b" in cell.text or "\n" in cell.text]


def test_as_a_row_it_has_its_age_and_no_end() -> None:
    snapshot = told(flight(3, 4200, queue_ns=None), flight(4, 100, 7, queue_ns=22 * MS))
    waits, busy = (so_far(r, snapshot) for r in snapshot.in_flight)
    assert (waits.number, waits.duration_ns, waits.queue_ns) == (-4, 4200 * MS, 4200 * MS)
    assert (busy.duration_ns, busy.queue_ns, busy.pid) == (100 * MS, 22 * MS, 7)
    assert waits.protocol == hello().watch[0].protocol
    for known in (waits.outcome, waits.status, waits.response_body_bytes, waits.sequence):
        assert known is None


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("duration>4s", True),
        ("duration>5s", False),
        ("queue>1s", True),
        ("outcome=none", True),
        ("outcome=done", False),
        ("status!=200", True),
        ("status>=500", False),
        ("size<1kb", False),
        ("stderr=no", False),
        ("target~n=3 GET", True),
    ],
)
def test_what_is_not_known_of_it_yet_is_neither_small_nor_large(asked: str, holds: bool) -> None:
    snapshot = told(flight(3, 4200, queue_ns=None))
    assert parse(asked).test(so_far(snapshot.in_flight[0], snapshot)) is holds
    assert len(rows(snapshot, wanted=parse(asked).test)) == holds
