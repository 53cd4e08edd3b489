"""Details: what is kept of an exchange in, its `detail` fact out. Pure; decides nothing.

Secrets are blanked here, where the fact is made, as in `telling`: in the bytes, so that no way of
showing them (fields, bodies, hex) can be forgotten. A blank has the length of what it hides, for
the offsets and the lengths beside it must stay true.
"""

from base64 import b64encode
from bisect import bisect_right

from gwtop.nouns.facts import Detail, DetailRecord
from gwtop.nouns.times import Nanos, instant
from gwtop.nouns.wire import CLIENT, SERVER, Side
from gwtop.protocols._dissect import Dissected, Field, Span, WireRecord
from gwtop.redaction import masked, masked_body, masked_unknown
from gwtop.tracker.kept import Piece, Reel

MAX_VALUE_CHARS = 512
"""Of a field's value; all of it stands in the bytes."""
COOKIE_LIKE = frozenset({"a pair, cut", "a variable, cut", "a header, cut", "cut"})
"""Fields of which not even the name is known: nobody can say that they are no secret."""


def not_kept(id: int) -> Detail:
    return Detail(id=id, kept=False, records=[], data="")


def detail_fact(reel: Reel, show_secrets: bool) -> Detail:
    client = _Half(reel, CLIENT, 0, show_secrets)
    server = _Half(reel, SERVER, len(client.data), show_secrets)
    halves = (client, server)
    records = [record for half in halves for record in half.records()]
    return Detail(
        id=reel.id,
        kept=True,
        records=[record for _, record in sorted(records, key=lambda timed: timed[0])],
        data=b64encode(client.data + server.data).decode("ascii"),
        answer_offset=len(client.data),
        bodies=[
            (half.side.value, half.base + span.offset, span.length)
            for half in halves
            for span in half.found.body
        ],
        gaps=[gap for half in halves for gap in half.gaps()],
        masked=[blank for half in halves for blank in half.masked],
        left_out=(reel.client_beyond, reel.server_beyond),
    )


class _Half:
    """One direction."""

    def __init__(self, reel: Reel, side: Side, base: int, show_secrets: bool) -> None:
        self.side = side
        self.base = base
        """Where in the fact's `data` it begins."""
        self._pieces = reel.pieces(side)
        self._begin = self._pieces[0].begin if self._pieces else 0
        raw = b"".join(bytes(p.n_bytes) if p.data is None else p.data for p in self._pieces)
        self.found = reel.hop.protocol.dissect(side, raw, reel.stream)
        self.data = raw
        self.masked: list[tuple[int, int]] = []
        if not show_secrets:
            has_gaps = any(p.data is None for p in self._pieces)
            self.data = blanked(self.found, has_gaps)
            if has_gaps:  # behind one a value may have been taken for a name
                self.found = reel.hop.protocol.dissect(side, self.data, reel.stream)
            self.masked = [(base + at, n) for at, n in differences(raw, self.data)]

    def records(self) -> list[tuple[Nanos, DetailRecord]]:
        starts = [piece.begin - self._begin for piece in self._pieces]
        found = []
        for record in self.found.records:
            at = _came_at(self._pieces, starts, record.span.offset)
            found.append((at, self._told(record, at)))
        return found

    def _told(self, record: WireRecord, at: Nanos) -> DetailRecord:
        return DetailRecord(
            side=self.side.value,
            at=instant(at),
            offset=self.base + record.span.offset,
            bytes_long=record.span.length,
            name=record.name,
            fields=[
                (f.name[:MAX_VALUE_CHARS], self._value(f), self.base + f.span.offset, f.span.length)
                for f in record.fields
            ],
        )

    def _value(self, field: Field) -> str:
        if isinstance(field.value, str):
            return field.value
        said = ""
        for span in field.value:
            said += self.data[span.offset : span.end][: MAX_VALUE_CHARS + 1].decode("latin-1")
            if len(said) > MAX_VALUE_CHARS:
                return said[:MAX_VALUE_CHARS] + "..."
        return said

    def gaps(self) -> list[tuple[int, int]]:
        return [
            (self.base + piece.begin - self._begin, piece.n_bytes)
            for piece in self._pieces
            if piece.data is None
        ]


def _came_at(pieces: list[Piece], starts: list[int], offset: int) -> Nanos:
    return pieces[max(bisect_right(starts, offset) - 1, 0)].at


def blanked(found: Dissected, has_gaps: bool) -> bytes:
    """The bytes without secrets. Where some were not seen, names may have been lost with them, so
    all of the rest is looked through, too."""
    data = bytearray(found.data)
    for value in found.values:
        before = found.at(value.spans)
        _put(data, value.spans, masked(value.name, before))
    body = tuple(found.body)
    _put(data, body, masked_body(b"".join(data[s.offset : s.end] for s in body)))
    for field in (f for r in found.records for f in r.fields if f.name in COOKIE_LIKE):
        data[field.span.offset : field.span.end] = b"*" * field.span.length
    for span in (Span(0, len(data)),) if has_gaps else found.untold:
        data[span.offset : span.end] = masked_unknown(bytes(data[span.offset : span.end]))
    return bytes(data)


def _put(data: bytearray, spans: tuple[Span, ...], value: bytes) -> None:
    at = 0
    for span in spans:
        data[span.offset : span.end] = value[at : at + span.length]
        at += span.length


def differences(before: bytes, after: bytes) -> list[tuple[int, int]]:
    """Where the two, of one length, differ: offset and length of each run."""
    if before == after:
        return []
    runs: list[tuple[int, int]] = []
    for at, (old, new) in enumerate(zip(before, after, strict=True)):
        if old == new:
            continue
        if runs and sum(runs[-1]) == at:
            runs[-1] = runs[-1][0], runs[-1][1] + 1
        else:
            runs.append((at, 1))
    return runs
