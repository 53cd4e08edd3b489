"""Rates over windows of trace time."""

from gwtop.model.rates import KEPT_SECONDS, NO_WINDOW, Rates
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS as S
from tests.screens._facts import T0


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


def test_a_series_has_every_second_that_is_over_and_none_that_is_not() -> None:
    rates = Rates()
    rates.reach(T0)
    rates.count(T0 + 500 * MS, 500, 5 * MS, 0)
    rates.born(T0 + 600 * MS)
    rates.gauge(T0 + 700 * MS, 2, None, 100)
    rates.gauge(T0 + 900 * MS, 1, None, 300)
    rates.count(T0 + 2 * S, 200, None, 0)
    assert len(rates.series(60)) == 2
    first, second = rates.series(60)
    assert (first.requests, first.server_errors, first.births) == (1, 1, 1)
    assert (first.busy, first.pending, first.rss_bytes) == (2, None, 300)
    assert first.p50_ns is not None and abs(first.p50_ns - 5 * MS) < MS
    assert (second.requests, second.p50_ns, second.busy) == (0, None, None)


def test_a_series_is_bounded_and_what_comes_late_still_counts() -> None:
    rates = Rates()
    for n in range(2 * KEPT_SECONDS):
        rates.count(T0 + n * S, 200, MS, 0)
        rates.count(T0 + n * S - 200 * MS, 200, MS, 0)
        if n % 50 == 0:
            rates.series(KEPT_SECONDS)
    told = rates.series(KEPT_SECONDS)
    assert len(told) == KEPT_SECONDS and {s.requests for s in told[:-1]} == {2}
    assert [s.second for s in told] == list(range(told[0].second, told[0].second + len(told)))
    assert len(rates._told) <= KEPT_SECONDS
    assert len(rates.series(10)) == 10
