"""What was read is stamped with when it had arrived, as far as the kernel told."""

from gwtop.nouns.records import Touched
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Lost, Opened
from gwtop.taps.callprog import Call
from gwtop.taps.sites import Kind
from gwtop.taps.told import JOIN_NS, UNNAMED, Connection, Told

LISTEN, WORKER, OFFSET = "unix:/run/x.sock", 100, 1_000_000
CONN = 7


class Talk:
    """One connection; instants are the kernel's."""

    def __init__(self) -> None:
        self._told = Told(shows_bytes=True)
        self._connection = Connection(CONN, LISTEN, UNNAMED, from_start=False)

    def read(
        self, at_ns: int, data: bytes, arrived_ns: int = 0, n_bytes: int | None = None
    ) -> None:
        self._moved(at_ns, Kind.READ, data, arrived_ns, n_bytes)

    def write(self, at_ns: int, data: bytes) -> None:
        self._moved(at_ns, Kind.WRITE, data, 0, None)

    def _moved(
        self, at_ns: int, kind: Kind, data: bytes, arrived_ns: int, n_bytes: int | None
    ) -> None:
        length = len(data) if n_bytes is None else n_bytes
        head = (at_ns, WORKER, WORKER, 0, 0, kind, length, 3, 0, 0, 0)
        side = CLIENT if kind is Kind.READ else SERVER
        call = Call(*head, data, arrived_ns)
        self._told.moved(at_ns + OFFSET, call, self._connection, side)

    def told(self) -> list[tuple[int, object]]:
        """Instants, and what was moved; of a `Touched` whether arrivals are told."""
        found: list[tuple[int, object]] = []
        for record in self._told.take():
            if isinstance(record, Chunk):
                found.append((record.at - OFFSET, record.data))
            elif isinstance(record, Touched):
                found.append((record.at - OFFSET, record.sees_arrivals))
            elif isinstance(record, Lost):
                found.append((record.at - OFFSET, record.n_bytes))
            else:
                assert isinstance(record, Opened)
        return found


def test_bytes_have_their_arrival_and_the_touch_has_the_read() -> None:
    talk = Talk()
    talk.read(900, b"ask", arrived_ns=200)
    talk.write(950, b"answer")
    assert talk.told() == [(900, True), (200, b"ask"), (950, b"answer")]


def test_where_no_arrival_was_ever_told_bytes_are_stamped_with_their_read() -> None:
    talk = Talk()
    talk.read(900, b"ask")
    assert talk.told() == [(900, False), (900, b"ask")]


def test_pieces_have_the_arrival_of_the_first_however_late_they_are_read() -> None:
    talk = Talk()
    talk.read(900, b"a", arrived_ns=200)
    talk.read(910, b"s")
    talk.read(900 + JOIN_NS, b"k")
    late = (900 + JOIN_NS, True)
    assert talk.told() == [(900, True), (200, b"as"), late, (200, b"k")]


def test_a_later_write_of_the_same_request_has_an_arrival_of_its_own() -> None:
    talk = Talk()
    talk.read(900, b"head", arrived_ns=200)
    talk.read(900 + 2 * JOIN_NS, b"body", arrived_ns=70_000)
    assert talk.told()[2:] == [(900 + 2 * JOIN_NS, True), (70_000, b"body")]


def test_each_request_of_a_kept_connection_has_its_own() -> None:
    talk = Talk()
    for start in (0, 10_000):
        talk.read(start + 900, b"ask", arrived_ns=start + 200)
        talk.write(start + 950, b"answer")
    assert [row for row in talk.told() if row[1] == b"ask"] == [(200, b"ask"), (10_200, b"ask")]


def test_what_the_kernel_tells_too_late_came_as_it_was_read() -> None:
    """The reader was quicker than the word of it: no arrival since the last answer."""
    talk = Talk()
    talk.read(900, b"one", arrived_ns=200)
    talk.write(950, b"answer")
    talk.read(2000, b"two")
    assert talk.told()[3:] == [(2000, True), (2000, b"two")]


def test_the_rest_of_one_request_is_not_joined_to_what_came_since() -> None:
    talk = Talk()
    talk.read(900, b"one", arrived_ns=200)
    talk.write(950, b"answer")
    talk.read(1000, b"end of one")
    talk.read(1100, b"t", arrived_ns=1050)
    talk.read(1110, b"wo")
    rest, two = [(1000, True), (1000, b"end of one")], [(1100, True), (1050, b"two")]
    assert talk.told()[3:] == rest + two


def test_an_arrival_is_never_behind_its_read() -> None:
    talk = Talk()
    talk.read(900, b"ask", arrived_ns=901)
    assert talk.told() == [(900, True), (900, b"ask")]


def test_what_was_not_copied_had_arrived_too() -> None:
    talk = Talk()
    talk.read(900, b"as", arrived_ns=200, n_bytes=10)
    assert talk.told() == [(900, True), (200, b"as"), (200, 8)]
