"""Handovers: who is behind a reader, by the bytes between the two."""

from gwtop.nouns.records import Passed, Touched
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS
from gwtop.tracker.handovers import MAX_KEPT, Handovers, Maker

T0 = 1_800_000_000 * SECOND_NS
FRONT, BEHIND, OTHER = 100, 200, 300


class Scene:
    def __init__(self) -> None:
        self.handovers = Handovers()

    def sent(self, at: int, pid: int, sock: int, n_bytes: int, thread: int | None = None) -> None:
        self.handovers.passed(Passed(T0 + at, pid, thread or pid, sock, "sent", n_bytes))

    def got(self, at: int, pid: int, sock: int, n_bytes: int, thread: int | None = None) -> None:
        self.handovers.passed(Passed(T0 + at, pid, thread or pid, sock, "received", n_bytes))

    def exchange(self, at: int, behind: int, socks: tuple[int, int]) -> None:
        """The front's end and the other's, a request and its answer in two pieces each."""
        mine, theirs = socks
        for n_bytes in (80, 500):
            asked = Passed(T0 + at, FRONT, FRONT + mine, mine, "sent", n_bytes, theirs)
            self.handovers.passed(asked)
        self.got(at + 1, behind, theirs, 580, thread=behind + 1)
        self.sent(at + 5, behind, theirs, 900, thread=behind + 1)
        self.got(at + 6, FRONT, mine, 900, thread=FRONT + mine)

    def behind(
        self, at: int, until: int, thread: int = FRONT + 1
    ) -> tuple[bool, int | None, int | None]:
        read = Touched(T0 + at, FRONT, thread, "s", "c", "read", None)
        return self.handovers.behind(read, T0 + until)


def test_who_took_the_request_is_behind_the_reader() -> None:
    scene = Scene()
    scene.exchange(MS, BEHIND, (1, 2))
    assert scene.behind(0, 9 * MS) == (True, BEHIND, BEHIND + 1)


def test_what_happened_in_another_window_or_another_thread_does_not_count() -> None:
    scene = Scene()
    scene.exchange(MS, BEHIND, (1, 2))
    assert scene.behind(20 * MS, 30 * MS) == (False, None, None)
    assert scene.behind(0, 9 * MS, FRONT + 7) == (False, None, None)
    assert Scene().behind(0, MS) == (False, None, None)


def told(at: int, sock: int, arrives_at: int, n_bytes: int = 500) -> Passed:
    return Passed(T0 + at, FRONT, FRONT + 1, sock, "sent", n_bytes, arrives_at)


def test_requests_of_equal_length_at_the_same_instant_are_told_apart_by_where_they_arrive() -> None:
    scene = Scene()
    scene.handovers.passed(told(MS, 1, 2))
    scene.handovers.passed(Passed(T0 + MS, FRONT, FRONT + 3, 3, "sent", 500, 4))
    scene.got(2 * MS, OTHER, 4, 500)
    scene.got(2 * MS, BEHIND, 2, 500, thread=BEHIND + 1)
    assert scene.behind(0, 9 * MS, FRONT + 1) == (True, BEHIND, BEHIND + 1)
    assert scene.behind(0, 9 * MS, FRONT + 3) == (True, OTHER, OTHER)


def test_only_the_first_who_takes_from_that_end_counts_for_its_name_is_used_again() -> None:
    scene = Scene()
    scene.got(MS // 2, OTHER, 2, 9)  # before: an older connection
    scene.handovers.passed(told(MS, 1, 2))
    scene.got(2 * MS, BEHIND, 2, 500)
    scene.got(3 * MS, OTHER, 2, 500)
    assert scene.behind(0, 9 * MS) == (True, BEHIND, BEHIND)


def test_an_end_that_nobody_of_the_tree_takes_from_is_a_database() -> None:
    scene = Scene()
    scene.handovers.passed(told(MS, 1, 2))
    scene.got(2 * MS, BEHIND, 9, 500)
    assert scene.behind(0, 9 * MS) == (False, None, None)


def test_a_wake_up_of_another_thread_of_the_reader_is_no_handover() -> None:
    scene = Scene()
    scene.handovers.passed(told(MS, 1, 2, n_bytes=1))
    scene.got(2 * MS, FRONT, 2, 1, thread=FRONT + 9)
    assert scene.behind(0, 9 * MS) == (False, None, None)


def test_who_passes_it_on_to_two_processes_names_neither() -> None:
    scene = Scene()
    scene.handovers.passed(told(MS, 1, 2))
    scene.handovers.passed(told(MS, 3, 4))
    scene.got(2 * MS, BEHIND, 2, 500)
    scene.got(2 * MS, OTHER, 4, 500)
    assert scene.behind(0, 9 * MS) == (True, None, None)


def makers(scene: Scene, at: int, until: int) -> list[Maker]:
    return scene.handovers.makers(
        Touched(T0 + at, FRONT, FRONT + 1, "s", "c", "read", None), T0 + until
    )


def test_who_took_a_request_may_have_made_a_process_for_it_until_it_takes_another() -> None:
    scene = Scene()
    scene.handovers.passed(told(MS, 1, 2, n_bytes=40))
    scene.handovers.passed(told(MS + 1, 1, 2, n_bytes=500))
    scene.got(2 * MS, BEHIND, 2, 40)
    scene.got(3 * MS, BEHIND, 2, 500)
    assert makers(scene, 0, 9 * MS) == [Maker(BEHIND, T0 + 3 * MS, T0 + 9 * MS)]
    scene.sent(4 * MS, OTHER, 2, 900)  # the one it made writes the answer
    scene.got(5 * MS, BEHIND, 4, 40)
    scene.got(6 * MS, BEHIND, 2, 40)  # the name is another socket's by now
    assert makers(scene, 0, 9 * MS) == [Maker(BEHIND, T0 + 3 * MS, T0 + 5 * MS)]
    assert makers(scene, MS + 2, 9 * MS) == [], "another request"


def test_who_answers_itself_makes_nobody() -> None:
    scene = Scene()
    scene.handovers.passed(told(MS, 1, 2))
    scene.got(2 * MS, BEHIND, 2, 500)
    scene.sent(3 * MS, BEHIND, 2, 900)
    assert makers(scene, 0, 9 * MS) == []


def test_where_nobody_took_it_or_nobody_knows_where_it_arrived_there_is_no_maker() -> None:
    scene = Scene()
    scene.sent(MS, FRONT, 1, 500, thread=FRONT + 1)
    scene.got(2 * MS, BEHIND, 2, 500)
    assert makers(scene, 0, 9 * MS) == [] == makers(Scene(), 0, 9 * MS)
    scene.handovers.passed(told(3 * MS, 1, 5))
    assert makers(scene, 0, 9 * MS) == []


def test_what_is_kept_is_bounded() -> None:
    scene = Scene()
    for n in range(MAX_KEPT + 1):
        scene.sent(n, FRONT, 1, 1)
    assert len(scene.handovers._records) == len(scene.handovers._times) <= MAX_KEPT
