"""Numbers as text: units at thresholds, widths kept, unknown is a dash."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwtop.panels import _text
from gwtop.panels._text import (
    duration,
    idle_time,
    n_bytes,
    n_many,
    n_times,
    percent,
    plural,
    rate,
    share,
    spark,
    time_of_day,
)

MS = 1_000_000
S = 1_000_000_000


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (None, "–"),
        (-5, "0 µs"),
        (812_000, "812 µs"),
        (999_499, "999 µs"),
        (999_500, "1.0 ms"),
        (1_849_000, "1.8 ms"),
        (9_949_999, "9.9 ms"),
        (9_950_000, "10 ms"),
        (41 * MS, "41 ms"),
        (999_499_999, "999 ms"),
        (999_500_000, "1.0 s"),
        (1_200 * MS, "1.2 s"),
        (41 * S, "41 s"),
        (99 * S, "99 s"),
        (100 * S, "1 min"),
        (720 * S, "12 min"),
        (3 * 3600 * S, "3 h"),
        (8 * 86400 * S, "8 d"),
    ],
)
def test_durations(duration_ns: int | None, text: str) -> None:
    assert duration(duration_ns) == text


@given(st.integers(min_value=-10, max_value=10**18))
def test_no_number_is_wider_than_its_column(n: int) -> None:
    assert len(duration(n)) <= _text.DURATION_WIDTH
    assert len(n_bytes(n)) <= _text.BYTES_WIDTH
    if 0 <= n < 10**9:
        assert len(n_times(n)) <= 7
        assert len(n_many(n)) <= 6
        assert len(rate(n / 1000)) <= _text.RATE_WIDTH


def test_sizes_rates_shares_and_counts() -> None:
    assert [n_bytes(n) for n in (None, 0, 999, 1000, 1229, 44 << 20, 3 << 30)] == [
        *("–", "0B", "999B", "1.0K", "1.2K", "44M", "3.0G")
    ]
    assert [rate(r) for r in (None, 0, 4.94, 412.4, 5100)] == [
        "–",
        "0.0/s",
        "4.9/s",
        "412/s",
        "5.1k/s",
    ]
    assert [share(p) for p in (None, 0, 0.00001, 0.004, 0.5, 1)] == [
        *("–", "0 %", "0.1 %", "0.4 %", "50 %", "100 %")
    ]
    assert [n_times(n) for n in (None, 12408, 1_240_000, 12_400_000)] == [
        "–",
        "12,408",
        "1.24M",
        "12.4M",
    ]
    assert [n_many(n) for n in (None, 99_999, 123_456, 1_240_000)] == [
        "–",
        "99,999",
        "123k",
        "1.2M",
    ]
    assert [percent(p) for p in (None, 0.0, 70.6)] == ["–", "0 %", "71 %"]
    assert [plural(1, "request"), plural(2000, "request")] == ["1 request", "2,000 requests"]


def test_idle_time_does_not_flicker() -> None:
    assert [idle_time(n) for n in (-1, 65 * MS, 300 * MS, 12 * S)] == [
        "0.0 s",
        "0.1 s",
        "0.3 s",
        "12 s",
    ]


def test_the_time_of_day_is_that_of_whoever_looks() -> None:
    at = 1_795_327_200 * S + 5
    assert time_of_day(at) == "06:00:00"
    assert time_of_day(at, 2 * 3600) == "08:00:00"
    assert time_of_day(at, -7 * 3600) == "23:00:00"
    assert time_of_day(None) == "–"


def test_a_spark_shows_the_newest_at_its_right_end() -> None:
    assert spark((0, 1, 2, 7), 3) == "▂▃█"
    assert spark((0, 0), 5) == "▁▁"
    assert spark((), 5) == ""
    assert spark((1, 2), 0) == ""
