"""A fuzz input as the life of one connection, and what a decoder must keep whatever it says.

In: bytes that a fuzzer made up, read as a script of feeds, losses and closes; a protocol module.
Out: nothing, or an AssertionError that names the law. Knows no protocol.

A script and not a stream: most of what can go wrong lies between two feeds, at a gap, or in what
follows a close, and a fuzzer only finds what its input can say. The form, a byte of flags first
(bit 0: the capture began in mid-connection), then one operation after another:

    op        bit 0 side, bits 1-2 what, bits 5-7 how often (2**n times, for feeds)
    0 feed    u16 length, bytes             2 lose   u16 n_bytes
    1 feed    u8 size of its pieces, u16 length, bytes
    3 close

A length beyond the end of the input means what is left of it, so every input is a script.
"""

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from gwtop.nouns.events import Event, Hole, RequestHead, ResponseHead
from gwtop.nouns.wire import Side
from gwtop.protocols._base import Claim, Module
from tests.protocols._feeding import normal, told_bytes

SIDES = (Side.CLIENT, Side.SERVER)
MAX_FED_BYTES = 100 * 1024
"""Of one script, repetitions included: beyond every limit but the one of whole SCGI heads."""
MAX_PIECES = 32
"""Of one feed; what is left comes whole. More show nothing new and cost an execution each."""
MAX_LOST_BYTES = 1 << 20


class Feed(NamedTuple):
    side: Side
    data: bytes
    piece_bytes: int
    """At most so many at once."""


class Lose(NamedTuple):
    side: Side
    n_bytes: int


class Close(NamedTuple):
    side: Side


Step: TypeAlias = Feed | Lose | Close


class Script(NamedTuple):
    from_start: bool
    steps: list[Step]


def parse(data: bytes) -> Script:
    """Never fails: every input is a script. What a side says after its close is left out."""
    steps: list[Step] = []
    closed: set[Side] = set()
    n_fed, pos = 0, 1
    while pos < len(data):
        op, side = data[pos], SIDES[data[pos] & 1]
        step, pos = _step(op, side, data, pos + 1)
        if side in closed:
            continue
        if isinstance(step, Close):
            closed.add(side)
        elif isinstance(step, Feed):
            step = step._replace(data=(step.data * (1 << (op >> 5)))[: MAX_FED_BYTES - n_fed])
            n_fed += len(step.data)
        if not isinstance(step, Feed) or step.data:
            steps.append(step)
    return Script(not data[:1] or not data[0] & 1, steps)


def _step(op: int, side: Side, data: bytes, pos: int) -> tuple[Step, int]:
    match op >> 1 & 3:
        case 0:
            n_bytes = int.from_bytes(data[pos : pos + 2], "big")
            start = pos + 2
            return Feed(side, data[start : start + n_bytes], MAX_FED_BYTES), start + n_bytes
        case 1:
            n_bytes = int.from_bytes(data[pos + 1 : pos + 3], "big")
            start = pos + 3
            piece_bytes = max(data[pos], 1) if pos < len(data) else 1
            return Feed(side, data[start : start + n_bytes], piece_bytes), start + n_bytes
        case 2:
            n_bytes = int.from_bytes(data[pos : pos + 2], "big")
            n_bytes = n_bytes if n_bytes < 0x8000 else (n_bytes & 0x7FFF) << 5
            return Lose(side, max(n_bytes, 1)), pos + 2
        case _:
            return Close(side), pos


def unparse(script: Script) -> bytes:
    """The input that says this script; for seeds. Feeds at most 65,535 bytes each, whole."""
    parts = [b"\0" if script.from_start else b"\1"]
    for step in script.steps:
        bit = SIDES.index(step.side)
        match step:
            case Feed(_, data, _):
                parts.append(bytes([bit]) + len(data).to_bytes(2, "big") + data)
            case Lose(_, n_bytes):
                parts.append(bytes([bit | 4]) + n_bytes.to_bytes(2, "big"))
            case Close():
                parts.append(bytes([bit | 6]))
    return b"".join(parts)


def check(module: Module, data: bytes) -> None:
    """Calm, Honesty and Thrift on the script as it stands; Split against the same with its
    neighbouring feeds joined; and what the protocol reads in the heads that were told."""
    script = parse(data)
    events = _run(module, script, list(timed(script.steps)))
    for event in events:
        if isinstance(event, RequestHead):
            _check_pairs(module.request_fields(event.block), event.block)
        elif isinstance(event, ResponseHead):
            _check_pairs(module.response_fields(event.block), event.block)
    joined = joined_steps(script.steps)
    if joined != script.steps:
        told = _run(module, script, list(timed(joined)))
        assert normal(told) == normal(events), "Split: joined feeds tell another story"


def _check_pairs(pairs: list[tuple[bytes, bytes]], block: bytes) -> None:
    for name, value in pairs:
        assert isinstance(name, bytes) and isinstance(value, bytes)
    assert len(pairs) <= len(block) + 64, "more fields than bytes"


def timed(steps: list[Step]) -> Iterator[tuple[int, Step]]:
    """Steps with their time. Neighbouring feeds of one side share it: they may be joined."""
    at, before = 0, None
    for step in steps:
        if not (isinstance(step, Feed) and isinstance(before, Feed) and before.side is step.side):
            at += 1
        before = step
        yield at, step


def joined_steps(steps: list[Step]) -> list[Step]:
    joined: list[Step] = []
    for step in steps:
        last = joined[-1] if joined else None
        if isinstance(step, Feed) and isinstance(last, Feed) and last.side is step.side:
            joined[-1] = Feed(step.side, last.data + step.data, MAX_FED_BYTES)
        elif isinstance(step, Feed):
            joined.append(step._replace(piece_bytes=MAX_FED_BYTES))
        else:
            joined.append(step)
    return joined


def run_script(module: Module, script: Script) -> list[Event]:
    """What a fresh decoder tells of a script, its accounts checked after every step."""
    return _run(module, script, list(timed(script.steps)))


def pieces(data: bytes, piece_bytes: int) -> Iterator[bytes]:
    stop = min(piece_bytes * (MAX_PIECES - 1), len(data))
    for start in range(0, stop, piece_bytes):
        yield data[start : start + piece_bytes]
    if len(data) > stop:
        yield data[stop:]


def _run(module: Module, script: Script, steps: list[tuple[int, Step]]) -> list[Event]:
    """What a fresh decoder tells of it, both closes at the end; accounts after every step."""
    decoder = module.Decoder(script.from_start)
    told: list[Event] = []
    sums = dict.fromkeys(SIDES, 0)
    given = dict.fromkeys(SIDES, 0)
    n_lost = 0

    def account(events: list[Event]) -> None:
        if events:
            for side, n_bytes in told_bytes(events).items():
                sums[side] += n_bytes
        held_bytes = decoder.held_bytes()
        n_given = given[Side.CLIENT] + given[Side.SERVER]
        n_told = sums[Side.CLIENT] + sums[Side.SERVER]
        assert n_told + held_bytes == n_given, "Honesty: a byte too many"
        assert sums[Side.CLIENT] <= given[Side.CLIENT], "Honesty: of the wrong side"
        assert sums[Side.SERVER] <= given[Side.SERVER], "Honesty: of the wrong side"
        told.extend(events)

    for at, step in steps:
        match step:
            case Feed(side, data, piece_bytes):
                for piece in pieces(data, piece_bytes):
                    given[side] += len(piece)
                    account(decoder.feed(side, piece, at))
            case Lose(side, n_bytes):
                given[side] += n_bytes
                n_lost += n_bytes
                account(decoder.lost(side, n_bytes, at))
            case Close(side):
                account(decoder.close(side, at))
    closed = {step.side for _, step in steps if isinstance(step, Close)}
    for side in (Side.SERVER, Side.CLIENT):
        if side not in closed:
            account(decoder.close(side, len(steps) + 1))
    assert decoder.held_bytes() == 0, "Thrift: held after both closes"
    assert sums == given, "Honesty: bytes of a side"
    assert sum(e.n_bytes for e in told if isinstance(e, Hole)) <= n_lost, "a hole nobody lost"
    return told


def check_claims(modules: dict[str, Module], prefix: bytes) -> None:
    """At most one protocol claims any prefix, and a claim once made stands."""
    settled: dict[str, Claim] = {}
    for size in [*range(min(len(prefix), 80)), *range(80, len(prefix), 97), len(prefix)]:
        first = prefix[:size]
        for name, module in modules.items():
            claim = module.claims(first)
            if claim is not Claim.MORE or name in settled:
                before = settled.setdefault(name, claim)
                assert claim is before, f"{name} takes its claim back at {size}"
    claimed = [name for name, claim in settled.items() if claim is Claim.YES]
    assert len(claimed) <= 1, f"claimed twice: {claimed}"
