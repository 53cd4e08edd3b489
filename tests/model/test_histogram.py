"""Log buckets: close to the exact percentile, at every size."""

import random

import pytest

from gwtop.model.histogram import bucket, count, merged, middle_ns, percentile_ns


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("percent", [1, 50, 90, 99, 100])
def test_a_percentile_is_within_three_and_a_half_percent_of_the_exact_one(
    seed: int, percent: int
) -> None:
    rng = random.Random(seed)
    values = sorted(int(rng.lognormvariate(16, 2)) for _ in range(2000))
    counts: dict[int, int] = {}
    for value in values:
        count(counts, value)
    exact = values[max(1, -(-len(values) * percent // 100)) - 1]
    got = percentile_ns(counts, percent)
    assert got is not None and abs(got - exact) <= exact * 0.035 + 1


@pytest.mark.parametrize("value", [0, 1, 15, 31, 32, 33, 63, 64, 1000, 2**40, 2**62])
def test_a_buckets_middle_falls_into_that_bucket(value: int) -> None:
    assert bucket(middle_ns(bucket(value))) == bucket(value)


def test_buckets_grow_with_their_values() -> None:
    indices = [bucket(value) for value in range(5000)]
    assert indices == sorted(indices)
    assert bucket(-5) == 0


def test_nothing_counted_has_no_percentile() -> None:
    assert percentile_ns({}, 50) is None
    assert percentile_ns(merged([{3: 1}, {3: 2, 4: 1}]), 50) == 3
