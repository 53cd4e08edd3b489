"""The pipe to the engine: lines that wish for something, as long as somebody reads them.

In: lines. Out: bytes in a pipe, or nothing. Knows no wish.
"""

from typing import BinaryIO


class Wishes:
    def __init__(self, pipe: BinaryIO | None) -> None:
        self.pipe = pipe
        """None: there is no engine, or no longer."""
        self._said: set[bytes] = set()

    def once(self, line: bytes) -> None:
        """Unless it was said before."""
        if line not in self._said:
            self._said.add(line)
            self.say(line)

    def say(self, line: bytes) -> None:
        if self.pipe is None:
            return
        try:
            self.pipe.write(line)
            self.pipe.flush()
        except OSError:  # the engine is gone; its end shows by itself
            self.pipe = None
