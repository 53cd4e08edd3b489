"""The committed fuzz corpus, replayed: what a fuzzer once learnt, kept without a fuzzer.

In: tests/fuzz/corpus/<target>/, and the seeds that are made from captures and samples. Out: a
failure that names target and file. tests/fuzz/README.md says what each target holds.
"""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from gwtop.nouns.events import Body, Control, ErrorText, Event, Hole
from gwtop.nouns.wire import Side
from gwtop.protocols import discover
from gwtop.protocols._base import Decoder
from tests.fuzz import _wire, seeds
from tests.fuzz._script import Close, Feed, Lose, Script, check, check_claims, parse, unparse
from tests.fuzz.targets import targets

CORPUS = Path(__file__).parent / "fuzz" / "corpus"
MAX_CORPUS_BYTES = 64 * 1024
C, S = Side.CLIENT, Side.SERVER

each_target = pytest.mark.parametrize("name", targets())


@each_target
def test_what_a_fuzzer_learnt_is_kept(name: str) -> None:
    files = sorted((CORPUS / name).iterdir())
    assert files, f"no corpus of {name}"
    for path in files:
        try:
            targets()[name](path.read_bytes())
        except AssertionError as wrong:
            raise AssertionError(f"{path.name}: {wrong}") from wrong


@each_target
def test_seeds_and_pieces_of_them_keep_it_too(name: str, tmp_path: Path) -> None:
    seeds.write(tmp_path)
    source = random.Random(name)
    inputs = [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]
    assert inputs
    target = targets()[name]
    for data in inputs[:: max(len(inputs) // 60, 1)]:
        target(data)
        for _ in range(4):
            target(_mutated(source, data, source.choice(inputs)))


def _mutated(source: random.Random, data: bytes, other: bytes) -> bytes:
    """A few bytes changed, then the tail of another input."""
    changed = bytearray(data)
    for _ in range(source.randrange(1, 6)):
        changed[source.randrange(len(changed))] = source.choice((0, 1, 255, source.randrange(256)))
    stop = source.randrange(len(changed))
    return bytes(changed[:stop]) + other[source.randrange(len(other)) :]


def test_the_corpus_is_small_and_has_no_stranger() -> None:
    assert {path.name for path in CORPUS.iterdir()} == set(targets())
    sizes = [path.stat().st_size for path in CORPUS.glob("*/*")]
    assert sum(sizes) <= MAX_CORPUS_BYTES


def test_what_hypothesis_makes_up_is_the_same_in_every_run() -> None:
    assert settings.get_profile("suite").derandomize


def test_every_decoder_is_a_target() -> None:
    assert set(discover()) <= set(targets())


def test_a_script_is_read_as_it_was_written() -> None:
    steps = [
        Feed(Side.CLIENT, b"ask", 100 * 1024),
        Lose(Side.CLIENT, 300),
        Feed(Side.SERVER, b"\0" * 300, 100 * 1024),
        Close(Side.SERVER),
    ]
    for from_start in (True, False):
        assert parse(unparse(Script(from_start, steps))) == Script(from_start, steps)
    assert parse(b"") == Script(True, [])
    assert parse(b"\0\x20\0\2ab\2\1\0\1c") == Script(
        True, [Feed(Side.CLIENT, b"abab", 100 * 1024), Feed(Side.CLIENT, b"c", 1)]
    )


# -- a target that sees nothing is worse than none -------------------------------------------

SAID = unparse(Script(True, [Feed(C, b"24:CONTENT_LENGTH\x000\x00SCGI\x001\x00,", 0)])) + (
    b"\x03\1\0\x0bA: b\n\nhello" + b"\5\0\1"
)
"""A request, an answer in single bytes, a loss."""


class Careless:
    """A protocol's module with a decoder that changes what another one tells."""

    def __init__(self, change: Callable[[list[Event]], list[Event]]) -> None:
        self.real = discover()["scgi"]
        self.request_fields = self.real.request_fields
        self.response_fields = self.real.response_fields
        self.change = change

    def Decoder(self, from_start: bool) -> "CarelessDecoder":  # noqa: N802
        return CarelessDecoder(self.real.Decoder(from_start), self.change)


class CarelessDecoder:
    def __init__(self, real: Decoder, change: Callable[[list[Event]], list[Event]]) -> None:
        self.real, self.change = real, change
        self.held_bytes = real.held_bytes

    def feed(self, side: Side, data: bytes, at: int) -> list[Event]:
        return self.change(self.real.feed(side, data, at))

    def lost(self, side: Side, n_bytes: int, at: int) -> list[Event]:
        return self.change(self.real.lost(side, n_bytes, at))

    def close(self, side: Side, at: int) -> list[Event]:
        return self.change(self.real.close(side, at))


def test_a_careful_decoder_passes() -> None:
    check(Careless(list), SAID)


@pytest.mark.parametrize(
    ("change", "law"),
    [
        (lambda events: [e for e in events if not isinstance(e, Body)], "Honesty"),
        (lambda events: [*events, Control(0, S, "invented", 1)], "Honesty"),
        (lambda events: [*events, ErrorText(0, b"")], "Split"),
        (lambda events: [e for e in events if not isinstance(e, Hole)], "Honesty"),
    ],
    ids=["forgets a body", "invents a byte", "tells of its feeds", "forgets a loss"],
)
def test_a_careless_decoder_is_seen(change: Callable[[list[Event]], list[Event]], law: str) -> None:
    with pytest.raises(AssertionError, match=law):
        check(Careless(change), SAID)


def test_a_second_claim_is_seen() -> None:
    modules = {name: discover()["scgi"] for name in ("one", "two")}
    with pytest.raises(AssertionError, match="claimed twice"):
        check_claims(modules, b"24:CONTENT_LENGTH\x000\x00SCGI\x001\x00,")


@pytest.mark.parametrize("n_bytes", [1, 10, 49])
def test_a_byte_beside_its_place_is_seen(n_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    said = next(seeds.segments(random.Random(1)))
    segments = _wire.segments_of(said)
    _wire.check_segments(said)
    data = segments[3].data
    wrong = list(segments)
    wrong[3] = segments[3]._replace(data=data[n_bytes:] + data[:n_bytes])
    monkeypatch.setattr(_wire, "segments_of", lambda _: wrong)
    with pytest.raises(AssertionError):
        _wire.check_segments(said)
