"""What `Descriptors` tells of what may be copied: whose numbers there are, and what was missed."""

from gwtop.nouns.wire import CLIENT, Chunk, Lost
from gwtop.taps.callprog import Call
from gwtop.taps.descriptors import Descriptors
from gwtop.taps.sites import Kind
from gwtop.taps.treeprog import EXITED, FORKED

LISTENER, CONN, FILE, OTHER_LISTENER = 3, 5, 9, 4
WORKER, CHILD = 100, 200


class Keeper:
    def __init__(self) -> None:
        self.said: list[tuple[str, int, int]] = []

    def put(self, pid: int, fd: int) -> None:
        self.said.append(("put", pid, fd))

    def seen(self, pid: int, fd: int) -> None:
        self.said.append(("seen", pid, fd))

    def born_without(self, pid: int) -> None:
        self.said.append(("born_without", pid, -1))

    def ended(self, pid: int) -> None:
        self.said.append(("ended", pid, -1))


def call(kind: int, *arguments: int, result: int = 0, data: bytes = b"", pid: int = WORKER) -> Call:
    a, b, c, d = (*arguments, 0, 0, 0, 0)[:4]
    return Call(1, pid, pid, 0, 0, kind, result, a, b, c, d, data)


def told(*calls: Call, shows_bytes: bool = True) -> tuple[list[tuple[str, int, int]], list[object]]:
    keeper = Keeper()
    descriptors = Descriptors(
        1, lambda pid, fd: "unix:/s" if fd == LISTENER else None, shows_bytes, keeper
    )
    records = list(descriptors.records(calls, 0))
    return keeper.said, [one for one in records if isinstance(one, Chunk | Lost)]


ACCEPTED = call(Kind.ACCEPT, LISTENER, result=CONN)


def test_what_the_program_has_put_there_is_known_whatever_the_listener() -> None:
    said, _ = told(
        call(Kind.ACCEPT, OTHER_LISTENER, result=7),
        ACCEPTED,
        call(Kind.DUP, CONN, result=8),
        call(Kind.DUP, FILE, result=10),
        call(EXITED),
    )
    assert said == [
        ("seen", WORKER, 7),
        ("seen", WORKER, CONN),
        ("seen", WORKER, 8),
        ("ended", WORKER, -1),
    ]


def test_a_child_of_one_that_holds_nothing_has_inherited_nothing() -> None:
    said, _ = told(call(FORKED, CHILD), ACCEPTED, call(FORKED, CHILD + 1))
    assert said == [("born_without", CHILD, -1), ("seen", WORKER, CONN)]
    closed = told(ACCEPTED, call(Kind.CLOSE, CONN), call(FORKED, CHILD))[0]
    assert closed[-1] == ("born_without", CHILD, -1)


def test_a_watched_connection_that_was_not_copied_is_from_its_next_call_on() -> None:
    """A fork that has accepted, too, and the number that its parent left it."""
    lengths = call(Kind.READ, CONN, 0, 99, result=30, pid=CHILD)
    copied = call(Kind.READ, CONN, 0, 99, result=4, data=b"more", pid=CHILD)
    said, records = told(ACCEPTED, call(FORKED, CHILD), lengths, copied)
    assert said[1:] == [("put", CHILD, CONN)]
    lost, chunk = records
    assert isinstance(lost, Lost) and (lost.side, lost.n_bytes) == (CLIENT, 30)
    assert isinstance(chunk, Chunk) and chunk.data == b"more"


def test_lengths_are_no_sign_of_that_where_nothing_is_copied_at_all() -> None:
    lengths = call(Kind.READ, CONN, 0, 99, result=30)
    assert told(ACCEPTED, lengths, shows_bytes=False)[0] == [("seen", WORKER, CONN)]


def test_nor_is_the_end_of_a_stream() -> None:
    assert told(ACCEPTED, call(Kind.READ, CONN, 0, 99))[0] == [("seen", WORKER, CONN)]
