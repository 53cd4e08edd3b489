"""The newest requests as compact rows, and views of them that cost nothing to take.

In: `Request` facts. Out: `RequestsView`, a frozen sequence numbered from the session's start, and
the whole fact of each as long as there is room for it. Refuses to know what a row looks like on a
screen.

A paint must not copy 20,000 rows. Rows are immutable and stand in blocks of 512 that are only
ever appended to, or dropped whole; a view is the tuple of blocks with its two ends, so what it
shows stays as it was while the table goes on. A row's number never changes: a selection is one.
"""

from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from gwtop.model.archive import Archive
from gwtop.nouns.facts import UNSET, Evidence, Outcome, Request, Severity
from gwtop.nouns.times import Nanos, nanos

BLOCK_ROWS = 512
KEPT_ROWS = 200_000
"""Some 500 bytes each: 100 MB, and the screen with all else stays below 200."""
KEPT_TEXT = 400
"""Characters of a target in a row: more than the widest terminal in use shows."""
KEPT_DETAILS = 2_000
"""Whole facts as they are; older ones are packed."""
BESIDE_ROWS = 1_000
"""So many on each side are looked through for an older one's other hop: half a millisecond."""
KEPT_DETAIL_CHARACTERS = 24_000_000
"""A hostile front may send 64 KB targets: those not packed stay within some 24 MB."""


class RequestRow(NamedTuple):
    number: int
    """n-th request since this screen began, from 0."""
    id: int
    at: Nanos
    method: str | None
    target: str | None
    """Its first `KEPT_TEXT` characters."""
    status: int | None
    outcome: Outcome | None
    """None: it is not over, and neither are the numbers that are None with it."""
    duration_ns: int | None
    first_byte_ns: int | None
    queue_ns: int | None
    pid: int | None
    evidence: Evidence | None
    n_births: int | None
    response_body_bytes: int | None
    request_body_bytes: int | None
    severity: Severity | None
    """Of its gravest note."""
    notes: tuple[str, ...]
    """Their codes."""
    protocol: str
    connection: int
    sequence: int | None
    wrote_stderr: bool | None
    host: str | None = None
    """None: the facts name none, for they are one engine's."""
    pair: int | None = None
    """Id of the same request on the hop in front."""


def clip(text: str | None, limit: int = KEPT_TEXT) -> str | None:
    """The beginning of a latin-1 text; a UTF-8 character that the cut would halve goes whole."""
    if text is None or len(text) <= limit:
        return text
    cut = text[:limit]
    for back in range(1, 5):
        byte = cut[-back]
        if byte < "\x80" or byte > "\xff":
            return cut
        if byte >= "\xc0":
            return cut[:-back]
    return cut


def gravest(severities: list[Severity]) -> Severity | None:
    order: tuple[Severity, ...] = ("error", "warn", "info")
    return next((s for s in order if s in severities), None)


def to_row(fact: Request, number: int, at: Nanos) -> RequestRow:
    return RequestRow(
        number=number,
        id=fact.id,
        at=at,
        method=clip(fact.method, 40),
        target=clip(fact.target),
        status=fact.status,
        outcome=fact.outcome,
        duration_ns=fact.duration_ns,
        first_byte_ns=fact.first_byte_ns,
        queue_ns=fact.queue_ns,
        pid=fact.pid,
        evidence=fact.evidence,
        n_births=len(fact.births),
        response_body_bytes=fact.response_body_bytes,
        request_body_bytes=fact.request_body_bytes,
        severity=gravest([note.severity for note in fact.notes]) if fact.notes else None,
        notes=tuple(note.code for note in fact.notes) if fact.notes else (),
        protocol=fact.protocol,
        connection=fact.connection,
        sequence=fact.sequence,
        wrote_stderr=bool(fact.stderr),
        host=None if fact.host is UNSET else clip(fact.host, 60),
        pair=fact.pair,
    )


@dataclass(frozen=True, slots=True)
class RequestsView:
    """Rows `first` .. `end - 1`, by their numbers."""

    blocks: tuple[list[RequestRow], ...] = ()
    first: int = 0
    end: int = 0

    def __len__(self) -> int:
        return self.end - self.first

    def __getitem__(self, number: int) -> RequestRow:
        if not self.first <= number < self.end:
            raise IndexError(number)
        block, place = divmod(number - self.first, BLOCK_ROWS)
        return self.blocks[block][place]

    def __iter__(self) -> Iterator[RequestRow]:
        return self.between(self.first, self.end)

    def between(self, first: int, end: int) -> Iterator[RequestRow]:
        """The rows that there are of `first` .. `end - 1`."""
        for number in range(max(first, self.first), min(end, self.end)):
            yield self[number]


@dataclass(slots=True)
class RequestTable:
    limit: int = KEPT_ROWS
    n_told: int = 0
    _blocks: deque[list[RequestRow]] = field(default_factory=deque)
    _first: int = 0
    _details: OrderedDict[int, Request] = field(default_factory=OrderedDict)
    archive: Archive = field(default_factory=lambda: Archive(KEPT_ROWS))
    _detail_characters: int = 0
    _numbers: dict[int, int] = field(default_factory=dict)
    """Id of a kept detail: its number."""
    _behind: dict[int, int] = field(default_factory=dict)
    """Id of a front hop's request: the number of the one it became, the last if it was tried
    again."""

    def add(self, fact: Request) -> RequestRow:
        row = to_row(fact, self.n_told, nanos(fact.at))
        if not self._blocks or len(self._blocks[-1]) == BLOCK_ROWS:
            self._blocks.append([])
            if len(self._blocks) > self.limit // BLOCK_ROWS + 1:
                self._first += len(self._blocks.popleft())
        self._blocks[-1].append(row)
        self.n_told += 1
        self._keep(row.number, fact)
        return row

    def view(self) -> RequestsView:
        return RequestsView(tuple(self._blocks), self._first, self.n_told)

    def detail(self, number: int) -> Request | None:
        """The whole fact of a row. None: no longer kept."""
        return self._details.get(number) or self.archive.get(number)

    def of_id(self, id: int) -> Request | None:
        """The whole fact of one of the newest by the engine's id of it."""
        number = self._numbers.get(id)
        return None if number is None else self.detail(number)

    def hops(self, fact: Request) -> tuple[Request | None, Request | None]:
        """The same request on the hop in front of it and on the one behind it, where kept."""
        in_front = None if fact.pair is None else self._numbers.get(fact.pair)
        behind = self._behind.get(fact.id)
        if fact.id not in self._numbers or (fact.pair is not None and in_front is None):
            host = None if fact.host is UNSET else clip(fact.host, 60)
            for row in self._around(fact.id):
                if row.host == host and fact.pair == row.id:
                    in_front = row.number
                elif row.host == host and fact.id == row.pair:
                    behind = row.number
        return (
            None if in_front is None else self.detail(in_front),
            None if behind is None else self.detail(behind),
        )

    def _around(self, id: int) -> Iterator[RequestRow]:
        """Rows of those that were under way with an older one. Ids are given in the order in which
        requests begin, rows stand in the order of their ends."""
        view = self.view()
        place = bisect_left(range(view.first, view.end), id, key=lambda number: view[number].id)
        return view.between(view.first + place - BESIDE_ROWS, view.first + place + BESIDE_ROWS)

    def _keep(self, number: int, fact: Request) -> None:
        self._details[number] = fact
        self._numbers[fact.id] = number
        if fact.pair is not None:
            self._behind[fact.pair] = number
        self._detail_characters += _weight(fact)
        while self._details and (
            len(self._details) > KEPT_DETAILS or self._detail_characters > KEPT_DETAIL_CHARACTERS
        ):
            gone, old = self._details.popitem(last=False)
            self.archive.add(gone, old)
            self._detail_characters -= _weight(old)
            _drop(self._numbers, old.id, gone)
            _drop(self._behind, old.pair, gone)


def _drop(table: dict[int, int], key: int | None, number: int) -> None:
    if key is not None and table.get(key) == number:
        del table[key]


def _weight(fact: Request) -> int:
    """About how many characters a fact holds; the same each time it is asked."""
    n = len(fact.target or "") + len(fact.stderr or "")
    for pairs in (fact.fields, fact.response_fields):
        if isinstance(pairs, list):
            n += sum(len(name) + len(value) for name, value in pairs)
    for body in (fact.request_body, fact.response_body):
        n += len(body) if isinstance(body, str) else 0
    return n + 500
