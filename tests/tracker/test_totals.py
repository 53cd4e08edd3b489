"""Totals: exact percentiles while few, within one percent ever after, and losses beside them."""

import random

import pytest

from gwtop.nouns.facts import Missing, Percentiles
from gwtop.tracker.totals import EXACT, Pids, Quantiles, Totals


def test_nothing_measured_has_no_percentiles() -> None:
    assert Quantiles().percentiles() == Percentiles(p50=None, p90=None, p99=None, max=None)


def test_percentiles_are_nearest_rank_and_exact() -> None:
    quantiles = Quantiles()
    for value in range(100, 0, -1):
        quantiles.add(value)
    assert quantiles.percentiles() == Percentiles(p50=50, p90=90, p99=99, max=100)


def test_many_durations_stay_within_one_percent() -> None:
    seed = 7
    values = [int(random.Random(seed + n).lognormvariate(14, 2)) for n in range(EXACT + 5000)]
    quantiles = Quantiles()
    for value in values:
        quantiles.add(value)
    ordered = sorted(values)
    found = quantiles.percentiles()
    for share, value in ((0.5, found.p50), (0.9, found.p90), (0.99, found.p99)):
        exact = ordered[round(share * len(ordered)) - 1]
        assert value == pytest.approx(exact, rel=0.01), share
    assert found.max == ordered[-1]


def test_pids_are_counted_once_each_in_half_a_megabyte_at_most() -> None:
    seed = 11
    random.seed(seed)
    pids, exact = Pids(), set()
    for _ in range(20_000):
        pid = random.randrange(1, 4_194_305)  # kernel.pid_max on 64-bit machines
        exact.add(pid)
        pids.add(pid)
        pids.add(pid)
    assert len(pids) == len(exact)
    assert len(pids._bits) <= 4_194_304 // 8 + 1


def test_a_loss_that_no_tap_can_count_is_null() -> None:
    totals = Totals()
    assert totals.missing() == Missing(frames=None, process_events=None, bytes=0, requests=0)
    totals.can_count("frames")
    assert totals.missing().frames == 0
    totals.missed("frames", 3)
    totals.missed("frames", 4)
    assert totals.missing().frames == 7


def test_once_nobody_can_say_how_many_it_stays_null() -> None:
    totals = Totals()
    totals.can_count("process_events")
    totals.missed("process_events", None)
    totals.missed("process_events", 5)
    totals.can_count("process_events")
    assert totals.missing().process_events is None
