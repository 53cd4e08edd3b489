"""Reads and requests: which read took which request's first byte."""

from gwtop.nouns.records import Touched
from gwtop.nouns.times import MICROSECOND_NS as US
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.readers import MAX_LINES, Readers
from tests.tracker._scripted import ScriptedModule

T0 = 1_800_000_000 * SECOND_NS
SERVER, CLIENT = "127.0.0.1:9000", "127.0.0.1:50000"


class Scene:
    def __init__(self) -> None:
        self.readers = Readers()
        self._n = 0

    def request(self, at: int, over: int | None = None, client: str = CLIENT) -> Exchange:
        self._n += 1
        exchange = Exchange(self._n, Hop(1, client, SERVER, ScriptedModule()), 0, 0, T0 + at)
        exchange.over_at = None if over is None else T0 + over
        self.readers.began(exchange)
        return exchange

    def read(self, at: int, pid: int, client: str = CLIENT) -> None:
        self.readers.touched(Touched(T0 + at, pid, pid, SERVER, client, "read", None))

    def held(self, at: int, pid: int, sock: int = 7) -> None:
        self.readers.touched(Touched(T0 + at, pid, pid, SERVER, CLIENT, "holds", None, sock))

    def reader(self, exchange: Exchange) -> tuple[int, int | None] | None:
        first = self.readers.first(exchange)
        return None if first is None else (first.at - T0, first.pid)


def test_the_first_read_at_or_after_the_first_byte_counts() -> None:
    scene = Scene()
    exchange = scene.request(MS)
    scene.read(2 * MS, 11)
    scene.read(3 * MS, 12)
    assert scene.reader(exchange) == (2 * MS, 11)


def test_a_read_that_is_told_before_its_frame_waits_for_the_request() -> None:
    scene = Scene()
    scene.read(0, 10)
    scene.read(2 * MS, 11)
    assert scene.reader(scene.request(MS)) == (2 * MS, 11)


def test_each_request_of_a_kept_connection_has_its_own_read() -> None:
    scene = Scene()
    scene.read(1 * MS, 11)
    scene.read(5 * MS, 12)
    first, second = scene.request(0, 2 * MS), scene.request(4 * MS, 6 * MS)
    scene.readers.settled(first)
    third = scene.request(8 * MS)
    scene.read(9 * MS, 13)
    assert scene.reader(second) == (5 * MS, 12)
    assert scene.reader(third) == (9 * MS, 13)


def test_pipelined_requests_that_were_read_at_once_share_the_read() -> None:
    scene = Scene()
    first, second = scene.request(0), scene.request(0)
    scene.read(MS, 11)
    assert scene.reader(first) == scene.reader(second) == (MS, 11)


def test_two_clocks_may_differ_by_a_little_and_by_no_more() -> None:
    scene = Scene()
    scene.read(-5 * US, 11)
    assert scene.reader(scene.request(0)) == (-5 * US, 11)
    other = Scene()
    other.read(-50 * US, 11)
    assert other.reader(other.request(0)) is None


def test_a_read_after_the_end_is_no_evidence() -> None:
    scene = Scene()
    exchange = scene.request(0, 2 * MS)
    scene.read(3 * MS, 11)
    assert scene.reader(exchange) is None


def test_connections_are_told_apart() -> None:
    scene = Scene()
    mine, other = scene.request(0), scene.request(0, client="127.0.0.1:50001")
    scene.read(MS, 11, "127.0.0.1:50001")
    assert (scene.reader(mine), scene.reader(other)) == (None, (MS, 11))


def test_settled_requests_leave_nothing_behind() -> None:
    scene = Scene()
    for n in range(50):
        exchange = scene.request(n * 10 * MS, (n * 10 + 5) * MS, f"127.0.0.1:{n}")
        scene.read((n * 10 + 1) * MS, 11, f"127.0.0.1:{n}")
        scene.readers.settled(exchange)
        assert scene.reader(exchange) is not None
        scene.readers.forget(exchange)
        assert scene.reader(exchange) is None
    assert scene.readers._lines == {}


def test_reads_that_nobody_claims_are_bounded() -> None:
    scene = Scene()
    for n in range(MAX_LINES + 5):
        scene.read(n, 11, f"10.0.0.1:{n}")
    assert len(scene.readers._lines) == MAX_LINES


def test_who_has_read_since_is_remembered() -> None:
    scene = Scene()
    scene.read(5 * MS, 11)
    assert scene.readers.has_read(11, T0) and not scene.readers.has_read(11, T0 + 6 * MS)
    assert not scene.readers.has_read(12, T0)


def test_holders_during_the_request_count() -> None:
    scene = Scene()
    exchange = scene.request(0, 100 * MS)
    scene.held(-10 * MS, 10)
    scene.held(50 * MS, 11)
    scene.held(120 * MS, 12)
    assert scene.readers.holders(exchange) == {11}


def test_who_held_it_before_and_after_held_it_meanwhile() -> None:
    scene = Scene()
    exchange = scene.request(0, 5 * MS)
    scene.held(-20 * MS, 11)
    assert scene.readers.holders(exchange) == set()
    scene.held(30 * MS, 11)
    assert scene.readers.holders(exchange) == {11}
    scene.readers.settled(exchange)
    again = scene.request(31 * MS, 32 * MS)
    scene.held(80 * MS, 12)
    assert scene.readers.holders(again) == {11, 12}


def test_another_socket_on_the_same_addresses_proves_nothing() -> None:
    scene = Scene()
    exchange = scene.request(0, 5 * MS)
    scene.held(-20 * MS, 11, sock=7)
    scene.held(30 * MS, 11, sock=8)
    assert scene.readers.holders(exchange) == set()
