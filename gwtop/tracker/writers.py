"""Writers: which process wrote the answer of an exchange that went through a relay.

In: `Wrote` records, exchanges. Out: a pid, or None where nobody or more than one wrote in its
time. It refuses to know who read: a relay sees that of nobody.

A chunk may belong to two answers where they are pipelined; its writer is then held for both, and
is right for both, for one process has the connection.
"""

from collections import deque

from gwtop.nouns.records import Wrote
from gwtop.nouns.times import Nanos
from gwtop.tracker.exchange import Exchange

MAX_CONNECTIONS = 16_384
MAX_TURNS = 64  # of one connection: changes of its writer that are remembered


class Writers:
    def __init__(self) -> None:
        self._by_conn: dict[int, deque[tuple[Nanos, Nanos, int]]] = {}
        """First and last instant of one writer's turn, in order."""

    def wrote(self, record: Wrote) -> None:
        turns = self._by_conn.get(record.conn)
        if turns is None:
            if len(self._by_conn) >= MAX_CONNECTIONS:
                self._by_conn.pop(next(iter(self._by_conn)))
            turns = self._by_conn[record.conn] = deque(maxlen=MAX_TURNS)
        if turns and turns[-1][2] == record.pid:
            turns[-1] = (turns[-1][0], record.at, record.pid)
        else:
            turns.append((record.at, record.at, record.pid))

    def of(self, exchange: Exchange) -> int | None:
        """Who alone wrote while it was open."""
        until = exchange.over_at
        turns = self._by_conn.get(exchange.hop.connection, ())
        found = {
            pid
            for first, last, pid in turns
            if last >= exchange.began_at and (until is None or first <= until)
        }
        return found.pop() if len(found) == 1 else None
