"""The committed captures with packets missing, in another order, twice or cut: no wrong fact.

In: every capture of tests/captures that a client and an application have told the truth of. Out:
a failure that names the capture and the seed. The whole capture's facts, which test_captures.py
holds against the truth, are the measure here.
"""

import json
from pathlib import Path

import pytest

from tests import _losses as losses
from tests._replay import CAPTURES

NAMES = sorted(
    path.relative_to(CAPTURES).with_suffix("").with_suffix("").as_posix()
    for path in CAPTURES.glob("*/*.truth.json")
)
each_capture = pytest.mark.parametrize("name", NAMES)
SHARE_LOST = 0.03  # 1 % of a hundred packets is one


class Capture:
    def __init__(self, name: str, folder: Path) -> None:
        self.header, self.packets = losses.parse((CAPTURES / f"{name}.pcap").read_bytes())
        truth = json.loads((CAPTURES / f"{name}.truth.json").read_text(encoding="utf-8"))
        self._port: int = truth["port"]
        self._folder = folder
        self.facts = self.read(self.packets)

    def read(self, packets: list[losses.Packet]) -> list[losses.Fact]:
        return losses.facts_of(losses.build(self.header, packets), self._folder, self._port)


@pytest.fixture
def capture(name: str, tmp_path: Path) -> Capture:
    return Capture(name, tmp_path)


def assert_lost(capture: Capture, damaged: list[losses.Packet], facts: list[losses.Fact]) -> None:
    least, most = losses.lost_bytes(capture.packets, damaged)
    assert least <= facts[-1]["missed"]["bytes"] <= most


@each_capture
@pytest.mark.parametrize("seed", range(8))
def test_lost_packets_make_no_wrong_fact(capture: Capture, seed: int) -> None:
    damaged = losses.drop(capture.packets, seed, SHARE_LOST)
    assert list(losses.wrong(capture.facts, capture.read(damaged))) == []


@each_capture
@pytest.mark.parametrize("seed", range(6))
def test_lost_bytes_are_counted_to_the_last(capture: Capture, seed: int) -> None:
    damaged = losses.drop(capture.packets, seed, SHARE_LOST, losses.SYN)
    assert_lost(capture, damaged, capture.read(damaged))


@each_capture
@pytest.mark.parametrize("seed", range(6))
def test_requests_that_no_loss_touched_are_told_whole(capture: Capture, seed: int) -> None:
    damaged = losses.drop(capture.packets, seed, SHARE_LOST)
    keys = losses.untouched(capture.facts, capture.packets, damaged)
    assert losses.changed(capture.facts, capture.read(damaged), keys) == []


@each_capture
@pytest.mark.parametrize("n_bytes", [128, 96, 300])
def test_a_short_snaplen_makes_no_wrong_fact_and_its_loss_is_exact(
    capture: Capture, n_bytes: int
) -> None:
    damaged = losses.cut(capture.packets, n_bytes)
    facts = capture.read(damaged)
    assert list(losses.wrong(capture.facts, facts)) == []
    assert_lost(capture, damaged, facts)


@each_capture
@pytest.mark.parametrize("seed", range(3))
def test_reordered_packets_change_nothing(capture: Capture, seed: int) -> None:
    facts = capture.read(losses.reorder(capture.packets, seed))
    assert losses.same(capture.facts, facts) == []


@each_capture
@pytest.mark.parametrize("seed", range(3))
def test_doubled_packets_change_nothing(capture: Capture, seed: int) -> None:
    facts = capture.read(losses.double(capture.packets, seed))
    assert losses.same(capture.facts, facts) == []


@each_capture
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
def test_a_capture_that_begins_late_makes_no_wrong_fact(capture: Capture, share: float) -> None:
    damaged = losses.without_beginning(capture.packets, share)
    facts = capture.read(damaged)
    assert list(losses.wrong(capture.facts, facts)) == []
    keys = losses.untouched(capture.facts, capture.packets, damaged)
    assert losses.changed(capture.facts, facts, keys) == []
