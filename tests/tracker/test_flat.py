"""Memory of a replay does not grow with the file: nothing of a settled exchange is kept.

In: many short connections, a millisecond apart. Out: how many exchanges are still there.
"""

import gc

from gwtop.nouns.plan import Plan
from gwtop.nouns.times import MILLISECOND_NS
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Opened
from gwtop.tracker import SETTLE_NS, Tracker
from gwtop.tracker.exchange import Exchange

ASKED = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
ANSWERED = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def one_request(tracker: Tracker, conn: int) -> None:
    at = conn * MILLISECOND_NS
    client = f"127.0.0.1:{10_000 + conn}"
    tracker.ingest(Opened(at, conn, client, "127.0.0.1:80", True))
    tracker.ingest(Chunk(at, conn, CLIENT, ASKED))
    tracker.ingest(Chunk(at, conn, SERVER, ANSWERED))
    tracker.ingest(Closed(at, conn, SERVER, "fin"))
    tracker.ingest(Closed(at, conn, CLIENT, "fin"))
    tracker.settle(at)


def test_a_replay_keeps_only_what_has_not_settled() -> None:
    gc.collect()  # what the tests before this one have left in cycles
    tracker = Tracker(Plan(file="x"), live=False)
    for conn in range(1, 2001):
        one_request(tracker, conn)
    kept = sum(isinstance(one, Exchange) for one in gc.get_objects())
    assert 0 < kept <= SETTLE_NS // MILLISECOND_NS + 20
