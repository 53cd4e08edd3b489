"""The tracker: records in, facts out. The pure heart: no clock, no socket, no thread.

`Tracker.ingest(record)` is one `match`; what a record means is in the files beside this one:
`connections` (whose bytes), `exchanges` (requests), `pairing` (of two hops), `lineage` (processes),
`attribution` (who answered), `scripts` (what could not be run), `verdict` (which model), `telling`
(the fact), `totals` and `sums` (what ticks and the summary count).

An exchange that is over becomes a fact `SETTLE_NS` later, in order of its end: evidence of other
taps comes with other delays, a request's unread body may still arrive, and so may the reset that
says nobody read the answer. Live that is time on the clock, in a file it is trace time, and the
facts are the same ones.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import assert_never

from gwtop.nouns.anatomy import Anatomy
from gwtop.nouns.facts import Detail, Fact, Note, ProcessDetail, Summary, Watched
from gwtop.nouns.facts import Tick as TickFact
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import (
    Execed,
    ExecRefused,
    Exited,
    Forked,
    Frames,
    Hidden,
    Metered,
    Missed,
    Named,
    Observed,
    Passed,
    Present,
    Queue,
    Record,
    Sampled,
    Spent,
    TapState,
    Tick,
    Touched,
    Worked,
    Wrote,
)
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos, instant
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened
from gwtop.protocols import discover
from gwtop.tracker import anatomy, metavariables, scripts, telling
from gwtop.tracker.attribution import Attribution
from gwtop.tracker.connections import Connection, Connections, is_wanted, watched
from gwtop.tracker.details import detail_fact, not_kept
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.kept import Kept
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.pairing import Pairing
from gwtop.tracker.process import Process
from gwtop.tracker.sums import Sums
from gwtop.tracker.totals import Totals
from gwtop.tracker.verdict import Verdict
from gwtop.tracker.workload import Workload
from gwtop.wire.link import UnknownLink, unpack
from gwtop.wire.tcp import Reassembler

SETTLE_NS = 80 * MILLISECOND_NS  # INTERFACE.md allows 100 ms; the slowest tap is 20 ms late
TICK_NS = SECOND_NS
MAX_UNCLAIMED = 1024  # listeners of which it is said that nothing known is spoken there


class Tracker:
    """Everything known about one watch."""

    def __init__(self, plan: Plan, live: bool, kept: Kept | None = None) -> None:
        modules = discover()
        # The command line has checked the name; a wrong one here is our own mistake.
        forced = None if plan.protocol is None else modules[plan.protocol]
        self._plan = plan
        self._live = live
        self._tcp = Reassembler(ports=plan.ports, host=plan.host)
        self._lineage = Lineage(plan.details, plan.show_secrets, plan.front)
        self._attribution = Attribution(self._lineage)
        self._pairing = Pairing()
        self._lineage.passing = self._pairing.outer
        self._workload = Workload(
            self._lineage, self._attribution, lambda: self._connections.take_exchange_id()
        )
        self._verdict = Verdict()
        self._lineage.lived = self._verdict.lived
        self._totals = Totals()
        self._sums = Sums(live, self._lineage, self._workload, self._verdict, self._totals)
        self._over: deque[Exchange] = deque()
        self._kept = kept or Kept(on=plan.keeps)
        self._connections = Connections(
            modules.values(),
            forced,
            plan.bodies_bytes,
            self._began,
            self._ended,
            self._gone,
            self._note,
            self._kept,
        )
        self._leaving: deque[tuple[Nanos, int]] = deque()
        """Connections closed from both sides, and when a late reset is no longer awaited."""
        self._facts: list[Fact] = []
        self._next_tick: Nanos = 0
        self._trace_at: Nanos = 0
        self._wake_at: Nanos = 0
        """In a file: before this instant of the trace nothing settles and nothing ticks."""
        self._n_dropped = 0
        self._n_whole = 0
        self._unclaimed: set[str | None] = set()
        self._unknown_links: set[int] = set()
        self.tell_connections = False
        """A `connection` fact at each close (a wish)."""

    # -- records ------------------------------------------------------------------------------

    def begin(self, at: Nanos) -> None:
        """The instant of `hello`: births and exits before it are not counted."""
        self._lineage.n_born = self._lineage.n_exited = 0

    def ingest(self, record: Record) -> list[Fact]:
        """What this record lets us say now; most of what it means is said when it settles."""
        match record:
            case Frames():
                self._frames(record)
            case Opened() | Chunk() | Lost() | Closed():
                self._wire(record)
            case Forked():
                self._forked(record)
            case Execed():
                process = self._lineage.execed(record)
                if process is not None:
                    self._attribution.execed(process, self._pairing.innermost(self._unsettled()))
            case Exited():
                self._exited(self._lineage.exited(record))
            case Present():
                self._facts += self._lineage.present(record)
            case Sampled():
                busy_with = self._workload.at_work(self._open()).get(record.pid, [])
                done = self._workload.unseen.sum_of(record.pid)
                self._facts += self._lineage.sampled(record, busy_with, done)
            case Spent():
                self._lineage.spent(record)
            case Touched():
                self._attribution.readers.touched(record)
            case Passed():
                self._attribution.handovers.passed(record)
            case Wrote():
                self._attribution.writers.wrote(record)
            case Worked():
                self._workload.unseen.worked(record)
            case Hidden():
                self._attribution.handovers.hidden.add(record.pid)
            case Named():
                self._lineage.named(record)
            case ExecRefused():
                self._lineage.refused(record)
            case Queue():
                self._workload.queued(record)
            case Missed():
                self._sums.missed(record)
                if record.what == "frames":
                    self._pairing.missed(record.at)
                elif record.tap == "handovers":
                    self._attribution.handovers.missed(record.at)
            case Metered():
                self._sums.metered = record
                self._workload.unseen.silent &= record.copy_bytes > 0
            case TapState():
                self._sums.opened(record)
                if record.state == "open" and record.tells_spent:
                    self._lineage.awaits_accounts = True
            case Observed():
                self._note(record)
            case Tick():
                self._facts.append(self._tick(record.at))
            case _:
                assert_never(record)
        facts, self._facts = self._facts, []
        return facts

    def settle(self, at: Nanos) -> list[Fact]:
        """Facts whose evidence has settled by now. For live watches; a file has its own time."""
        self._settle(at)
        facts, self._facts = self._facts, []
        return facts

    def due_at(self) -> Nanos | None:
        """When `settle` has something to say at the latest. None: nothing waits."""
        times = [t for t in (self._lineage.due_at(),) if t is not None]
        if self._over:
            times.append((self._over[0].over_at or 0) + SETTLE_NS)
        return min(times) if times else None

    def finish(self, at: Nanos) -> list[Fact]:
        """The end. In a file what is open is told as partial; live it is only counted."""
        if not self._live:
            at = self._trace_at or at
            for event in self._tcp.finish(at):
                self._wire(event)
        forever = at + 3600 * SECOND_NS
        self._settle(forever)
        self._facts.append(self._summary(at))
        facts, self._facts = self._facts, []
        return facts

    # -- questions ----------------------------------------------------------------------------

    @property
    def satisfied(self) -> bool:
        """As many whole requests as the plan asked for have been told."""
        wanted = self._plan.n_requests
        return wanted is not None and self._n_whole >= wanted

    def watched_pids(self) -> frozenset[int]:
        return self._lineage.live_pids()

    @property
    def tree_version(self) -> int:
        """Another number whenever `watched_pids` has changed."""
        return self._lineage.changed

    def set_ports(self, ports: Sequence[int]) -> None:
        """Watch these listener ports from now on (a wish)."""
        self._plan = replace(self._plan, ports=tuple(ports))
        self._tcp.set_ports(ports)

    def watch(self) -> list[Watched]:
        """The watched listeners, with the protocol seen on each so far."""
        return watched(self._plan, self._connections.by_server)

    def detail(self, id: int) -> Detail:
        """The bytes of one request and what they say. Who asks in vain may ask again: from the
        first wish on they are kept."""
        reel = self._kept.reel(id)
        if reel is None:
            self._connections.keep()
            return not_kept(id)
        return detail_fact(reel, self._plan.show_secrets)

    def anatomy(self, seen: Anatomy) -> ProcessDetail:
        """A process that was looked at closely (a wish)."""
        process = self._lineage.find(seen.pid)
        return anatomy.told(seen, process, self._connections.live(), self._plan.show_secrets)

    # -- the wire -----------------------------------------------------------------------------

    def _frames(self, record: Frames) -> None:
        unpacked = unpack(record)
        self._totals.n_frames += len(record.spans)
        if isinstance(unpacked, UnknownLink):
            self._unknown_link(record, unpacked.link)
            return
        take_chunk, live = self._connections.chunk, self._live
        for event in self._tcp.feed_all(unpacked.segments):
            if not live:
                at = event[0]
                if at > self._trace_at:
                    self._trace_at = at
                if at >= self._wake_at:
                    self._trace_time(at)
            if isinstance(event, Chunk):
                take_chunk(event)
            else:
                self._wire(event)

    def _unknown_link(self, record: Frames, link: int) -> None:
        if link not in self._unknown_links and record.spans:
            self._unknown_links.add(link)
            self._note(telling.unknown_link(record.spans[0][0], link))

    def _wire(self, event: Opened | Chunk | Lost | Closed) -> None:
        if isinstance(event, Chunk):
            self._connections.chunk(event)
        elif isinstance(event, Lost):
            self._connections.lost(event)
        elif isinstance(event, Opened):
            if is_wanted(event, self._plan):
                self._connections.open(event)
                in_calls = self._plan.capture == "calls" or event.server.startswith("unix:")
                self._workload.unseen.silent |= in_calls
        else:
            self._connections.close(event)

    def _trace_time(self, at: Nanos) -> None:
        """From `_wake_at` on. In a file time is what the frames say; idle seconds get no tick."""
        if self._over and (self._over[0].over_at or 0) + SETTLE_NS <= at:
            self._settle(at)
        if not self._next_tick:
            self._next_tick = at + TICK_NS
        elif at >= self._next_tick:
            self._settle(self._next_tick)
            self._facts.append(self._tick(self._next_tick))
            self._next_tick += (at - self._next_tick) // TICK_NS * TICK_NS + TICK_NS
        self._wake_at = self._next_tick
        if self._over:
            self._wake_at = min(self._wake_at, (self._over[0].over_at or 0) + SETTLE_NS)

    def _ended(self, exchange: Exchange) -> None:
        """An exchange is over, and will be told when it has settled."""
        self._over.append(exchange)
        if len(self._over) == 1:
            self._wake_at = min(self._wake_at, (exchange.over_at or 0) + SETTLE_NS)

    def _gone(self, connection: Connection, closed: Closed) -> None:
        self._leaving.append((closed.at + SETTLE_NS, connection.id))
        if self.tell_connections:
            self._facts.append(telling.connection_fact(connection, closed))
        said = telling.nothing_read(connection, self._plan, closed.at)
        if said and said.listen not in self._unclaimed and len(self._unclaimed) < MAX_UNCLAIMED:
            self._unclaimed.add(said.listen)
            self._note(said)

    # -- settling -----------------------------------------------------------------------------

    def _settle(self, at: Nanos) -> None:
        while self._over and (self._over[0].over_at or 0) + SETTLE_NS <= at:
            if self.satisfied:
                break
            self._tell(self._over.popleft())
        while self._leaving and self._leaving[0][0] <= at:
            self._connections.forget(self._leaving.popleft()[1])
        if self._live:
            self._facts += self._lineage.settle(at)

    def _began(self, exchange: Exchange) -> None:
        front = self._pairing.began(exchange)
        if not self._live:
            return  # a file has no processes: what waited for their evidence would wait for ever
        if front is not None:
            self._attribution.handed_on(front, exchange)
        self._attribution.began(exchange, self._pairing.passes_on(exchange))

    def _tell(self, exchange: Exchange) -> None:
        self._pairing.settle(exchange)
        if self._live:
            self._attribution.settle(exchange, self._unsettled)
            death = self._workload.death_in_mid_request(exchange)
            if death is not None:
                self._note(death)
            for said in metavariables.remarks(exchange, self._lineage):
                exchange.remark(said)
            failed = scripts.remark(exchange, self._lineage)
            if failed is not None:
                exchange.remark(failed)
        remark = telling.stderr_remark(exchange)
        if remark is not None:
            exchange.remark(remark)
        fact = telling.request_fact(exchange, self._plan)
        self._facts.append(fact)
        # What a front passes on was answered, and is judged, behind it.
        passed_on = self._pairing.passes_on(exchange)
        self._sums.told(fact, exchange.answered_at is not None and not passed_on)
        if fact.outcome != "partial":
            self._n_whole += 1

    def _unsettled(self) -> list[Exchange]:
        """Those that a process may have been born for."""
        return self._pairing.innermost([*self._connections.open_exchanges(), *self._over])

    def _forked(self, record: Forked) -> None:
        self._attribution.handovers.hidden.discard(record.pid)  # that was another process
        self._lineage.forked(record)

    def _exited(self, process: Process | None) -> None:
        if process is not None:
            self._workload.unseen.gone(process.pid)

    # -- sums ---------------------------------------------------------------------------------

    def _open(self) -> list[Exchange]:
        return self._connections.open_exchanges()

    def _tick(self, at: Nanos) -> TickFact:
        self._count_lost(at)
        flying = sorted(self._open(), key=lambda e: e.id)
        told, words = self._sums.tick(at, flying, self.watch())
        for word in words:
            self._note(word)
        return told

    def _summary(self, at: Nanos) -> Summary:
        self._count_lost(at)
        return self._sums.summary(at, self._connections, len(self._over))

    def _count_lost(self, at: Nanos) -> None:
        lost, self._connections.lost_bytes = self._connections.lost_bytes, 0
        self._totals.missed("bytes", lost)
        dropped = self._tcp.n_dropped - self._n_dropped
        if dropped:
            self._n_dropped += dropped
            self._note(telling.connections_dropped(at, dropped))

    def _note(self, seen: Observed) -> None:
        self._totals.notes[seen.code] += 1
        self._facts.append(
            Note(instant(seen.at), seen.code, seen.severity, seen.text, seen.pid, seen.listen)
        )
