"""A route in full: its histogram adds up, and marks where the middle is."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from gwtop.model import Model
from gwtop.panels._route import bands, lines, title
from tests.screens._facts import MS, T0, S, request, tick


def route(durations: list[int | None]) -> object:
    model = Model()
    for n, took in enumerate(durations):
        model.apply(request(n, T0 + n * MS, target="/x", duration_ns=took, status=404))
    model.apply(tick(T0 + S, 0))
    (row,) = model.snapshot().routes
    return row


@given(st.lists(st.integers(0, 10**12), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_every_request_is_in_exactly_one_band(durations: list[int]) -> None:
    found = bands(route(list(durations)))  # type: ignore[arg-type]
    assert sum(n for _, _, n in found) == len(durations)
    assert all(low < high for low, high, _ in found)
    assert all(one[1] == other[0] for one, other in itertools.pairwise(found))
    assert found[0][2] and found[-1][2]


def test_two_humps_are_seen_and_the_median_is_marked() -> None:
    told = lines(route([3 * MS] * 30 + [4 * MS] * 10 + [300 * MS] * 20), 60)  # type: ignore[arg-type]
    text = ["".join(cell.text for cell in line) for line in told]
    assert text[0] == "took     p50 2.9 ms   p90 294 ms   p99 294 ms"
    assert text[2] == "errors   0 with 5xx, 60 with 4xx"
    assert text[6].startswith("2.0 ms – 5.0 ms ▸" + "█" * 32) and text[6].endswith("40")
    assert text[-1].startswith("200 ms – 500 ms  " + "█" * 16 + " ") and text[-1].endswith("20")
    assert len(text) == 6 + 7
    assert all(len(line) <= 60 for line in text[6:])


def test_without_a_duration_it_says_so() -> None:
    row = route([None])
    assert lines(row, 60)[-1][0].text == "no duration is known"  # type: ignore[arg-type]
    assert title(row)[0].text == "GET /x"  # type: ignore[arg-type]
