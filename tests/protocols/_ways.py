"""Conversations with gaps in them, told three ways: whole, byte by byte, cut at random.

In: a protocol module and blocks of both sides in wire order; an int stands for so many lost bytes.
Out: its events, neighbours of one kind joined. Every byte must be accounted for on the way.
"""

import random
from typing import TypeAlias

from gwtop.nouns.events import Control, Event, Remark
from gwtop.nouns.wire import Side
from gwtop.protocols._base import Module
from tests.protocols._feeding import Cut, at_random, bytewise, normal, told_bytes, whole

C, S = Side.CLIENT, Side.SERVER
Talk: TypeAlias = list[tuple[Side, bytes | int]]


def tell(
    module: Module, talk: Talk, cut: Cut = whole, from_start: bool = True, first: Side = C
) -> list[Event]:
    """The events of a conversation; its n-th block is fed at n, from 1 on. `first` closes first."""
    decoder = module.Decoder(from_start)
    events: list[Event] = []
    fed = {C: 0, S: 0}
    for n, (side, block) in enumerate(talk, 1):
        if isinstance(block, int):
            events += decoder.lost(side, block, n)
        else:
            for part in cut(block):
                events += decoder.feed(side, part, n)
        fed[side] += block if isinstance(block, int) else len(block)
    for side in (first, S if first is C else C):
        events += decoder.close(side, len(talk) + 1)
    assert decoder.held_bytes() == 0
    assert told_bytes(events) == fed
    return events


def three_ways(module: Module, talk: Talk, from_start: bool = True, first: Side = C) -> list[Event]:
    """What is told of it whole, without Controls, once all three ways agree on it and on them."""
    seed = random.randrange(1 << 30)
    print(f"cut at random with seed {seed}")
    expected = normal(tell(module, talk, whole, from_start, first))
    assert normal(tell(module, talk, bytewise, from_start, first)) == expected
    assert normal(tell(module, talk, at_random(seed), from_start, first)) == expected
    return expected[0]


def controls(module: Module, talk: Talk, from_start: bool = True) -> list[tuple[Side, str, int]]:
    """Side, name and bytes of each Control, told whole."""
    told = tell(module, talk, whole, from_start)
    return [(e.side, e.name, e.n_bytes) for e in told if isinstance(e, Control)]


def of(events: list[Event], *kinds: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds)]


def codes(events: list[Event]) -> list[tuple[str, str]]:
    """Code and severity of each remark."""
    return [(e.code, e.severity) for e in events if isinstance(e, Remark)]
