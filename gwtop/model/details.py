"""Details that were wished for: the bytes of the few requests that somebody looked at.

In: `detail` facts. Out: the same, with their bytes decoded, by the request's id. Refuses to know
who asks for them. Bounded by bytes: whoever goes through a long list with a detail open asks for
each, and back again.
"""

from base64 import b64decode
from dataclasses import dataclass

from gwtop.nouns.facts import Detail, DetailRecord

MAX_BYTES = 16 * 1024 * 1024
RECORD_BYTES = 2_000
"""What a record costs besides its bytes: some ten fields."""


@dataclass(frozen=True, slots=True)
class Fetched:
    id: int
    kept: bool
    records: tuple[DetailRecord, ...] = ()
    data: bytes = b""
    answer_offset: int = 0
    bodies: tuple[tuple[str, int, int], ...] = ()
    """Side, offset, length."""
    gaps: tuple[tuple[int, int], ...] = ()
    masked: tuple[tuple[int, int], ...] = ()
    left_out: tuple[int, int] = (0, 0)

    def body(self, side: str) -> bytes:
        parts = (self.data[at : at + n] for of, at, n in self.bodies if of == side)
        return b"".join(parts)

    def half(self, side: str) -> tuple[int, int]:
        """Where this side's bytes begin and end in `data`."""
        if side == "client":
            return 0, self.answer_offset
        return self.answer_offset, len(self.data)

    def cost_bytes(self) -> int:
        return len(self.data) + RECORD_BYTES * (len(self.records) + 1)


class DetailTable:
    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._fetched: dict[int, Fetched] = {}
        """The newest last."""
        self._max_bytes = max_bytes
        self._n_bytes = 0

    def told(self, fact: Detail) -> None:
        before = self._fetched.pop(fact.id, None)
        if before is not None:
            self._n_bytes -= before.cost_bytes()
        found = fetched(fact)
        self._fetched[fact.id] = found
        self._n_bytes += found.cost_bytes()
        while self._n_bytes > self._max_bytes and len(self._fetched) > 1:
            oldest = next(iter(self._fetched))
            self._n_bytes -= self._fetched.pop(oldest).cost_bytes()

    def of(self, id: int) -> Fetched | None:
        """None: not asked for, not answered yet, or long ago."""
        return self._fetched.get(id)


def fetched(fact: Detail) -> Fetched:
    """A fact may come from anywhere: what does not lie within its bytes is left out."""
    try:
        data = b64decode(fact.data)
    except ValueError:  # no Base64, so nobody knows what was kept
        return Fetched(fact.id, False)
    size = len(data)
    records = [r for r in fact.records if _inside(r.offset, r.bytes_long, size)]
    return Fetched(
        id=fact.id,
        kept=fact.kept,
        records=tuple(
            r
            if all(_inside(at, n, size) for _, _, at, n in r.fields)
            else DetailRecord(r.side, r.at, r.offset, r.bytes_long, r.name, [])
            for r in records
        ),
        data=data,
        answer_offset=min(max(fact.answer_offset, 0), size),
        bodies=tuple(body for body in fact.bodies if _inside(body[1], body[2], size)),
        gaps=tuple(gap for gap in fact.gaps if _inside(*gap, size)),
        masked=tuple(blank for blank in fact.masked if _inside(*blank, size)),
        left_out=fact.left_out,
    )


def _inside(offset: int, length: int, size: int) -> bool:
    return min(offset, length) >= 0 and offset + length <= size
