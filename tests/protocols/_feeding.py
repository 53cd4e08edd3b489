"""How decoders are fed in tests, and how what they told is compared and counted.

In: conversations (blocks of bytes, each with its side, in wire order). Out: events, events in a
normal form that does not depend on how the stream was cut, and sums by the accounting rule.
Knows no protocol. What is read from files is read once: whoever gets it changes nothing of it.
"""

import gzip
import importlib.util
import random
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

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
from gwtop.protocols import discover
from gwtop.protocols._base import Module

Conversation = list[tuple[Side, bytes]]
Cut = Callable[[bytes], Iterator[bytes]]

AT = 1_000
CAPTURES = Path(__file__).parent.parent / "captures"


def whole(data: bytes) -> Iterator[bytes]:
    yield data


def bytewise(data: bytes) -> Iterator[bytes]:
    for n in range(len(data)):
        yield data[n : n + 1]


def at_random(seed: int) -> Cut:
    source = random.Random(seed)

    def cut(data: bytes) -> Iterator[bytes]:
        pos = 0
        while pos < len(data):
            n_bytes = source.choice((1, 2, 3, 7, 8, 9, 40, 500, 4_000, 66_000))
            yield data[pos : pos + n_bytes]
            pos += n_bytes

    return cut


def tell(
    module: Module, talk: Conversation, cut: Cut = whole, from_start: bool = True
) -> list[Event]:
    """Everything a fresh decoder says of a conversation, both closes included."""
    decoder = module.Decoder(from_start)
    events: list[Event] = []
    for side, data in talk:
        for piece in cut(data):
            events += decoder.feed(side, piece, AT)
    events += decoder.close(Side.SERVER, AT)
    events += decoder.close(Side.CLIENT, AT)
    return events


def normal(events: Iterable[Event]) -> tuple[list[Event], Counter[tuple[int, Side, str]]]:
    """Events with neighbouring pieces joined, and apart from them the Controls, summed: these are
    the two things that a cut may change. Framing is summed by side alone."""
    joined: list[Event] = []
    controls: Counter[tuple[int, Side, str]] = Counter()
    for event in events:
        if isinstance(event, Control):
            stream = 0 if event.name == "framing" else event.stream
            controls[stream, event.side, event.name] += event.n_bytes
        elif not (joined and _join(joined, event)):
            joined.append(event)
    return joined, controls


def _join(joined: list[Event], event: Event) -> bool:
    match joined[-1], event:
        case Body(stream, side, a), Body(stream_, side_, b) if (stream, side) == (stream_, side_):
            joined[-1] = Body(stream, side, a + b)
        case ErrorText(stream, a), ErrorText(stream_, b) if stream == stream_:
            joined[-1] = ErrorText(stream, a + b)
        case Confused(side, a, why), Confused(side_, b, why_) if (side, why) == (side_, why_):
            joined[-1] = Confused(side, a + b, why)
        case Hole(stream, side, a, in_body), Hole(stream_, side_, b, in_body_) if (
            stream,
            side,
            in_body,
        ) == (stream_, side_, in_body_):
            joined[-1] = Hole(stream, side, a + b, in_body)
        case _:
            return False
    return True


def told_bytes(events: Iterable[Event]) -> dict[Side, int]:
    """The sums of the accounting rule (docstring of gwtop/protocols/_base.py)."""
    told = {Side.CLIENT: 0, Side.SERVER: 0}
    for event in events:
        match event:
            case RequestHead(head_bytes=n_bytes):
                told[Side.CLIENT] += n_bytes
            case ResponseHead(head_bytes=n_bytes):
                told[Side.SERVER] += n_bytes
            case ErrorText(data=data):
                told[Side.SERVER] += len(data)
            case Body(side=side, data=data):
                told[side] += len(data)
            case Hole(side=side, n_bytes=n_bytes) | Control(side=side, n_bytes=n_bytes):
                told[side] += n_bytes
            case Confused(side=side, n_bytes=n_bytes):
                told[side] += n_bytes
    return told


@cache
def samples(name: str) -> ModuleType | None:
    """tests/protocols/samples_<file name>.py of a protocol; None while it has none."""
    path = Path(__file__).parent / f"samples_{name}.py"
    if not path.exists():
        return None
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def stem(module: Module) -> str:
    """The protocol's file name: what its samples and its capture folder are called after."""
    return str(vars(module)["__name__"]).rpartition(".")[2]


@cache
def conversations(module: Module) -> list[Conversation]:
    """Handmade samples and captured connections of a protocol."""
    found: list[Conversation] = []
    made = samples(stem(module))
    if made is not None:
        found += made.conversations()
    for path in capture_files(module):
        found += captured(path)
    return found


def capture_files(module: Module) -> list[Path]:
    return sorted((CAPTURES / stem(module).removesuffix("1")).glob("*.pcap"))


@cache
def captured(path: Path) -> list[Conversation]:
    """The TCP connections of a small classic pcap of Ethernet frames with IPv4, in which nothing
    is missing: written here so that laws do not lean on our own reassembly."""
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    talks: dict[tuple[bytes, bytes], Conversation] = {}
    expected: dict[tuple[bytes, bytes], int] = {}
    pos = 24
    while pos + 16 <= len(data):
        (n_bytes,) = struct.unpack_from(order + "I", data, pos + 8)
        frame = data[pos + 16 : pos + 16 + n_bytes]
        pos += 16 + n_bytes
        head_bytes = (frame[14] & 15) * 4
        tcp = frame[14 + head_bytes : 14 + int.from_bytes(frame[16:18], "big")]
        sender, receiver = frame[26:30] + tcp[:2], frame[30:34] + tcp[2:4]
        seq = int.from_bytes(tcp[4:8], "big")
        payload = tcp[(tcp[12] >> 4) * 4 :]
        if tcp[13] & 2:  # SYN
            expected[sender, receiver] = (seq + 1) & 0xFFFF_FFFF
            if not tcp[13] & 16:
                talks[sender, receiver] = []
        elif payload and seq == expected.get((sender, receiver)):
            expected[sender, receiver] = (seq + len(payload)) & 0xFFFF_FFFF
            if (sender, receiver) in talks:
                talks[sender, receiver].append((Side.CLIENT, payload))
            else:
                talks[receiver, sender].append((Side.SERVER, payload))
    return [talk for talk in talks.values() if talk]


def modules() -> list[Module]:
    return list(discover().values())
