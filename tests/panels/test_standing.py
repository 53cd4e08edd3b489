"""Notes of a state that lasts say what is so now."""

import pytest

from gwtop.model import Model, Snapshot
from gwtop.nouns.facts import InFlight, Note, QueueState
from gwtop.nouns.times import SECOND_NS as S
from gwtop.nouns.times import instant
from gwtop.panels._standing import text
from tests.screens._facts import T0, hello, tick

SAID = "All 2 workers are busy, and 8 connections are waiting to be accepted."


def told(code: str, busy: int | None, idle: int | None, pending: int, *flying: InFlight) -> str:
    model = Model()
    queue = [QueueState("127.0.0.1:9000", pending, 64)]
    last = tick(T0 + 5 * S, 0, busy=busy, idle=idle, queues=queue, in_flight=list(flying))
    for fact in (hello(), Note(instant(T0), code, "warn", SAID, None, None), last):
        model.apply(fact)
    snapshot: Snapshot = model.snapshot()
    assert snapshot.newest_note is not None
    return text(snapshot.newest_note, snapshot)


def test_the_queue_is_the_one_of_now_with_its_longest_wait() -> None:
    waits = InFlight(1, 1, "GET", "/", instant(T0 + S), None, None)
    assert told("all-workers-busy", 2, 0, 6, waits) == (
        "All 2 workers are busy, and 6 connections are waiting to be accepted, "
        "the longest for 4.0 s."
    )


@pytest.mark.parametrize(
    ("busy", "idle", "pending", "words"),
    [
        pytest.param(2, 0, 0, "All 2 workers are busy, and no connection is", id="nobody waits"),
        pytest.param(1, 0, 1, "The only worker is busy, and 1 connection is", id="one"),
        pytest.param(1, 1, 0, "All workers were busy; now 1 of 2 are.", id="over"),
        pytest.param(1, 1, 3, "now 1 of 2 are, and 3 connections are waiting", id="still"),
    ],
)
def test_busy_workers_are_counted_now(busy: int, idle: int, pending: int, words: str) -> None:
    assert words in told("all-workers-busy", busy, idle, pending)


@pytest.mark.parametrize(
    ("busy", "idle", "pending", "words"),
    [
        pytest.param(1, 3, 2, "Although 3 of 4 workers have nothing to do, 2 con", id="now"),
        pytest.param(4, 0, 2, "All 4 workers are busy, and 2 connections", id="another state"),
        pytest.param(1, 3, 0, "now none waits", id="over"),
    ],
)
def test_a_queue_beside_idle_ones_too(busy: int, idle: int, pending: int, words: str) -> None:
    assert words in told("queue-while-idle", busy, idle, pending)


def test_what_nobody_counts_and_what_is_no_state_stays_as_it_was_said() -> None:
    assert told("all-workers-busy", None, None, 6) == SAID
    assert told("worker-killed", 2, 0, 6) == SAID
