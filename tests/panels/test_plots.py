"""Plots: the numbers behind the lines, and scales that stay where they are."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gwtop.model import Model, Snapshot
from gwtop.panels._plots import plots, scale_end
from tests.screens._facts import MS, T0, S, born, pool, request, sample, seen, tick


def snapshot(*facts: object) -> Snapshot:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot()


def test_each_plot_has_a_value_for_each_second_wanted() -> None:
    for n_seconds in (60, 600):
        for plot in plots(snapshot(*pool()), n_seconds):
            assert all(len(series.values) == n_seconds for series in plot.series)
            assert plot.ticks[0][0] == 0 and plot.ticks[-1][0] == plot.top
            assert all(len(text) <= 7 for _, text in plot.ticks)
            known = [v for series in plot.series for v in series.values if v is not None]
            assert max(known, default=0) <= plot.top


def test_a_second_nobody_told_of_is_a_gap_and_the_newest_is_said() -> None:
    snap = snapshot(
        seen(1, 0, "worker", "w"),
        sample(T0, 1, rss_bytes=3 << 20),
        request(1, T0 + 300 * MS, duration_ns=7 * MS, status=500),
        *(born(5, T0 + 300 * MS), tick(T0 + 400 * MS, 1, busy=2, idle=1)),
        *(tick(T0 + S, 1), tick(T0 + 2 * S, 1)),
    )
    requests, took, busy, queue, births, memory = plots(snap, 4)
    assert requests.series[0].values == (None, None, 1, 0)
    assert requests.series[1].values == (None, None, 1, None)
    assert took.series[0].values[3] is None and took.series[0].newest == "–"
    assert busy.series[0].values == (None, None, 2, None)
    assert queue.series[0].values == (None,) * 4
    assert births.series[0].values[2:] == (1, 0) and births.series[0].newest == "0.0/s"
    assert memory.series[0].values[2] == 3 << 20 and memory.top == 4 << 20
    assert [text for _, text in memory.ticks] == ["0B", "2.0M", "4.0M"]


def test_nothing_told_is_drawn_as_nothing() -> None:
    for plot in plots(Snapshot(), 60):
        assert all(set(series.values) == {None} for series in plot.series) and plot.top > 0


@given(st.floats(1, 1e15), st.sampled_from([2, 10]))
@settings(deadline=None)
def test_a_scale_ends_above_its_values_and_not_far_above(value: float, base: int) -> None:
    end = scale_end(value, base)
    assert value <= end <= max(2.1 * value, base) and end / 2 == int(end / 2)
