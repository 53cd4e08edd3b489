"""Instants and durations as the house counts them, and the text form of an instant.

In: integer nanoseconds since the Unix epoch, UTC. Out: "2026-11-22T06:00:42.123456789Z" and back.
Knows no clock: `gwtop.clock` is the only file that reads one.

A float cannot hold an epoch in nanoseconds and `datetime` rounds to microseconds, so instants are
ints inside and strings of our own making in facts. The text of a whole second is the same for
thousands of facts in a row, so it is kept in a cache of a pure function.
"""

from datetime import UTC, datetime
from functools import lru_cache
from typing import TypeAlias

Nanos: TypeAlias = int
"""Nanoseconds since 1970-01-01T00:00:00Z; a duration when the name ends in `_ns`."""

Instant: TypeAlias = str
"""An instant as text: ISO 8601, UTC, always nine decimals, so that text order is time order."""

SECOND_NS = 1_000_000_000
MILLISECOND_NS = 1_000_000
MICROSECOND_NS = 1_000


@lru_cache(maxsize=64)
def _second_text(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=64)
def _second_value(text: str) -> int:
    return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC).timestamp())


def instant(at: Nanos) -> Instant:
    """The text of an instant; exact to the nanosecond."""
    second, rest = divmod(at, SECOND_NS)
    return f"{_second_text(second)}.{rest:09d}Z"


def nanos(text: Instant) -> Nanos:
    """The inverse of `instant`. Raises ValueError for any other form."""
    if len(text) != 30 or text[19] != "." or text[29] != "Z":
        raise ValueError(f"not an instant: {text!r}")
    return _second_value(text[:19]) * SECOND_NS + int(text[20:29])
