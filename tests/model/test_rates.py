"""Rates over windows of trace time."""

from gwtop.model.rates import KEPT_SECONDS, NO_WINDOW, Rates
from gwtop.nouns.times import SECOND_NS as S


def test_a_rate_is_what_came_in_the_part_of_the_window_that_has_passed() -> None:
    rates = Rates()
    rates.reach(100 * S)
    for n in range(20):
        rates.count(100 * S + n * S // 5, 500 if n < 5 else 200, 1000, n % 2)
    rates.reach(104 * S)
    window = rates.window()
    assert window.requests == 20
    assert window.requests_per_s == 5.0
    assert window.server_error_share == 0.25
    assert window.kept_share == 0.5
    assert window.spark == (5, 5, 5, 5)


def test_what_is_older_than_the_window_no_longer_counts() -> None:
    rates = Rates()
    rates.count(100 * S, 200, 5, 0)
    rates.reach(200 * S)
    window = rates.window()
    assert (window.requests, window.requests_per_s, window.p50_ns) == (0, 0.0, None)
    assert window.server_error_share is None


def test_an_hour_of_seconds_is_not_kept() -> None:
    rates = Rates()
    for n in range(3600):
        rates.count(n * S, 200, 5, 0)
    assert len(rates._seconds) <= KEPT_SECONDS + 1
    rates.count(5 * S, 200, 5, 0)
    assert rates.window().requests == 10


def test_facts_that_settle_late_are_counted_in_their_own_second() -> None:
    rates = Rates()
    rates.count(101 * S + 5, 200, 5, 0)
    rates.count(100 * S + 999_999_999, 200, 5, 0)
    rates.reach(103 * S)
    assert rates.window().spark == (0, 1, 0) or rates.window().spark == (1, 0)
    assert rates.window().requests == 2


def test_before_the_first_instant_nothing_is_known() -> None:
    assert Rates().window() == NO_WINDOW
