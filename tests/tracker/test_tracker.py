"""The tracker as a whole: records in, facts out, with HTTP as the protocol that everybody reads."""

from collections.abc import Iterable

from gwtop.nouns.facts import (
    Connection,
    Fact,
    Note,
    ProcessBorn,
    ProcessExited,
    ProcessSeen,
    Request,
    Summary,
    Tick,
)
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import (
    Execed,
    Exited,
    Forked,
    Frames,
    Hidden,
    Missed,
    Observed,
    Present,
    Queue,
    Record,
    TapState,
)
from gwtop.nouns.records import Tick as TickRecord
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.times import SECOND_NS, instant
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Side
from gwtop.tracker import SETTLE_NS, Tracker

T0 = 1_800_000_000 * SECOND_NS
CLIENT, SERVER = Side.CLIENT, Side.SERVER
ASK = b"GET /a?b HTTP/1.1\r\nHost: h\r\nCookie: s=1\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Worker-Pid: 666\r\n\r\nok"


def tracker(live: bool = True, **plan: object) -> Tracker:
    watched = Tracker(Plan(ports=(80,), **plan), live=live)  # type: ignore[arg-type]
    watched.begin(T0)
    return watched


def opened(conn: int, port: int = 50000, server_port: int = 80) -> Opened:
    return Opened(T0, conn, f"127.0.0.1:{port}", f"127.0.0.1:{server_port}", True)


def exchange(conn: int, at: int, took: int = 10 * MS) -> list[Record]:
    return [
        opened(conn, 50000 + conn),
        Chunk(T0 + at, conn, CLIENT, ASK),
        Chunk(T0 + at + took, conn, SERVER, ANSWER),
    ]


def run(watched: Tracker, records: Iterable[Record]) -> list[Fact]:
    return [fact for record in records for fact in watched.ingest(record)]


def requests(facts: Iterable[Fact]) -> list[Request]:
    return [fact for fact in facts if isinstance(fact, Request)]


def summary(watched: Tracker, at: int = 3600 * SECOND_NS) -> Summary:
    last = watched.finish(T0 + at)[-1]
    assert isinstance(last, Summary)
    return last


def test_a_request_is_told_when_its_evidence_has_settled_and_not_before() -> None:
    watched = tracker()
    assert requests(run(watched, exchange(1, 0))) == []
    assert watched.due_at() == T0 + 10 * MS + SETTLE_NS
    assert requests(watched.settle(T0 + 10 * MS + SETTLE_NS - 1)) == []
    (fact,) = requests(watched.settle(T0 + 10 * MS + SETTLE_NS))
    assert (fact.method, fact.target, fact.status, fact.outcome) == ("GET", "/a?b", 200, "done")
    assert (fact.at, fact.duration_ns) == (instant(T0 + 10 * MS), 10 * MS)
    assert (fact.client, fact.server) == ("127.0.0.1:50001", "127.0.0.1:80")
    assert (fact.response_body_bytes, fact.request_head_bytes) == (2, len(ASK))
    assert watched.due_at() is None


def test_what_the_answer_says_of_itself_is_never_evidence() -> None:
    watched = tracker()
    run(watched, exchange(1, 0))
    (fact,) = requests(watched.settle(T0 + SECOND_NS))
    assert (fact.pid, fact.evidence, fact.births) == (None, None, [])


def test_facts_come_in_the_order_in_which_exchanges_ended() -> None:
    watched = tracker()
    run(watched, [*exchange(1, 0, 50 * MS)[:2], *exchange(2, 5 * MS), *exchange(1, 0, 50 * MS)[2:]])
    assert [f.connection for f in requests(watched.settle(T0 + SECOND_NS))] == [2, 1]


def test_details_are_told_when_asked_for_and_redacted() -> None:
    watched = tracker(details=True, bodies_bytes=1)
    run(watched, exchange(1, 0))
    (fact,) = requests(watched.settle(T0 + SECOND_NS))
    assert isinstance(fact.fields, list) and isinstance(fact.response_fields, list)
    assert dict(fact.fields) == {"Host": "h", "Cookie": "[redacted]"}
    assert dict(fact.response_fields)["X-Worker-Pid"] == "666"
    assert (fact.request_body, fact.response_body) == ("", "o")


def test_a_connection_to_another_port_is_not_watched() -> None:
    watched = tracker()
    run(watched, [opened(1, server_port=81), *exchange(1, 0)[1:]])
    assert requests(watched.settle(T0 + SECOND_NS)) == []
    assert summary(watched).connections == 0


def test_a_port_can_be_added_while_it_runs() -> None:
    watched = tracker()
    watched.set_ports((80, 81))
    run(watched, [opened(1, server_port=81), *exchange(1, 0)[1:]])
    assert len(requests(watched.settle(T0 + SECOND_NS))) == 1
    assert [w.listen for w in watched.watch()] == ["*:80", "*:81"]


def test_requests_stop_at_the_number_asked_for_and_the_rest_is_in_flight() -> None:
    watched = tracker(n_requests=2)
    run(watched, [r for n in range(5) for r in exchange(n, n)])
    assert len(requests(watched.settle(T0 + SECOND_NS))) == 2
    assert watched.satisfied
    last = summary(watched)
    assert (last.requests, last.in_flight) == (2, 3)


def test_a_partial_request_does_not_count_towards_the_number_asked_for() -> None:
    watched = tracker(n_requests=1)
    run(watched, [opened(1), Chunk(T0, 1, CLIENT, ASK)])
    head, body = ANSWER[:-2], ANSWER[-2:]
    run(watched, [Chunk(T0 + 1, 1, SERVER, head), Lost(T0 + 2, 1, SERVER, len(body), False)])
    (fact,) = requests(watched.settle(T0 + SECOND_NS))
    assert (fact.outcome, fact.lost_bytes) == ("partial", 2)
    assert not watched.satisfied
    assert summary(watched).missed.bytes == 2


def test_in_a_file_time_is_trace_time_and_open_requests_are_partial_at_the_end() -> None:
    watched = tracker(live=False)
    facts = run(watched, exchange(1, 0))
    facts += run(watched, [opened(2), Chunk(T0 + MS, 2, CLIENT, ASK)])
    assert requests(facts) == []
    end = watched.finish(T0)
    assert [f.outcome for f in requests(end)] == ["done"], "no frame, no connection to cut"


def test_births_and_exits_make_a_request_and_its_process_one_row() -> None:
    watched = tracker()
    environ = (
        (b"GATEWAY_INTERFACE", b"CGI/1.1"),
        (b"REMOTE_PORT", b"50001"),
        (b"REQUEST_URI", b"/a?b"),
    )
    facts = run(
        watched,
        [
            Present(T0 - SECOND_NS, 100, 1, None, (b"front",), b"front", b"front", True),
            *exchange(1, 0)[:2],
            Forked(T0 + 2 * MS, 200, 100),
            Execed(T0 + 3 * MS, 200, (b"python3", b"a.py"), b"/usr/bin/python3", environ),
            *exchange(1, 0)[2:],
            Exited(T0 + 12 * MS, 200, 0, None),
        ],
    )
    facts += watched.settle(T0 + SECOND_NS)
    (fact,) = requests(facts)
    assert (fact.pid, fact.evidence, fact.births) == (200, "environ", [200])
    (born,) = [f for f in facts if isinstance(f, ProcessBorn)]
    assert (born.request, born.role, born.parent) == (fact.id, "cgi", 100)
    (gone,) = [f for f in facts if isinstance(f, ProcessExited)]
    assert (gone.lifetime_ns, gone.requests) == (10 * MS, 1)
    assert [f.pid for f in facts if isinstance(f, ProcessSeen)] == [100]
    last = summary(watched)
    assert (last.processes_born, last.processes_exited, last.processes_per_request) == (1, 1, 1.0)
    assert (last.workers, last.evidence) == (1, {"environ": 1})


def test_ticks_tell_what_is_in_flight_waits_and_is_missed() -> None:
    watched = tracker()
    run(watched, [TapState(T0, "ring", "open", None, ("frames",)), Missed(T0, "ring", "frames", 3)])
    run(watched, [*exchange(1, 0)[:2], Queue(T0, "127.0.0.1:80", 8, 100)])
    (tick,) = [f for f in watched.ingest(TickRecord(T0 + SECOND_NS)) if isinstance(f, Tick)]
    assert [(f.target, f.method) for f in tick.in_flight] == [("/a?b", "GET")]
    assert [(q.pending, q.limit) for q in tick.queues] == [(8, 100)]
    assert (tick.missed.frames, tick.missed.process_events, tick.requests) == (3, None, 0)
    assert [(w.listen, w.protocol) for w in tick.watch] == [("*:80", "http")]
    assert tick.model is None


def test_the_verdict_needs_five_answers_and_then_stands_in_tick_and_summary() -> None:
    watched = tracker()
    run(watched, [Present(T0, 100, 1, None, None, None, b"x", True)])
    run(watched, [r for n in range(5) for r in exchange(n, n)])
    watched.settle(T0 + SECOND_NS)
    (tick,) = [f for f in watched.ingest(TickRecord(T0 + SECOND_NS)) if isinstance(f, Tick)]
    assert tick.model == "single-process"
    assert summary(watched).model_evidence == "5 requests by one process, none born for them"


def test_where_no_process_was_seen_nothing_is_said_of_processes() -> None:
    watched = tracker(live=False)
    run(watched, [r for n in range(6) for r in exchange(n, n)])
    last = summary(watched)
    assert (last.requests, last.model, last.model_evidence) == (6, None, None)
    assert (last.processes_born, last.processes_exited, last.processes_per_request) == (
        None,
        None,
        None,
    )


def test_a_tap_may_say_something_that_becomes_a_note() -> None:
    watched = tracker()
    seen = Observed(T0, "births-polled", "warn", "Short processes are not seen.", None, None)
    assert run(watched, [seen]) == [
        Note(instant(T0), "births-polled", "warn", "Short processes are not seen.", None, None)
    ]
    assert summary(watched).notes == {"births-polled": 1}


def test_a_watched_port_that_speaks_nothing_known_is_said_once() -> None:
    watched = tracker()
    facts: list[Fact] = []
    for conn in (1, 2):
        facts += run(watched, [opened(conn), Chunk(T0, conn, CLIENT, b"\x00\x00\x00\x00hello")])
        facts += run(watched, [Closed(T0 + 1, conn, CLIENT, "rst")])
    assert [(f.code, f.listen) for f in facts if isinstance(f, Note)] == [
        ("unknown-protocol", "127.0.0.1:80")
    ]


def test_a_protocol_that_was_named_and_is_not_spoken_is_said_once() -> None:
    watched = tracker(protocol="scgi")
    facts: list[Fact] = []
    for conn in (1, 2):
        facts += run(
            watched, [opened(conn), Chunk(T0, conn, CLIENT, b"\x00\x06\x00\x00\x01\x00a\x01\x00b")]
        )
        facts += run(watched, [Closed(T0 + 1, conn, CLIENT, "rst")])
    facts += run(watched, [opened(3), Closed(T0 + 1, 3, CLIENT, "rst")])
    assert [(f.code, f.text) for f in facts if isinstance(f, Note)] == [
        (
            "unknown-protocol",
            "No request of scgi was found in what a client sent; is --protocol right?",
        )
    ]


def test_frames_of_an_unknown_link_type_are_counted_and_said_once() -> None:
    watched = tracker()
    batch = Frames.of("file", 195, [(T0, b"whatever")])
    facts = run(watched, [batch, batch])
    assert [f.code for f in facts if isinstance(f, Note)] == ["unknown-link"]
    assert summary(watched).frames == 2


def test_connections_are_told_when_wished() -> None:
    watched = tracker()
    watched.tell_connections = True
    facts = run(watched, [*exchange(1, 0), Closed(T0 + SECOND_NS, 1, SERVER, "rst")])
    (fact,) = [f for f in facts if isinstance(f, Connection)]
    assert (fact.id, fact.protocol, fact.requests, fact.how) == (1, "http", 1, "rst")


def test_a_detail_that_is_not_kept_says_so() -> None:
    assert tracker().detail(5).kept is False


def test_a_pid_that_was_of_one_who_passes_requests_on_unseen_may_be_anothers() -> None:
    watched = tracker()
    alone = [Present(T0, 100, 1, T0 - SECOND_NS, (b"x",), b"x", b"x", True)]
    dies = [Exited(T0 + MS, 100, 0, None)]
    again = [
        Forked(T0 + 2 * MS, 100, 1),
        Present(T0 + 3 * MS, 100, 1, T0, (b"y",), b"y", b"y", True),
    ]
    run(watched, [*alone, Hidden(T0, 100), *dies, *again])
    run(watched, exchange(1, 20 * MS))
    told = [f for f in watched.finish(T0 + SECOND_NS) if isinstance(f, Request)]
    assert [(f.pid, f.evidence) for f in told] == [(100, "sole")]
