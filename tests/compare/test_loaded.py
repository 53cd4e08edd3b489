"""Numbers of a load: rates, quantiles, CPU, from made-up summaries."""

import pytest

from gwtop.compare.loaded import Driven, cells, driven_of, quantile
from gwtop.load import Summary

SECOND_NS = 1_000_000_000
MS = 1_000_000


def driven(n: int, seconds: int, cpu_ms: int = 0, reaped_ms: int = 0) -> Driven:
    took = tuple(range(1 * MS, (n + 1) * MS, MS))
    return Driven(n, n, seconds * SECOND_NS, took, cpu_ms * MS, reaped_ms * MS)


@pytest.mark.parametrize(
    ("share", "value"),
    [(0.5, 5), (0.9, 9), (0.99, 10), (0.0, 1), (1.0, 10), (0.51, 6)],
)
def test_a_quantile_is_a_value_that_was_seen(share: float, value: int) -> None:
    assert quantile(tuple(range(1, 11)), share) == value


def test_rates_and_times_are_those_of_their_own_run() -> None:
    found = cells(driven(100, 2, cpu_ms=100), driven(300, 3, cpu_ms=100), False, None)
    assert {key: cell.value for key, cell in found.items()} == {
        "requests_per_s_1": 50.0,
        "requests_per_s_8": 100.0,
        "p50_ms": 150.0,
        "p99_ms": 297.0,
        "cpu_ms": 0.5,
    }


def test_cpu_of_children_that_nobody_collected_is_what_the_kernel_accounts_or_not_told() -> None:
    one, eight = driven(10, 1, cpu_ms=10), driven(10, 1, cpu_ms=10)
    cell = cells(one, eight, True, None)["cpu_ms"]
    assert cell.value is None and cell.why is not None
    assert cells(one, eight, True, 5.0 * MS)["cpu_ms"].value == 6.0, "the kernel's account"
    collected = driven(10, 1, cpu_ms=10, reaped_ms=9)
    assert cells(one, collected, True, 5 * MS)["cpu_ms"].value == 1.0


def test_requests_in_flight_at_the_end_cost_but_are_no_answers() -> None:
    summary = Summary(
        sent=12,
        statuses={"200": 10},
        errors=0,
        failures={},
        took_ns=[3, 1, 2],
        elapsed_ns=5,
        in_flight=2,
    )
    found = driven_of(summary, 7, 0)
    assert (found.n_answers, found.n_asked, found.took_ns) == (10, 12, (1, 2, 3))
