"""The laws that hold for any bytes, over every committed capture and every protocol at once.

In: all of tests/captures/, provoked and broken conversations among them. Out: a failure that names
capture, connection and decoder. `test_laws` gives each protocol what it can read; here each gets
what all the others say, too, whole, cut, and with holes: a decoder is asked to be calm, honest and
sure of itself most of all where it was elected in error.
"""

import random
from pathlib import Path

import pytest

from gwtop.nouns.wire import Side
from gwtop.protocols import Undecided, elect
from gwtop.protocols._base import Claim, Module
from tests.fuzz._script import MAX_FED_BYTES, Close, Feed, Lose, Script, Step, run_script
from tests.protocols._feeding import CAPTURES, Conversation, captured, modules, normal, stem

PATHS = sorted([*CAPTURES.glob("*/*.pcap"), *CAPTURES.glob("*/*.pcap.gz")])
EACH = pytest.mark.parametrize("module", modules(), ids=stem)
EACH_CAPTURE = pytest.mark.parametrize(
    "path", PATHS, ids=[path.relative_to(CAPTURES).as_posix() for path in PATHS]
)
MAX_TALK_BYTES = 24 * 1024
"""Of one connection; what follows is more of the same body."""


def talks(path: Path) -> list[Conversation]:
    found: list[Conversation] = []
    for talk in captured(path):
        left = MAX_TALK_BYTES
        kept: Conversation = []
        for side, data in talk:
            if left > 0:
                kept.append((side, data[:left]))
            left -= len(data)
        found.append(kept)
    return found


def steps(talk: Conversation, piece_bytes: int = MAX_FED_BYTES) -> list[Step]:
    return [Feed(side, data, piece_bytes) for side, data in talk]


def holed(talk: Conversation, source: random.Random, piece_bytes: int) -> list[Step]:
    """With three gaps and an early close, each step cut as said."""
    made: list[Step] = []
    where = {source.randrange(len(talk)) for _ in range(3)}
    for n, (side, data) in enumerate(talk):
        begin = source.randrange(len(data))
        end = min(begin + source.choice((1, 8, 300, 70_000)), len(data))
        if n not in where:
            begin = end = len(data)
        made += [Feed(side, data[:begin], piece_bytes)] if begin else []
        made += [Lose(side, end - begin)] if end > begin else []
        made += [Feed(side, data[end:], piece_bytes)] if end < len(data) else []
    return [*made, Close(Side.SERVER if source.random() < 0.5 else Side.CLIENT)]


@EACH
@EACH_CAPTURE
def test_whoever_reads_a_capture_stays_calm_honest_and_sure(module: Module, path: Path) -> None:
    for n, talk in enumerate(talks(path)):
        for from_start in (True, False):
            whole = run_script(module, Script(from_start, steps(talk)))
            for size in (1, 7, 100):
                cut = run_script(module, Script(from_start, steps(talk, size)))
                assert normal(cut) == normal(whole), f"connection {n}, pieces of {size}"


@EACH
@EACH_CAPTURE
def test_whoever_reads_a_capture_with_holes_does_so_too(module: Module, path: Path) -> None:
    for n, talk in enumerate(talks(path)):
        for seed in range(3):
            whole, cut = (
                run_script(module, Script(True, holed(talk, random.Random(seed), size)))
                for size in (MAX_FED_BYTES, 5)
            )
            assert normal(cut) == normal(whole), f"connection {n}, seed {seed}"


@EACH_CAPTURE
def test_a_captured_connection_belongs_to_its_folder_or_to_nobody_twice(path: Path) -> None:
    for n, talk in enumerate(talks(path)):
        first = b"".join(data for side, data in talk if side is Side.CLIENT)
        claimed = [module.NAME for module in modules() if module.claims(first) is Claim.YES]
        elected = elect(first, modules(), final=True)
        assert len(claimed) <= 1, f"connection {n}: {claimed}"
        if path.parent.name != "notes":
            assert not isinstance(elected, Undecided), f"connection {n}"
            assert path.parent.name == elected.NAME, f"connection {n}"
