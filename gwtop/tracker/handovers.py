"""Handovers: whom a reader passed its request on to, by the bytes between the two.

In: `Passed` records. Out: for a request that somebody read, whether it was passed on, and to whom
when the bytes say it beyond doubt. It refuses to guess.

Within the request's window the reader's thread put bytes into unix sockets, and the kernel tells at
which ends they arrived. Whoever in the tree takes from such an end first is behind it; an end that
nobody of the tree takes from is a database's or a log's. One that takes and does not answer there
may have made a process that does: whatever it made before it took something else (`makers`).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from gwtop.nouns.records import Passed, Touched
from gwtop.nouns.times import Nanos

MAX_KEPT = 65536  # 3 s of 1,000 such requests a second

Behind: TypeAlias = tuple[bool, int | None, int | None]
"""Whether it was passed on; the pid and thread that took it, if that is certain."""
NOT_PASSED: Behind = (False, None, None)
TO_SOMEBODY: Behind = (True, None, None)


class Maker(NamedTuple):
    """A process that took a request, gave no answer, and then took nothing else for a while. A
    process that it made meanwhile was made for this request."""

    pid: int
    since: Nanos
    until: Nanos


class Handovers:
    def __init__(self) -> None:
        self._records: list[Passed] = []
        self._times: list[Nanos] = []
        self.hidden: set[int] = set()
        """Processes that pass requests on, as those below them do, where nobody sees to whom."""
        self._unsure_until: Nanos = 0
        self.n_told = 0
        """Records so far."""

    def missed(self, at: Nanos) -> None:
        """Some were lost before this instant: the first that is seen need not be the first."""
        self._unsure_until = at

    def passed(self, record: Passed) -> None:
        self.n_told += 1
        self._records.append(record)
        self._times.append(record.at)
        if len(self._records) > MAX_KEPT:
            del self._records[: MAX_KEPT // 2], self._times[: MAX_KEPT // 2]

    def behind(self, read: Touched, until: Nanos) -> Behind:
        """Who is behind the reader of a request, which was over at `until`."""
        if not self._records:
            return NOT_PASSED
        start, end = bisect_left(self._times, read.at), bisect_right(self._times, until)
        window = self._records[start:end]
        if read.at <= self._unsure_until:
            return TO_SOMEBODY
        sent = [r for r in window if r.thread == read.thread and r.verb == "sent"]
        return _takers_of(window, sent)

    def makers(self, read: Touched, until: Nanos) -> list[Maker]:
        """Who may have made a process for the request."""
        if not self._records or read.at <= self._unsure_until:
            return []
        start, end = bisect_left(self._times, read.at), bisect_right(self._times, until)
        window = self._records[start:end]
        sent: dict[int, int] = {}
        for place, record in enumerate(window):
            if record.thread == read.thread and record.verb == "sent" and record.arrives_at:
                sent.setdefault(record.arrives_at, place)
        found = [_maker(window[place:], sock, until) for sock, place in sent.items()]
        return [maker for maker in found if maker is not None]


def _maker(window: Sequence[Passed], sock: int, until: Nanos) -> Maker | None:
    """Whoever took from this end first, if it did not answer there before it did anything else.
    (Later the name may be another socket's.)"""
    first = next((r for r in window if r.sock == sock and r.verb == "received"), None)
    if first is None or first.pid is None:
        return None
    since = first.at
    for record in window:
        if record.thread != first.thread or record.at < since:
            continue
        if record.sock != sock:
            return Maker(first.pid, since, record.at)
        if record.verb == "sent":
            return None
        since = record.at
    return Maker(first.pid, since, until)


def _takers_of(window: Sequence[Passed], sent: Sequence[Passed]) -> Behind:
    takers: set[tuple[int | None, int]] = set()
    for record in sent:
        taker = next(
            (
                other
                for other in window[bisect_left(window, record.at, key=_at) :]
                if other.sock == record.arrives_at and other.verb == "received"
            ),
            None,
        )
        if taker is not None and taker.pid != record.pid:
            takers.add((taker.pid, taker.thread))
    if not takers:
        return NOT_PASSED
    if len({pid for pid, _ in takers}) > 1:
        return TO_SOMEBODY
    return True, *min(takers, key=lambda who: who[1])


def _at(record: Passed) -> Nanos:
    return record.at
