"""Who can answer where: masters, workers and hops that only pass requests on.

In: small trees whose processes hold listeners. Out: who answers, who is the only one.
"""

import pytest

from gwtop.tracker import answerers
from gwtop.tracker.process import Process

FRONT, BACK = "0.0.0.0:8080", "127.0.0.1:9000"
TO_FRONT, TO_BACK = "127.0.0.1:8080", "127.0.0.1:9000"


def process(pid: int, *listens: str, parent: Process | None = None) -> Process:
    made = Process(pid, 1 if parent is None else parent.pid, parent)
    made.holds_listener, made.listens = bool(listens), frozenset(listens)
    if parent is not None:
        parent.children.append(made)
    return made


def unsure(pid: int, holds: bool | None) -> Process:
    made = process(pid)
    made.holds_listener = holds
    return made


@pytest.mark.parametrize(
    ("listener", "server", "expected"),
    [
        pytest.param("127.0.0.1:9000", "127.0.0.1:9000", True, id="the same"),
        pytest.param("0.0.0.0:9000", "10.0.0.7:9000", True, id="any IPv4"),
        pytest.param("[::]:9000", "127.0.0.1:9000", True, id="both families"),
        pytest.param("127.0.0.2:9000", "127.0.0.1:9000", False, id="another address"),
        pytest.param("0.0.0.0:9001", "127.0.0.1:9000", False, id="another port"),
        pytest.param("unix:/run/app.sock", "unix:/run/app.sock", True, id="a unix socket"),
        pytest.param("unix:/run/0.0.0.0:9000", "127.0.0.1:9000", False, id="an odd path"),
    ],
)
def test_a_listener_is_where_it_is_bound(listener: str, server: str, expected: bool) -> None:
    assert answerers.is_at(listener, server) is expected


def test_with_two_hops_each_process_answers_at_its_own() -> None:
    front, back = process(1, FRONT), process(2, BACK)
    assert answerers.accepts(front, TO_FRONT) and not answerers.accepts(front, TO_BACK)
    assert answerers.only_one([front, back], TO_BACK) is back
    assert answerers.only_one([front, back], TO_FRONT) is front
    assert answerers.only_one([front, back], None) is None


def test_of_one_of_which_only_is_known_that_it_listens_nothing_is_certain() -> None:
    assert answerers.only_one([unsure(1, True), process(2, BACK)], TO_BACK) is None
    assert answerers.only_one([unsure(1, None), process(2, BACK)], TO_BACK) is None
    assert answerers.only_one([unsure(1, False), process(2, BACK)], TO_BACK) is not None


def test_a_master_is_one_for_each_listener_by_itself() -> None:
    master = process(1, BACK)
    worker = process(2, BACK, parent=master)
    assert not answerers.answers(master) and answerers.answers(worker)
    both = process(3, FRONT, BACK)
    process(4, BACK, parent=both)
    assert answerers.answers(both), "nobody below it holds the front's listener"


def test_a_master_whose_workers_have_gone_can_answer_again() -> None:
    master = process(1, BACK)
    worker = process(2, BACK, parent=master)
    worker.exited_at = 5
    assert answerers.answers(master)
    master.listens = frozenset()
    worker.exited_at = None
    assert not answerers.answers(master), "which listener it is does not matter where it is one"


def test_a_hop_that_only_passes_on_answers_nothing() -> None:
    front, back = process(1, FRONT), process(2, BACK)
    passing = {TO_FRONT}
    assert not answerers.answers(front, passing) and answerers.answers(back, passing)
    assert answerers.answers(process(3, FRONT, BACK), passing)
    assert not answerers.answers(process(4))


def test_those_behind_stand_in_the_place_of_those_that_pass_on_to_them() -> None:
    parent = process(1, FRONT)
    readers = [process(pid, FRONT, parent=parent) for pid in (2, 3)]
    daemons = [process(pid, parent=parent) for pid in (4, 5)]
    tree = [parent, *readers, *daemons]
    assert answerers.able(tree) == readers
    readers[0].n_passed = daemons[0].n_requests = 5
    assert answerers.able(tree) == [daemons[0]]
    daemons[1].n_requests, daemons[1].request = 1, 77  # made for a request, and gone soon
    assert answerers.able(tree) == [daemons[0]]
    daemons[1].n_requests = 2
    assert answerers.able(tree) == daemons


def test_a_reader_that_answers_most_by_itself_is_a_worker_beside_those_behind() -> None:
    parent = process(1, FRONT)
    reader, idle = (process(pid, FRONT, parent=parent) for pid in (2, 3))
    daemon = process(4, parent=parent)
    reader.n_requests, reader.n_passed, daemon.n_requests = 9, 2, 2
    assert answerers.able([parent, reader, idle, daemon]) == [reader, idle, daemon]


def test_a_master_that_hands_connections_over_is_none_of_its_workers() -> None:
    master = process(1, FRONT)
    worker = process(2, parent=master)
    other = process(9, BACK)
    assert answerers.able([master, worker, other]) == [master, other]
    worker.n_requests = 1
    assert answerers.able([master, worker, other]) == [other, worker]


def test_one_whose_descriptors_are_hidden_is_not_said_to_be_behind() -> None:
    hidden = unsure(2, None)
    hidden.n_requests = 5
    assert answerers.able([process(1, FRONT), hidden])[0].pid == 1
    assert not answerers.is_behind(hidden)
