"""A fuzz input as a connection of an unknown protocol, and what must hold of the facts told of it.

In: bytes that a fuzzer made up, a script as in `_script`. Out: nothing, or an AssertionError.
Checks election, exchanges and telling together: `gwtop.tracker`.

The first byte's bits 1 and 2 say how the connection ends. However its bytes are cut, the same facts
must be told; each is a line that gives itself back; none knows of more bytes than there were.
"""

from collections.abc import Iterator

from gwtop import journal
from gwtop.nouns.facts import Fact, Request, Summary
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Record
from gwtop.nouns.times import MILLISECOND_NS
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Side
from gwtop.tracker import Tracker
from tests.fuzz._script import Close, Feed, Lose, Script, Step, joined_steps, parse, pieces, timed

PLAN = Plan(file="fuzz", details=True, bodies_bytes=40)
CLIENT, SERVER = "127.0.0.1:50000", "127.0.0.1:9000"


def check_facts(data: bytes) -> None:
    script = parse(data)
    facts = _facts(script, script.steps, data)
    n_fed = sum(len(step.data) for step in script.steps if isinstance(step, Feed))
    n_lost = sum(step.n_bytes for step in script.steps if isinstance(step, Lose))
    _check_requests([fact for fact in facts if isinstance(fact, Request)], n_fed, n_lost)
    assert [type(fact) for fact in facts].count(Summary) == 1
    for fact in facts:
        line = journal.encode(fact)
        assert journal.decode(line) == fact
    joined = joined_steps(script.steps)
    # In mid-connection a protocol is looked for at the beginning of each chunk: cuts count there.
    if script.from_start and joined != script.steps:
        assert _facts(script, joined, data) == facts, "Split: joined feeds tell other facts"


def _check_requests(requests: list[Request], n_fed: int, n_lost: int) -> None:
    assert len({request.id for request in requests}) == len(requests)
    assert sum(request.lost_bytes for request in requests) <= n_lost
    n_told = sum(
        (request.request_head_bytes or 0)
        + (request.response_head_bytes or 0)
        + request.request_body_bytes
        + request.response_body_bytes
        for request in requests
    )
    assert n_told <= n_fed, "more bytes told than fed"
    for request in requests:
        assert not request.lost_bytes or request.outcome == "partial"
        assert request.began_at <= request.at
        assert request.first_byte_ns is None or request.first_byte_ns >= 0
        assert request.duration_ns is None or request.duration_ns >= (request.first_byte_ns or 0)


def _facts(script: Script, steps: list[Step], data: bytes) -> list[Fact]:
    tracker = Tracker(PLAN, live=False)
    facts: list[Fact] = []
    for record in _records(script, steps, data):
        facts += tracker.ingest(record)
    return facts + tracker.finish(0)


def _records(script: Script, steps: list[Step], data: bytes) -> Iterator[Record]:
    yield Opened(0, 1, CLIENT, SERVER, script.from_start)
    at = 0
    for n, step in timed(steps):
        at = n * MILLISECOND_NS
        match step:
            case Feed(side, fed, piece_bytes):
                for piece in pieces(fed, piece_bytes):
                    yield Chunk(at, 1, side, piece)
            case Lose(side, n_bytes):
                yield Lost(at, 1, side, n_bytes, False)
            case Close(side):
                yield Closed(at, 1, side, "fin")
    closed = {step.side for step in steps if isinstance(step, Close)}
    how = (data[0] if data else 0) >> 1 & 3
    if len(closed) < 2 and how == 1:
        yield Closed(at, 1, Side.SERVER, "rst")
    elif len(closed) < 2 and how == 2:
        yield Closed(at, 1, Side.CLIENT, "reused")
    elif how == 0:
        for side in (Side.SERVER, Side.CLIENT):
            if side not in closed:
                yield Closed(at, 1, side, "fin")
    else:
        yield Closed(at, 1, Side.CLIENT, "end")
