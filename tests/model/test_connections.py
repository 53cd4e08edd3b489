"""Connections: from requests alone, and with what is told at their close."""

from gwtop.model import Model
from gwtop.model.connections import KEPT_CONNECTIONS, ConnectionRow
from gwtop.nouns.facts import Connection
from gwtop.nouns.times import instant
from tests.screens._facts import MS, T0, S, request


def closed(number: int, **other: object) -> Connection:
    told: dict[str, object] = {
        "id": number,
        "client": "127.0.0.1:50001",
        "server": "127.0.0.1:3031",
        "protocol": "uwsgi",
        "opened_at": instant(T0 - S),
        "closed_at": instant(T0 + S),
        "requests": 1,
        "how": "fin",
    }
    return Connection(**(told | other))  # type: ignore[arg-type]


def told(*facts: object) -> tuple[ConnectionRow, ...]:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot().connections


def test_requests_tell_of_their_connection() -> None:
    (row,) = told(
        request(1, T0, connection=5, pid=7, duration_ns=4 * MS),
        request(2, T0 + S, connection=5, sequence=1, pid=8, duration_ns=6 * MS),
    )
    assert (row.key, row.requests, row.busy_ns, row.pids, row.newest) == (5, 2, 10 * MS, (7, 8), 1)
    assert (row.opened_at, row.last_at, row.closed_at) == (T0 - 4 * MS, T0 + S, None)


def test_a_close_completes_what_was_known() -> None:
    (row,) = told(request(1, T0, connection=5), closed(5, requests=3))
    assert (row.opened_at, row.closed_at, row.how, row.requests) == (T0 - S, T0 + S, "fin", 3)


def test_a_close_that_is_told_before_its_requests_is_not_forgotten() -> None:
    later = request(2, T0 + S, connection=5, sequence=1)
    (row,) = told(closed(5, requests=2), request(1, T0, connection=5), later)
    assert (row.opened_at, row.closed_at, row.how, row.requests) == (T0 - S, T0 + S, "fin", 2)


def test_a_connection_that_carried_nothing_is_told_too() -> None:
    (row,) = told(closed(6, requests=0, how="rst"))
    assert (row.requests, row.how, row.newest) == (0, "rst", None)
    assert told(closed(6, requests=4)) == (), "its requests are no longer kept, nor is it"


def test_connections_are_bounded_and_counted() -> None:
    model = Model()
    for n in range(KEPT_CONNECTIONS + 10):
        model.apply(request(n, T0 + n, connection=n))
        model.apply(request(n, T0 + n, connection=n, sequence=1))
    model.apply(closed(999_999, requests=0))
    assert len(model.snapshot().connections) == KEPT_CONNECTIONS
    assert model.connections.n_seen == KEPT_CONNECTIONS + 11
    assert model.connections.n_reused == KEPT_CONNECTIONS + 10
