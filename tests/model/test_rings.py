"""Rings: what was marked is read, the gravest wins, the oldest is forgotten."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gwtop.model.rings import GRAINS, Grain, Ring, grain_ns, new_rings, read
from gwtop.nouns.times import MILLISECOND_NS as MS

SPANS = st.lists(
    st.tuples(st.integers(100, 180), st.integers(0, 30), st.integers(1, 9)), max_size=30
)


@given(SPANS)
@settings(max_examples=200, deadline=None)
def test_a_cell_holds_the_gravest_of_what_overlaps_it(spans: list[tuple[int, int, int]]) -> None:
    ring = Ring(Grain(10, 64))
    held = [0] * 300
    newest = -1
    for first, n, value in spans:
        ring.mark(first * 10 + 3, (first + n) * 10 + 7, value)
        newest = max(newest, first + n)
        for cell in range(first, first + n + 1):
            held[cell] = max(held[cell], value)
    kept = [value if newest - 64 < cell else 0 for cell, value in enumerate(held)]
    if all(first > newest - 64 for first, _, _ in spans):
        assert list(ring.read(90, 200)) == kept[90:290]


def test_a_ring_forgets_the_oldest_and_ignores_what_is_older_still() -> None:
    ring = Ring(Grain(1, 8))
    for cell in range(20):
        ring.mark(cell, cell, 5)
    ring.mark(3, 3, 9)
    assert list(ring.read(8, 14)) == [0] * 4 + [5] * 8 + [0] * 2
    assert ring.keeps(12) and not ring.keeps(11)
    ring.mark(1000, 1000, 2)
    assert list(ring.read(990, 12)) == [0] * 10 + [2, 0]


def test_a_span_longer_than_the_ring_fills_it() -> None:
    ring = Ring(Grain(1, 8))
    ring.mark(0, 100, 4)
    assert list(ring.read(92, 10)) == [0, *[4] * 8, 0]


def test_what_the_finest_no_longer_keeps_is_read_from_a_coarser_one() -> None:
    rings = new_rings()
    for ring in rings:
        ring.mark(5 * MS, 6 * MS, 5)
        ring.mark(20_000 * MS, 20_000 * MS, 5)
    assert list(read(rings, 0, MS, 12)) == [5] * 10 + [0, 0], "1 ms is gone, 10 ms is kept"
    assert list(read(rings, 19_998 * MS, MS, 4)) == [0, 0, 5, 0]


def test_a_copy_is_not_marked_with_its_original() -> None:
    ring = Ring(GRAINS[0])
    ring.mark(MS, MS, 5)
    copy = ring.copy()
    ring.mark(2 * MS, 2 * MS, 5)
    assert list(copy.read(0, 4)) == [0, 5, 0, 0]


def test_a_grain_is_a_fifth_of_its_cell_or_less() -> None:
    assert grain_ns(100 * MS) == 10 * MS
    assert grain_ns(50 * MS) == 10 * MS
    assert grain_ns(20 * MS) == MS
    assert grain_ns(2 * MS) == MS
    assert grain_ns(MS // 5) == MS // 5
