"""The watched processes: the living, and the newest of the dead.

In: `process_*` facts, `request` facts (whose births and pid say who answered). Out: immutable
`ProcessRow`s. Refuses to know roles and models: it keeps what it was told.

A pid comes back; a row does not. Each birth opens a row with a key of its own, and `_by_pid` only
says which row a pid means now. Rows are replaced, not changed, so a snapshot may hold them.
"""

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from gwtop.model.requests import RequestRow, clip
from gwtop.nouns.facts import (
    UNSET,
    Pairs,
    ProcessBorn,
    ProcessExited,
    ProcessSample,
    ProcessSeen,
    Request,
    Role,
    UnixWork,
)
from gwtop.nouns.times import Nanos, nanos

KEPT_DEAD = 300
KEPT_LIVING = 4_096
"""Exits may be missed; without a bound their rows would pile up."""

KEPT_VARIABLES, KEPT_TEXT = 256, 4_096
"""Of the environ of a CGI process: a request has thirty, and whoever sends more is not a guest."""


class Answered(NamedTuple):
    """The last request that a process answered."""

    number: int
    method: str | None
    target: str | None
    status: int | None
    at: Nanos


class ProcessRow(NamedTuple):
    key: int
    pid: int
    parent: int | None
    role: Role
    name: str | None
    argv: str | None
    """Joined by spaces, its first 400 characters."""
    born_at: Nanos | None
    was_there: bool
    """Was running before we were."""
    died_at: Nanos | None
    lifetime_ns: int | None
    code: int | None
    signal: int | None
    cpu_percent: float | None
    cpu_ns: int | None
    rss_bytes: int | None
    """Of the dead: the most they had."""
    threads: int | None
    fds: int | None
    state: str | None
    requests: int
    """The larger of what the engine counted and what was attributed before our eyes."""
    own_requests: int
    busy_with: tuple[int, ...]
    answered: Answered | None
    sampled_at: Nanos | None
    n_children_gone: int
    """Of its own, all that ended before our eyes: of a pool's master, respawns."""
    environ: Pairs | None
    """Of a CGI process its variables, as told at its birth: the request as it was given to it."""
    unix: UnixWork | None
    """What it did with unix connections whose bytes nobody sees. None: there are none."""


def _join(argv: list[str] | None) -> str | None:
    if argv is None:
        return None
    return clip(" ".join(part[:400] for part in argv[:50]))


def _variables(fact: ProcessBorn | ProcessSeen) -> Pairs | None:
    told = fact.environ if isinstance(fact, ProcessBorn) and fact.role == "cgi" else None
    if not isinstance(told, list):  # not asked for, or not known
        return None
    return [(name[:KEPT_TEXT], value[:KEPT_TEXT]) for name, value in told[:KEPT_VARIABLES]]


def _row(key: int, fact: ProcessBorn | ProcessSeen, was_there: bool) -> ProcessRow:
    born_at = fact.born_at if isinstance(fact, ProcessSeen) else fact.at
    return ProcessRow(
        key=key,
        pid=fact.pid,
        parent=fact.parent,
        role=fact.role,
        name=clip(fact.name, 60),
        argv=_join(fact.argv),
        born_at=None if born_at is None else nanos(born_at),
        was_there=was_there,
        died_at=None,
        lifetime_ns=None,
        code=None,
        signal=None,
        cpu_percent=None,
        cpu_ns=None,
        rss_bytes=None,
        threads=None,
        fds=None,
        state=None,
        requests=0,
        own_requests=0,
        busy_with=(),
        answered=None,
        sampled_at=None,
        n_children_gone=0,
        environ=_variables(fact),
        unix=None,
    )


@dataclass(slots=True)
class ProcessTable:
    n_born: int = 0
    n_exited: int = 0
    _living: dict[int, ProcessRow] = field(default_factory=dict)
    _dead: OrderedDict[int, ProcessRow] = field(default_factory=OrderedDict)
    _by_pid: dict[int, int] = field(default_factory=dict)
    _next_key: int = 0

    def born(self, fact: ProcessBorn) -> ProcessRow:
        self.n_born += 1
        return self._open(fact, was_there=False)

    def seen(self, fact: ProcessSeen) -> ProcessRow:
        return self._open(fact, was_there=True)

    def _open(self, fact: ProcessBorn | ProcessSeen, was_there: bool) -> ProcessRow:
        old = self._by_pid.get(fact.pid)
        if old is not None and old in self._living:
            self._bury(self._living[old])
        row = _row(self._next_key, fact, was_there)
        self._next_key += 1
        self._living[row.key] = row
        self._by_pid[row.pid] = row.key
        if len(self._living) > KEPT_LIVING:
            self._bury(next(iter(self._living.values())))
        return row

    def exited(self, fact: ProcessExited) -> ProcessRow | None:
        """None: nobody told that it lived."""
        self.n_exited += 1
        row = self._now(fact.pid)
        if row is None:
            return None
        row = row._replace(
            died_at=nanos(fact.at),
            role=row.role if fact.role is UNSET else fact.role,
            lifetime_ns=fact.lifetime_ns,
            code=fact.code,
            signal=fact.signal,
            cpu_ns=fact.cpu_ns,
            cpu_percent=None,
            rss_bytes=row.rss_bytes if fact.max_rss_bytes is None else fact.max_rss_bytes,
            requests=max(row.requests, fact.requests),
            busy_with=(),
            state=None,
        )
        self._bury(row)
        parent = None if row.parent is None else self._now(row.parent)
        if parent is not None:
            self._put(parent._replace(n_children_gone=parent.n_children_gone + 1))
        return row

    def sampled(self, fact: ProcessSample) -> ProcessRow | None:
        """None: it is not known, or gone."""
        row = self._now(fact.pid)
        if row is None or row.key not in self._living:
            return None
        row = row._replace(
            role=fact.role,
            cpu_percent=fact.cpu_percent,
            rss_bytes=fact.rss_bytes,
            threads=fact.threads,
            fds=fact.fds,
            state=fact.state,
            requests=max(row.requests, fact.requests),
            busy_with=tuple(fact.busy_with),
            sampled_at=nanos(fact.at),
            unix=None if fact.unix is UNSET else fact.unix,
        )
        self._living[row.key] = row
        return row

    def answered(self, fact: Request, request: RequestRow) -> None:
        """A request is over: tell the process that answered it and those born for it."""
        pids = fact.births
        if fact.pid is not None and fact.pid not in pids:
            pids = [*pids, fact.pid]
        if not pids:
            return
        told = Answered(request.number, request.method, request.target, request.status, request.at)
        for pid in pids:
            row = self._now(pid)
            if row is not None:
                own = row.own_requests + (pid == fact.pid)
                most = max(row.requests, own)
                self._put(row._replace(answered=told, requests=most, own_requests=own))

    def rows(self) -> tuple[ProcessRow, ...]:
        """The living by birth, then the dead by death."""
        return (*self._living.values(), *self._dead.values())

    def rss_bytes(self) -> int | None:
        """Of all the living together, as sampled last. None: nothing was sampled."""
        sampled = [row.rss_bytes for row in self._living.values() if row.rss_bytes is not None]
        return sum(sampled) if sampled else None

    def of(self, pid: int) -> ProcessRow | None:
        """The row that a pid means now (or meant last)."""
        return self._now(pid)

    def _now(self, pid: int) -> ProcessRow | None:
        key = self._by_pid.get(pid)
        if key is None:
            return None
        return self._living.get(key) or self._dead.get(key)

    def _put(self, row: ProcessRow) -> None:
        rows: dict[int, ProcessRow] = self._living if row.key in self._living else self._dead
        rows[row.key] = row

    def _bury(self, row: ProcessRow) -> None:
        self._living.pop(row.key, None)
        self._dead[row.key] = row
        if len(self._dead) > KEPT_DEAD:
            _, oldest = self._dead.popitem(last=False)
            if self._by_pid.get(oldest.pid) == oldest.key:
                del self._by_pid[oldest.pid]
