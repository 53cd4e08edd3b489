"""Writes first inputs for every target: `seeds.py FOLDER` makes FOLDER/<target>/<n>.

In: the committed captures and the samples of the laws. Out: files. A fuzzer that starts from real
messages is behind their headers at once; from nothing it takes hours to find a valid one.
"""

import random
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from gwtop.nouns.wire import Side  # noqa: E402
from gwtop.protocols import discover  # noqa: E402
from gwtop.protocols._base import Module  # noqa: E402
from tests.fuzz._script import MAX_FED_BYTES, Close, Feed, Lose, Script, Step, unparse  # noqa: E402
from tests.protocols._feeding import CAPTURES, Conversation, conversations  # noqa: E402

MAX_SEED_BYTES = 3_000
N_FRAMES = 14


def scripts(module: Module, source: random.Random) -> Iterator[bytes]:
    """Each small conversation as it is, then with a loss in it, then broken off."""
    for talk in conversations(module):
        if sum(len(data) for _, data in talk) > MAX_SEED_BYTES:
            talk = [(side, data[:400]) for side, data in talk[:6]]
        steps: list[Step] = [Feed(side, data, MAX_FED_BYTES) for side, data in talk]
        yield unparse(Script(True, steps))
        yield unparse(Script(source.random() < 0.5, _holed(talk, source)))
        yield unparse(Script(True, [*steps[: source.randrange(len(steps))], Close(Side.SERVER)]))


def _holed(talk: Conversation, source: random.Random) -> list[Step]:
    where = source.randrange(len(talk))
    steps: list[Step] = []
    for n, (side, data) in enumerate(talk):
        if n != where or len(data) < 3:
            steps.append(Feed(side, data, MAX_FED_BYTES))
            continue
        begin = source.randrange(1, len(data) - 1)
        end = min(begin + source.choice((1, 8, 100)), len(data) - 1)
        steps += [Feed(side, data[:begin], 0), Lose(side, end - begin), Feed(side, data[end:], 0)]
    return steps


def prefixes(module: Module) -> Iterator[bytes]:
    for talk in conversations(module):
        yield b"".join(data for side, data in talk if side is Side.CLIENT)[:600]
        yield talk[-1][1][:600]


def captures() -> Iterator[bytes]:
    """The first frames of each capture, each frame cut to what headers and a little data take."""
    for path in sorted(CAPTURES.glob("*/*.pcap")):
        data = path.read_bytes()
        parts = [data[:24]]
        for frame in _frames(data):
            kept = frame[:120]
            parts.append(b"\1\2\3\4\0\0\1\0" + len(kept).to_bytes(4, "little"))
            parts.append(len(frame).to_bytes(4, "little") + kept)
        yield b"\x07" + b"".join(parts)


def _frames(data: bytes) -> list[bytes]:
    frames: list[bytes] = []
    pos = 24
    while pos + 16 <= len(data) and len(frames) < N_FRAMES:
        n_bytes = int.from_bytes(data[pos + 8 : pos + 12], "little")
        frames.append(data[pos + 16 : pos + 16 + n_bytes])
        pos += 16 + n_bytes
    return frames


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    size = (len(body) + 12).to_bytes(4, "little")
    return kind.to_bytes(4, "little") + size + body + size


def sections() -> Iterator[bytes]:
    """The same frames in pcapng: sections, interfaces with options, packets old and new."""
    section = _block(0x0A0D0D0A, b"\x4d\x3c\x2b\x1a\1\0\0\0" + b"\xff" * 8)
    options = b"\x09\0\1\0\x09\0\0\0\x0e\0\x08\0" + b"\1" + bytes(7) + bytes(4)
    interface = _block(1, b"\1\0\0\0\0\0\4\0" + options)
    statistics = _block(5, bytes(12) + b"\5\0\x08\0\3" + bytes(7) + bytes(4))
    for path in sorted(CAPTURES.glob("*/*.pcap")):
        parts = [b"\x07", section, interface]
        for frame in _frames(path.read_bytes())[:6]:
            kept = frame[:90]
            sizes = len(kept).to_bytes(4, "little") + len(frame).to_bytes(4, "little")
            parts.append(_block(6, bytes(4) + b"\1\0\0\0\2\0\0\0" + sizes + kept))
        old = b"\0\0\1\0\1\0\0\0\2\0\0\0" + b"\4\0\0\0\4\0\0\0abcd"
        yield b"".join([*parts, _block(3, b"\4\0\0\0abcd"), _block(2, old), statistics, section])


def frames() -> Iterator[bytes]:
    for kind in range(7):
        for path in sorted(CAPTURES.glob("*/*.pcap"))[:4]:
            picked = [frame[14 if kind == 4 else 0 :][:100] for frame in _frames(path.read_bytes())]
            yield bytes([kind]) + b"".join(bytes([len(one), 9]) + one for one in picked)


def segments(source: random.Random) -> Iterator[bytes]:
    """Conversations of one 4-tuple with a handshake, data both ways and its ends, then shuffled."""
    for port in range(4):
        talk = [(port, 2, 0, 0, 0, 0), (port | 4, 18, 0, 1, 0, 0)]
        talk += [(port, 24, 1 + 50 * n, 1, 50, 0) for n in range(4)]
        talk += [(port | 4, 24, 1, 201, 90, 0), (port | 4, 17, 91, 201, 0, 0)]
        talk += [(port, 17, 201, 92, 0, 0)]
        for n in range(8):
            mixed = talk if not n else source.sample(talk, len(talk) - n % 4)
            yield b"\0" + b"".join(_op(*one) for one in mixed)


def _op(what: int, flags: int, seq: int, ack: int, n_data: int, cut_bytes: int) -> bytes:
    pair = seq.to_bytes(2, "big", signed=True) + ack.to_bytes(2, "big", signed=True)
    return bytes([what, flags]) + pair + bytes([n_data, cut_bytes])


def lines() -> Iterator[bytes]:
    """One fact of each type in each golden journal, and a wish of each kind."""
    seen: set[bytes] = set()
    for path in sorted(CAPTURES.glob("*/*.jsonl")):
        for line in path.read_bytes().splitlines(keepends=True):
            kind = line[:20]
            if len(line) < MAX_SEED_BYTES and (kind not in seen or len(seen) % 7 == 0):
                seen.add(kind)
                yield line
    yield b'{"wish":"stop"}\n'
    yield b'{"type":"note","at":"2026-11-22T06:00:42.123456789Z","code":"x","severity":"warn",'
    yield b'{"type":"hello","format":99}'
    yield b'{"type":"newer","format":1}'


def write(folder: Path) -> None:
    source = random.Random(13)
    modules = discover()
    seeds = {name: list(scripts(module, source)) for name, module in modules.items()}
    seeds["facts"] = [data for name in modules for data in seeds[name]][::2]
    seeds["claims"] = [prefix for module in modules.values() for prefix in prefixes(module)]
    seeds["pcap"], seeds["pcapng"] = list(captures()), list(sections())
    seeds["link"], seeds["tcp"] = list(frames()), list(segments(source))
    seeds["journal"] = list(lines())
    for name, inputs in seeds.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        for n, data in enumerate(inputs):
            (folder / name / f"seed-{n:03}").write_bytes(data)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
