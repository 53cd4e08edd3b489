"""The seven laws of a decoder, over every protocol that `discover()` finds.

In: tests/protocols/samples_<file name>.py (its README says what it must hold) and the captures of
tests/captures/<protocol>/. A new protocol inherits all of it and adds nothing here.

    Split      any cut of the stream gives the same events
    Calm       no input raises
    Thrift     what is held is bounded, whatever comes
    Honesty    bytes fed and lost = bytes told and held, after every single step
    Recovery   a gap inside a body costs only a Hole; after any gap the next exchange is found
    Claim      exactly one protocol claims each conversation
    Witness    captures from software we did not write are told as their client and application saw
"""

import gc
import json
import random
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Event,
    Hole,
    RequestHead,
    ResponseEnd,
    ResponseHead,
)
from gwtop.nouns.wire import Side
from gwtop.protocols import Undecided, elect
from gwtop.protocols._base import Claim, Module
from tests.protocols._feeding import (
    AT,
    Conversation,
    Cut,
    at_random,
    bytewise,
    capture_files,
    captured,
    conversations,
    modules,
    normal,
    samples,
    stem,
    tell,
    told_bytes,
    whole,
)

MAX_HELD_BYTES = 16 * 1024 * 1024
"""No decoder may hold more of one connection; each states its own, lower limit."""
MAX_OBJECT_BYTES = 24 * 1024 * 1024
"""The same in memory: what all objects of a decoder take, its own tables included."""

EACH = pytest.mark.parametrize("module", modules(), ids=stem)


@EACH
def test_a_protocol_brings_samples(module: Module) -> None:
    assert len(conversations(module)) >= 4


@EACH
def test_any_cut_gives_the_same_events(module: Module) -> None:
    for n, talk in enumerate(conversations(module)):
        expected = normal(tell(module, talk))
        assert normal(tell(module, talk, bytewise)) == expected, f"conversation {n}"
        for seed in range(5):
            told = normal(tell(module, talk, at_random(seed)))
            assert told == expected, f"conversation {n}, seed {seed}"


@EACH
@pytest.mark.parametrize("from_start", [True, False])
def test_any_cut_of_noise_gives_the_same_events(module: Module, from_start: bool) -> None:
    for seed in range(30):
        source = random.Random(seed)
        talk = [(side, _noise(source, module)) for side in Side for _ in range(2)]
        expected = normal(tell(module, talk, whole, from_start))
        assert normal(tell(module, talk, bytewise, from_start)) == expected, f"seed {seed}"
        assert normal(tell(module, talk, at_random(seed), from_start)) == expected, f"seed {seed}"


def _noise(source: random.Random, module: Module) -> bytes:
    """Random bytes, with pieces of real conversations among them."""
    parts = [source.randbytes(source.randrange(60))]
    for _ in range(3):
        _, data = source.choice(source.choice(conversations_of(module)))
        begin = source.randrange(len(data))
        parts.append(data[begin : begin + source.randrange(200)])
        parts.append(source.randbytes(source.randrange(20)))
    return b"".join(parts)


def conversations_of(module: Module) -> list[Conversation]:
    made = samples(stem(module))
    return made.conversations() if made is not None else conversations(module)


@EACH
def test_a_hole_is_told_the_same_however_the_rest_is_cut(module: Module) -> None:
    for talk in conversations_of(module):
        for seed in range(8):
            where = _somewhere(talk, seed)
            expected = normal(_with_hole(module, talk, *where))
            told = normal(_with_hole(module, talk, *where, at_random(seed)))
            assert told == expected, f"hole {where}, seed {seed}"


def _somewhere(talk: Conversation, seed: int) -> tuple[int, int, int]:
    """A block, and a gap in it."""
    source = random.Random(seed)
    block = source.randrange(len(talk))
    size = len(talk[block][1])
    begin = source.randrange(size)
    return block, begin, min(size, begin + source.choice((1, 3, 20, 300, 70_000)))


def _with_hole(
    module: Module, talk: Conversation, block: int, begin: int, end: int, cut: Cut = whole
) -> list[Event]:
    """What is told when bytes `begin` to `end` of one block are lost; checks Honesty on the way."""
    decoder = module.Decoder(True)
    events: list[Event] = []
    n_bytes = 0
    for n, (side, data) in enumerate(talk):
        steps: list[bytes | int] = list(cut(data))
        if n == block:
            steps = [*(cut(data[:begin])), end - begin, *(cut(data[end:]))]
        for step in steps:
            if isinstance(step, int):
                events += decoder.lost(side, step, AT)
                n_bytes += step
            elif step:
                events += decoder.feed(side, step, AT)
                n_bytes += len(step)
            assert sum(told_bytes(events).values()) + decoder.held_bytes() == n_bytes
    events += decoder.close(Side.SERVER, AT)
    events += decoder.close(Side.CLIENT, AT)
    assert decoder.held_bytes() == 0
    assert told_bytes(events) == _sizes(talk)
    assert sum(e.n_bytes for e in events if isinstance(e, Hole)) <= end - begin
    return events


def _sizes(talk: Conversation) -> dict[Side, int]:
    return {side: sum(len(data) for who, data in talk if who is side) for side in Side}


STEPS = st.lists(
    st.tuples(
        st.sampled_from(list(Side)),
        st.one_of(
            st.binary(min_size=1, max_size=200),
            st.tuples(st.integers(0, 99), st.integers(0, 400), st.integers(1, 400)),
            st.integers(1, 100_000),
            st.none(),
        ),
    ),
    max_size=30,
)
"""Steps of a connection: random bytes, a slice (block, begin, length) of one, a loss, a close."""


@EACH
@given(steps=STEPS, from_start=st.booleans())
@settings(
    max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
def test_no_input_raises_and_every_byte_is_accounted_for(
    module: Module,
    steps: list[tuple[Side, bytes | tuple[int, int, int] | int | None]],
    from_start: bool,
) -> None:
    blocks = [data for talk in conversations_of(module) for _, data in talk]
    decoder = module.Decoder(from_start)
    events: list[Event] = []
    expected = {Side.CLIENT: 0, Side.SERVER: 0}
    closed: set[Side] = set()
    for side, step in steps:
        if side in closed:
            continue
        if isinstance(step, tuple):
            step = blocks[step[0] % len(blocks)][step[1] : step[1] + step[2]] or b"x"
        if step is None:
            closed.add(side)
            events += decoder.close(side, AT)
        elif isinstance(step, int):
            expected[side] += step
            events += decoder.lost(side, step, AT)
        else:
            expected[side] += len(step)
            events += decoder.feed(side, step, AT)
        told = sum(told_bytes(events).values())
        assert told + decoder.held_bytes() == sum(expected.values())
    for side in Side:
        if side not in closed:
            events += decoder.close(side, AT)
    assert decoder.held_bytes() == 0
    assert told_bytes(events) == expected


@EACH
def test_what_is_held_is_bounded_whatever_comes(module: Module) -> None:
    noise = random.Random(5).randbytes(64 * 1024)
    floods = [([], side, data) for side in Side for data in (noise, b"\1" * 60_000, b"GET " * 9)]
    for talk in conversations_of(module):
        for n in range(len(talk)):
            side, data = talk[n]
            opening = [*talk[:n], (side, data[: len(data) // 2])]
            floods += [(opening, side, b"a" * 60_000), (opening, side, data)]
    made = samples(stem(module))
    for opening, side, block in floods:
        _flood(module, opening, side, block, 1024 * 1024)
    for opening, side, block in getattr(made, "endless", list)():
        _flood(module, opening, side, block, 6 * 1024 * 1024)


def _flood(module: Module, opening: Conversation, side: Side, block: bytes, n_bytes: int) -> None:
    decoder = module.Decoder(True)
    for who, data in opening:
        decoder.feed(who, data, AT)
    n_times = min(n_bytes // len(block), 3_000) + 1
    for n in range(n_times):
        decoder.feed(side, block, AT + n)
        assert decoder.held_bytes() <= MAX_HELD_BYTES
    assert _object_bytes(decoder) <= MAX_OBJECT_BYTES


def _object_bytes(root: object) -> int:
    """Memory of everything that only `root` leads to; types, modules and functions aside."""
    seen: set[int] = set()
    waiting = [root]
    total = 0
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type | type(sys) | type(_object_bytes) | Side):
            continue
        seen.add(id(each))
        total += sys.getsizeof(each)
        waiting += gc.get_referents(each)
    return total


@EACH
def test_a_byte_of_a_flood_is_read_a_bounded_number_of_times(module: Module) -> None:
    # A quadratic reader would need minutes for a head of 150 KB in single bytes.
    for talk in conversations_of(module)[:2]:
        side, data = talk[0]
        decoder = module.Decoder(True)
        decoder.feed(side, data[: len(data) * 2 // 3], AT)
        n_events = sum(len(decoder.feed(side, b"a", AT)) for _ in range(150_000))
        assert n_events <= 300_100


@EACH
def test_a_clean_conversation_leaves_nothing_lost_or_confused(module: Module) -> None:
    for n, talk in enumerate(conversations(module)):
        events = tell(module, talk)
        assert not [e for e in events if isinstance(e, Hole)], f"conversation {n}"
        broken_off = any(isinstance(e, Aborted) for e in events)  # may leave half a message
        assert broken_off or not [e for e in events if isinstance(e, Confused)], f"conversation {n}"
        assert told_bytes(events) == _sizes(talk), f"conversation {n}"


@EACH
def test_a_gap_inside_a_body_costs_only_a_hole(module: Module) -> None:
    n_holes = 0
    for talk in conversations(module):
        clean = tell(module, talk)
        for seed in range(12):
            holed = _with_hole(module, talk, *_somewhere(talk, seed))
            holes = [e for e in holed if isinstance(e, Hole)]
            if not holes or not all(hole.in_body for hole in holes):
                continue
            n_holes += 1
            assert _body_sizes(holed) == _body_sizes(clean), f"seed {seed}"
            assert _without_bodies(holed) == _without_bodies(clean), f"seed {seed}"
    assert n_holes >= 3


def _body_sizes(events: list[Event]) -> dict[tuple[int, Side], int]:
    sizes: dict[tuple[int, Side], int] = {}
    for e in events:
        if isinstance(e, Body):
            sizes[e.stream, e.side] = sizes.get((e.stream, e.side), 0) + len(e.data)
        elif isinstance(e, Hole):
            sizes[e.stream, e.side] = sizes.get((e.stream, e.side), 0) + e.n_bytes
    return sizes


def _without_bodies(events: list[Event]) -> list[Event]:
    return normal(e for e in events if not isinstance(e, Body | Hole))[0]


@EACH
def test_after_any_gap_the_next_exchange_is_found(module: Module) -> None:
    for n, talk in enumerate(conversations(module)):
        last = _last_exchange(module, talk)
        if last is None:
            continue
        tail = talk[last:]
        expected = _without_bodies(tell(module, tail))
        for seed in range(20):
            block, begin, end = _somewhere(talk[:last], seed)
            holed = _without_bodies(_with_hole(module, talk, block, begin, end))
            for kind in (RequestHead, ResponseHead, ResponseEnd, Aborted):
                wanted = [e for e in expected if isinstance(e, kind)][-1:]
                found = [e for e in holed if isinstance(e, kind)][-1:]
                message = f"conversation {n}, gap {block}:{begin}-{end}"
                assert found == wanted or not wanted, message


def _last_exchange(module: Module, talk: Conversation) -> int | None:
    """The block in which the last exchange begins, where one before it was over by then."""
    for n in range(len(talk) - 1, 0, -1):
        before = tell(module, talk[:n])
        n_begun = sum(isinstance(e, RequestHead) for e in before)
        n_over = sum(isinstance(e, ResponseEnd) for e in before)
        heads = [e for e in tell(module, talk[n:]) if isinstance(e, RequestHead)]
        if talk[n][0] is Side.CLIENT and heads and n_begun:
            return n if n_begun == n_over else None
    return None


@EACH
def test_an_exchange_that_begins_with_the_capture_is_told_whole(module: Module) -> None:
    for talk in conversations(module):
        last = _last_exchange(module, talk)
        if last is not None:
            told = tell(module, talk[last:], whole, from_start=False)
            assert normal(told) == normal(tell(module, talk[last:]))


@EACH
def test_exactly_one_protocol_claims_each_conversation(module: Module) -> None:
    for n, talk in enumerate(conversations(module)):
        first = b"".join(data for side, data in talk if side is Side.CLIENT)[:4_096]
        for size in range(min(len(first), 300)):
            assert module.claims(first[:size]) is not Claim.NO, f"conversation {n}, {size} bytes"
            assert elect(first[:size], modules()) in (module, Undecided.NOT_YET)
        assert elect(first, modules(), final=True) is module, f"conversation {n}"


@EACH
def test_a_claim_once_made_stands(module: Module) -> None:
    for seed in range(200):
        noise = _noise(random.Random(seed), module)
        verdicts = [module.claims(noise[:size]) for size in range(len(noise))]
        settled = [v for v in verdicts if v is not Claim.MORE]
        assert len(set(settled)) <= 1, f"seed {seed}"
        assert verdicts == [Claim.MORE] * (len(verdicts) - len(settled)) + settled


def _witnesses() -> list[tuple[Module, Path]]:
    return [(module, path) for module in modules() for path in capture_files(module)]


@pytest.mark.parametrize(
    ("module", "path"), _witnesses(), ids=[f"{stem(m)}-{p.stem}" for m, p in _witnesses()]
)
def test_a_capture_is_told_as_its_client_and_application_saw_it(module: Module, path: Path) -> None:
    truth = json.loads(path.with_suffix(".truth.json").read_text(encoding="utf-8"))
    told = {}
    for talk in captured(path):
        told |= _by_probe(module, tell(module, talk))
    assert set(told) == {row["probe"] for row in truth["requests"]}
    for row in truth["requests"]:
        seen = row["app"] or row["client"]
        assert told[row["probe"]][:2] == (row["client"]["method"], row["client"]["target"])
        if row["app"] and row["client"]["status"] == row["app"]["status"]:
            assert told[row["probe"]][2] == seen["status"], row["probe"]


def _by_probe(module: Module, events: list[Event]) -> dict[str, tuple[str, str, int | None]]:
    """Method, target and status of each request, by the probe header that the client sent."""
    heads = [e for e in events if isinstance(e, RequestHead)]
    statuses = [e.status for e in events if isinstance(e, ResponseHead)]
    statuses += [None] * (len(heads) - len(statuses))
    told = {}
    for head, status in zip(heads, statuses, strict=True):
        fields = {name.upper()[-7:]: value for name, value in module.request_fields(head.block)}
        probe = fields.get(b"X-PROBE") or fields.get(b"X_PROBE") or b"?"
        method, target = head.method or b"?", head.target or b"?"
        told[probe.decode()] = (method.decode(), target.decode(), status)
    return told


@EACH
def test_a_protocol_has_a_witness(module: Module) -> None:
    assert capture_files(module), f"no capture of {stem(module)} from software we did not write"
