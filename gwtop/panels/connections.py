"""The connections of the watched hop: who keeps them, how long, and how much each carried.

In: a snapshot. Out: a row for each, newest last. Refuses to know sockets.
"""

from gwtop.model import Snapshot
from gwtop.model.connections import ConnectionRow
from gwtop.panels._anatomy import Entry
from gwtop.panels._base import MIDDLE, PLAIN, Cell, Column, Line, Look, Row
from gwtop.panels._linked import among, between, listed
from gwtop.panels._safe import safe
from gwtop.panels._sorting import Keys, Lazy, Sort, arranged
from gwtop.panels._text import UNKNOWN, duration, n_times, plural, share, time_of_day

NAME = "connections"
TITLE = "connections"
ORDER = 50
EMPTY = "no connection yet"
FOLLOWS = True
UNNAMED = "unix:"
SHOWN_REQUESTS = 50
LOOKED_THROUGH = 10_000
"""So many of the newest requests: some 2 ms of a paint."""
COLUMNS = (
    Column("opened", 8, "<", "or when its first request began", keep=6),
    Column("client", 24, "<", "the end that asks", grow=True),
    Column("server", 21, "<", "the end that answers", keep=3, room=30),
    Column("state", 9, "<", "● carries a request, ○ open, or how it was closed; – not told"),
    Column("lived", 6, ">", "so far, or until its close"),
    Column("requests", 8, ">", "how many it carried: more than 1 is reuse"),
    Column("busy", 5, ">", "share of its life in which a request was under way", keep=5),
    Column("pid", 8, ">", "who answered; several where one connection feeds a pool", keep=7),
)


def columns(snapshot: Snapshot) -> tuple[Column, ...]:
    """COLUMNS; where every client is an unnamed socket, the room is the server's."""
    if not snapshot.connections or any(c.client != UNNAMED for c in snapshot.connections):
        return COLUMNS
    opened, client, server, *others = COLUMNS
    narrow = client._replace(width=len(UNNAMED) + 1, grow=False)
    return opened, narrow, server._replace(grow=True, keep=9), *others


SORTS = ("opened", "client", "server", "state", "lived", "requests", "busy", "pid")


def rows(snapshot: Snapshot, look: Look = PLAIN, sort: Sort | None = None) -> list[Row]:
    return list(lazy(snapshot, look, sort))


def lazy(snapshot: Snapshot, look: Look = PLAIN, sort: Sort | None = None) -> Lazy[ConnectionRow]:
    flying = {request.connection for request in snapshot.in_flight}
    keys: Keys[ConnectionRow] = {
        "opened": lambda c: c.opened_at,
        "client": lambda c: c.client,
        "server": lambda c: c.server,
        "state": lambda c: _state(c, c.key in flying, snapshot).text,
        "lived": lambda c: _lived_ns(c, snapshot),
        "requests": lambda c: c.requests,
        "busy": lambda c: _busy_share(c, snapshot),
        "pid": lambda c: c.pids[-1] if c.pids else None,
    }
    shown = arranged(snapshot.connections, sort, keys)
    return Lazy(shown, lambda c: c.key, lambda c: _row(c, snapshot, c.key in flying, look))


def _row(c: ConnectionRow, snapshot: Snapshot, is_busy: bool, look: Look) -> Row:
    return Row(
        c.key,
        (
            Cell(time_of_day(c.opened_at, look.utc_offset_s), "dim"),
            Cell(safe(c.client)),
            Cell(safe(c.server), "dim", MIDDLE),
            _state(c, is_busy, snapshot),
            Cell(duration(_lived_ns(c, snapshot))),
            Cell(n_times(c.requests), "good" if c.requests > 1 else ""),
            Cell(share(_busy_share(c, snapshot))),
            Cell(_pids(c), "accent" if c.pids else "dim"),
        ),
    )


def _state(c: ConnectionRow, is_busy: bool, snapshot: Snapshot) -> Cell:
    if c.closed_at is not None:
        return Cell(safe(c.how or "closed"), "dim")
    if is_busy:
        return Cell("● busy", "good")
    return Cell("○ open") if _is_open(c, snapshot) else Cell(UNKNOWN, "dim")


def _is_open(c: ConnectionRow, snapshot: Snapshot) -> bool:
    """Whether its close would have been told: only since somebody wished for that it is."""
    told_from = snapshot.closes_told_from
    return told_from is not None and c.last_at >= told_from


def _lived_ns(c: ConnectionRow, snapshot: Snapshot) -> int | None:
    """Of one of which nobody knows whether it is open, as long as it was seen to be."""
    until = c.closed_at
    if until is None:
        until = snapshot.now_at if _is_open(c, snapshot) else c.last_at
    return None if until is None or c.opened_at is None else until - c.opened_at


def _busy_share(c: ConnectionRow, snapshot: Snapshot) -> float | None:
    lived_ns = _lived_ns(c, snapshot)
    return min(1.0, c.busy_ns / lived_ns) if lived_ns else None


def _pids(c: ConnectionRow) -> str:
    if not c.pids:
        return UNKNOWN
    return str(c.pids[-1]) + (f" +{len(c.pids) - 1}" if len(c.pids) > 1 else "")


def lines(c: ConnectionRow, snapshot: Snapshot, look: Look = PLAIN) -> list[Line]:
    """One of them in full."""
    closed = "not told" if c.closed_at is None else time_of_day(c.closed_at, look.utc_offset_s)
    told = (
        ("over", safe(c.protocol)),
        ("opened", time_of_day(c.opened_at, look.utc_offset_s)),
        ("closed", closed + (f", {safe(c.how)}" if c.how else "")),
        ("lived", duration(_lived_ns(c, snapshot))),
        ("carried", f"{plural(c.requests, 'request')}, busy {share(_busy_share(c, snapshot))}"),
        ("answered by", ", ".join(map(str, c.pids)) or "not known"),
    )
    return [
        between(c.client, c.server),
        *((Cell(name.ljust(13), "dim"), Cell(words)) for name, words in told),
    ]


def entries(c: ConnectionRow, snapshot: Snapshot, look: Look = PLAIN) -> list[Entry]:
    """`lines`, and of the newest requests those that it carried."""
    carried = among(snapshot, lambda row: row.connection == c.key, LOOKED_THROUGH)
    n_shown = len(carried[-SHOWN_REQUESTS:])
    words = "its request" if n_shown == 1 else f"its last {n_shown} requests, the newest first"
    return [
        *map(Entry, lines(c, snapshot, look)),
        *listed(words, carried[: -SHOWN_REQUESTS - 1 : -1], look),
    ]
