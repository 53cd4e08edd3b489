"""The model: facts in, one at a time; a `Snapshot` out whenever somebody wants to look.

It refuses to know clocks, screens and where facts come from. Time is the newest instant told, so
a replay paints what the live session painted.

Everything is bounded (the newest rows, folded notes and routes) and every total is exact. Applying
a request costs some ten microseconds; a snapshot some tens, however many rows are kept, for
tables share their immutable rows with it. Routes need sorting and percentiles, errors and
connections thousands of references, so they are made only for a reader that shows them.
"""

from dataclasses import dataclass, field, replace

from gwtop.model.anatomy import Anatomies
from gwtop.model.connections import ConnectionTable
from gwtop.model.details import DetailTable
from gwtop.model.errors import ErrorLog
from gwtop.model.history import History
from gwtop.model.hosts import Hosts, Latest
from gwtop.model.lifelines import Lifelines
from gwtop.model.notes import NoteTable
from gwtop.model.processes import ProcessTable
from gwtop.model.rates import KEPT_SECONDS, Rates
from gwtop.model.requests import KEPT_ROWS, RequestTable
from gwtop.model.routes import RouteTable
from gwtop.model.snapshot import Snapshot
from gwtop.nouns.facts import (
    Connection,
    Detail,
    Fact,
    Hello,
    InFlight,
    Note,
    ProcessBorn,
    ProcessDetail,
    ProcessExited,
    ProcessSample,
    ProcessSeen,
    Request,
    Summary,
    Tick,
)
from gwtop.nouns.times import Instant, Nanos, nanos


@dataclass(slots=True)
class Model:
    kept_rows: int = KEPT_ROWS
    version: int = 0
    n_unread: int = 0
    """Set by whoever reads the lines; shown beside what the engine missed."""
    hello: Hello | None = None
    summary: Summary | None = None
    requests: RequestTable = field(default_factory=RequestTable)
    processes: ProcessTable = field(default_factory=ProcessTable)
    rates: Rates = field(default_factory=Rates)
    routes: RouteTable = field(default_factory=RouteTable)
    notes: NoteTable = field(default_factory=NoteTable)
    errors: ErrorLog = field(default_factory=ErrorLog)
    connections: ConnectionTable = field(default_factory=ConnectionTable)
    lifelines: Lifelines = field(default_factory=Lifelines)
    details: DetailTable = field(default_factory=DetailTable)
    anatomies: Anatomies = field(default_factory=Anatomies)
    history: History = field(default_factory=History)
    hosts: Hosts = field(default_factory=Hosts)
    _latest: Latest = field(default_factory=Latest)
    _in_flight: dict[int, InFlight] = field(default_factory=dict)
    _now_at: Nanos | None = None

    def __post_init__(self) -> None:
        self.requests.limit = self.requests.archive.limit = self.kept_rows
        self.requests.archive.restore = self._scoped

    def apply(self, fact: Fact) -> None:
        """The next line. Never raises on what a line of the journal can say."""
        self.version += 1
        fact = self.hosts.scoped(fact)
        match fact:
            case Request():
                self._ended(fact)
            case ProcessBorn():
                self.rates.born(self._reach(fact.at))
                self.lifelines.told(self.processes.born(fact))
            case ProcessExited():
                self._reach(fact.at)
                self._exited(fact)
            case ProcessSample():
                self._reach(fact.at)
                self._sampled(fact)
            case ProcessSeen():
                self.lifelines.told(self.processes.seen(fact))
            case Tick():
                self._ticked(fact)
            case Note():
                self._reach(fact.at)
                self.notes.add(fact)
                self.errors.add_note(fact)
            case Hello():
                self._began(fact)
            case Summary():
                self._finished(fact)
            case Connection():
                self._reach(fact.closed_at)
                self.connections.closed(fact)
            case ProcessDetail():
                self._reach(fact.at)
                self.anatomies.told(fact, self.processes.of(fact.pid))
            case Detail():
                self.details.told(fact)

    def _scoped(self, fact: Request) -> Request:
        scoped = self.hosts.scoped(fact)
        assert isinstance(scoped, Request)
        return scoped

    def snapshot(
        self,
        routes: bool = True,
        errors: bool = True,
        connections: bool = True,
        plots: bool = True,
    ) -> Snapshot:
        latest = self._latest
        return Snapshot(
            version=self.version,
            now_at=self._now_at,
            hello=self.hello,
            watch=latest.watch,
            model=latest.model,
            model_evidence=latest.model_evidence,
            n_requests=self.requests.n_told,
            n_counted=latest.n_counted,
            window=self.rates.window(),
            n_born=self.processes.n_born,
            n_exited=self.processes.n_exited,
            busy=latest.busy,
            idle=latest.idle,
            queues=latest.queues,
            missed=latest.missed,
            calls=latest.calls,
            n_unread=self.n_unread,
            in_flight=tuple(self._in_flight.values()),
            requests=self.requests.view(),
            processes=self.processes.rows(),
            notes=self.notes.rows(),
            newest_note=self.notes.newest,
            routes=self.routes.rows(self._now_at or 0) if routes else (),
            errors=self.errors.rows() if errors else (),
            n_errors=self.errors.n_told,
            connections=self.connections.rows() if connections else (),
            n_connections=self.connections.n_seen,
            n_reused=self.connections.n_reused,
            closes_told_from=self.connections.told_from,
            hops=self.requests.hops,
            looked=self.anatomies.looks(),
            lifelines=self.lifelines,
            seconds=self.rates.series(KEPT_SECONDS) if plots else (),
            summary=self.summary,
            hosts=self.hosts.names,
        )

    @property
    def now_at(self) -> Nanos | None:
        """The newest instant told."""
        return self._now_at

    def _reach(self, at: Instant) -> Nanos:
        value = nanos(at)
        if self._now_at is None or value > self._now_at:
            self._now_at = value
        return value

    def _began(self, fact: Hello) -> None:
        self.hello = fact
        self._latest = replace(self._latest, watch=tuple(fact.watch))
        if fact.source == "live":  # a file's requests ended long before its hello was written
            self.rates.reach(self._reach(fact.at))

    def _ended(self, fact: Request) -> None:
        self._reach(fact.at)
        row = self.requests.add(fact)
        self.rates.count(row.at, fact.status, fact.duration_ns, fact.sequence)
        self.routes.add(fact, row.at)
        self.processes.answered(fact, row)
        self.lifelines.answered(None if fact.pid is None else self.processes.of(fact.pid), row)
        self._in_flight.pop(fact.id, None)
        if fact.notes:
            self.notes.add_of(fact, row)
        self.errors.add_of(fact, row)
        self.connections.answered(fact, row)

    def _exited(self, fact: ProcessExited) -> None:
        process = self.processes.exited(fact)
        if process is not None:
            self.lifelines.told(process)
            self.lifelines.died(process)
            self.errors.add_exit(process)

    def _sampled(self, fact: ProcessSample) -> None:
        process = self.processes.sampled(fact)
        if process is not None:
            self.lifelines.told(process)

    def _ticked(self, fact: Tick) -> None:
        self._gauge(self._reach(fact.at), fact)
        self._latest, in_flight = self.hosts.ticked(fact)
        self._in_flight = {request.id: request for request in in_flight}
        if self.history.is_due(self._now_at or 0):
            self.history.keep(self.snapshot(False, False, False, False))

    def _gauge(self, at: Nanos, fact: Tick) -> None:
        self.rates.reach(at)
        pending = [queue.pending for queue in fact.queues if queue.pending is not None]
        self.rates.gauge(
            at, fact.busy, sum(pending) if pending else None, self.processes.rss_bytes()
        )

    def _finished(self, fact: Summary) -> None:
        self._latest, in_flight, self.summary = self.hosts.finished(fact)
        self._in_flight = {request.id: request for request in in_flight}
