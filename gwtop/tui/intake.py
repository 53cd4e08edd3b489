"""Lines of facts from a descriptor, waiting to be applied: read by a thread, bounded, counted.

In: a file descriptor (an engine's stdout, a pipe, a file). Out: `take(n)` gives the next lines.
Refuses to know what a line says, but for its first bytes when there is no more room.

A slow screen must not slow the engine, so the thread reads on and, when the queue is full, drops
`request` lines (the rest is rare, and a lost birth would falsify the tree) and counts them. A
regular file has no engine behind it: there the thread waits, and nothing is dropped.
"""

import os
import stat
import threading
from collections import deque
from collections.abc import Callable

MAX_WAITING_LINES = 50_000
"""Ten seconds of 5,000 requests a second."""
MAX_WAITING_BYTES = 64 * 1024 * 1024
MAX_LINE_BYTES = 8 * 1024 * 1024
"""With --bodies a line may be long; beyond this it is dropped, counted, and shown as missed."""
_READ_BYTES = 256 * 1024
_REQUEST = b'{"type":"request"'


class Intake:
    def __init__(
        self,
        source: int,
        on_end: Callable[[], str | None] | None = None,
        waits: bool = False,
    ) -> None:
        """`waits`: for room, as with a file; what is behind the pipe can wait, too."""
        self.n_dropped = 0
        self.ended = False
        """The other end is closed; lines may still be waiting."""
        self.last_words: str | None = None
        """What `on_end` found out about the end."""
        self._source = source
        self._on_end = on_end
        self._waits = waits or stat.S_ISREG(os.fstat(source).st_mode)
        self._lines: deque[bytes] = deque()
        self._n_bytes = 0
        self._room = threading.Condition()
        self._thread = threading.Thread(target=self._read, name="intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def take(self, n_lines: int) -> list[bytes]:
        """The next lines, without their newlines; [] when none waits."""
        taken: list[bytes] = []
        with self._room:
            while self._lines and len(taken) < n_lines:
                line = self._lines.popleft()
                self._n_bytes -= len(line)
                taken.append(line)
            self._room.notify()
        return taken

    @property
    def n_waiting(self) -> int:
        return len(self._lines)

    def _read(self) -> None:
        rest = b""
        too_long = False
        while chunk := self._next_chunk():
            first, newline, more = chunk.partition(b"\n")
            if not newline:
                too_long = too_long or len(rest) + len(first) > MAX_LINE_BYTES
                rest = b"" if too_long else rest + first
                continue
            lines = more.split(b"\n")
            if too_long:
                self.n_dropped += 1
            else:
                lines.insert(0, rest + first)
            rest, too_long = lines.pop(), False
            self._put(lines)
        if too_long:
            self.n_dropped += 1
        if rest:
            self._put([rest])
        if self._on_end is not None:
            self.last_words = self._on_end()
        self.ended = True

    def _next_chunk(self) -> bytes:
        try:
            return os.read(self._source, _READ_BYTES)
        except OSError:  # EIO: the terminal or pipe behind it is gone, which is an end too
            return b""

    def _put(self, lines: list[bytes]) -> None:
        with self._room:
            for line in lines:
                if self._is_full():
                    if self._waits:
                        self._room.wait_for(lambda: not self._is_full())
                    elif line.startswith(_REQUEST) or self._is_full(2):
                        self.n_dropped += 1
                        continue
                if line:
                    self._lines.append(line)
                    self._n_bytes += len(line)

    def _is_full(self, times: int = 1) -> bool:
        """Beyond the room there is; `times` so much is for lines that matter."""
        enough = len(self._lines) >= times * MAX_WAITING_LINES
        return enough or self._n_bytes >= times * MAX_WAITING_BYTES
