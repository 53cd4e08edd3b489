"""Attribution by who read, held or took over the connection, and what that says of births."""

from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.tracker.exchange import Exchange
from tests.tracker._scene import MARK, Scene


def test_whoever_read_it_answered_it_and_its_queue_ends_there() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 5 * MS)
    scene.read(101, 2 * MS, thread=177)
    assert scene.settle(exchange) == (101, "kernel", [])
    assert (exchange.reader, exchange.thread, exchange.queue_ns) == (101, 177, 2 * MS)
    worker = scene.tree.find(101)
    assert worker is not None and worker.n_requests == 1


def test_a_read_just_before_the_first_byte_is_two_clocks_and_no_negative_queue() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 5 * MS)
    scene.read(101, -5000)
    scene.settle(exchange)
    assert (exchange.pid, exchange.queue_ns) == (101, 0)


def test_a_reader_outside_the_tree_is_told_as_the_reader_and_no_more() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 5 * MS)
    scene.read(999, MS)
    assert scene.settle(exchange) == (None, None, [])
    assert (exchange.reader, exchange.queue_ns) == (999, MS)


def test_a_thread_whose_process_nobody_knew_may_be_a_process_of_the_tree() -> None:
    scene = Scene(holders=(100, 101))
    known, unknown = scene.request(0, 5 * MS), scene.request(0, 5 * MS, port=50002)
    scene.born(201, -50 * MS)
    scene.read(None, MS, thread=201)
    scene.read(None, MS, port=50002, thread=555)
    assert scene.settle(known) == (201, "kernel", [])
    assert scene.settle(unknown) == (None, None, [])
    assert unknown.queue_ns == MS, "somebody read it, whoever that was"


def test_a_process_born_for_the_request_wins_over_the_reader() -> None:
    scene = Scene()
    exchange = scene.request(0, 50 * MS, b"/a", 50001)
    scene.read(100, MS, port=50001)
    scene.born(201, 2 * MS)
    scene.execed(201, 3 * MS, MARK, (b"REMOTE_PORT", b"50001"), (b"REQUEST_URI", b"/a"))
    assert scene.settle(exchange) == (201, "environ", [201])
    assert (exchange.reader, exchange.thread) == (100, None)


def test_births_of_other_readers_do_not_spoil_spawn_evidence() -> None:
    scene = Scene(holders=(100, 101))
    first, second = scene.request(0, 5 * MS), scene.request(0, 6 * MS, port=50002)
    scene.read(100, MS)
    scene.read(101, MS, port=50002)
    for pid, parent in ((201, 100), (202, 101)):
        scene.born(pid, 2 * MS, parent)
        scene.gone(pid, 4 * MS)
    assert scene.settle(first) == (201, "spawn", [201])
    assert scene.settle(second) == (202, "spawn", [202])


def test_one_thread_made_the_child_for_the_last_request_it_had_read() -> None:
    scene = Scene()
    first, second = scene.request(0, 5 * MS), scene.request(5 * MS, 9 * MS, port=50002)
    scene.read(100, 0)
    scene.read(100, 5 * MS + 1000, port=50002)
    for pid, at in ((201, MS), (202, 5 * MS + 90_000)):  # in both windows, for they touch
        scene.born(pid, at)
        scene.gone(pid, at + 3 * MS)
    assert scene.settle(first)[2] in ([201], [])
    assert scene.settle(second) == (202, "spawn", [202])
    assert first.pid != 202


def test_a_helper_of_a_worker_is_a_birth_of_its_request_and_not_its_pid() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 50 * MS)
    scene.read(101, MS)
    scene.born(201, 2 * MS, parent=101)
    scene.execed(201, 3 * MS, (b"PATH", b"/bin"))
    scene.gone(201, 9 * MS)
    assert scene.settle(exchange) == (101, "kernel", [201])


def test_a_program_nobody_could_look_at_leaves_a_passing_reader_in_doubt() -> None:
    scene = Scene()
    exchange = scene.request(0, 50 * MS)
    scene.read(100, MS)
    for pid in (201, 202):  # two, so neither is evidence
        scene.born(pid, 2 * MS)
        scene.gone(pid, 4 * MS)
    assert scene.settle(exchange)[:2] == (None, None)
    assert exchange.reader == 100
    front = scene.tree.find(100)
    assert front is not None
    front.n_requests = 5
    again = scene.request(100 * MS, 150 * MS, port=50002)
    scene.read(100, 101 * MS, port=50002)
    for pid in (203, 204):
        scene.born(pid, 102 * MS)
        scene.gone(pid, 104 * MS)
    assert scene.settle(again)[:2] == (100, "kernel")


def test_a_pool_that_grows_meanwhile_leaves_the_reader_in_no_doubt() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 50 * MS)
    scene.read(101, MS)
    scene.born(201, 2 * MS)
    assert scene.settle(exchange) == (101, "kernel", [])


def test_a_process_forked_for_the_connection_is_reader_pid_and_birth() -> None:
    scene = Scene()
    exchange = scene.request(0, 5 * MS)
    scene.born(201, -MS)
    scene.read(201, MS)
    scene.gone(201, 6 * MS)
    assert scene.settle(exchange) == (201, "kernel", [201])
    stays = scene.request(100 * MS, 105 * MS, port=50002)
    scene.born(202, 99 * MS)
    scene.read(202, 101 * MS, port=50002)
    assert scene.settle(stays) == (202, "kernel", [])


def test_who_took_over_from_the_reader_is_the_pid() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 9 * MS)
    scene.read(100, MS, thread=177)
    scene.passed(2 * MS, 100, 177, 1, "sent", 500, arrives_at=2)
    scene.passed(3 * MS, 101, 188, 2, "received", 500)
    assert scene.settle(exchange) == (101, "kernel", [])
    assert (exchange.reader, exchange.thread) == (100, 188)
    unclear = scene.request(20 * MS, 29 * MS, port=50002)
    scene.read(100, 21 * MS, port=50002, thread=177)
    for end, taker in ((2, 101), (4, 102)):
        scene.passed(22 * MS, 100, 177, end - 1, "sent", 500, arrives_at=end)
        scene.passed(23 * MS, taker, taker, end, "received", 500)
    assert scene.settle(unclear) == (None, None, [])


def test_who_alone_held_the_connection_is_socket_evidence() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 50 * MS)
    scene.held(101, 20 * MS)
    assert scene.settle(exchange) == (101, "socket", [])
    assert (exchange.reader, exchange.thread, exchange.queue_ns) == (None, None, None)


def test_two_holders_prove_nothing_and_a_read_outweighs_them() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 50 * MS)
    scene.held(100, 20 * MS)
    scene.held(101, 20 * MS)
    assert scene.settle(exchange) == (None, None, [])
    seen = scene.request(100 * MS, 150 * MS)
    scene.held(100, 120 * MS)
    scene.read(101, 101 * MS)
    assert scene.settle(seen)[:2] == (101, "kernel")


def test_where_requests_may_be_passed_on_unseen_no_reader_is_said_to_have_answered() -> None:
    scene = Scene()
    scene.attribution.handovers.hidden.add(100)
    scene.born(201, -50 * MS).holds_listener = True
    read, held = scene.request(0, 5 * MS), scene.request(0, 5 * MS, port=50002)
    scene.read(201, MS)
    scene.held(201, MS, port=50002)
    assert scene.settle(read) == (None, None, [])
    assert (read.reader, read.queue_ns) == (201, MS), "that it read it stays true"
    assert scene.settle(held) == (None, None, [])


def test_a_sole_process_that_may_pass_requests_on_unseen_is_not_named() -> None:
    scene = Scene()
    scene.attribution.handovers.hidden.add(100)
    assert scene.settle(scene.request(0, 5 * MS)) == (None, None, [])


def test_others_than_those_who_may_pass_requests_on_are_named() -> None:
    scene = Scene(holders=(100, 101))
    scene.attribution.handovers.hidden.add(100)
    exchange = scene.request(0, 5 * MS)
    scene.read(101, MS)
    assert scene.settle(exchange) == (101, "kernel", [])


def asked_of_a_daemon(scene: Scene, at: int, port: int, thread: int, end: int) -> Exchange:
    """Process 100 reads a request and sends it on to 101, which takes it 2 ms later."""
    exchange = scene.request(at, at + 20 * MS, port=port)
    scene.read(100, at + MS, port=port, thread=thread)
    scene.passed(at + MS, 100, thread, end - 1, "sent", 500, arrives_at=end)
    scene.passed(at + 2 * MS, 101, 101, end, "received", 500)
    return exchange


def test_programs_that_a_daemon_starts_belong_to_what_it_had_taken_last() -> None:
    scene = Scene(holders=(100, 101))
    first = asked_of_a_daemon(scene, 0, 50000, 171, 2)
    second = asked_of_a_daemon(scene, 3 * MS, 50002, 172, 4)
    for pid, at in ((201, 3 * MS), (202, 6 * MS)):
        scene.born(pid, at, parent=101)
        scene.gone(pid, at + 5 * MS)
    assert scene.settle(first) == (201, "kernel", [201])
    assert scene.settle(second) == (202, "kernel", [202])
    assert first.reader == 100


def test_a_daemon_that_starts_programs_is_not_the_one_that_answers() -> None:
    scene = Scene(holders=(100, 101))
    first = asked_of_a_daemon(scene, 0, 50000, 171, 2)
    scene.born(201, 3 * MS, parent=101)
    scene.gone(201, 8 * MS)
    assert scene.settle(first)[0] == 201
    missed = asked_of_a_daemon(scene, 100 * MS, 50002, 172, 4)
    assert scene.settle(missed) == (None, None, []), "its program's birth was lost"


def test_of_two_births_of_a_daemon_neither_is_taken() -> None:
    scene = Scene(holders=(100, 101))
    exchange = asked_of_a_daemon(scene, 0, 50000, 171, 2)
    for pid in (201, 202):
        scene.born(pid, 3 * MS, parent=101)
        scene.gone(pid, 8 * MS)
    assert scene.settle(exchange)[0] not in (201, 202)
