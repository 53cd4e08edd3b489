"""Moments: what a screen said of each second, so that one can go back to it.

In: snapshots, as time passes. Out: the snapshot of an earlier instant, as far as it is kept.
Refuses to know who looks.

A moment is a snapshot without what is large and can be had otherwise: of the requests only how far
they went (they are numbered and only added to, so the newest view shows the older one), of the
lifelines, plots, errors and connections nothing (each says itself when it happened). What remains
is some kilobytes, most of it rows of processes; so moments are bounded by those, too. Routes are
sums: those of a moment are counted anew, from the requests that are kept, where somebody looks.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field, replace

from gwtop.model.lifelines import Lifelines
from gwtop.model.requests import RequestsView
from gwtop.model.routes import again
from gwtop.model.snapshot import NO_REQUESTS, Snapshot
from gwtop.nouns.times import SECOND_NS, Nanos

KEPT_MOMENTS = 1_800
"""Half an hour at one a second."""
KEPT_PROCESS_ROWS = 60_000
"""Some 500 bytes each when every second has new ones: 30 MB."""

COUNTED_AGAIN = 20_000
"""Some 60 ms."""


@dataclass(frozen=True, slots=True)
class Moment:
    at: Nanos
    n_requests: int
    """Told so far."""
    snapshot: Snapshot


@dataclass(slots=True)
class History:
    _moments: deque[Moment] = field(default_factory=deque)
    _n_process_rows: int = 0
    _nothing: Lifelines = field(default_factory=Lifelines)

    def is_due(self, now_at: Nanos) -> bool:
        """A second began that has no moment yet."""
        return not self._moments or now_at // SECOND_NS > self._moments[-1].at // SECOND_NS

    def keep(self, snapshot: Snapshot) -> None:
        """In the order of time; of a second, once."""
        now_at = snapshot.now_at
        if now_at is None or not self.is_due(now_at):
            return
        bare = replace(
            snapshot,
            requests=NO_REQUESTS,
            lifelines=self._nothing,
            routes=(),
            errors=(),
            connections=(),
            seconds=(),
        )
        self._moments.append(Moment(now_at, snapshot.requests.end, bare))
        self._n_process_rows += len(bare.processes)
        while len(self._moments) > KEPT_MOMENTS or self._n_process_rows > KEPT_PROCESS_ROWS:
            self._n_process_rows -= len(self._moments.popleft().snapshot.processes)

    def first_at(self) -> Nanos | None:
        """How far back one can go. None: nowhere."""
        return self._moments[0].at if self._moments else None

    def before(self, at: Nanos, n_moments: int = 1) -> Moment | None:
        """The n-th moment before this instant, or the oldest; None where there is none before."""
        place = bisect_right(self._moments, at - 1, key=lambda moment: moment.at)
        return self._moments[max(0, place - n_moments)] if place else None

    def after(self, at: Nanos, n_moments: int = 1) -> Moment | None:
        """The n-th moment after this instant; None where there are not so many."""
        place = bisect_right(self._moments, at, key=lambda moment: moment.at) + n_moments - 1
        return self._moments[place] if place < len(self._moments) else None


def with_routes(then: Snapshot, now: Snapshot) -> Snapshot:
    """`then` with its routes, from so many requests before it as are counted while one waits."""
    rows = then.requests
    first = max(rows.first, rows.end - COUNTED_AGAIN)
    routes = again(rows.between(first, rows.end), then.now_at or 0, now.routes)
    return replace(then, routes=routes, routes_of=rows.end - first if first else None)


def then(moment: Moment, now: Snapshot) -> Snapshot:
    """What was to be seen at that moment, with what `now` still has of it."""
    view, at = now.requests, moment.at
    end = min(max(view.first, moment.n_requests), view.end)
    return replace(
        moment.snapshot,
        requests=RequestsView(view.blocks, view.first, end),
        lifelines=now.lifelines,
        hops=now.hops,
        seconds=tuple(one for one in now.seconds if (one.second + 1) * SECOND_NS <= at),
        errors=tuple(one for one in now.errors if one.at <= at),
        connections=tuple(
            one for one in now.connections if one.opened_at is None or one.opened_at <= at
        ),
    )
