"""Attribution: what proves which process answered, and above all what does not."""

from gwtop.nouns.times import MILLISECOND_NS as MS
from tests.tracker._scene import MARK, T0, Scene


def test_cgi_variables_that_name_the_clients_port_are_evidence() -> None:
    scene = Scene()
    first = scene.request(0, 50 * MS, b"/a", 50001)
    second = scene.request(0, 50 * MS, b"/a", 50002)
    for pid, port in ((201, b"50001"), (202, b"50002")):
        scene.born(pid, 2 * MS)
        scene.execed(pid, 3 * MS, MARK, (b"REMOTE_PORT", port), (b"REQUEST_URI", b"/a"))
    assert scene.settle(second) == (202, "environ", [202])
    assert scene.settle(first) == (201, "environ", [201])


def test_a_process_that_execs_before_its_frame_arrives_waits_for_its_request() -> None:
    scene = Scene()
    process = scene.born(201, 2 * MS)
    scene.execed(201, 3 * MS, MARK, (b"REMOTE_PORT", b"50001"), (b"REQUEST_URI", b"/a"))
    exchange = scene.request(0, None, b"/a", 50001)
    assert (exchange.pid, process.request) == (201, exchange.id)
    exchange.over_at = T0 + 9 * MS
    assert scene.settle(exchange) == (201, "environ", [201])


def test_the_port_of_the_browser_counts_behind_a_gateway() -> None:
    scene = Scene()
    fields = [(b"REMOTE_PORT", b"61000"), (b"REQUEST_URI", b"/a")]
    exchange = scene.request(0, 50 * MS, b"/a", 50001, fields)
    scene.born(201, 2 * MS)
    scene.execed(201, 3 * MS, MARK, (b"REMOTE_PORT", b"61000"), (b"REQUEST_URI", b"/a"))
    assert scene.settle(exchange) == (201, "environ", [201])


def test_the_second_request_of_a_kept_connection_gets_the_second_process() -> None:
    scene = Scene()
    first = scene.request(0, 50 * MS, b"/a", 50001)
    second = scene.request(60 * MS, 90 * MS, b"/a", 50001)
    for pid, at in ((201, 2 * MS), (202, 62 * MS)):
        scene.born(pid, at)
        scene.execed(pid, at + MS, MARK, (b"REMOTE_PORT", b"50001"), (b"REQUEST_URI", b"/a"))
    assert scene.settle(first)[0] == 201
    assert scene.settle(second)[0] == 202


def test_variables_that_name_another_request_are_no_evidence() -> None:
    scene = Scene()
    exchange = scene.request(0, 50 * MS, b"/a", 50001)
    scene.born(201, 2 * MS)
    scene.execed(201, 3 * MS, MARK, (b"REMOTE_PORT", b"50999"), (b"REQUEST_URI", b"/a"))
    assert scene.settle(exchange) == (None, None, [])


def test_the_uri_alone_is_evidence_only_when_one_request_has_it() -> None:
    scene = Scene()
    exchange = scene.request(0, 50 * MS, b"/a", 50001)
    scene.born(201, 2 * MS)
    scene.execed(201, 3 * MS, MARK, (b"REQUEST_URI", b"/a"))
    assert scene.settle(exchange) == (201, "environ", [201])
    twins = Scene()
    one, two = twins.request(0, 50 * MS, b"/a", 50001), twins.request(0, 50 * MS, b"/a", 50002)
    twins.born(201, 2 * MS)
    twins.execed(201, 3 * MS, MARK, (b"REQUEST_URI", b"/a"))
    assert (twins.settle(one)[0], twins.settle(two)[0]) == (None, None)


def test_an_absolute_target_is_known_by_its_path() -> None:
    scene = Scene()
    exchange = scene.request(0, 50 * MS, b"http://h:80/a?q", 50001)
    scene.born(201, 2 * MS)
    scene.execed(201, 3 * MS, MARK, (b"REMOTE_PORT", b"50001"), (b"REQUEST_URI", b"/a?q"))
    assert scene.settle(exchange)[:2] == (201, "environ")


def test_children_of_a_script_are_births_of_its_request_in_order_and_not_its_pid() -> None:
    scene = Scene()
    exchange = scene.request(0, 50 * MS, b"/a", 50001)
    variables = (MARK, (b"REMOTE_PORT", b"50001"), (b"REQUEST_URI", b"/a"))
    scene.born(201, 2 * MS)
    scene.execed(201, 3 * MS, *variables)
    scene.born(202, 5 * MS, parent=201)
    scene.execed(202, 6 * MS, *variables)
    scene.born(203, 7 * MS, parent=202)
    assert scene.settle(exchange) == (201, "environ", [201, 202, 203])


def test_a_process_born_after_the_end_that_came_late_goes_to_the_next_of_that_name() -> None:
    scene = Scene(holders=(100, 101))
    first = scene.request(0, None, b"/a", 50001)
    variables = (MARK, (b"REMOTE_PORT", b"50001"), (b"REQUEST_URI", b"/a"))
    scene.born(201, 62 * MS)
    scene.execed(201, 63 * MS, *variables)
    assert first.pid == 201, "as long as nobody knows that it had ended"
    second = scene.request(60 * MS, 90 * MS, b"/a", 50001)
    first.over_at = T0 + 50 * MS
    assert scene.settle(first) == (None, None, [])
    assert scene.settle(second) == (201, "environ", [201])


def test_one_short_process_in_the_window_is_spawn_evidence() -> None:
    scene = Scene()
    exchange = scene.request(0, 5 * MS)
    scene.born(201, 1 * MS)
    scene.gone(201, 4 * MS)
    assert scene.settle(exchange) == (201, "spawn", [201])


def test_two_processes_in_the_window_prove_nothing() -> None:
    scene = Scene()
    exchange = scene.request(0, 5 * MS)
    for pid in (201, 202):
        scene.born(pid, 1 * MS)
        scene.gone(pid, 4 * MS)
    assert scene.settle(exchange) == (None, None, [])


def test_a_process_in_two_windows_proves_nothing() -> None:
    scene = Scene()
    first, second = scene.request(0, 5 * MS), scene.request(0, 6 * MS, port=50002)
    scene.born(201, 1 * MS)
    scene.gone(201, 4 * MS)
    assert scene.settle(first) == (None, None, [])
    assert scene.settle(second) == (None, None, [])


def test_a_worker_that_a_pool_forks_meanwhile_is_not_made_for_the_request() -> None:
    scene = Scene(holders=(100, 101))
    exchange = scene.request(0, 5 * MS)
    scene.born(201, 1 * MS)
    assert scene.settle(exchange) == (None, None, [])


def test_a_process_born_outside_the_window_is_not_made_for_the_request() -> None:
    scene = Scene()
    exchange = scene.request(100 * MS, 150 * MS)
    scene.born(201, 10 * MS)
    scene.gone(201, 20 * MS)
    scene.born(202, 200 * MS)
    scene.gone(202, 210 * MS)
    assert scene.settle(exchange)[1:] == ("sole", [])


def test_with_two_hops_the_only_process_behind_is_sole_and_the_front_is_not_asked() -> None:
    scene = Scene(())
    scene.listens(300, "0.0.0.0:80")
    scene.listens(100, "127.0.0.1:9000")
    assert scene.settle(scene.request(0, 5 * MS)) == (100, "sole", [])
    scene.listens(101, "127.0.0.1:9000")
    assert scene.settle(scene.request(10 * MS, 15 * MS)) == (None, None, [])


def test_the_only_process_that_can_answer_is_sole_evidence() -> None:
    scene = Scene()
    assert scene.settle(scene.request(0, 5 * MS)) == (100, "sole", [])
    pool = Scene(holders=(100, 101))
    assert pool.settle(pool.request(0, 5 * MS)) == (None, None, [])


def test_requests_are_counted_on_the_process_that_answered() -> None:
    scene = Scene()
    for n in range(3):
        scene.settle(scene.request(n * 10 * MS, n * 10 * MS + MS))
    process = scene.tree.find(100)
    assert process is not None and process.n_requests == 3
