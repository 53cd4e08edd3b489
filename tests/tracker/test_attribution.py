"""Attribution: what proves which process answered, and above all what does not."""

from itertools import count
from typing import Literal

from gwtop.nouns.events import RequestHead
from gwtop.nouns.records import Execed, Exited, Forked, Passed, Present, Touched
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS
from gwtop.nouns.wire import Side
from gwtop.protocols._base import Pair
from gwtop.tracker.attribution import Attribution
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.exchanges import Link
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.process import Process
from tests.tracker._scripted import ScriptedModule

T0 = 1_800_000_000 * SECOND_NS
MARK = (b"GATEWAY_INTERFACE", b"CGI/1.1")


class Scene:
    """A listener with one holder (pid 100), and requests from ports we choose."""

    def __init__(self, holders: tuple[int, ...] = (100,)) -> None:
        self.tree = Lineage(False, False, None)
        for pid in holders:
            self.tree.present(
                Present(T0 - SECOND_NS, pid, 1, T0 - SECOND_NS, (b"x",), b"x", b"x", True)
            )
        self.attribution = Attribution(self.tree)
        self.exchanges: list[Exchange] = []
        self.ids = count(1)

    def request(
        self,
        at: int,
        over_at: int | None = None,
        target: bytes = b"/",
        port: int = 50000,
        fields: list[Pair] | None = None,
    ) -> Exchange:
        script = {
            b"x": lambda now: [RequestHead(0, now, b"GET", target, None, 1, b"block")],
        }
        link = Link(
            Hop(1, f"127.0.0.1:{port}", "127.0.0.1:9000", ScriptedModule(script, fields)),
            True,
            lambda: next(self.ids),
            self.exchanges.append,
            lambda exchange: None,
            0,
            lambda remark, at: None,
        )
        link.feed(Side.CLIENT, b"x", T0 + at)
        exchange = self.exchanges[-1]
        exchange.over_at = None if over_at is None else T0 + over_at
        self.attribution.began(exchange)
        return exchange

    def born(self, pid: int, at: int, parent: int = 100) -> Process:
        process = self.tree.forked(Forked(T0 + at, pid, parent))
        assert process is not None
        return process

    def execed(self, pid: int, at: int, *environ: Pair) -> None:
        process = self.tree.execed(Execed(T0 + at, pid, (b"s",), b"s", environ))
        assert process is not None
        self.attribution.execed(process, self.exchanges)

    def read(self, pid: int | None, at: int, port: int = 50000, thread: int | None = None) -> None:
        ends = "127.0.0.1:9000", f"127.0.0.1:{port}"
        touched = Touched(T0 + at, pid, thread or pid or 0, *ends, "read", None)
        self.attribution.readers.touched(touched)

    def passed(self, at: int, pid: int, thread: int, sock: int, verb: str, n_bytes: int) -> None:
        way: Literal["sent", "received"] = "sent" if verb == "sent" else "received"
        self.attribution.handovers.passed(Passed(T0 + at, pid, thread, sock, way, n_bytes))

    def held(self, pid: int, at: int, port: int = 50000) -> None:
        ends = "127.0.0.1:9000", f"127.0.0.1:{port}"
        self.attribution.readers.touched(Touched(T0 + at, pid, pid, *ends, "holds", None, 7))

    def gone(self, pid: int, at: int) -> None:
        self.tree.exited(Exited(T0 + at, pid, 0, None))

    def settle(self, exchange: Exchange) -> tuple[int | None, str | None, list[int]]:
        self.exchanges.remove(exchange)  # as the tracker does: it is neither open nor over
        self.attribution.settle(exchange, lambda: self.exchanges)
        return exchange.pid, exchange.evidence, exchange.births


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
    for at, pid, sock, verb in ((2, 100, 1, "sent"), (3, 101, 2, "received")):
        scene.passed(at * MS, pid, 177 if pid == 100 else 188, sock, verb, 500)
    for at, pid, sock, verb in ((4, 101, 2, "sent"), (5, 100, 1, "received")):
        scene.passed(at * MS, pid, 177 if pid == 100 else 188, sock, verb, 900)
    assert scene.settle(exchange) == (101, "kernel", [])
    assert (exchange.reader, exchange.thread) == (100, 188)
    unclear = scene.request(20 * MS, 29 * MS, port=50002)
    scene.read(100, 21 * MS, port=50002, thread=177)
    scene.passed(22 * MS, 100, 177, 1, "sent", 500)
    scene.passed(23 * MS, 101, 188, 2, "received", 500)
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
