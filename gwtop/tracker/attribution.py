"""Attribution: which process ran the application for a request, and how we know.

In: exchanges as they begin and settle, processes as they are born and exec, and who read which
connection. Out: `pid`, `thread`, `reader`, `queue_ns`, `births` and `evidence` written on the
exchange, the request's id written on the process. It refuses to guess: what no rule below proves
stays None. What an answer says of itself (X-Worker-Pid) is never read here.

A process born for the request ran the application, else whoever read the connection did:

"environ"  The process's CGI variables, read at its exec, name this request (`variables`).
"spawn"    Exactly one process was born in the request's window, in nobody else's window, and it
           was made for a purpose: it exec'ed another program or was gone when the request settled.
           (A pool that grows or respawns in that window forks a worker that stays: no evidence.)
           Where the reader is known, only its own descendants count, and only what it read before
           the birth; a program whose variables are known and are no CGI is a helper of the reader.
"kernel"   The kernel saw it read this connection, from the request's first byte on (`readers`),
           or saw it take over from the reader (`handovers`), or it was made by one that had.
"socket"   It was seen to hold the connection while the request was open, and nobody else was.
"relay"    It alone wrote the answer's bytes into a relay that stands in the path (`writers`).
"sole"     One process of the tree can accept from the listener, and all descriptors could be read.

A reader that so far only passed requests on is not taken for the one that answered while somebody
was born in the window whose purpose nobody knows: that request stays without a pid.

Process events and frames arrive with different delays, so a process may exec before its request
is known. Processes with CGI variables wait in a short list for it.
"""

from collections import deque
from collections.abc import Callable, Iterable

from gwtop.nouns.facts import Evidence
from gwtop.nouns.records import Touched
from gwtop.nouns.times import MILLISECOND_NS
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.handovers import Handovers, Maker
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.lives import CGI_MARK
from gwtop.tracker.process import Process
from gwtop.tracker.readers import CLOCKS_SLACK_NS, Readers
from gwtop.tracker.variables import name_request
from gwtop.tracker.writers import Writers

STAMPS_SLACK_NS = MILLISECOND_NS  # two kernel clocks and our measure of their offset
FORK_AHEAD_NS = 5 * MILLISECOND_NS  # accept, then fork, then the first byte: 1 ms on a busy machine
MAX_SETTLED = 1024  # told already, but open while another was: 1 s of CGI at full speed
MAX_WAITING = 1024  # processes with CGI variables whose request was not seen yet


class Attribution:
    """Joins exchanges and processes."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self.readers = Readers()
        self.handovers = Handovers()
        self.writers = Writers()
        self._waiting: list[Process] = []
        self._settled: deque[Exchange] = deque()

    # -- as things begin ----------------------------------------------------------------------

    def began(self, exchange: Exchange, passed_on: bool = False) -> None:
        """A request is known now; a process may be waiting for it, if it is answered there."""
        self.readers.began(exchange)
        for process in () if passed_on else self._waiting:
            if _named(process, exchange):
                self._name(exchange, process)
                self._waiting.remove(process)
                return

    def execed(self, process: Process, candidates: Iterable[Exchange]) -> None:
        """A process has become a program; `candidates` are open or not settled yet."""
        environ = process.environ
        if environ is None or CGI_MARK not in environ or process.request is not None:
            return
        if self._belongs_to_ancestor(process):
            return
        named = [e for e in candidates if e.pid is None and _named(process, e)]
        if len(named) == 1 or (named and b"REMOTE_PORT" in environ):
            self._name(named[0], process)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append(process)

    def handed_on(self, front: Exchange, back: Exchange) -> None:
        """The back hop's request was made for the front's: so was the process that both name."""
        if front.evidence != "environ":
            return
        for process in self._lineage.born_since(front.began_at - STAMPS_SLACK_NS):
            if process.request == front.id:
                process.request = back.id
        back.pid, back.evidence = front.pid, front.evidence
        front.pid = front.evidence = None

    def _belongs_to_ancestor(self, process: Process) -> bool:
        """A CGI script's own children inherit its variables and are births of its request."""
        node = process.parent
        while node is not None:
            if node.request is not None:
                process.request = node.request
                return True
            node = node.parent
        return False

    def _name(self, exchange: Exchange, process: Process) -> None:
        self._assign(exchange, process.pid, "environ", process)
        process.request = exchange.id

    # -- as they settle -----------------------------------------------------------------------

    def settle(self, exchange: Exchange, others: Callable[[], Iterable[Exchange]]) -> None:
        """The last word on one exchange; `others()` are open or settle later."""
        if exchange.over_at is None:
            return
        since = exchange.began_at - STAMPS_SLACK_NS
        newest = self._lineage.born_since(since)
        born = [p for p in newest if _in_window(p, exchange)]
        self._take_back(exchange, newest, others)
        rivals = self._rivals_of(exchange, others()) if born else []
        reader = self._read_by(exchange)
        if exchange.pid is None and born:
            self._spawned(exchange, reader, born, rivals)
        if exchange.pid is None:
            self._answered_itself(exchange, reader, born, rivals)
        if reader is not None and exchange.pid not in (None, reader.pid):
            reader.n_passed += 1
        self._collect_births(exchange, born)
        self._bury(exchange)
        if self._waiting:
            horizon = exchange.began_at - 1000 * MILLISECOND_NS
            self._waiting = [p for p in self._waiting if (p.born_at or 0) > horizon]

    def _take_back(
        self,
        exchange: Exchange,
        newest: list[Process],
        others: Callable[[], Iterable[Exchange]],
    ) -> None:
        """Frames come late: a process was named for it that was born after its end."""
        if exchange.evidence != "environ":
            return
        for process in newest:
            if process.request == exchange.id and not _in_window(process, exchange):
                if process.pid == exchange.pid:
                    exchange.pid = exchange.evidence = None
                    process.n_requests -= 1
                process.request = None
                self.execed(process, [e for e in others() if e is not exchange])

    def _rivals_of(self, exchange: Exchange, others: Iterable[Exchange]) -> list[Exchange]:
        """Everybody else who was open meanwhile; those that settled before included."""
        rivals = [e for e in others if e is not exchange]
        for settled in reversed(self._settled):
            if (settled.over_at or 0) < exchange.began_at - STAMPS_SLACK_NS:
                break
            rivals.append(settled)
        return rivals

    def _bury(self, exchange: Exchange) -> None:
        self.readers.settled(exchange)
        if len(self._settled) >= MAX_SETTLED:
            self.readers.forget(self._settled.popleft())
        self._settled.append(exchange)

    def reader_now(self, exchange: Exchange) -> int | None:
        """Who is at work on an open exchange, as far as anybody saw it begin."""
        read = self.readers.first(exchange)
        if read is not None:
            return read.pid
        holders = self.readers.holders(exchange)
        return holders.pop() if len(holders) == 1 else None

    def _read_by(self, exchange: Exchange) -> Process | None:
        """Writes down who read it; the process, if it is one of the watched tree."""
        read = self.readers.first(exchange)
        if read is None:
            return None
        if (
            read.conn is None or read.sees_arrivals
        ):  # else all that is known of its first byte is that it was read
            exchange.queue_ns = max(read.at - exchange.began_at, 0)
        # A thread whose process nobody knew in time may itself be a process of the tree.
        pid = read.thread if read.pid is None else read.pid
        process = self._lineage.find_then(pid, read.at)
        exchange.reader = process.pid if process is not None else read.pid
        return process

    def _answered_itself(
        self,
        exchange: Exchange,
        reader: Process | None,
        born: list[Process],
        rivals: list[Exchange],
    ) -> None:
        read = self.readers.first(exchange)
        holders = self.readers.holders(exchange) if read is None else set()
        if read is not None:
            if reader is None or self.is_hidden(reader) or self._handed_over(exchange, read, born):
                return  # a stranger's children are strangers too: it may have passed it on
            if not self._may_have_passed_it_on(reader, born):
                self._assign(exchange, reader.pid, "kernel", reader)
                exchange.thread = read.thread
                self._claim_births(exchange, reader, born, rivals)
        elif len(holders) == 1:
            (pid,) = holders
            holder = self._lineage.find_then(pid, exchange.began_at)
            if not (self.is_hidden(holder) or self._may_have_passed_it_on(holder, born)):
                self._assign(exchange, pid, "socket", holder)
        elif not holders and (wrote := self.writers.of(exchange)) is not None:
            writer = self._lineage.find_then(wrote, exchange.began_at)
            if not self._may_have_passed_it_on(writer, born):
                self._assign(exchange, wrote, "relay", writer)
        elif not born and not holders:
            sole = self._lineage.only_answerer(exchange.hop.server)
            if sole is not None and _alive_through(sole, exchange) and not self.is_hidden(sole):
                self._assign(exchange, sole.pid, "sole", sole)

    def is_hidden(self, reader: Process | None) -> bool:
        """Whether it may pass on what it reads, and nobody would see it."""
        node = reader if self.handovers.hidden else None
        while node is not None:
            if node.pid in self.handovers.hidden:
                return True
            node = node.parent
        return False

    def _handed_over(self, exchange: Exchange, read: Touched, born: list[Process]) -> bool:
        """Whether the reader passed it to another process; names that one if it is certain."""
        assert exchange.over_at is not None
        until = exchange.over_at + CLOCKS_SLACK_NS
        if self._was_made_for(exchange, self.handovers.makers(read, until), born):
            return True
        passed, pid, thread = self.handovers.behind(read, until)
        if pid is not None:
            taker = self._lineage.find_then(pid, read.at)
            if taker is not None and taker.n_passed > taker.n_requests:
                return True  # it makes processes for requests, and which one is not known
            self._assign(exchange, pid, "kernel", taker)
            exchange.thread = thread
        return passed

    def _was_made_for(self, exchange: Exchange, makers: list[Maker], born: list[Process]) -> bool:
        """Names the process that somebody made who had taken the request from its reader."""
        made = [p for maker in makers for p in born if p.request is None and _is_made_by(p, maker)]
        if len(made) != 1 or not (made[0].execed or not made[0].alive):
            return False
        (process,) = made
        self._assign(exchange, process.pid, "kernel", process)
        process.request = exchange.id
        if process.parent is not None:
            process.parent.n_passed += 1
        return True

    def _may_have_passed_it_on(self, reader: Process | None, born: list[Process]) -> bool:
        if reader is not None and reader.n_requests > reader.n_passed:
            return False
        return any(
            p.request is None
            and p is not reader
            and (p.execed or not p.alive)
            and not _is_helper(p)
            and not self.readers.has_read(p.pid, p.born_at or 0)
            for p in born
        )

    def _assign(
        self, exchange: Exchange, pid: int, evidence: Evidence, process: Process | None
    ) -> None:
        exchange.pid = pid
        exchange.evidence = evidence
        if process is not None:
            process.n_requests += 1

    # -- births -------------------------------------------------------------------------------

    def _spawned(
        self,
        exchange: Exchange,
        reader: Process | None,
        born: list[Process],
        rivals: list[Exchange],
    ) -> None:
        tops = _tops(born, reader)
        if reader is not None:  # what another request's reader made is no riddle
            tops = [top for top in tops if self._is_of(top, exchange, rivals)]
        if len(tops) != 1:
            return
        top = tops[0]
        if not (top.execed or not top.alive) or (top.holds_listener and top.alive):
            return
        if top.environ is not None and CGI_MARK in top.environ:
            return  # its variables name a request, and not this one
        if reader is not None and (_is_helper(top) or reader.n_requests > reader.n_passed):
            return
        if self._is_of(top, exchange, rivals):
            self._assign(exchange, top.pid, "spawn", top)
            top.request = exchange.id

    def _is_of(self, born: Process, exchange: Exchange, rivals: list[Exchange]) -> bool:
        """Whether this birth can be no other request's."""
        return not any(
            _in_window(born, rival) and self._rivals(born, exchange, rival) for rival in rivals
        )

    def _rivals(self, born: Process, exchange: Exchange, rival: Exchange) -> bool:
        mine, theirs = self.readers.first(exchange), self.readers.first(rival)
        if mine is None or theirs is None:
            return True
        if mine.pid != theirs.pid:
            return False
        if mine.thread != theirs.thread:
            return True
        # One thread does one thing after the other: the last request it had read made the child.
        born_at = (born.born_at or 0) + CLOCKS_SLACK_NS
        return mine.at > born_at or mine.at < theirs.at <= born_at

    def _claim_births(
        self,
        exchange: Exchange,
        reader: Process | None,
        born: list[Process],
        rivals: list[Exchange],
    ) -> None:
        """Helpers that the worker started for the request, and a reader forked for it."""
        if reader is None:
            return
        for top in _tops(born, reader):
            if (top.execed or not top.alive) and self._is_of(top, exchange, rivals):
                top.request = exchange.id
        # A new worker of a fast pool may have served a hundred and be gone before this settles.
        ended_at = (exchange.over_at or exchange.began_at) + CLOCKS_SLACK_NS
        read_more = self.readers.has_read(reader.pid, ended_at)
        if not read_more and _was_forked_for(reader, exchange):
            reader.request = exchange.id
            if reader not in born:
                born.append(reader)

    def _collect_births(self, exchange: Exchange, born: list[Process]) -> None:
        mine = [p for p in born if p.request == exchange.id]
        if not mine:
            return
        for process in born:
            if process.request is None and any(process.descends_from(p) for p in mine):
                process.request = exchange.id
                mine.append(process)
        mine.sort(key=lambda p: p.born_at or 0)
        exchange.births = [p.pid for p in mine]


def _named(process: Process, exchange: Exchange) -> bool:
    environ = process.environ
    if environ is None or not _in_window(process, exchange):
        return False
    return name_request(environ, exchange)


def _tops(born: list[Process], reader: Process | None) -> list[Process]:
    """The unclaimed ones that no other of them made, below the reader if there is one."""
    tops = [p for p in born if p.request is None and p.parent not in born]
    if reader is None:
        return tops
    return [p for p in tops if p is not reader and p.descends_from(reader)]


def _is_made_by(process: Process, maker: Maker) -> bool:
    born_at = process.born_at or 0
    if process.parent_pid != maker.pid or born_at < maker.since - CLOCKS_SLACK_NS:
        return False
    return born_at <= maker.until + CLOCKS_SLACK_NS


def _is_helper(process: Process) -> bool:
    """A program whose variables are known and do not say that it is CGI."""
    return process.execed and process.environ is not None and CGI_MARK not in process.environ


def _was_forked_for(reader: Process, exchange: Exchange) -> bool:
    """A fork for each connection: born with it, gone with it, and it answered nothing else."""
    if not reader.birth or reader.alive or reader.n_requests != 1 or exchange.sequence != 0:
        return False
    return (reader.born_at or 0) >= exchange.began_at - FORK_AHEAD_NS


def _in_window(process: Process, exchange: Exchange) -> bool:
    born_at = process.born_at
    if born_at is None or born_at < exchange.began_at - STAMPS_SLACK_NS:
        return False
    return exchange.over_at is None or born_at <= exchange.over_at + STAMPS_SLACK_NS


def _alive_through(process: Process, exchange: Exchange) -> bool:
    return process.alive and (process.born_at is None or process.born_at <= exchange.began_at)
