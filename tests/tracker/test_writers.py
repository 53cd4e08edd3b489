"""Who wrote an answer, by a relay's word: one writer in an exchange's time, or nobody."""

import pytest

from gwtop.nouns.records import Wrote
from gwtop.protocols import discover
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.writers import MAX_CONNECTIONS, Writers


def exchange(conn: int, began_at: int, over_at: int | None) -> Exchange:
    hop = Hop(conn, "unix:", "unix:/s", discover()["fastcgi"])
    found = Exchange(1, hop, 1, 0, began_at)
    found.over_at = over_at
    return found


@pytest.mark.parametrize(
    ("wrote", "pid"),
    [
        pytest.param([Wrote(15, 1, 71)], 71, id="one"),
        pytest.param([Wrote(12, 1, 71), Wrote(20, 1, 71)], 71, id="one, more than once"),
        pytest.param([Wrote(12, 1, 71), Wrote(20, 1, 72)], None, id="two"),
        pytest.param([Wrote(12, 2, 71)], None, id="another connection's"),
        pytest.param([Wrote(5, 1, 70), Wrote(12, 1, 71), Wrote(25, 1, 72)], 71, id="its own"),
        pytest.param([], None, id="nobody"),
    ],
)
def test_the_writer_of_an_exchange_is_who_alone_wrote_in_its_time(
    wrote: list[Wrote], pid: int | None
) -> None:
    writers = Writers()
    for record in wrote:
        writers.wrote(record)
    assert writers.of(exchange(1, 10, 20)) == pid


def test_an_open_exchange_has_the_writer_so_far() -> None:
    writers = Writers()
    writers.wrote(Wrote(12, 1, 71))
    assert writers.of(exchange(1, 10, None)) == 71


def test_the_oldest_connections_are_forgotten() -> None:
    writers = Writers()
    for conn in range(MAX_CONNECTIONS + 1):
        writers.wrote(Wrote(12, conn, 71))
    assert writers.of(exchange(0, 10, 20)) is None
    assert writers.of(exchange(MAX_CONNECTIONS, 10, 20)) == 71
