"""Unix connections seen through calls: many at once that no address tells apart."""

from dataclasses import replace

from gwtop.nouns.facts import UNSET, Request, Tick
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Metered, Present, Record, TapState, Touched, Worked
from gwtop.nouns.records import Tick as Heartbeat
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, instant
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.tracker import Tracker

PATH, LISTEN, T0, US = "/run/x.sock", "unix:/run/x.sock", 10 * SECOND_NS, 1000
ASK = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def worker(pid: int) -> Present:
    return Present(
        T0, pid, 1, T0 - SECOND_NS, (b"w",), b"/w", b"w", True, None, frozenset({LISTEN})
    )


def read(at: int, pid: int, thread: int, conn: int) -> Touched:
    return Touched(at, pid, thread, LISTEN, "unix:", "read", 30, None, conn)


def facts_of(records: list[Record]) -> list[object]:
    tracker = Tracker(Plan(socket=PATH), live=True)
    told: list[object] = []
    for record in records:
        told += tracker.ingest(record)
    return [*told, *tracker.settle(T0 + 10 * SECOND_NS)]


def test_connections_without_addresses_keep_their_own_readers() -> None:
    first, second = T0 + 10 * US, T0 + 11 * US
    facts = facts_of(
        [
            *(worker(7), worker(8)),
            *(Opened(T0, 101, "unix:", LISTEN, True), Opened(T0, 102, "unix:", LISTEN, True)),
            *(read(first, 7, 71, 101), Chunk(first, 101, CLIENT, ASK % 1)),
            *(read(second, 8, 8, 102), Chunk(second, 102, CLIENT, ASK % 2)),
            *(Chunk(second + US, 102, SERVER, ANSWER), Chunk(second + 2 * US, 101, SERVER, ANSWER)),
        ]
    )
    requests = {fact.target: fact for fact in facts if isinstance(fact, Request)}
    assert [(r.pid, r.thread, r.evidence) for r in (requests["/1"], requests["/2"])] == [
        (7, 71, "kernel"),
        (8, 8, "kernel"),
    ]
    assert {r.queue_ns for r in requests.values()} == {None}
    assert requests["/1"].duration_ns == 3 * US
    assert requests["/1"].client == "unix:" and requests["/1"].server == LISTEN


def test_a_request_waits_from_its_arrival_to_its_read() -> None:
    records: list[Record] = [worker(7), Opened(T0, 101, "unix:", LISTEN, False)]
    for n, waited in enumerate((5 * US, 700 * US)):
        at = T0 + (n + 1) * MILLISECOND_NS
        records += [replace(read(at + waited, 7, 7, 101), sees_arrivals=True)]
        records += [Chunk(at, 101, CLIENT, ASK % n)]
        records += [Chunk(at + waited + 50 * US, 101, SERVER, ANSWER)]
    requests = [fact for fact in facts_of(records) if isinstance(fact, Request)]
    assert [request.queue_ns for request in requests] == [5 * US, 700 * US]
    assert [request.duration_ns for request in requests] == [55 * US, 750 * US]
    assert {(request.pid, request.evidence) for request in requests} == {(7, "kernel")}
    assert requests[1].began_at == instant(T0 + 2 * MILLISECOND_NS)


def test_a_request_in_flight_says_how_long_it_waited() -> None:
    touched = replace(read(T0 + 9 * US, 7, 7, 101), sees_arrivals=True)
    tracker = Tracker(Plan(socket=PATH), live=True)
    sees = TapState(T0, "calls", "open", None, sees_reads=True)
    opened, ask = Opened(T0, 101, "unix:", LISTEN, False), Chunk(T0, 101, CLIENT, ASK % 1)
    for record in (sees, worker(7), opened, touched, ask):
        tracker.ingest(record)
    (tick,) = (f for f in tracker.ingest(Heartbeat(T0 + SECOND_NS)) if isinstance(f, Tick))
    assert [(f.began_at, f.queue_ns) for f in tick.in_flight] == [(instant(T0), 9 * US)]


def test_a_kept_connection_has_each_requests_reader() -> None:
    records: list[Record] = [worker(7), worker(8), Opened(T0, 101, "unix:", LISTEN, False)]
    for n, pid in enumerate((7, 8, 7)):
        at = T0 + n * MILLISECOND_NS
        records += [read(at, pid, pid, 101), Chunk(at, 101, CLIENT, ASK % n)]
        records += [Chunk(at + 50 * US, 101, SERVER, ANSWER)]
    requests = [fact for fact in facts_of(records) if isinstance(fact, Request)]
    assert [request.pid for request in requests] == [7, 8, 7]


def test_what_seeing_calls_costs_is_in_the_ticks() -> None:
    tick = Heartbeat(T0 + 1)
    (told,) = [
        f for f in facts_of([Metered(T0, "calls", 1200, 3, 512), tick]) if isinstance(f, Tick)
    ]
    assert told.calls is not UNSET and not isinstance(told.calls, type(UNSET))
    assert (told.calls.per_s, told.calls.missed, told.calls.copy_bytes) == (1200, 3, 512)
    (told,) = [f for f in facts_of([tick]) if isinstance(f, Tick)]
    assert told.calls is UNSET


def test_when_bytes_are_copied_no_longer_the_work_is_told_again() -> None:
    work = Worked(T0 + 9 * US, 7, 7, LISTEN, 201, "accepted", None)
    shown: list[Record] = [worker(7), Opened(T0, 101, "unix:", LISTEN, True)]
    shown += [Closed(T0, 101, CLIENT, "end")]
    for copied, n_in_flight in ((512, 0), (0, 1)):
        records = [*shown, Metered(T0, "calls", 0, 0, copied), work, Heartbeat(T0 + 10 * US)]
        (tick,) = [fact for fact in facts_of(records) if isinstance(fact, Tick)]
        assert len(tick.in_flight) == n_in_flight
