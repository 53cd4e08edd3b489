"""How a load goes, as words; the steps of rate and concurrency."""

import pytest

from gwtop.nouns.driving import State
from gwtop.panels._driving import CROWDS, RATES, next_crowd, next_rate, state_line

STATE = State(
    rate=5,
    concurrency=1,
    path=None,
    paused=False,
    sent=1203,
    answered=1201,
    failed=0,
    in_flight=2,
    bad_wishes=0,
)


def line(state: State | None, has_stopped: bool = False, has_load: bool = True) -> str:
    words = "".join(cell.text for cell in state_line("cgi", state, has_stopped, has_load))
    return " ".join(words.split())


def test_a_load_says_rate_crowd_path_and_how_far_it_is() -> None:
    assert line(STATE) == "demo cgi ▶ load 5/s, one at a time, the mix sent 1,203 in flight 2"
    other = State(**{**STATE, "rate": 0, "concurrency": 4, "path": "/big\x1b", "in_flight": 0})  # type: ignore[typeddict-item]
    told = line(other)
    assert "as fast as it goes, 4 at a time, /big\\x1b" in told and "in flight" not in told


def test_what_went_wrong_is_said_and_a_stopped_load_has_another_sign() -> None:
    told = line(State(**{**STATE, "paused": True, "failed": 3, "bad_wishes": 1}))  # type: ignore[typeddict-item]
    assert "⏸ load stopped" in told and "unanswered 3" in told and "1 wish refused" in told


def test_before_the_first_word_and_after_the_end_it_says_so() -> None:
    assert line(None) == "demo cgi load starting …"
    assert "■ stopped" in line(STATE, has_stopped=True) and "r starts it again" in line(STATE, True)
    assert "needs pip install" in line(None, has_load=False)


@pytest.mark.parametrize(
    ("rate", "direction", "then"),
    [(5, 1, 10), (5, -1, 2), (7, 1, 10), (7, -1, 5), (0.2, -1, 0.2), (5000, 1, 0), (0, 1, 0)],
)
def test_a_rate_changes_by_steps(rate: float, direction: int, then: float) -> None:
    assert next_rate(rate, direction) == then


def test_below_as_fast_as_it_goes_is_the_highest_rate() -> None:
    assert next_rate(0, -1) == RATES[-1]


@pytest.mark.parametrize(
    ("crowd", "direction", "then"), [(1, 1, 2), (3, 1, 4), (3, -1, 2), (1, -1, 1), (500, 1, 500)]
)
def test_a_crowd_changes_by_steps(crowd: int, direction: int, then: int) -> None:
    assert next_crowd(crowd, direction) == then
    assert next_crowd(CROWDS[-1], 1) == CROWDS[-1]
