"""The pipe to the engine: lines that wish for something, as long as somebody reads them.

In: lines. Out: bytes in a pipe, or nothing. Knows no wish.

The pipe never blocks: an engine that is stopped or stuck reads no wish, and the screen must not
wait for it. A line is shorter than PIPE_BUF, so it is in the pipe whole or not at all.
"""

import os
from typing import BinaryIO


class Wishes:
    def __init__(self, pipe: BinaryIO | None) -> None:
        self.pipe = pipe
        """None: there is no engine, or no longer."""
        self._said: set[bytes] = set()
        if pipe is not None:
            os.set_blocking(pipe.fileno(), False)

    def once(self, line: bytes) -> None:
        """Unless it was said before."""
        if line not in self._said and self.say(line):
            self._said.add(line)

    def say(self, line: bytes) -> bool:
        """Whether the engine may hear it. Not: there is none, or its pipe is full."""
        if self.pipe is None:
            return False
        try:
            os.write(self.pipe.fileno(), line)
        except BlockingIOError:
            return False
        except OSError:  # the engine is gone; its end shows by itself
            self.pipe = None
            return False
        return True
