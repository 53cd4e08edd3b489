"""Who has gone back to waiting for more."""

import pytest

from gwtop.nouns.records import Worked
from gwtop.taps import blocked
from gwtop.taps.blocked import Wait
from gwtop.taps.kept import AGAIN_NS, SETTLED_NS, Busy, Kept

PID, THREAD, FD, LISTEN = 100, 101, 5, "unix:/x"
ANSWERED = Busy(0, PID, THREAD, FD, LISTEN, True)
READ = ANSWERED._replace(has_answered=False)
WAITS = [Worked(SETTLED_NS, PID, PID, LISTEN, 7, "waits", None)]


@pytest.mark.parametrize(
    ("busy", "waits", "told"),
    [
        pytest.param(ANSWERED, [Wait(THREAD, FD, True)], WAITS, id="it reads from it"),
        pytest.param(ANSWERED, [Wait(THREAD, None, True)], WAITS, id="it polls"),
        pytest.param(ANSWERED, [Wait(THREAD, FD + 1, True)], [], id="it reads from a database"),
        pytest.param(ANSWERED, [Wait(THREAD, None, False)], [], id="it works"),
        pytest.param(ANSWERED, [Wait(9, FD, True)], WAITS, id="another thread reads from it"),
        pytest.param(ANSWERED, [Wait(9, None, True)], [], id="another thread polls"),
        pytest.param(ANSWERED, [], [], id="it may not be looked at"),
        pytest.param(READ, [Wait(THREAD, FD, True)], WAITS, id="it reads on, unanswered"),
        pytest.param(READ, [Wait(THREAD, None, True)], [], id="it polls before its answer"),
    ],
)
def test_a_connection_waits_when_its_thread_does(
    monkeypatch: pytest.MonkeyPatch, busy: Busy, waits: list[Wait], told: list[Worked]
) -> None:
    monkeypatch.setattr(blocked, "waits", lambda pid: waits if pid == PID else [])
    kept = Kept()
    kept.moved(7, busy)
    assert kept.waiting(SETTLED_NS - 1) == []
    assert kept.waiting(SETTLED_NS) == told
    assert kept.look_at == (None if told else SETTLED_NS + AGAIN_NS)
    assert kept.waiting(SETTLED_NS) == []


def test_only_what_has_settled_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocked, "waits", lambda pid: [Wait(THREAD, None, True)])
    kept = Kept()
    kept.moved(7, ANSWERED)
    kept.moved(8, ANSWERED._replace(at=1, fd=6))
    assert kept.waiting(SETTLED_NS) == WAITS
    assert kept.look_at == 2 * SETTLED_NS
    assert [one.connection for one in kept.waiting(2 * SETTLED_NS)] == [8]


def test_one_that_is_closed_is_not_looked_at() -> None:
    kept = Kept()
    kept.moved(7, ANSWERED)
    kept.moved(8, ANSWERED._replace(at=5, fd=6))
    kept.forget(7)
    assert kept.look_at == SETTLED_NS
    kept.forget(8)
    kept.forget(8)
    assert kept.look_at is None
