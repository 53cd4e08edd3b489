"""Signals that end the program, as something a `select` loop can wait on.

In: SIGINT, SIGTERM, SIGHUP. Out: a readable descriptor and the first signal's number.

A Python signal handler alone does not end a `poll`: it runs, and the call is made again with the
rest of its timeout (PEP 475). The wake-up descriptor does.
"""

import os
import signal
from types import FrameType, TracebackType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
EXIT_OF_SIGNAL = 128  # plus its number, as shells have it


class Signals:
    """While entered, the ending signals only take note of themselves. Main thread only."""

    def __init__(self) -> None:
        self.first: int | None = None
        self.n_seen = 0
        self._read_fd = self._write_fd = -1
        self._old_wakeup_fd = -1
        self._old_handlers: dict[signal.Signals, object] = {}

    def fileno(self) -> int:
        return self._read_fd

    def clear(self) -> None:
        """Makes the descriptor silent until the next signal."""
        os.read(self._read_fd, 512)

    def __enter__(self) -> "Signals":
        self._read_fd, self._write_fd = os.pipe()
        os.set_blocking(self._write_fd, False)
        os.set_blocking(self._read_fd, False)
        self._old_wakeup_fd = signal.set_wakeup_fd(self._write_fd, warn_on_full_buffer=False)
        for number in ENDING:
            if number == signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN:
                continue  # nohup(1)
            self._old_handlers[number] = signal.signal(number, self._take_note)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._old_handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() returned
        signal.set_wakeup_fd(self._old_wakeup_fd)
        os.close(self._read_fd)
        os.close(self._write_fd)

    def _take_note(self, number: int, frame: FrameType | None) -> None:
        self.n_seen += 1
        if self.first is None:
            self.first = number
