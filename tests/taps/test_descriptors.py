"""Whose a descriptor is: calls as the kernel's ring has them in, records of the watched out."""

import pytest

from gwtop.nouns.records import Record, Touched, Worked
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Lost, Opened
from gwtop.taps.callprog import ECONNRESET, EPIPE, F_DUPFD_CLOEXEC, F_SETFD, UNKNOWN_BYTES, Call
from gwtop.taps.descriptors import FD_CLOEXEC, SOCK_CLOEXEC, Descriptors
from gwtop.taps.sites import Kind
from gwtop.taps.told import JOIN_NS
from gwtop.taps.treeprog import EXECED, EXITED, FORKED

LISTEN, LISTENER, CONN, FILE = "unix:/run/x.sock", 3, 5, 9
WORKER, CHILD, THREAD = 100, 200, 101
FIRST = 1 << 41


class Machine:
    """A clock that ticks once a call, and what is told."""

    def __init__(self, shows_bytes: bool = True) -> None:
        self.n_asked = 0
        self.descriptors = Descriptors(FIRST, self._listener, shows_bytes)
        self.told: list[Record] = []
        self._at = 0

    def _listener(self, pid: int, fd: int) -> str | None:
        self.n_asked += 1
        return LISTEN if fd == LISTENER else None

    def call(
        self,
        kind: int,
        *arguments: int,
        result: int = 0,
        data: bytes = b"",
        pid: int = WORKER,
        thread: int | None = None,
    ) -> list[Record]:
        self._at += 1
        a, b, c, d = (*arguments, 0, 0, 0, 0)[:4]
        made = Call(self._at, thread or pid, pid, self._at, 0, kind, result, a, b, c, d, data)
        fresh = self.descriptors.records([made], offset_ns=1000)
        self.told += fresh
        return fresh

    def accept(self, fd: int = CONN, pid: int = WORKER, **more: int) -> list[Record]:
        return self.call(Kind.ACCEPT, LISTENER, result=fd, pid=pid)

    def read(self, data: bytes, fd: int = CONN, pid: int = WORKER) -> list[Record]:
        return self.call(Kind.READ, fd, 0, 4096, result=len(data), data=data, pid=pid)

    def write(self, data: bytes, fd: int = CONN, pid: int = WORKER) -> list[Record]:
        return self.call(Kind.WRITE, fd, 0, len(data), result=len(data), data=data, pid=pid)

    def close(self, fd: int = CONN, pid: int = WORKER) -> list[Record]:
        return self.call(Kind.CLOSE, fd, pid=pid)

    def chunks(self) -> list[tuple[int, bytes]]:
        return [(r.conn - FIRST, r.data) for r in self.told if isinstance(r, Chunk)]


@pytest.fixture
def machine() -> Machine:
    return Machine()


OVER = [("server", "fin"), ("client", "fin")]


def ends(records: list[Record]) -> list[tuple[str, str]]:
    return [(r.side.value, r.how) for r in records if isinstance(r, Closed)]


def test_a_connection_from_accept_to_close() -> None:
    machine = Machine()
    machine.accept()
    machine.call(Kind.READ, CONN, 0, 10, result=2, data=b"hi", thread=THREAD)
    machine.write(b"ho")
    machine.close()
    conn = FIRST + 1
    assert machine.told == [
        Opened(1001, conn, "unix:", LISTEN, True),
        Touched(1002, WORKER, THREAD, LISTEN, "unix:", "read", 2, None, conn),
        Chunk(1002, conn, CLIENT, b"hi"),
        Chunk(1003, conn, SERVER, b"ho"),
        Closed(1004, conn, SERVER, "fin"),
        Closed(1004, conn, CLIENT, "fin"),
    ]


def test_what_no_watched_connection_names_is_dropped(machine: Machine) -> None:
    machine.read(b"a file", fd=FILE)
    machine.call(Kind.ACCEPT, 4, result=6)
    machine.read(b"another listener's", fd=6)
    machine.write(b"a database", fd=7)
    machine.close(FILE)
    assert machine.told == []


def test_a_number_closed_and_taken_by_a_file_is_the_files(machine: Machine) -> None:
    machine.accept()
    machine.close()
    assert machine.read(b"a key") == []


def test_a_number_is_its_processs_own(machine: Machine) -> None:
    machine.accept()
    assert machine.read(b"a key", pid=CHILD) == []


def test_a_number_taken_again_is_another_connection(machine: Machine) -> None:
    machine.accept()
    machine.read(b"one")
    machine.close()
    machine.accept()
    machine.read(b"two")
    assert machine.chunks() == [(1, b"one"), (2, b"two")]


def test_a_close_that_was_not_seen_ends_at_the_next_accept(machine: Machine) -> None:
    machine.accept()
    assert ends(machine.accept()) == OVER


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        pytest.param(Kind.DUP, (CONN,), id="dup"),
        pytest.param(Kind.DUP2, (CONN, 0), id="dup2"),
        pytest.param(Kind.DUP3, (CONN, 0, 0), id="dup3"),
        pytest.param(Kind.FCNTL, (CONN, 0, 0), id="F_DUPFD"),
        pytest.param(Kind.FCNTL, (CONN, F_DUPFD_CLOEXEC, 0), id="F_DUPFD_CLOEXEC"),
    ],
)
def test_another_number_names_the_same_connection(
    machine: Machine, kind: Kind, arguments: tuple[int, ...]
) -> None:
    machine.accept()
    machine.call(kind, *arguments, result=0)
    assert machine.close() == []
    machine.read(b"x", fd=0)
    assert machine.chunks() == [(1, b"x")]
    assert ends(machine.close(0)) == OVER


def test_a_number_that_another_is_copied_over_is_closed(machine: Machine) -> None:
    machine.accept()
    assert ends(machine.call(Kind.DUP2, FILE, CONN, result=CONN)) == OVER
    assert machine.read(b"a file") == []


def test_a_number_copied_over_itself_stays(machine: Machine) -> None:
    machine.accept()
    assert machine.call(Kind.DUP2, CONN, CONN, result=CONN) == []
    assert machine.read(b"x") != []


def test_a_child_has_its_parents_numbers_and_a_table_of_its_own(machine: Machine) -> None:
    machine.accept()
    machine.call(FORKED, CHILD)
    assert machine.close() == []
    machine.read(b"x", pid=CHILD)
    assert machine.chunks() == [(1, b"x")]
    assert ends(machine.close(pid=CHILD)) == OVER


def test_the_end_of_a_process_closes_what_it_held(machine: Machine) -> None:
    machine.accept()
    machine.call(FORKED, CHILD)
    assert machine.call(EXITED) == []
    assert ends(machine.call(EXITED, pid=CHILD)) == OVER


def test_exec_closes_what_was_marked_so(machine: Machine) -> None:
    machine.call(Kind.ACCEPT4, LISTENER, 0, 0, SOCK_CLOEXEC, result=CONN)
    machine.accept(6)
    machine.accept(7)
    machine.call(Kind.FCNTL, 7, F_SETFD, FD_CLOEXEC)
    machine.call(Kind.DUP2, CONN, 1, result=1)
    machine.call(EXECED)
    machine.told.clear()
    for fd in (CONN, 6, 7, 1):
        machine.read(b"%d" % fd, fd=fd)
    assert machine.chunks() == [(2, b"6"), (1, b"1")]


def test_a_range_of_numbers_is_closed_or_marked(machine: Machine) -> None:
    machine.accept(5)
    machine.accept(8)
    assert ends(machine.call(Kind.CLOSE_RANGE, 6, 0xFFFFFFFF)) == OVER
    machine.call(Kind.CLOSE_RANGE, 3, 0xFFFFFFFF, 4)
    assert machine.read(b"x", fd=5) != []
    assert ends(machine.call(EXECED)) == OVER


def test_the_listener_is_asked_for_once_until_its_number_is_closed(machine: Machine) -> None:
    machine.accept(5)
    machine.accept(6)
    assert machine.n_asked == 1
    machine.close(LISTENER)
    machine.accept(7)
    assert machine.n_asked == 2
    machine.call(FORKED, CHILD)
    machine.accept(5, pid=CHILD)
    assert machine.n_asked == 2


def test_what_was_moved_and_not_copied_has_its_length(machine: Machine) -> None:
    machine.accept()
    told = machine.call(Kind.READ, CONN, 0, 100, result=100, data=b"begin")
    assert told[1:] == [
        Chunk(1002, FIRST + 1, CLIENT, b"begin"),
        Lost(1002, FIRST + 1, CLIENT, 95, True),
    ]
    told = machine.call(Kind.SENDFILE, CONN, FILE, result=4096)
    assert told == [Lost(1003, FIRST + 1, SERVER, 4096, True)]
    told = machine.call(Kind.SPLICE, 20, 0, CONN, result=7)
    assert told == [Lost(1004, FIRST + 1, SERVER, 7, True)]
    told = machine.call(Kind.SPLICE, CONN, 0, 20, result=7)
    assert told[1:] == [Lost(1005, FIRST + 1, CLIENT, 7, True)]


@pytest.mark.parametrize(("result", "how"), [(ECONNRESET, "rst"), (EPIPE, "rst")])
def test_a_client_that_has_gone_ends_it(machine: Machine, result: int, how: str) -> None:
    machine.accept()
    assert ends(machine.call(Kind.WRITE, CONN, 0, 9, result=result)) == [("client", how)]
    assert machine.write(b"more") == [] or not machine.chunks()
    assert machine.close() == []


def test_bytes_whose_number_nobody_knows_end_it_for_us(machine: Machine) -> None:
    machine.accept()
    assert ends(machine.call(Kind.RECVMMSG, CONN, result=UNKNOWN_BYTES)) == [("client", "end")]


def test_a_read_of_nothing_is_the_clients_end_unless_nothing_was_asked(machine: Machine) -> None:
    machine.accept()
    assert machine.call(Kind.READ, CONN, 0, 0, result=0) == []
    assert ends(machine.call(Kind.READ, CONN, 0, 512, result=0)) == [("client", "fin")]


def test_reads_close_after_one_another_are_told_as_one_and_writes_are_not(
    machine: Machine,
) -> None:
    reads = [
        Call(n, WORKER, WORKER, n, 0, Kind.READ, 2, CONN, 0, 8, 0, data)
        for n, data in ((2, b"a1"), (3, b"b2"), (JOIN_NS + 5, b"c3"))
    ]
    writes = [
        Call(n, WORKER, WORKER, n, 0, Kind.WRITE, 1, CONN, 0, 1, 0, b"w")
        for n in (JOIN_NS + 6, JOIN_NS + 7)
    ]
    last = Call(JOIN_NS + 8, WORKER, WORKER, 9, 0, Kind.READ, 1, CONN, 0, 8, 0, b"d")
    machine.accept()
    told = machine.descriptors.records([*reads, *writes, last], 0)
    chunks = [(r.at, r.data) for r in told if isinstance(r, Chunk)]
    late = JOIN_NS
    assert chunks == [
        (2, b"a1b2"),
        (late + 5, b"c3"),
        (late + 6, b"w"),
        (late + 7, b"w"),
        (late + 8, b"d"),
    ]
    assert [r.at for r in told if isinstance(r, Touched)] == [2, late + 5, late + 8]


def test_a_read_by_another_thread_or_in_part_is_told_by_itself(machine: Machine) -> None:
    machine.accept()
    calls = [
        Call(2, WORKER, WORKER, 2, 0, Kind.READ, 1, CONN, 0, 8, 0, b"a"),
        Call(3, THREAD, WORKER, 3, 0, Kind.READ, 1, CONN, 0, 8, 0, b"b"),
        Call(4, THREAD, WORKER, 4, 0, Kind.READ, 9, CONN, 0, 9, 0, b"c"),
        Call(5, THREAD, WORKER, 5, 0, Kind.READ, 1, CONN, 0, 8, 0, b"d"),
    ]
    told = machine.descriptors.records(calls, 0)
    assert [r.data for r in told if isinstance(r, Chunk)] == [b"a", b"b", b"c", b"d"]
    assert [r.n_bytes for r in told if isinstance(r, Lost)] == [8]


def test_shutdown_ends_the_servers_side(machine: Machine) -> None:
    machine.accept()
    assert machine.call(Kind.SHUTDOWN, CONN, 0) == []
    assert ends(machine.call(Kind.SHUTDOWN, CONN, 1)) == [("server", "fin")]
    assert ends(machine.close()) == [("client", "fin")]


def test_what_was_open_before_is_told_with_its_first_bytes(machine: Machine) -> None:
    machine.descriptors.was_open(LISTEN, [(WORKER, CONN), (CHILD, CONN)])
    told = machine.read(b"x")
    assert told[0] == Opened(1001, FIRST + 1, "unix:", LISTEN, False)
    assert machine.close() == []
    assert ends(machine.close(pid=CHILD)) == OVER


def test_what_was_open_before_and_never_used_is_never_told(machine: Machine) -> None:
    machine.descriptors.was_open(LISTEN, [(WORKER, CONN)])
    assert machine.close() == []


def test_missed_calls_cut_every_connection(machine: Machine) -> None:
    machine.accept()
    machine.read(b"x")
    assert machine.descriptors.cut(9) == [Closed(9, FIRST + 1, CLIENT, "end")]
    told = machine.read(b"y")
    assert told[0] == Opened(1003, FIRST + 2, "unix:", LISTEN, False)
    assert ends(machine.close()) == OVER


def test_where_nothing_is_copied_the_work_is_told() -> None:
    machine = Machine(shows_bytes=False)
    machine.accept()
    machine.call(Kind.READ, CONN, 0, 100, result=100, thread=THREAD)
    machine.call(Kind.WRITEV, CONN, result=50)
    machine.close()
    conn = FIRST + 1
    assert machine.told == [
        Worked(1001, WORKER, WORKER, LISTEN, conn, "accepted", None),
        Worked(1002, WORKER, THREAD, LISTEN, conn, "read", 100),
        Worked(1003, WORKER, WORKER, LISTEN, conn, "wrote", 50),
        Worked(1004, WORKER, WORKER, LISTEN, conn, "closed", None),
    ]


def test_bytes_can_be_shown_from_now_on() -> None:
    machine = Machine(shows_bytes=False)
    machine.accept()
    machine.descriptors.show(True, 5)
    assert machine.read(b"x")[0] == Opened(1002, FIRST + 2, "unix:", LISTEN, False)


def test_a_descriptor_is_the_low_half_of_its_register(machine: Machine) -> None:
    machine.accept()
    assert machine.call(Kind.READ, 0xABCD_0000_0000 | CONN, 0, 9, result=1, data=b"x") != []
