"""Workload: busy and idle, who waits, and what deserves a word."""

from gwtop.nouns.facts import UNSET, QueueState
from gwtop.nouns.records import Exited, Observed, Passed, Present, Queue, Touched
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS
from gwtop.tracker.attribution import Attribution
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.process import Process
from gwtop.tracker.workload import AGAIN_NS, Workload
from tests.tracker._scripted import ScriptedModule

T0 = 1_800_000_000 * SECOND_NS
SERVER = "127.0.0.1:9000"


class Scene:
    """Workers that hold the listener (100 and up), and whose reads are seen."""

    def __init__(self, n_workers: int, sees_reads: bool = True) -> None:
        self.tree = Lineage(False, False, None)
        for pid in range(100, 100 + n_workers):
            self.tree.present(Present(T0 - SECOND_NS, pid, 1, None, (b"x",), b"x", b"x", True))
        self.attribution = Attribution(self.tree)
        self.work = Workload(self.tree, self.attribution, lambda: 99)
        self.work.sees_reads = sees_reads
        self.flying: list[Exchange] = []

    def request(self, reader: int | None, at: int = 0) -> Exchange:
        n = len(self.flying) + 1
        exchange = Exchange(n, Hop(1, f"127.0.0.1:{n}", SERVER, ScriptedModule()), 0, 0, T0 + at)
        self.attribution.began(exchange)
        if reader is not None:
            record = Touched(T0 + at, reader, reader, SERVER, f"127.0.0.1:{n}", "read", None)
            self.attribution.readers.touched(record)
        self.flying.append(exchange)
        return exchange

    def words(self, at: int) -> list[Observed]:
        return self.work.remarks(*self.work.counts(self.flying), T0 + at)


def test_a_worker_is_busy_while_a_request_that_it_read_is_unfinished() -> None:
    scene = Scene(3)
    scene.request(100)
    scene.request(100)
    scene.request(102)
    scene.request(None)
    assert scene.work.counts(scene.flying) == (2, 1)
    assert scene.work.at_work(scene.flying) == {100: [1, 2], 102: [3]}


def test_where_nobody_sees_reads_a_pool_has_no_count_and_one_process_has() -> None:
    pool = Scene(2, sees_reads=False)
    pool.request(None)
    assert pool.work.counts(pool.flying) == (None, None)
    assert pool.words(0) == []
    alone = Scene(1, sees_reads=False)
    alone.request(None)
    assert alone.work.counts(alone.flying) == (1, 0)
    assert alone.work.at_work(alone.flying) == {100: [1]}


def test_a_sole_process_is_not_at_work_on_what_it_has_not_read() -> None:
    scene = Scene(1)
    waits = scene.request(None)
    assert scene.work.worker_of(waits) is None
    assert scene.work.counts(scene.flying) == (0, 1)


def test_a_reader_that_passes_requests_on_is_not_told_as_the_worker() -> None:
    scene = Scene(1)
    front = scene.tree.find(100)
    assert front is not None
    front.n_passed = 3
    exchange = scene.request(100)
    assert scene.work.worker_of(exchange) is None
    exchange.pid = 200
    assert scene.work.worker_of(exchange) == 200


def test_one_process_at_work_is_told_only_when_somebody_waits() -> None:
    scene = Scene(1)
    scene.request(100)
    assert scene.words(0) == scene.words(2 * SECOND_NS) == []
    scene.work.queued(Queue(T0, SERVER, 3, 128))
    assert scene.words(3 * SECOND_NS) == []
    (word,) = scene.words(4 * SECOND_NS)
    assert "The only worker" in word.text and "3 connections" in word.text


def test_all_workers_busy_is_told_once_it_lasts_and_again_only_after_a_while() -> None:
    scene = Scene(2)
    scene.request(100)
    scene.request(101)
    scene.work.queued(Queue(T0, SERVER, 8, 128))
    assert scene.work.queues() == [QueueState(SERVER, 8, 128)]
    assert scene.words(0) == []
    (word,) = scene.words(SECOND_NS)
    assert (word.code, word.severity) == ("all-workers-busy", "warn")
    assert "All 2 workers" in word.text and "8 connections" in word.text
    assert scene.words(AGAIN_NS * 3) == []
    busy = scene.flying.pop()
    scene.work.queued(Queue(T0, SERVER, 0, 128))
    assert scene.words(AGAIN_NS * 3 + 1) == []
    scene.flying.append(busy)
    assert scene.words(AGAIN_NS * 3 + 2) == []
    assert len(scene.words(AGAIN_NS * 4 + 2)) == 1


def test_a_queue_beside_idle_workers_is_told_when_it_lasts() -> None:
    scene = Scene(2)
    scene.request(100)
    scene.work.queued(Queue(T0, SERVER, 1, 128))
    assert scene.words(0) == []
    scene.work.queued(Queue(T0, SERVER, 0, 128))
    assert scene.words(SECOND_NS) == []
    scene.work.queued(Queue(T0, SERVER, 3, 128))
    assert scene.words(2 * SECOND_NS) == []
    (word,) = scene.words(3 * SECOND_NS)
    assert (word.code, word.listen) == ("queue-while-idle", SERVER)
    assert "1 of 2 workers" in word.text and "3 connections" in word.text


def test_a_worker_killed_over_a_request_is_told_once() -> None:
    scene = Scene(2)
    fallen = [scene.request(100), scene.request(100)]
    for exchange in fallen:
        exchange.pid, exchange.over_at, exchange.outcome = 100, T0 + 5 * MS, "aborted"
        exchange.method = b"GET"
    assert scene.work.death_in_mid_request(fallen[0]) is None
    scene.tree.exited(Exited(T0 + 6 * MS, 100, None, 9))
    word = scene.work.death_in_mid_request(fallen[0])
    assert word is not None
    assert (word.code, word.pid, word.severity) == ("worker-killed", 100, "error")
    assert "signal 9" in word.text and "GET" in word.text
    assert scene.work.death_in_mid_request(fallen[1]) is None


def test_a_worker_that_ends_after_its_answer_was_not_killed_over_it() -> None:
    scene = Scene(1)
    exchange = scene.request(100)
    exchange.pid, exchange.over_at, exchange.outcome = 100, T0 + 5 * MS, "done"
    scene.tree.exited(Exited(T0 + 6 * MS, 100, None, 9))
    assert scene.work.death_in_mid_request(exchange) is None
    exchange.outcome = "aborted"
    exchange.over_at = T0 - SECOND_NS
    assert scene.work.death_in_mid_request(exchange) is None


def test_who_has_not_been_read_waits_and_where_nobody_sees_reads_nothing_is_said() -> None:
    scene = Scene(2)
    read, waits = scene.request(100), scene.request(None)
    assert scene.work.queued_ns(read) == 0
    assert scene.work.queued_ns(waits) is None
    assert Scene(2, sees_reads=False).work.queued_ns(waits) is UNSET


class Apache(Scene):
    """A parent (50), two children that listen (100, 101) and two that answer and do not (200, 201),
    as mod_wsgi's daemon mode has it."""

    def __init__(self, n_answered: int = 2) -> None:
        super().__init__(0)
        above = Present(T0 - SECOND_NS, 50, 1, None, (b"x",), b"x", b"x", True)
        self.tree.present(above)
        for pid, listens in ((100, True), (101, True), (200, False), (201, False)):
            one = Present(T0 - SECOND_NS, pid, 50, None, (b"x",), b"x", b"x", listens)
            self.tree.present(one)
        for pid in (200, 201)[:n_answered]:
            self.process(pid).n_requests = 3
        if n_answered:
            self.process(100).n_passed = 3 * n_answered

    def process(self, pid: int) -> Process:
        found = self.tree.find(pid)
        assert found is not None
        return found

    def passed(self, at: int, reader: int, taker: int | None, sock: int) -> None:
        """The reader put the request into a socket; the taker took it out."""
        passed = self.attribution.handovers.passed
        passed(Passed(T0 + at, reader, reader, sock, "sent", 100, sock + 1))
        if taker is not None:
            passed(Passed(T0 + at + 1, taker, taker, sock + 1, "received", 100))


def test_where_requests_are_handed_on_those_who_took_them_are_the_workers() -> None:
    apache = Apache()
    assert apache.work.counts([]) == (0, 2)
    taken, waits = apache.request(100), apache.request(101)
    apache.passed(5, 100, 200, 7)
    apache.passed(5, 101, None, 9)
    assert apache.work.counts(apache.flying) == (1, 1)
    assert apache.work.at_work(apache.flying) == {200: [taken.id]}
    assert apache.work.worker_of(waits) is None
    received = Passed(T0 + 9, 201, 201, 10, "received", 100)
    apache.attribution.handovers.passed(received)
    assert apache.work.at_work(apache.flying) == {200: [taken.id], 201: [waits.id]}
    assert apache.work.counts(apache.flying) == (2, 0)
    assert apache.work.counts([]) == (0, 2)


def test_before_anything_was_answered_the_readers_are_all_there_is_to_see() -> None:
    apache = Apache(n_answered=0)
    apache.request(100)
    apache.passed(5, 100, 200, 7)
    assert apache.work.counts(apache.flying) == (1, 1)


def test_of_workers_known_by_their_answers_only_nobody_says_that_all_are_busy_for_nothing() -> None:
    apache = Apache()
    for reader, taker in ((100, 200), (101, 201)):
        apache.request(reader)
        apache.passed(5, reader, taker, taker)
    assert apache.words(0) == apache.words(2 * SECOND_NS) == []  # a third one may be idle
    apache.work.queued(Queue(T0, SERVER, 3, 128))
    assert apache.words(3 * SECOND_NS) == []
    (word,) = apache.words(4 * SECOND_NS)
    assert "All 2 workers" in word.text and "3 connections" in word.text
