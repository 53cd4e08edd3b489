"""One side's place in its stream, for decoders whose messages are heads with bodies behind them.

In: what a decoder does with the bytes of one side. Out: the events of bytes that belong to no
message (strays), of framing, and of finding the place again. Refuses to know any protocol: what a
message looks like comes in as a pattern.

Why a pattern: a gap of unknown extent says nothing of where the next message begins, so its first
line or header must be proof enough. Patterns are bounded, so what must be kept is bounded too.
"""

import re
from typing import NamedTuple

from gwtop.nouns.events import Confused, Control, Event, Resynced
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import Side
from gwtop.protocols._base import CUT_HEAD, FRAMING

SKIPPED = "skipped"
"""Name of the `Control` for bytes that are no business of ours: a tunnel, an answer to a request
from before the capture."""

IN_STEP, SEEKING = 0, 1
"""Two of a lane's states; the others are its decoder's own."""


class Sign(NamedTuple):
    """What proves that a message begins."""

    pattern: re.Pattern[bytes]
    tail_bytes: int
    """The longest match less one: so many bytes may still become one."""
    last: bytes = b""
    """The byte that ends each match and stands in none before; empty: there is no such byte."""


class Lane:
    """`state` is the decoder's; the rest is told below."""

    __slots__ = (
        "_marks",
        "astray",
        "began_at",
        "framing_bytes",
        "held",
        "resumed",
        "side",
        "skipped",
        "state",
    )

    def __init__(self, side: Side, from_start: bool) -> None:
        self.side = side
        self.state = IN_STEP
        self.held = bytearray()
        """The part that came of a message, or what may be the beginning of one."""
        self.began_at: Nanos = 0
        """When the first of `held` came."""
        self.framing_bytes = 0
        """Not yet told."""
        self.astray = "" if from_start else SKIPPED
        """What strays are: a Control's name, or why they are not understood."""
        self.skipped = False
        """There were strays since the last message."""
        self._marks: list[tuple[int, Nanos]] = []
        """While seeking: from where on in `held` which bytes came when."""
        self.resumed = False
        """`find` has just found a message and knows when it began."""

    def start(self, at: Nanos) -> None:
        """A message begins with the bytes fed at `at`, unless `find` knows better."""
        if not self.resumed:
            self.began_at = at
        self.resumed = False

    def hold(self, data: bytes, at: Nanos) -> None:
        if not self.held:
            self.start(at)
        self.held += data

    def take_held(self) -> bytes:
        whole = bytes(self.held)
        self.held.clear()
        return whole

    def stray(self, n_bytes: int, out: list[Event]) -> None:
        """The next `n_bytes` belong to no message that we follow."""
        if not n_bytes:
            return
        self.skipped = True
        if self.astray in (SKIPPED, CUT_HEAD):
            out.append(Control(0, self.side, self.astray, n_bytes))
        else:
            out.append(Confused(self.side, n_bytes, self.astray or "no message begins here"))

    def seek(self, astray: str, out: list[Event]) -> None:
        """The place is lost, and with it what is held."""
        self.astray, self.state, self.skipped = astray, SEEKING, True
        self.stray(len(self.held), out)
        self.held.clear()
        self.tell_framing(out)

    def find(self, sign: Sign, data: bytes, at: Nanos, out: list[Event]) -> bytes:
        """What follows from the first such message on, and the lane is in step; or nothing, and
        what may be the beginning of one is kept."""
        if not self.held:
            self._marks.clear()
        if not self._marks or self._marks[-1][1] != at:
            self._marks.append((len(self.held), at))
        self.held += data
        found = sign.pattern.search(self.held) if sign.last in data else None
        if found is None:
            keep_from = max(len(self.held) - sign.tail_bytes, 0)
            if sign.last:
                keep_from = max(self.held.rfind(sign.last) + 1, keep_from)
            self.stray(keep_from, out)
            del self.held[:keep_from]
            self._marks = [
                (max(begin - keep_from, 0), then)
                for n, (begin, then) in enumerate(self._marks)
                if n + 1 == len(self._marks) or self._marks[n + 1][0] > keep_from
            ]
            return b""
        self.stray(found.start(), out)
        rest = bytes(self.held[found.start() :])
        self.held.clear()
        self.began_at = max(then for begin, then in self._marks if begin <= found.start())
        if self.skipped:
            out.append(Resynced(self.side))
        self.state, self.skipped, self.resumed = IN_STEP, False, True
        return rest

    def tell_framing(self, out: list[Event]) -> None:
        if self.framing_bytes:
            out.append(Control(0, self.side, FRAMING, self.framing_bytes))
            self.framing_bytes = 0

    def finish(self, out: list[Event]) -> None:
        """No more comes: a message that is not whole is cut, and nothing stays held."""
        if self.held:
            self.astray = CUT_HEAD if self.state == IN_STEP else self.astray
            self.stray(len(self.held), out)
            self.held.clear()
        self.tell_framing(out)

    def held_bytes(self) -> int:
        return len(self.held) + self.framing_bytes
