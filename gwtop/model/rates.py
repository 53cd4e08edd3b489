"""What happened in each of the last 600 seconds of trace time, and rates over windows of them.

In: requests that ended (instant, status, duration). Out: `Window`, frozen, for the newest seconds.
Knows no clock: its newest second is the newest it was told of, by `count` or by `reach`.

Facts settle out of order by up to 100 ms, so a second is found by its number, not by being last;
what is older than the ring is left to the totals.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from gwtop.model.histogram import Counts, count, merged, percentile_ns
from gwtop.nouns.times import SECOND_NS, Nanos

KEPT_SECONDS = 600
WINDOW_SECONDS = 10
"""Long enough for a percentile at a few requests a second, short enough to see a change."""
SPARK_SECONDS = 30
SETTLED_SECONDS = 3
"""Facts of a second that come later than this do not change what was told of it."""


@dataclass(slots=True)
class Second:
    requests: int = 0
    server_errors: int = 0
    kept_connection: int = 0
    """Requests that were not the first of their connection."""
    durations: Counts = field(default_factory=dict)
    births: int = 0
    busy: int | None = None
    """The most workers that were told to be busy; as for the next two, None: nobody said."""
    pending: int | None = None
    rss_bytes: int | None = None


class Told(NamedTuple):
    """A second that is over, for plots."""

    second: int
    requests: int
    server_errors: int
    p50_ns: int | None
    p99_ns: int | None
    births: int
    busy: int | None
    pending: int | None
    rss_bytes: int | None


@dataclass(frozen=True, slots=True)
class Window:
    """The last seconds, added up. None: nothing in them to say it by."""

    seconds: float
    requests: int
    requests_per_s: float | None
    p50_ns: int | None
    p99_ns: int | None
    server_error_share: float | None
    kept_share: float | None
    spark: tuple[int, ...]
    """Requests in each of the last whole seconds, oldest first."""


NO_WINDOW = Window(0.0, 0, None, None, None, None, None, ())


@dataclass(slots=True)
class Rates:
    _seconds: dict[int, Second] = field(default_factory=dict)
    _began_at: Nanos | None = None
    _now_at: Nanos = 0
    _told: dict[int, Told] = field(default_factory=dict)
    """Seconds that will not change any more."""

    def reach(self, at: Nanos) -> None:
        """Trace time is at least `at`."""
        if self._began_at is None:
            self._began_at = at
        if at > self._now_at:
            self._now_at = at

    def count(self, at: Nanos, status: int | None, duration_ns: int | None, sequence: int) -> None:
        self.reach(at)
        second = self._at(at)
        second.requests += 1
        second.server_errors += status is not None and status >= 500
        second.kept_connection += sequence > 0
        if duration_ns is not None:
            count(second.durations, duration_ns)

    def born(self, at: Nanos) -> None:
        self.reach(at)
        self._at(at).births += 1

    def gauge(
        self, at: Nanos, busy: int | None, pending: int | None, rss_bytes: int | None
    ) -> None:
        """What a tick says of now; of several in a second the largest counts."""
        second = self._at(at)
        second.busy = _larger(second.busy, busy)
        second.pending = _larger(second.pending, pending)
        second.rss_bytes = _larger(second.rss_bytes, rss_bytes)

    def series(self, n_seconds: int) -> tuple[Told, ...]:
        """The last seconds that are over, without gaps; none before the first."""
        if self._began_at is None:
            return ()
        last = self._now_at // SECOND_NS
        first = max(self._began_at // SECOND_NS, last - min(n_seconds, KEPT_SECONDS))
        for old in [number for number in self._told if number < last - KEPT_SECONDS]:
            del self._told[old]
        return tuple(self._tell(number, last) for number in range(first, last))

    def _tell(self, number: int, last: int) -> Told:
        told = self._told.get(number)
        if told is not None:
            return told
        second = self._seconds.get(number, Second())
        told = Told(
            second=number,
            requests=second.requests,
            server_errors=second.server_errors,
            p50_ns=percentile_ns(second.durations, 50),
            p99_ns=percentile_ns(second.durations, 99),
            births=second.births,
            busy=second.busy,
            pending=second.pending,
            rss_bytes=second.rss_bytes,
        )
        if number < last - SETTLED_SECONDS:
            self._told[number] = told
        return told

    def _at(self, at: Nanos) -> Second:
        number = at // SECOND_NS
        second = self._seconds.get(number)
        return self._open(number) if second is None else second

    def _open(self, number: int) -> Second:
        oldest = self._now_at // SECOND_NS - KEPT_SECONDS
        if number <= oldest:
            return Second()
        if len(self._seconds) >= KEPT_SECONDS:
            for old in [n for n in self._seconds if n <= oldest]:
                del self._seconds[old]
        return self._seconds.setdefault(number, Second())

    def window(self, n_seconds: int = WINDOW_SECONDS) -> Window:
        if self._began_at is None:
            return NO_WINDOW
        last = self._now_at // SECOND_NS
        bins = [s for n in range(last - n_seconds + 1, last + 1) if (s := self._seconds.get(n))]
        n_requests = sum(s.requests for s in bins)
        seconds = self._covered_seconds(n_seconds)
        durations = merged(s.durations for s in bins)
        return Window(
            seconds=seconds,
            requests=n_requests,
            requests_per_s=n_requests / seconds,
            p50_ns=percentile_ns(durations, 50),
            p99_ns=percentile_ns(durations, 99),
            server_error_share=_share(sum(s.server_errors for s in bins), n_requests),
            kept_share=_share(sum(s.kept_connection for s in bins), n_requests),
            spark=self._spark(last),
        )

    def _covered_seconds(self, n_seconds: int) -> float:
        """How much of the window has passed: the newest second has only begun."""
        assert self._began_at is not None
        passed = n_seconds - 1 + (self._now_at % SECOND_NS) / SECOND_NS
        since_start = (self._now_at - self._began_at) / SECOND_NS
        return max(1.0, min(passed, since_start))

    def _spark(self, last: int) -> tuple[int, ...]:
        assert self._began_at is not None
        first = max(self._began_at // SECOND_NS, last - SPARK_SECONDS)
        return tuple(
            0 if (second := self._seconds.get(n)) is None else second.requests
            for n in range(first, last)
        )


def _larger(one: int | None, other: int | None) -> int | None:
    return one if other is None else other if one is None else max(one, other)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
