"""Chooses a small corpus: `keep.py TARGET FOLDER N_BYTES` fills tests/fuzz/corpus/TARGET.

In: a folder of inputs that a long run left. Out: the few that together go the most ways through
the code, up to so many bytes in all. `found-*` files stay as they are. Ways are pairs of lines of
gwtop run one after the other, so no fuzzer is needed here.
"""

import sys
from hashlib import sha1
from pathlib import Path
from types import FrameType
from typing import Any, TypeAlias

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from tests.fuzz.targets import Target, targets  # noqa: E402

Arc: TypeAlias = tuple[str, int, int]
CODE = str(ROOT / "gwtop")


def ways(target: Target, data: bytes) -> set[Arc]:
    """Every pair of lines of gwtop that ran one after the other in a function."""
    found: set[Arc] = set()
    before: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not frame.f_code.co_filename.startswith(CODE):
            return None
        if event == "line":
            found.add((frame.f_code.co_filename, before.get(frame, 0), frame.f_lineno))
            before[frame] = frame.f_lineno
        return trace

    sys.settrace(trace)
    try:
        target(data)
    finally:
        sys.settrace(None)
    return found


def choose(target: Target, inputs: list[bytes], n_bytes: int) -> list[bytes]:
    """Greedily the input with the most new ways per byte, until none has any or room is out."""
    all_ways = {data: ways(target, data) for data in sorted(set(inputs), key=len)}
    kept: list[bytes] = []
    seen: set[Arc] = set()
    while all_ways:
        best = max(all_ways, key=lambda data: len(all_ways[data] - seen) / (len(data) + 8))
        new = all_ways.pop(best) - seen
        if not new:
            break
        if len(best) <= n_bytes:
            n_bytes -= len(best)
            kept.append(best)
            seen |= new
    return kept


def main() -> None:
    name, folder, n_bytes = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    corpus = ROOT / "tests" / "fuzz" / "corpus" / name
    corpus.mkdir(parents=True, exist_ok=True)
    old = [path for path in corpus.iterdir() if not path.name.startswith("found-")]
    inputs = [path.read_bytes() for path in [*old, *folder.iterdir()]]
    kept = choose(targets()[name], inputs, n_bytes)
    for path in old:
        path.unlink()
    for data in kept:
        (corpus / sha1(data).hexdigest()[:12]).write_bytes(data)
    print(f"{name}: {len(kept)} of {len(inputs)} inputs, {sum(map(len, kept))} bytes")


if __name__ == "__main__":
    main()
