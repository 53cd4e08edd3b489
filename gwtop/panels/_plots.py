"""Time plots: what is drawn over the last minutes, as series of numbers with their scale.

In: a snapshot made with its seconds, and how many of them are wanted. Out: `Plot`s. Refuses to know
how a line is drawn.

A second that nobody told about is a gap, not a zero. The scale ends at 2, 4, 6 or 10 times a power
of ten (at a power of two for bytes), so that it stays where it is while values move.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from gwtop.model import Snapshot
from gwtop.model.rates import Told
from gwtop.panels._base import Style
from gwtop.panels._text import UNKNOWN, duration, n_bytes, n_many, rate

SPANS_S = (60, 120, 300, 600)


class Series(NamedTuple):
    label: str
    style: Style
    values: tuple[float | None, ...]
    """One a second, oldest first. None: nobody said."""
    newest: str


class Plot(NamedTuple):
    title: str
    series: tuple[Series, ...]
    top: float
    """The upper end of the scale; the lower one is 0."""
    ticks: tuple[tuple[float, str], ...]


class Spec(NamedTuple):
    title: str
    lines: tuple[tuple[str, Style, Callable[[Told], float | None]], ...]
    text: Callable[[int], str]
    least: int
    """The scale never ends below this."""
    base: int = 10


SPECS = (
    Spec(
        "requests",
        (
            ("requests", "accent", lambda s: s.requests),
            ("5xx", "bad", lambda s: s.server_errors or None),
        ),
        lambda n: rate(float(n)),
        5,
    ),
    Spec(
        "took",
        (("p99", "warn", lambda s: s.p99_ns), ("p50", "good", lambda s: s.p50_ns)),
        duration,
        1_000_000,
    ),
    Spec("busy workers", (("busy", "good", lambda s: s.busy),), n_many, 2),
    Spec("queue", (("pending", "warn", lambda s: s.pending),), n_many, 5),
    Spec("born", (("processes", "accent", lambda s: s.births),), lambda n: rate(float(n)), 5),
    Spec("memory", (("rss", "accent", lambda s: s.rss_bytes),), n_bytes, 1 << 20, 2),
)


def plots(snapshot: Snapshot, n_seconds: int) -> list[Plot]:
    seconds = snapshot.seconds[-n_seconds:]
    missing = (None,) * (n_seconds - len(seconds))
    return [_plot(spec, seconds, missing) for spec in SPECS]


def _plot(spec: Spec, seconds: Sequence[Told], missing: tuple[None, ...]) -> Plot:
    series = []
    for label, style, get in spec.lines:
        values = tuple(get(second) for second in seconds)
        last = values[-1] if values else None
        words = UNKNOWN if last is None else spec.text(round(last))
        series.append(Series(label, style, (*missing, *values), words))
    most = max((v for one in series for v in one.values if v is not None), default=0)
    top = scale_end(max(most, spec.least), spec.base)
    ticks = tuple((top * part / 2, spec.text(round(top * part / 2))) for part in range(3))
    return Plot(spec.title, tuple(series), top, ticks)


def scale_end(value: float, base: int) -> float:
    """The next 2, 4, 6 or 10 times a power of ten, whose half is whole; or a power of two."""
    end = base
    while end < value:
        end *= base
    if base == 2:
        return float(end)
    return next((end * part / 10 for part in (2, 4, 6) if end * part / 10 >= value), float(end))
