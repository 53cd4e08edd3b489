"""Workload: who is at work on what now, who waits, and when that deserves a word.

In: open exchanges with who reads them, listeners' queues, the tree. Out: `busy`, `idle`, `queues`
and `busy_with` of the facts, and notes. It refuses to know what a request is about.

A worker is busy while a request that it has read is unfinished; that it sits in a system call or
burns a CPU says nothing about it. Where nobody sees reads, only a gateway with one process that
could answer has a count, and any other has none. Where the reader hands its request on, whoever
took it is at work; while nobody has, nobody is.

A state deserves a note when it has lasted: a connection that waits for the 20 us until its worker
wakes up, at the moment of our look, is no finding.
"""

from collections import deque
from collections.abc import Callable, Collection

from gwtop.nouns.facts import UNSET, QueueState, UnsetType
from gwtop.nouns.records import Observed, Queue
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.tracker import answerers
from gwtop.tracker.attribution import Attribution
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.process import Process
from gwtop.tracker.unseen import Unseen

LASTING_NS = SECOND_NS
AGAIN_NS = 10 * SECOND_NS  # a pool at its limit would be told of once a second
DEATH_SLACK_NS = 50 * MILLISECOND_NS  # its sockets are closed before its exit is told
MAX_MOURNED = 256
MAX_ASKED = 64  # requests at a tick of which we look who took them; a look walks what came since
FOREVER: Nanos = 1 << 62


class _Lasting:
    """A condition that is told once it has lasted, and not again for a while."""

    def __init__(self) -> None:
        self._since: Nanos | None = None
        self._told_at: Nanos | None = None

    def is_news(self, holds: bool, at: Nanos) -> bool:
        if not holds:
            self._since = None
            return False
        if self._since is None:
            self._since = at
        if at - self._since < LASTING_NS:
            return False
        if self._told_at is not None and (
            self._told_at >= self._since or at - self._told_at < AGAIN_NS
        ):
            return False
        self._told_at = at
        return True


class Workload:
    def __init__(
        self, lineage: Lineage, attribution: Attribution, take_id: Callable[[], int]
    ) -> None:
        self._lineage = lineage
        self.unseen = Unseen(lineage, take_id)
        self._attribution = attribution
        self._queues: dict[str, Queue] = {}
        self._all_busy = _Lasting()
        self._waits_while_idle = _Lasting()
        self._mourned: deque[Process] = deque(maxlen=MAX_MOURNED)
        self._taken: dict[int, int] = {}
        """By open exchange that its reader handed on: the pid that took it."""
        self._n_looked = 0
        self._knows_all = True
        """No worker is known by its answers alone, so there is none that we do not know."""
        self.sees_reads = False
        """A tap that tells of every read is open."""

    def queued(self, record: Queue) -> None:
        self._queues[record.listener] = record

    def queues(self) -> list[QueueState]:
        return [QueueState(q.listener, q.pending, q.limit) for q in self._queues.values()]

    def worker_of(self, exchange: Exchange) -> int | None:
        """Who answers an open exchange, as far as known; not whoever only passes requests on."""
        if exchange.pid is not None:
            return exchange.pid
        pid = self._attribution.reader_now(exchange)
        if pid is not None:
            process = self._lineage.find(pid)
            if process is not None and self._passes_on(process):
                return self._taken.get(exchange.id)
            return pid
        sole = None if self.sees_reads else self._lineage.only_answerer(exchange.hop.server)
        return None if sole is None or self._passes_on(sole) else sole.pid

    def queued_ns(self, exchange: Exchange) -> int | UnsetType | None:
        """How long an open exchange waited for its reader; None: it still does."""
        if not self.sees_reads or exchange.hop.server in self._lineage.passing:
            return UNSET
        read = self._attribution.readers.first(exchange)
        if read is None:
            return None
        if read.conn is not None and not read.sees_arrivals:
            return UNSET
        return max(read.at - exchange.began_at, 0)

    def _passes_on(self, reader: Process) -> bool:
        if reader.n_passed > reader.n_requests or answerers.passes_on(reader):
            return True
        return self._attribution.is_hidden(reader)

    def _look_who_took(self, flying: Collection[Exchange]) -> None:
        """Of those of which it is not known."""
        self._n_looked = self._attribution.handovers.n_told
        taken, self._taken = self._taken, {}
        n_asked = 0
        for exchange in flying:
            pid = taken.get(exchange.id)
            if pid is None and n_asked < MAX_ASKED:
                read = self._attribution.readers.first(exchange)
                reader = None if read is None or read.pid is None else self._lineage.find(read.pid)
                if read is not None and reader is not None and self._passes_on(reader):
                    n_asked += 1
                    _, pid, _ = self._attribution.handovers.behind(read, FOREVER)
            process = None if pid is None else self._lineage.find(pid)
            if process is not None and answerers.is_behind(process):
                self._taken[exchange.id] = process.pid

    def at_work(self, flying: Collection[Exchange]) -> dict[int, list[int]]:
        """What each process is known to be answering now."""
        if self._n_looked != self._attribution.handovers.n_told:
            self._look_who_took(flying)
        busy = self.unseen.busy()
        for exchange in flying:
            pid = self.worker_of(exchange)
            if pid is not None:
                busy.setdefault(pid, []).append(exchange.id)
        return busy

    def counts(self, flying: Collection[Exchange]) -> tuple[int | None, int | None]:
        """How many workers are busy and how many idle."""
        if not self.sees_reads:
            if self._lineage.only_answerer() is None:
                return None, None
            n_busy = min(len(flying), 1)
            return n_busy, 1 - n_busy
        self._look_who_took(flying)
        workers = self._lineage.answerers()
        self._knows_all = not any(answerers.is_behind(process) for process in workers)
        behind = [e for e in flying if e.hop.server not in self._lineage.passing]
        if self._knows_all:  # who reads is at work, also on what it makes a process for
            busy = {self._attribution.reader_now(exchange) for exchange in behind} - {None}
        else:
            busy = {self.worker_of(exchange) for exchange in behind} - {None}
        busy |= self.unseen.busy().keys()
        able = {process.pid for process in workers}
        return len(busy), len(able - busy)

    # -- what deserves a word -----------------------------------------------------------------

    def remarks(self, n_busy: int | None, n_idle: int | None, at: Nanos) -> list[Observed]:
        """Asked at each tick."""
        if n_busy is None or n_idle is None:
            return []
        words: list[Observed] = []
        queues = [q for q in self._queues.values() if not self._lineage.passes_on(q.listener)]
        n_pending = sum(queue.pending for queue in queues)
        # One process that is at work is no pool at its limit: a front or an event loop takes more.
        some, waits = n_busy > 1 and self._knows_all, n_busy > 0 and n_pending > 0
        at_limit = n_idle == 0 and (some or waits)
        if self._all_busy.is_news(at_limit, at):
            who = "The only worker is" if n_busy == 1 else f"All {n_busy} workers are"
            text = f"{who} busy, and {_connections(n_pending)} waiting to be accepted."
            words.append(Observed(at, "all-workers-busy", "warn", text))
        if self._waits_while_idle.is_news(n_pending > 0 and n_idle > 0, at):
            text = (
                f"Although {n_idle} of {n_busy + n_idle} workers have nothing to do, "
                f"{_connections(n_pending)} waiting to be accepted."
            )
            longest = max(queues, key=lambda queue: queue.pending)
            words.append(Observed(at, "queue-while-idle", "warn", text, None, longest.listener))
        return words

    def death_in_mid_request(self, exchange: Exchange) -> Observed | None:
        """A settled exchange whose worker was killed over it; told once for each process."""
        if exchange.pid is None or exchange.over_at is None or exchange.outcome == "done":
            return None
        process = self._lineage.find_then(exchange.pid, exchange.began_at)
        if process is None or process.signal is None or process.exited_at is None:
            return None
        if process.exited_at > exchange.over_at + DEATH_SLACK_NS or process in self._mourned:
            return None
        self._mourned.append(process)
        what = (exchange.method or b"a").decode("latin-1") + " request"
        text = f"Process {process.pid} was ended by signal {process.signal} over a {what}."
        return Observed(process.exited_at, "worker-killed", "error", text, process.pid)


def _connections(n: int) -> str:
    if n == 0:
        return "no connection is"
    return "1 connection is" if n == 1 else f"{n} connections are"
