"""Connections of the watched hop: how many requests each carried, and how it ended.

In: `request` facts, which name their connection, and `connection` facts at their close (when
wished for). Out: `ConnectionRow`s, the newest last. Refuses to know sockets.

The newest are kept; what is older is in the totals. A connection is "open" until its close is
told, and "–" where nobody would tell.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from gwtop.model.requests import RequestRow, clip
from gwtop.nouns.facts import Connection, Request
from gwtop.nouns.times import Nanos, nanos

KEPT_CONNECTIONS = 2_000
KEPT_NAME = 200
"""The longest path of a socket has 107 characters (unix(7)), and its end tells most."""


class ConnectionRow(NamedTuple):
    key: int
    """The connection's id."""
    client: str
    server: str
    protocol: str
    opened_at: Nanos | None
    """Or the beginning of the first request that was told."""
    last_at: Nanos
    """The end of its newest request, or its close."""
    closed_at: Nanos | None
    how: str | None
    """How it was closed."""
    requests: int
    busy_ns: int
    """The time its requests took."""
    pids: tuple[int, ...]
    """Who answered on it, at most a few."""
    newest: int | None
    """Number of its newest request."""


KEPT_PIDS = 4


@dataclass(slots=True)
class ConnectionTable:
    n_seen: int = 0
    n_reused: int = 0
    """Of them: carried two requests or more."""
    told_from: Nanos | None = None
    """Since about then closes are told. None: none was, so nobody knows what is still open."""
    _rows: OrderedDict[int, ConnectionRow] = field(default_factory=OrderedDict)
    _closed_early: OrderedDict[int, Connection] = field(default_factory=OrderedDict)
    """Closes of connections whose requests are not told yet: a request is when its evidence has
    settled, and a close at once."""

    def answered(self, fact: Request, row: RequestRow) -> None:
        old = self._rows.get(fact.connection)
        if old is None:
            self._open(fact, row)
            return
        self.n_reused += old.requests == 1
        pids = old.pids
        if row.pid is not None and row.pid not in pids:
            pids = (*pids, row.pid)[-KEPT_PIDS:]
        self._rows[fact.connection] = old._replace(
            requests=max(old.requests + 1, fact.sequence + 1),
            last_at=max(old.last_at, row.at),
            busy_ns=old.busy_ns + (row.duration_ns or 0),
            pids=pids,
            newest=row.number,
        )

    def _open(self, fact: Request, row: RequestRow) -> None:
        self.n_seen += 1
        self.n_reused += fact.sequence > 0
        self._rows[fact.connection] = ConnectionRow(
            key=fact.connection,
            client=clip(fact.client, KEPT_NAME) or "",
            server=clip(fact.server, KEPT_NAME) or "",
            protocol=clip(fact.protocol, 20) or "",
            opened_at=row.at - (row.duration_ns or 0),
            last_at=row.at,
            closed_at=None,
            how=None,
            requests=fact.sequence + 1,
            busy_ns=row.duration_ns or 0,
            pids=() if row.pid is None else (row.pid,),
            newest=row.number,
        )
        if len(self._rows) > KEPT_CONNECTIONS:
            self._rows.popitem(last=False)
        early = self._closed_early.pop(fact.connection, None)
        if early is not None:
            self._end(self._rows[fact.connection], early)

    def closed(self, fact: Connection) -> None:
        if self.told_from is None:
            self.told_from = nanos(fact.closed_at)
        old = self._rows.get(fact.id)
        if old is None and fact.requests:
            self._closed_early[fact.id] = fact  # or they were told long ago, and so was it
            if len(self._closed_early) > KEPT_CONNECTIONS:
                self._closed_early.popitem(last=False)
            return
        opened_at, closed_at = nanos(fact.opened_at), nanos(fact.closed_at)
        if old is None:
            self.n_seen += 1
            old = ConnectionRow(
                key=fact.id,
                client=clip(fact.client, KEPT_NAME) or "",
                server=clip(fact.server, KEPT_NAME) or "",
                protocol=clip(fact.protocol, 20) or "",
                opened_at=opened_at,
                last_at=closed_at,
                closed_at=None,
                how=None,
                requests=0,
                busy_ns=0,
                pids=(),
                newest=None,
            )
        self._end(old, fact)
        self._rows[fact.id] = self._rows[fact.id]._replace(
            requests=max(old.requests, fact.requests)
        )
        if len(self._rows) > KEPT_CONNECTIONS:
            self._rows.popitem(last=False)

    def _end(self, row: ConnectionRow, fact: Connection) -> None:
        self._rows[row.key] = row._replace(
            opened_at=nanos(fact.opened_at),
            closed_at=nanos(fact.closed_at),
            how=clip(fact.how, 40),
        )

    def rows(self) -> tuple[ConnectionRow, ...]:
        return tuple(self._rows.values())
