"""Facts as JSON lines on a descriptor, without ever waiting for who reads them.

In: facts. Out: their lines on a pipe, a file, a socket or a terminal. It refuses to know what the
facts mean, beyond which of them count as missed when they are not given.

The engine must not stand still because a reader does: the kernel would drop frames meanwhile. So
lines queue here, the loop asks for writability, and past a bound new lines are dropped and
counted. Setting O_NONBLOCK would be simpler and rude: the flag belongs to the open file, which a
shell or a pager shares. A pipe that polls as writable takes PIPE_BUF bytes without blocking
(poll(2), pipe(7)), so writes are cut to that; a regular file never blocks and takes all.

Where the facts come from a file there is no hurry: the loop stops reading while `is_full`, and
nothing is dropped.
"""

import os
import select
import stat
from collections import deque

from gwtop import journal
from gwtop.nouns.facts import Fact, Hello, ProcessBorn, ProcessExited, Request, Summary

MAX_QUEUED_BYTES = 64 * 1024 * 1024  # ~80,000 requests: seconds of a stalled reader at full load
MAX_BATCH = 1000  # facts encoded at once, of which none is dropped: 1 MiB as a rule
FULL_BYTES = 1024 * 1024  # when a lossless source should pause; far below the bound


class JsonLines:
    """A queue of lines before a descriptor."""

    def __init__(self, fd: int, max_queued_bytes: int = MAX_QUEUED_BYTES) -> None:
        self.closed = False
        """The reader has gone; nothing more will be written."""
        self.queued_bytes = 0
        self.dropped_requests = 0
        """Since the last `take_dropped`."""
        self.dropped_process_events = 0
        self._fd = fd
        self._max_queued_bytes = max_queued_bytes
        self._lines: deque[memoryview] = deque()
        """Views, so that what a write took is cut off without moving the rest."""
        self._piece_bytes = _piece_bytes(fd)
        self._poller = select.poll()
        self._poller.register(fd, select.POLLOUT)

    def fileno(self) -> int:
        return self._fd

    @property
    def is_full(self) -> bool:
        """A source that can wait should wait."""
        return self.queued_bytes >= FULL_BYTES

    def put(self, facts: list[Fact]) -> None:
        """Queues the facts' lines. The first and the last line are never dropped."""
        if self.queued_bytes < self._max_queued_bytes - FULL_BYTES and len(facts) < MAX_BATCH:
            self._queue(journal.encode_all(facts))
            return
        for fact in facts:
            if self.queued_bytes < self._max_queued_bytes or isinstance(fact, Hello | Summary):
                self._queue(journal.encode(fact))
            else:
                self._drop(fact)

    def _queue(self, lines: bytes) -> None:
        self._lines.append(memoryview(lines))
        self.queued_bytes += len(lines)

    def _drop(self, fact: Fact) -> None:
        match fact:
            case Request():
                self.dropped_requests += 1
            case ProcessBorn() | ProcessExited():
                self.dropped_process_events += 1
            case _:  # a tick or a sample not given is no loss: the next one says it again
                pass

    def take_dropped(self) -> tuple[int, int]:
        """How many requests and process events were dropped since the last call."""
        dropped = self.dropped_requests, self.dropped_process_events
        self.dropped_requests = self.dropped_process_events = 0
        return dropped

    def flush(self) -> None:
        """Writes as much as the reader takes at once; with nothing to write, looks for a reader."""
        while self._is_writable() and self.queued_bytes:
            try:
                written = os.write(self._fd, self._next_piece())
            except BrokenPipeError:
                self.closed = True
            except BlockingIOError:  # somebody else made it non-blocking
                return
            else:
                self._forget(written)

    def _is_writable(self) -> bool:
        ready = [] if self.closed else self._poller.poll(0)
        if ready and ready[0][1] & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
            self.closed = True
        return bool(ready) and not self.closed

    def _next_piece(self) -> memoryview:
        """As much as may be written at once; it stays the first of the queue."""
        first = self._lines[0]
        if len(first) < self._piece_bytes and len(self._lines) > 1:
            parts: list[memoryview] = []
            n_bytes = 0
            while self._lines and n_bytes < self._piece_bytes:
                parts.append(self._lines.popleft())
                n_bytes += len(parts[-1])
            first = memoryview(b"".join(parts))
            self._lines.appendleft(first)
        return first[: self._piece_bytes]

    def _forget(self, written: int) -> None:
        self.queued_bytes -= written
        rest = self._lines.popleft()[written:]
        if rest:
            self._lines.appendleft(rest)


def _piece_bytes(fd: int) -> int:
    try:
        mode = os.fstat(fd).st_mode
    except OSError:  # not open at all; poll will say POLLNVAL
        return select.PIPE_BUF
    takes_all = stat.S_ISREG(mode) or (stat.S_ISCHR(mode) and not os.isatty(fd))  # /dev/null
    return FULL_BYTES if takes_all else select.PIPE_BUF
