"""Whole facts of requests that are no longer the newest, packed.

In: facts with their rows' numbers, one after the other. Out: a fact by its number, or None: no
longer kept. Refuses to know when a fact is old enough to be put here.

A fact is some 2 KB as an object, 630 bytes as JSON, and 75 of those when 64 that resemble each
other are deflated together: 200,000 are 15 MB. Measured: 2.3 us to pack each, 0.2 ms to have one
back, with its block. What was asked for with `--details` or `--bodies` deflates less well, so
what is kept is bounded by bytes too.
"""

import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from gwtop.nouns.facts import Request
from gwtop.nouns.hosts import plain

BLOCK_FACTS = 64
MAX_BYTES = 32 * 1024 * 1024
LEVEL = 1
"""zlib's quickest: level 6 takes three times as long for a tenth less."""


def as_it_was(fact: Request) -> Request:
    return fact


@dataclass(slots=True)
class Archive:
    limit: int
    """So many facts."""
    max_bytes: int = MAX_BYTES
    restore: Callable[[Request], Request] = as_it_was
    """What JSON does not say of a fact, put back."""
    _blocks: deque[bytes] = field(default_factory=deque)
    _first: int | None = None
    """Number of the first one that is kept."""
    _open: list[Request] = field(default_factory=list)
    """The newest of them, not packed yet."""
    _n_bytes: int = 0
    _at_hand: tuple[int, list[Request]] = (-1, [])
    """The block that was asked for last, by the number of its first fact."""
    _encoder: msgspec.json.Encoder = field(
        default_factory=lambda: msgspec.json.Encoder(enc_hook=plain)
    )

    def add(self, number: int, fact: Request) -> None:
        """The next one; numbers follow each other."""
        if self._first is None:
            self._first = number
        self._open.append(fact)
        if len(self._open) == BLOCK_FACTS:
            self._pack()

    def get(self, number: int) -> Request | None:
        place = -1 if self._first is None else number - self._first
        block, at = divmod(place, BLOCK_FACTS)
        if place < 0 or block > len(self._blocks):
            return None
        if block == len(self._blocks):
            return self._open[at] if at < len(self._open) else None
        if self._at_hand[0] != number - at:
            self._at_hand = number - at, self._unpack(self._blocks[block])
        return self._at_hand[1][at]

    def _pack(self) -> None:
        packed = zlib.compress(self._encoder.encode(self._open), LEVEL)
        self._open = []
        self._blocks.append(packed)
        self._n_bytes += len(packed)
        while self._n_bytes > self.max_bytes or len(self._blocks) * BLOCK_FACTS > self.limit:
            self._n_bytes -= len(self._blocks.popleft())
            assert self._first is not None
            self._first += BLOCK_FACTS

    def _unpack(self, block: bytes) -> list[Request]:
        facts = msgspec.json.decode(zlib.decompress(block), type=list[Request])
        return [self.restore(fact) for fact in facts]
