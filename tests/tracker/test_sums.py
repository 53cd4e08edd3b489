"""Sums: what a tick and the summary put side by side."""

from gwtop.nouns.facts import QueueState
from gwtop.nouns.records import Missed, Queue, TapState
from gwtop.nouns.times import SECOND_NS
from gwtop.tracker.sums import MAX_TOLD_IN_FLIGHT, Sums
from gwtop.tracker.totals import Totals
from gwtop.tracker.verdict import Answered, Verdict
from gwtop.tracker.workload import Workload
from tests.tracker._scene import T0, Scene


def made(live: bool = True) -> tuple[Scene, Workload, Sums]:
    scene = Scene((100, 101))
    workload = Workload(scene.tree, scene.attribution, lambda: 99)
    return scene, workload, Sums(live, scene.tree, workload, Verdict(), Totals())


def test_a_tick_tells_the_oldest_in_flight_and_no_more_than_fifty() -> None:
    scene, _, sums = made()
    flying = [scene.request(n, port=50_000 + n) for n in range(MAX_TOLD_IN_FLIGHT + 3)]
    told, _ = sums.tick(T0 + SECOND_NS, flying, [])
    assert [one.id for one in told.in_flight] == [e.id for e in flying[:MAX_TOLD_IN_FLIGHT]]


def test_a_tick_of_a_file_counts_no_workers() -> None:
    _, workload, sums = made(live=False)
    workload.sees_reads = True
    told, _ = sums.tick(T0, [], [])
    assert (told.busy, told.idle) == (None, None)


def test_a_tick_has_each_queue() -> None:
    _, workload, sums = made()
    workload.queued(Queue(T0, "unix:/run/x.sock", 3, 128))
    told, _ = sums.tick(T0, [], [])
    assert told.queues == [QueueState("unix:/run/x.sock", 3, 128)]


def test_a_tap_that_is_refused_counts_nothing_and_sees_nothing() -> None:
    _, workload, sums = made()
    sums.opened(TapState(T0, "ring", "refused", "root", counts=("frames",), sees_reads=True))
    told, _ = sums.tick(T0, [], [])
    assert told.missed.frames is None and not workload.sees_reads
    sums.opened(TapState(T0, "ring", "open", None, counts=("frames",), sees_reads=True))
    told, _ = sums.tick(T0, [], [])
    assert told.missed.frames == 0 and workload.sees_reads


def test_who_only_passes_requests_on_is_no_worker_and_its_queue_no_riddle() -> None:
    scene, workload, sums = made()
    workload.sees_reads = True
    scene.listens(100, "0.0.0.0:80")
    scene.listens(101, "127.0.0.1:9000")
    assert [p.pid for p in scene.tree.answerers()] == [100, 101]
    scene.tree.passing = {"127.0.0.1:80"}
    assert [p.pid for p in scene.tree.answerers()] == [101]
    workload.queued(Queue(T0, "0.0.0.0:80", 3, 128))
    for second in range(4):
        told, words = sums.tick(T0 + second * SECOND_NS, [], [])
        assert (told.busy, told.idle, words) == (0, 1, [])


def test_a_process_behind_a_front_is_a_single_one() -> None:
    scene, _, sums = made()
    scene.listens(100, "0.0.0.0:80")
    scene.listens(101, "127.0.0.1:9000")
    scene.tree.passing = {"127.0.0.1:80"}
    verdict = sums._verdict
    for _ in range(5):
        verdict.answered(Answered(101, 101, 101, 0, False))
    assert sums.judge()[0] == "single-process"
    scene.tree.passing = set()
    assert sums.judge()[0] == "worker-pool"


def test_a_census_that_looks_for_births_leaves_the_verdict_in_doubt() -> None:
    scene, _, sums = made()
    scene.listens(100, "127.0.0.1:9000")
    for _ in range(5):
        sums._verdict.answered(Answered(100, 100, 100, 0, False))
    sums.missed(Missed(T0, "births", "process_events", 3))
    assert sums.judge()[0] == "worker-pool"
    sums.missed(Missed(T0, "census", "process_events", None))
    assert sums.judge()[0] is None
