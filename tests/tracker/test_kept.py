"""What is kept of exchanges: whose bytes they are, how much of them, and who has to go."""

from itertools import pairwise

import pytest

from gwtop.nouns.facts import Detail, Request
from gwtop.nouns.plan import Plan
from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Lost, Opened
from gwtop.taps.files import open_capture
from gwtop.tracker import Tracker
from gwtop.tracker.details import not_kept
from gwtop.tracker.kept import MAX_SIDE_BYTES, PIECE_BYTES, Kept
from tests._replay import CAPTURES

ALL = sorted(str(p.relative_to(CAPTURES)) for p in CAPTURES.glob("*/*.pcap*"))
PLAIN = [name for name in ALL if not name.startswith("notes/")]


def read(name: str, kept: Kept, batch_frames: int = 1000) -> tuple[Tracker, list[Request]]:
    plan = Plan(file=str(CAPTURES / name), details=True)
    tap = open_capture(plan.file, plan, batch_frames)
    tracker = Tracker(plan, live=False, kept=kept)
    facts = []
    while not tap.ended:
        for record in tap.read(0):
            facts += tracker.ingest(record)
    facts += tracker.finish(0)
    tap.close()
    return tracker, [fact for fact in facts if isinstance(fact, Request)]


def body_bytes(detail: Detail, side: str) -> int:
    return sum(length for of, _, length in detail.bodies if of == side)


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("batch_frames", [1, 1000])
def test_each_request_of_a_capture_has_its_own_bytes_and_no_others(
    name: str, batch_frames: int
) -> None:
    tracker, requests = read(name, Kept(on=True), batch_frames)
    assert requests
    for request in requests:
        detail = tracker.detail(request.id)
        assert detail.kept and detail.left_out == (0, 0)
        assert body_bytes(detail, "client") == request.request_body_bytes
        if request.method != "HEAD":
            assert body_bytes(detail, "server") == request.response_body_bytes
        assert not [r.name for r in detail.records if "not " in r.name]
        ends = [r.offset + r.bytes_long for r in detail.records if r.side == "client"]
        assert [r.offset for r in detail.records if r.side == "client"] == [0, *ends][: len(ends)]


@pytest.mark.parametrize("name", ALL)
def test_details_come_in_the_order_of_their_instants_and_lie_within_the_data(name: str) -> None:
    tracker, requests = read(name, Kept(on=True))
    for request in requests:
        detail = tracker.detail(request.id)
        assert all(a.at <= b.at for a, b in pairwise(detail.records))
        n_bytes = len(detail.data) * 3 // 4 - detail.data.count("=")
        for record in detail.records:
            assert (record.offset < detail.answer_offset) == (record.side == "client")
            assert record.offset + record.bytes_long <= n_bytes
            assert request.began_at <= record.at


@pytest.mark.parametrize("name", ALL)
def test_what_is_over_leaves_nothing_on_the_tape(name: str) -> None:
    kept = Kept(on=True)
    _, requests = read(name, kept)
    assert kept.n_bytes == sum(_reel_of(kept, r.id) for r in requests)


def _reel_of(kept: Kept, id: int) -> int:
    reel = kept.reel(id)
    return 0 if reel is None else reel.cost_bytes


def http(tracker: Tracker, conn: int, *talk: tuple[str, bytes], at: int = MS) -> None:
    """Opens a connection and says these things on it: ("c" or "s", bytes)."""
    tracker.ingest(Opened(at, conn, "127.0.0.1:5", "127.0.0.1:80", True))
    say(tracker, conn, *talk, at=at)


def say(tracker: Tracker, conn: int, *talk: tuple[str, bytes], at: int = MS) -> None:
    for n, (side, data) in enumerate(talk):
        tracker.ingest(Chunk(at + n * MS, conn, CLIENT if side == "c" else SERVER, data))


GET = b"GET /%d HTTP/1.1\r\nHost: x\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"


def tracker_with(kept: Kept) -> Tracker:
    return Tracker(Plan(), live=True, kept=kept)


def names(detail: Detail) -> list[str]:
    return [record.name for record in detail.records]


def test_pipelined_requests_in_one_chunk_are_told_apart() -> None:
    tracker = tracker_with(Kept(on=True))
    answers = OK % 1 + b"a" + OK % 2 + b"bb" + OK % 0
    http(tracker, 1, ("c", GET % 1 + GET % 2 + GET % 3), ("s", answers))
    for id, n_body in ((1, 1), (2, 2), (3, 0)):
        detail = tracker.detail(id)
        assert names(detail)[:2] == ["request head", "response head"]
        assert body_bytes(detail, "server") == n_body
        assert detail.records[0].fields[2][1] == f"/{id}"


def test_a_head_that_comes_in_pieces_is_whole_and_dated_by_its_first() -> None:
    tracker = tracker_with(Kept(on=True))
    http(tracker, 1, ("c", b"GET / HT"), ("c", b"TP/1.1\r\n"), ("c", b"\r\n"), ("s", OK % 0))
    detail = tracker.detail(1)
    assert names(detail) == ["request head", "response head"]
    assert detail.records[0].at == "1970-01-01T00:00:00.001000000Z"
    assert detail.records[0].bytes_long == 18


def test_of_a_long_body_the_first_part_is_kept_and_the_rest_counted() -> None:
    kept = Kept(on=True)
    tracker = tracker_with(kept)
    chunks = [("s", bytes(60_000))] * 10
    http(tracker, 1, ("c", GET % 1), ("s", OK % 600_000), *chunks)
    detail = tracker.detail(1)
    shown = body_bytes(detail, "server")
    assert 100_000 < shown < MAX_SIDE_BYTES and kept.n_bytes < MAX_SIDE_BYTES + 1_000
    assert detail.left_out == (0, 600_000 - shown)
    say(tracker, 1, ("c", GET % 2), ("s", OK % 2 + b"ok"))
    assert names(tracker.detail(2)) == ["request head", "response head", "body"]


def test_the_oldest_go_first_and_are_no_longer_kept() -> None:
    tracker = tracker_with(Kept(on=True, max_bytes=10_000))
    http(tracker, 1)
    for n in range(100):
        say(tracker, 1, ("c", GET % n), ("s", OK % 100 + bytes(100)))
    kept = [id for id in range(1, 101) if tracker.detail(id).kept]
    assert 8 < len(kept) < 20
    assert kept == list(range(101 - len(kept), 101))
    assert tracker.detail(1) == not_kept(1)


def test_many_open_connections_do_not_take_more_than_there_is() -> None:
    kept = Kept(on=True, max_bytes=100_000)
    tracker = tracker_with(kept)
    for conn in range(50):
        http(tracker, conn, ("c", b"POST / HTTP/1.1\r\nContent-Length: 9000\r\n\r\n"))
        say(tracker, conn, ("c", bytes(8_000)))
    assert kept.n_bytes <= 100_000
    for conn in range(50):
        tracker.ingest(Closed(9 * MS, conn, CLIENT, "rst"))
    tracker.settle(10**12)
    assert kept.n_bytes <= 100_000


def test_a_gap_is_a_gap_in_what_is_kept() -> None:
    tracker = tracker_with(Kept(on=True))
    http(tracker, 1, ("c", GET % 1), ("s", OK % 20 + b"12345"))
    tracker.ingest(Lost(5 * MS, 1, SERVER, 10, left_out=False))
    say(tracker, 1, ("s", b"abcde"), at=6 * MS)
    detail = tracker.detail(1)
    (gap,) = detail.gaps
    assert gap[1] == 10 and detail.records[-1].name == "body"
    assert body_bytes(detail, "server") == 20


def test_nothing_is_kept_until_somebody_asks_and_from_then_on_it_is() -> None:
    kept = Kept(on=False)
    tracker = tracker_with(kept)
    http(tracker, 1, ("c", GET % 1), ("s", OK % 0))
    http(tracker, 2, ("c", GET % 2))
    assert kept.n_bytes == 0
    assert not tracker.detail(1).kept
    say(tracker, 2, ("s", OK % 0))  # was under way when it was asked for
    say(tracker, 1, ("c", GET % 3), ("s", OK % 0))
    http(tracker, 3, ("c", GET % 4), ("s", OK % 0))
    assert [tracker.detail(id).kept for id in (1, 2, 3, 4)] == [False, False, True, True]


def test_just_one_exchange_is_kept_where_only_that_is_wanted() -> None:
    tracker, requests = read("http/nginx-gunicorn.pcap", Kept(on=True, only=3))
    assert [r.id for r in requests if tracker.detail(r.id).kept] == [3]


def test_a_small_piece_costs_more_than_its_bytes() -> None:
    kept = Kept(on=True)
    http(tracker_with(kept), 1, *(("c", bytes([byte])) for byte in GET % 1), ("s", OK % 0))
    assert kept.n_bytes > len(GET) * PIECE_BYTES
