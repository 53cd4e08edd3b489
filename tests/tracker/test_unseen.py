"""Unseen: who is at work on which connection whose bytes nobody shows."""

from itertools import count
from typing import Literal

from gwtop.nouns.facts import UnixWork
from gwtop.nouns.records import Exited, Forked, Present, Worked
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS, instant
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.unseen import MAX_OPEN, Unseen

T0 = 1_800_000_000 * SECOND_NS
Verb = Literal["accepted", "read", "wrote", "closed", "holds", "waits"]


class Scene:
    """Two workers, 100 and 101."""

    def __init__(self) -> None:
        self.tree = Lineage(False, False, None)
        for pid in (100, 101):
            self.tree.present(
                Present(T0 - SECOND_NS, pid, 1, T0 - SECOND_NS, (b"x",), b"x", b"x", True)
            )
        self.unseen = Unseen(self.tree, count(1).__next__)

    def does(
        self, at: int, verb: Verb, connection: int = 1, pid: int = 100, n: int | None = None
    ) -> None:
        self.unseen.worked(Worked(T0 + at, pid, pid, "unix:/x", connection, verb, n))

    def flights(self) -> list[tuple[int, int | None, str, object, object]]:
        return [
            (one.id, one.pid, one.began_at, one.read_bytes, one.wrote_bytes)
            for one in self.unseen.in_flight()
        ]


def test_a_process_is_at_work_from_taking_a_connection_until_it_closes_it() -> None:
    scene = Scene()
    scene.does(0, "accepted")
    assert scene.flights() == [(1, 100, instant(T0), 0, 0)]
    scene.does(MS, "read", n=500)
    scene.does(2 * MS, "read", n=8)
    scene.does(3 * MS, "wrote", n=96)
    assert scene.flights() == [(1, 100, instant(T0), 508, 96)]
    assert scene.unseen.busy() == {100: [1]}
    scene.does(4 * MS, "closed")
    assert scene.flights() == [] and scene.unseen.busy() == {}
    assert scene.unseen.sum_of(100) == UnixWork(1, 508, 96, instant(T0 + 4 * MS))


def test_who_waits_for_more_is_not_at_work_until_more_comes() -> None:
    scene = Scene()
    scene.does(0, "accepted")
    scene.does(MS, "read", n=500)
    scene.does(2 * MS, "wrote", n=96)
    assert scene.flights()[0][0] == 1
    scene.does(3 * MS, "waits")
    assert scene.flights() == []
    scene.does(9 * MS, "read", n=7)
    assert scene.flights() == [(2, 100, instant(T0 + 9 * MS), 7, 0)]
    assert scene.unseen.sum_of(100) == UnixWork(1, 507, 96, instant(T0 + 3 * MS))


def test_a_read_after_an_answer_begins_the_next_piece_of_work() -> None:
    scene = Scene()
    scene.does(0, "accepted")
    scene.does(MS, "read", n=500)
    scene.does(2 * MS, "wrote", n=96)
    scene.does(3 * MS, "read", n=501)
    assert scene.flights() == [(1, 100, instant(T0 + 3 * MS), 501, 0)]


def test_the_oldest_is_told_first_and_each_has_its_process() -> None:
    scene = Scene()
    scene.does(MS, "accepted", 1)
    scene.does(0, "accepted", 2, pid=101)
    assert [flight[1] for flight in scene.flights()] == [101, 100]


def test_what_was_found_by_looking_is_no_connection_taken_before_our_eyes() -> None:
    scene = Scene()
    scene.does(0, "holds")
    assert scene.flights() == [(1, 100, instant(T0), 0, 0)]
    assert scene.unseen.sum_of(100) == UnixWork(0, 0, 0, None)
    assert scene.unseen.sum_of(101) is None


def test_bytes_of_a_connection_that_is_not_known_count_for_nothing() -> None:
    scene = Scene()
    scene.does(0, "read", 9, n=5)
    scene.does(0, "waits", 9)
    scene.does(0, "closed", 9)
    assert scene.flights() == []
    assert scene.unseen.sum_of(100) == UnixWork(0, 0, 0, None)


def test_a_dead_process_is_at_work_on_nothing_and_its_pid_begins_anew() -> None:
    scene = Scene()
    scene.does(0, "accepted")
    scene.does(MS, "read", n=5)
    scene.tree.exited(Exited(T0 + 2 * MS, 100, 0, None))
    scene.unseen.gone(100)
    assert scene.flights() == []
    scene.tree.forked(Forked(T0 + 5 * MS, 100, 101))
    scene.does(6 * MS, "accepted", 2)
    assert scene.unseen.sum_of(100) == UnixWork(1, 0, 0, None)


def test_what_is_told_of_a_process_after_its_end_leaves_nothing_behind() -> None:
    scene = Scene()
    scene.does(0, "accepted")
    scene.tree.exited(Exited(T0 + 2 * MS, 100, 0, None))
    scene.unseen.gone(100)
    scene.does(MS, "read", n=5)
    scene.does(3 * MS, "closed")
    assert scene.unseen.sum_of(100) is None


def test_where_the_bytes_are_seen_this_is_silent() -> None:
    scene = Scene()
    scene.does(0, "accepted")
    scene.unseen.silent = True
    scene.does(0, "accepted", 2)
    assert scene.flights() == [] and scene.unseen.busy() == {}
    assert scene.unseen.sum_of(100) is None


def test_what_is_kept_is_bounded() -> None:
    scene = Scene()
    for number in range(MAX_OPEN + 5):
        scene.does(number, "accepted", number)
    assert len(scene.unseen._open) == MAX_OPEN
