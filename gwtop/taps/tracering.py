"""A trace ring as one stream: every CPU's pages in, events in the order of their time out.

In: an instance whose events are switched on. Out: `RawEvent`s, and how many the kernel overwrote.
It refuses to know which events there are.

Each CPU has its own pages. What one of them has not shown yet may be older than what another has
shown, so a read tells only what happened before it began, and keeps the rest for the next one.

Waiting: while nothing happens, `poll` waits on the ring (an epoll descriptor over all CPUs). When
something does, the ring is left alone for `PAUSE_NS` and then read at once: a busy gateway costs a
hundred wake-ups a second and not one for each event, an idle one none. A second instance may be
read along whose events wake nobody: those that every program of the machine makes.

A CPU that was never switched on has a file and no pages: poll says at once that it failed, and a
read that there is no such device (kernel/trace/ring_buffer.c, ring_buffer_poll_wait and
ring_buffer_alloc_read_page). Many virtual machines have such CPUs. Its file is left alone and
tried again once a second: the CPU may come. One that goes leaves its pages to be read.
"""

import errno
import os
import select
from bisect import bisect_right
from operator import attrgetter

from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS
from gwtop.taps.tracefs import Instance
from gwtop.taps.tracepages import RawEvent, split_pages

PAUSE_NS = 10 * MILLISECOND_NS  # as long as a block of the packet ring; evidence may take 80 ms
ASLEEP_NS = SECOND_NS  # as often as taps look anyhow
MAX_PAGES_PER_READ = 64  # of each CPU; about 50 events a page, 10 ms of our work

_TIME = attrgetter("at_ns")


class TraceRing:
    """Reads one instance; the instance itself belongs to whoever made it."""

    def __init__(self, instance: Instance, quiet: Instance | None = None) -> None:
        """`quiet`: its events are told with the others, and nobody is woken for them."""
        data = instance.page_header().fields["data"]
        self._data_offset = data.offset
        self._page_bytes = data.offset + data.size_bytes
        self._epoll = select.epoll()
        for pipe in instance.open_pipes():
            self._epoll.register(pipe, select.EPOLLIN)
        self._quiet = select.epoll()
        for pipe in () if quiet is None else quiet.open_pipes():
            self._quiet.register(pipe, select.EPOLLIN)
        self._asleep: list[tuple[select.epoll, int]] = []
        """Files of CPUs that are not there, and who waits for each once it is."""
        self._wake_ns = 0
        self._held: list[RawEvent] = []
        self._pause_until_ns: int | None = None
        self.n_missed: int | None = 0
        """Overwritten since this was last reset. None: some, their number is not known."""
        self.unread_since_ns: int | None = None
        """What happened after this was left for the next read. None: nothing was."""

    def fileno(self) -> int:
        """-1 while the ring is left alone."""
        return self._epoll.fileno() if self._pause_until_ns is None else -1

    def due_at_ns(self) -> int | None:
        return self._pause_until_ns

    def read(self, now_ns: int) -> list[RawEvent]:
        """What happened before `now_ns` (CLOCK_MONOTONIC), oldest first; bounded work."""
        fresh = self._held
        told_until_ns = now_ns
        self._wake(now_ns)
        for epoll in (self._quiet, self._epoll):
            for pipe, _ in epoll.poll(0):
                newest_ns = self._drain(epoll, pipe, fresh)
                if newest_ns is not None:
                    told_until_ns = min(told_until_ns, newest_ns)
        fresh.sort(key=_TIME)
        n_told = bisect_right(fresh, told_until_ns, key=_TIME)
        self._held = fresh[n_told:]
        is_behind = told_until_ns < now_ns
        self.unread_since_ns = told_until_ns if is_behind else None
        self._pause_until_ns = now_ns + (0 if is_behind else PAUSE_NS) if fresh else None
        return fresh[:n_told]

    def _wake(self, now_ns: int) -> None:
        """Files of CPUs that were not there have their next try."""
        if self._asleep and now_ns >= self._wake_ns:
            self._wake_ns = now_ns + ASLEEP_NS
            for epoll, pipe in self._asleep:
                epoll.register(pipe, select.EPOLLIN)
            self._asleep.clear()

    def _drain(self, epoll: select.epoll, pipe: int, fresh: list[RawEvent]) -> int | None:
        """Adds one CPU's events. When more are left than were read: the newest one's time."""
        newest_ns: int | None = None
        for _ in range(MAX_PAGES_PER_READ):
            try:
                data = os.read(pipe, self._page_bytes)
            except BlockingIOError:
                return None
            except OSError as error:
                if error.errno != errno.ENODEV:
                    raise
                epoll.unregister(pipe)
                self._asleep.append((epoll, pipe))
                return None
            if not data:
                return None
            for page in split_pages(data, self._page_bytes, self._data_offset):
                fresh += page.events
                if page.events:
                    newest_ns = page.events[-1].at_ns
                if page.n_missed is None or self.n_missed is None:
                    self.n_missed = None
                else:
                    self.n_missed += page.n_missed
        return newest_ns

    def close(self) -> None:
        self._epoll.close()
        self._quiet.close()
