"""Handovers: whom a reader passed its request on to, by the bytes between the two.

In: `Passed` records. Out: for a request that somebody read, whether it was passed on, and to whom
when the bytes say it beyond doubt. It refuses to guess.

Within the request's window the reader's thread put bytes into a unix socket and took others out of
it. Whoever in the tree took some of the first out and put exactly the second in is behind it. Two
who fit are none: requests of equal length at the same instant stay without a pid.

The kernel names each end of a unix socket by itself, so no name joins the two; lengths do.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from gwtop.nouns.records import Passed, Touched
from gwtop.nouns.times import Nanos

MAX_KEPT = 65536  # 3 s of 1,000 such requests a second


class _End:
    """One end of a socket in one process's hands, within a window."""

    __slots__ = ("first_at", "pid", "received_bytes", "sent_bytes", "thread")

    def __init__(self, first: Passed) -> None:
        self.pid = first.pid
        self.thread = first.thread
        self.first_at = first.at
        self.sent_bytes = self.received_bytes = 0


class Handovers:
    def __init__(self) -> None:
        self._records: list[Passed] = []
        self._times: list[Nanos] = []

    def passed(self, record: Passed) -> None:
        self._records.append(record)
        self._times.append(record.at)
        if len(self._records) > MAX_KEPT:
            del self._records[: MAX_KEPT // 2], self._times[: MAX_KEPT // 2]

    def behind(self, read: Touched, until: Nanos) -> tuple[bool, int | None, int | None]:
        """Whether it was passed on; the pid and thread that took it, if that is certain."""
        if not self._records:
            return False, None, None
        start, end = bisect_left(self._times, read.at), bisect_right(self._times, until)
        window = self._records[start:end]
        mine = _ends(r for r in window if r.thread == read.thread)
        others = [o for o in _ends(r for r in window if r.pid != read.pid) if o.received_bytes]
        sent = [one for one in mine if one.sent_bytes]
        if not sent or not others:
            return False, None, None
        fitting = {
            (other.pid, other.thread) for one in sent for other in others if _fit(one, other)
        }
        if len({pid for pid, _ in fitting}) != 1:
            return True, None, None
        return True, *min(fitting, key=lambda who: who[1])


def _ends(records: Iterable[Passed]) -> list[_End]:
    ends: dict[tuple[int | None, int], _End] = {}
    for record in records:
        end = ends.get((record.pid, record.sock))
        if end is None:
            end = ends[record.pid, record.sock] = _End(record)
        if record.verb == "sent":
            end.sent_bytes += record.n_bytes
        else:
            end.received_bytes += record.n_bytes
    return list(ends.values())


def _fit(mine: _End, other: _End) -> bool:
    """It may leave some of the request unread; of the answer nothing stays behind."""
    if other.pid is None or other.first_at < mine.first_at:
        return False
    return other.received_bytes <= mine.sent_bytes and other.sent_bytes == mine.received_bytes > 0
