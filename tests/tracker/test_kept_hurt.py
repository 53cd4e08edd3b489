"""What is kept of connections that lose, bend and cut bytes: within its bounds, and all accounted.

In: the wire events of committed captures, hurt at random (the seed is printed). Out: a failure
where a detail lies outside its bytes, or where reels and tapes cost another sum than is counted.
"""

import random
from base64 import b64decode
from functools import lru_cache

import pytest

from gwtop.nouns.facts import Fact, Request
from gwtop.nouns.plan import Plan
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened
from gwtop.taps.files import open_capture
from gwtop.tracker import Tracker
from gwtop.tracker.kept import Kept
from gwtop.wire.link import UnknownLink, unpack
from gwtop.wire.tcp import Reassembler
from tests._replay import CAPTURES

Wire = Opened | Chunk | Lost | Closed
NAMES = sorted(str(p.relative_to(CAPTURES)) for p in CAPTURES.glob("*/*.pcap*"))
FOREVER = 10**19
N_RUNS = 12


@lru_cache(maxsize=64)
def events_of(name: str) -> tuple[Wire, ...]:
    plan = Plan(file=str(CAPTURES / name))
    tap, tcp = open_capture(str(plan.file), plan), Reassembler(ports=(), host=None)
    found: list[Wire] = []
    while not tap.ended:
        for record in tap.read(0):
            unpacked = unpack(record)
            if not isinstance(unpacked, UnknownLink):
                found += tcp.feed_all(unpacked.segments)
    tap.close()
    return (*found, *tcp.finish(FOREVER))


def hurt(event: Wire, chance: random.Random) -> list[Wire]:
    """What becomes of an event: lost, bent, cut in two, left out, or nothing."""
    luck = chance.random()
    if not isinstance(event, Chunk):
        return [] if luck < 0.02 else [event]
    size = len(event.data)
    if luck < 0.03:
        return [Lost(event.at, event.conn, event.side, size, chance.random() < 0.5)]
    if luck < 0.08:
        bent = bytearray(event.data)
        for _ in range(chance.randrange(1, 6)):
            bent[chance.randrange(size)] = chance.randrange(256)
        return [event._replace(data=bytes(bent))]
    if luck < 0.5 and size > 1:
        cut = chance.randrange(1, size)
        return [event._replace(data=event.data[:cut]), event._replace(data=event.data[cut:])]
    return [event]


@pytest.mark.parametrize("name", NAMES)
def test_however_it_is_hurt_the_bounds_hold_and_the_sums_are_right(name: str) -> None:
    for seed in range(N_RUNS):
        print("seed", seed)
        chance = random.Random(f"{name} {seed}")
        kept = Kept(on=True, max_bytes=chance.choice([5_000, 100_000, 1 << 25]))
        tracker = Tracker(Plan(), live=True, kept=kept)
        facts: list[Fact] = []
        for event in events_of(name):
            for one in hurt(event, chance):
                facts += tracker.ingest(one)
                assert kept.n_bytes <= kept.max_bytes
        facts += tracker.settle(FOREVER) + tracker.finish(FOREVER)
        for fact in facts:
            if isinstance(fact, Request):
                check(tracker, fact.id)
        assert kept.n_bytes == cost_of(kept, tracker)


def check(tracker: Tracker, id: int) -> None:
    detail = tracker.detail(id)
    size = len(b64decode(detail.data))
    for record in detail.records:
        end = record.offset + record.bytes_long
        assert 0 <= record.offset <= end <= size
        assert all(record.offset <= at and at + n <= end for _, _, at, n in record.fields)


def cost_of(kept: Kept, tracker: Tracker) -> int:
    tapes = [c.link.tape for c in tracker._connections.live() if c.link is not None]
    ways = [way for tape in tapes if tape is not None for way in (tape.client, tape.server)]
    return sum(r.cost_bytes for r in kept._reels.values()) + sum(way.cost_bytes for way in ways)
