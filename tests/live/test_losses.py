"""Large captures of real servers with packets missing, in another order, twice or cut.

In: captures made here, of one pair for each protocol. Out: a failure that names the pair and the
seed. What holds for the small committed captures (tests/test_losses.py) holds here with big
bodies, four connections at once and retransmissions.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import _losses as losses
from tests.live._asking import asks_of
from tests.live._taking import Taken, take

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

PAIRS = [
    "nginx-php-fpm/fastcgi",
    "lighttpd-uwsgi/fastcgi",
    "apache-uwsgi/uwsgi",
    "nginx-flup/scgi",
    "apache-tomcat/ajp",
    "nginx-gunicorn/http",
]
SHARE_LOST = 0.01
SEEDS = (1, 2, 3)


class Capture:
    def __init__(self, taken: Taken, folder: Path) -> None:
        self.header, self.packets = losses.parse(taken.pcap)
        self._port, self._folder = taken.port, folder
        self.facts = self.read(self.packets)
        assert self.facts[-1]["missed"]["bytes"] == 0

    def read(self, packets: list[losses.Packet]) -> list[losses.Fact]:
        return losses.facts_of(losses.build(self.header, packets), self._folder, self._port)

    def check(self, damaged: list[losses.Packet], facts: list[losses.Fact]) -> None:
        assert list(losses.wrong(self.facts, facts)) == []
        keys = losses.untouched(self.facts, self.packets, damaged)
        assert losses.changed(self.facts, facts, keys) == []


@pytest.fixture(scope="module", params=PAIRS)
def capture(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Capture]:
    pair: str = request.param
    yield Capture(take(pair, asks_of(len(pair), 3)), tmp_path_factory.mktemp("losses"))


@pytest.mark.parametrize("seed", SEEDS)
def test_one_packet_in_a_hundred_lost_makes_no_wrong_fact(capture: Capture, seed: int) -> None:
    damaged = losses.drop(capture.packets, seed, SHARE_LOST)
    capture.check(damaged, capture.read(damaged))


@pytest.mark.parametrize("seed", SEEDS)
def test_lost_bytes_are_counted_to_the_last(capture: Capture, seed: int) -> None:
    damaged = losses.drop(capture.packets, seed, SHARE_LOST, losses.SYN)
    least, most = losses.lost_bytes(capture.packets, damaged)
    assert least <= capture.read(damaged)[-1]["missed"]["bytes"] <= most


def test_128_bytes_of_each_packet_make_no_wrong_fact(capture: Capture) -> None:
    damaged = losses.cut(capture.packets, 128)
    facts = capture.read(damaged)
    assert list(losses.wrong(capture.facts, facts)) == []
    least, most = losses.lost_bytes(capture.packets, damaged)
    assert least == facts[-1]["missed"]["bytes"] == most


@pytest.mark.parametrize("seed", SEEDS)
def test_reordered_packets_change_nothing(capture: Capture, seed: int) -> None:
    facts = capture.read(losses.reorder(capture.packets, seed))
    assert losses.same(capture.facts, facts) == []


def test_doubled_packets_change_nothing(capture: Capture) -> None:
    facts = capture.read(losses.double(capture.packets, 1))
    assert losses.same(capture.facts, facts) == []


@pytest.mark.parametrize("share", [0.25, 0.6])
def test_without_its_beginning_it_makes_no_wrong_fact(capture: Capture, share: float) -> None:
    damaged = losses.without_beginning(capture.packets, share)
    capture.check(damaged, capture.read(damaged))
