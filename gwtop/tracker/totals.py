"""Totals: what the summary and each tick count. In: told requests and losses. Out: numbers.

A total has its loss beside it: `missing()` is null where no tap could count. Percentiles are
exact up to 100,000 durations; beyond that a logarithmic histogram keeps memory flat.
"""

from array import array
from collections import Counter
from math import ceil, log

from gwtop.nouns.facts import Missing, Percentiles, Request

EXACT = 100_000  # INTERFACE.md, `summary.duration_ns`
_GROWTH = 1.015  # bucket width; the middle of a bucket is within 0.75 % of all it holds
_LOG_GROWTH = log(_GROWTH)


class Quantiles:
    """Percentiles of durations: exact while few, within 1 % ever after."""

    def __init__(self) -> None:
        self._exact: array[int] | None = array("q")
        self._buckets: Counter[int] = Counter()
        self._max = 0
        self._n = 0

    def add(self, value_ns: int) -> None:
        self._n += 1
        if value_ns > self._max:
            self._max = value_ns
        if self._exact is None:
            self._buckets[_bucket(value_ns)] += 1
            return
        self._exact.append(value_ns)
        if len(self._exact) > EXACT:
            self._buckets.update(map(_bucket, self._exact))
            self._exact = None

    def percentiles(self) -> Percentiles:
        if self._n == 0:
            return Percentiles(p50=None, p90=None, p99=None, max=None)
        if self._exact is not None:
            ordered = sorted(self._exact)
            at = [ordered[_rank(share, self._n)] for share in (0.5, 0.9, 0.99)]
        else:
            at = [self._from_buckets(_rank(share, self._n)) for share in (0.5, 0.9, 0.99)]
        return Percentiles(p50=at[0], p90=at[1], p99=at[2], max=self._max)

    def _from_buckets(self, rank: int) -> int:
        seen = 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen > rank:
                return min(_middle(bucket), self._max)
        return self._max


def _rank(share: float, n: int) -> int:
    """Index of the nearest-rank percentile."""
    return max(ceil(share * n) - 1, 0)


def _bucket(value_ns: int) -> int:
    return int(log(value_ns) / _LOG_GROWTH) if value_ns > 0 else -1


def _middle(bucket: int) -> int:
    return 0 if bucket < 0 else int(_GROWTH ** (bucket + 0.5))


class Pids:
    """How many different pids were seen: a bit each. A process a request makes four million of
    them (kernel.pid_max), which a set keeps in 270 MB and this in 512 KiB."""

    def __init__(self) -> None:
        self._bits = bytearray()
        self._n = 0

    def add(self, pid: int) -> None:
        place, bit = pid >> 3, 1 << (pid & 7)
        if place >= len(self._bits):
            self._bits.extend(bytes(place + 1 - len(self._bits)))
        if not self._bits[place] & bit:
            self._bits[place] |= bit
            self._n += 1

    def __len__(self) -> int:
        return self._n


class Totals:
    """Counts since `hello`."""

    def __init__(self) -> None:
        self.n_requests = 0
        self.n_frames = 0
        self.n_connections = 0
        self.n_births = 0
        self.outcomes: Counter[str] = Counter()
        self.statuses: Counter[str] = Counter()
        self.evidence: Counter[str] = Counter()
        self.notes: Counter[str] = Counter()
        self.workers = Pids()
        self.durations = Quantiles()
        self.queued = Quantiles()
        self.any_queued = False
        self._missed: dict[str, int | None] = {
            "frames": None,
            "process_events": None,
            "bytes": 0,
            "requests": 0,
        }
        self._blind: set[str] = set()

    def can_count(self, what: str) -> None:
        """A tap that counts this loss is open."""
        if self._missed[what] is None and what not in self._blind:
            self._missed[what] = 0

    def missed(self, what: str, n: int | None) -> None:
        """`n` more were missed; None: some may be, and nobody can say how many."""
        known = self._missed[what]
        if n is None:
            self._missed[what] = None
            self._blind.add(what)
        elif known is not None:
            self._missed[what] = known + n
        elif what not in self._blind:
            self._missed[what] = n

    def told(self, request: Request) -> None:
        self.n_requests += 1
        self.n_births += len(request.births)
        self.outcomes[request.outcome] += 1
        if request.status is not None:
            self.statuses[str(request.status)] += 1
        if request.evidence is not None:
            self.evidence[request.evidence] += 1
        if request.pid is not None:
            self.workers.add(request.pid)
        if request.outcome == "done" and request.duration_ns is not None:
            self.durations.add(request.duration_ns)
        if request.queue_ns is not None:
            self.any_queued = True
            self.queued.add(request.queue_ns)
        for note in request.notes:
            self.notes[note.code] += 1

    def missing(self) -> Missing:
        return Missing(
            frames=self._missed["frames"],
            process_events=self._missed["process_events"],
            bytes=self._missed["bytes"],
            requests=self._missed["requests"],
        )
