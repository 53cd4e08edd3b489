"""What happened in each of the last 600 seconds of trace time, and rates over windows of them.

In: requests that ended (instant, status, duration). Out: `Window`, frozen, for the newest seconds.
Knows no clock: its newest second is the newest it was told of, by `count` or by `reach`.

Facts settle out of order by up to 100 ms, so a second is found by its number, not by being last;
what is older than the ring is left to the totals.
"""

from dataclasses import dataclass, field

from gwtop.model.histogram import Counts, count, merged, percentile_ns
from gwtop.nouns.times import SECOND_NS, Nanos

KEPT_SECONDS = 600
WINDOW_SECONDS = 10
"""Long enough for a percentile at a few requests a second, short enough to see a change."""
SPARK_SECONDS = 30


@dataclass(slots=True)
class Second:
    requests: int = 0
    server_errors: int = 0
    kept_connection: int = 0
    """Requests that were not the first of their connection."""
    durations: Counts = field(default_factory=dict)


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

    def reach(self, at: Nanos) -> None:
        """Trace time is at least `at`."""
        if self._began_at is None:
            self._began_at = at
        if at > self._now_at:
            self._now_at = at

    def count(self, at: Nanos, status: int | None, duration_ns: int | None, sequence: int) -> None:
        self.reach(at)
        number = at // SECOND_NS
        second = self._seconds.get(number)
        if second is None:
            second = self._open(number)
        second.requests += 1
        second.server_errors += status is not None and status >= 500
        second.kept_connection += sequence > 0
        if duration_ns is not None:
            count(second.durations, duration_ns)

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


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
