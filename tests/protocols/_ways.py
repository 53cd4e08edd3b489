"""Feeding a decoder whole, byte by byte and cut at random; and adding up what it accounted for.

In: a protocol module and a conversation (blocks of both sides in wire order; an int stands for so
many lost bytes). Out: its events, neighbours of one kind joined, the same whatever the cuts were.
"""

import random
from collections.abc import Callable, Iterator
from typing import TypeAlias

from gwtop.nouns.events import (
    Body,
    Confused,
    Control,
    ErrorText,
    Event,
    Hole,
    RequestHead,
    ResponseHead,
)
from gwtop.nouns.wire import Side
from gwtop.protocols._base import Module

C, S = Side.CLIENT, Side.SERVER
Conversation: TypeAlias = list[tuple[Side, bytes | int]]
Cut: TypeAlias = Callable[[bytes], Iterator[bytes]]
HELD_LIMIT_BYTES = 140 * 1024
"""Two heads or packets of 64 KiB, one a side, and a little."""


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    return (data[n : n + 1] for n in range(len(data)))


def at_random(seed: int) -> Cut:
    rng = random.Random(seed)

    def cut(data: bytes) -> Iterator[bytes]:
        begin = 0
        while begin < len(data):
            end = begin + rng.choice((1, 2, 3, 5, 17, 100, 4000))
            yield data[begin:end]
            begin = end

    return cut


def tell(
    module: Module,
    talk: Conversation,
    cut: Cut = whole,
    from_start: bool = True,
    close: bool = True,
) -> list[Event]:
    """The joined events of a conversation; its n-th block is fed at n + 1."""
    decoder = module.Decoder(from_start)
    events: list[Event] = []
    fed = {C: 0, S: 0}
    for n, (side, data) in enumerate(talk, 1):
        if isinstance(data, int):
            events += decoder.lost(side, data, n)
            fed[side] += data
            continue
        fed[side] += len(data)
        for part in cut(data):
            events += decoder.feed(side, part, n)
            assert decoder.held_bytes() <= HELD_LIMIT_BYTES
    if close:
        events += decoder.close(C, len(talk) + 1)
        events += decoder.close(S, len(talk) + 1)
        assert decoder.held_bytes() == 0
        assert accounted(events) == fed
    return joined(events)


def three_ways(module: Module, talk: Conversation, from_start: bool = True) -> list[Event]:
    """As `tell`, and the same for every cut."""
    seed = random.randrange(1 << 30)
    print(f"cut at random with seed {seed}")
    events = tell(module, talk, whole, from_start)
    assert tell(module, talk, bytewise, from_start) == events
    assert tell(module, talk, at_random(seed), from_start) == events
    return events


def accounted(events: list[Event]) -> dict[Side, int]:
    sums = {C: 0, S: 0}
    for event in events:
        match event:
            case RequestHead():
                sums[C] += event.head_bytes
            case ResponseHead():
                sums[S] += event.head_bytes
            case ErrorText():
                sums[S] += len(event.data)
            case Body():
                sums[event.side] += len(event.data)
            case Hole() | Control() | Confused():
                sums[event.side] += event.n_bytes
    return sums


def joined(events: list[Event]) -> list[Event]:
    """Bodies, controls and confusions that follow one another are one."""
    out: list[Event] = []
    for event in events:
        last = out[-1] if out else None
        if isinstance(event, Body) and isinstance(last, Body) and event[:2] == last[:2]:
            out[-1] = last._replace(data=last.data + event.data)
        elif (
            isinstance(event, Control) and isinstance(last, Control) and event[:3] == last[:3]
        ) or (
            isinstance(event, Confused)
            and isinstance(last, Confused)
            and (event.side, event.why) == (last.side, last.why)
        ):
            out[-1] = last._replace(n_bytes=last.n_bytes + event.n_bytes)
        else:
            out.append(event)
    return out


def of(events: list[Event], *kinds: type) -> list[Event]:
    return [event for event in events if isinstance(event, kinds)]
