"""Attribution: which process ran the application for a request, and how we know.

In: exchanges as they begin and settle, processes as they are born and exec. Out: `pid`, `births`
and `evidence` written on the exchange, the request's id written on the process. It refuses to
guess: what no rule below proves stays None. What an answer says of itself (X-Worker-Pid) is never
read here.

Three degrees live here, best first:

"environ"  The process's CGI variables, read at its exec, name this request: its client's port
           (REMOTE_PORT, RFC 3875's customary extension) and, where given, the same REQUEST_URI.
           Without a port, the URI alone if only one request in flight has it.
"spawn"    Exactly one process was born in the request's window, in nobody else's window, and it
           was made for a purpose: it exec'ed another program or was gone when the request settled.
           (A pool that grows or respawns in that window forks a worker that stays: no evidence.)
"sole"     One process of the tree can accept from the listener, and all descriptors could be read.

"kernel" and "socket" (who really read the connection) are better than the last two and come from
records of other taps.

Process events and frames arrive with different delays, so a process may exec before its request
is known. Processes with CGI variables wait in a short list for it.
"""

from collections.abc import Callable, Iterable

from gwtop.nouns.times import MILLISECOND_NS
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.lineage import CGI_MARK, Lineage
from gwtop.tracker.process import Process

STAMPS_SLACK_NS = MILLISECOND_NS  # two kernel clocks and our measure of their offset
MAX_WAITING = 1024  # processes with CGI variables whose request was not seen yet


class Attribution:
    """Joins exchanges and processes."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._waiting: list[Process] = []

    # -- as things begin ----------------------------------------------------------------------

    def began(self, exchange: Exchange) -> None:
        """A request is known now; a process may be waiting for it."""
        for process in self._waiting:
            if _environ_names(process, exchange):
                self._assign(exchange, process)
                self._waiting.remove(process)
                return

    def execed(self, process: Process, candidates: Iterable[Exchange]) -> None:
        """A process has become a program; `candidates` are open or not settled yet."""
        environ = process.environ
        if environ is None or CGI_MARK not in environ or process.request is not None:
            return
        if self._belongs_to_ancestor(process):
            return
        named = [e for e in candidates if e.pid is None and _environ_names(process, e)]
        if len(named) == 1 or (named and b"REMOTE_PORT" in environ):
            self._assign(named[0], process)
        elif len(self._waiting) < MAX_WAITING:
            self._waiting.append(process)

    def _belongs_to_ancestor(self, process: Process) -> bool:
        """A CGI script's own children inherit its variables and are births of its request."""
        node = process.parent
        while node is not None:
            if node.request is not None:
                process.request = node.request
                return True
            node = node.parent
        return False

    def _assign(self, exchange: Exchange, process: Process) -> None:
        exchange.pid = process.pid
        exchange.evidence = "environ"
        process.request = exchange.id
        process.n_requests += 1

    # -- as they settle -----------------------------------------------------------------------

    def settle(self, exchange: Exchange, others: Callable[[], Iterable[Exchange]]) -> None:
        """The last word on one exchange; `others()` are open or settle later."""
        if exchange.over_at is None:
            return
        since = exchange.began_at - STAMPS_SLACK_NS
        born = [p for p in self._lineage.born_since(since) if _in_window(p, exchange)]
        if exchange.pid is None and born:
            self._spawned(exchange, born, others())
        if exchange.pid is None and not born:
            sole = self._lineage.only_answerer()
            if sole is not None and _alive_through(sole, exchange):
                exchange.pid = sole.pid
                exchange.evidence = "sole"
                sole.n_requests += 1
        self._collect_births(exchange, born)
        if self._waiting:
            horizon = exchange.began_at - 1000 * MILLISECOND_NS
            self._waiting = [p for p in self._waiting if (p.born_at or 0) > horizon]

    def _spawned(self, exchange: Exchange, born: list[Process], others: Iterable[Exchange]) -> None:
        tops = [p for p in born if p.request is None and p.parent not in born]
        if len(tops) != 1:
            return
        top = tops[0]
        if not (top.execed or not top.alive) or (top.holds_listener and top.alive):
            return
        if top.environ is not None and CGI_MARK in top.environ:
            return  # its variables name a request, and not this one
        if any(_in_window(top, other) for other in others if other is not exchange):
            return
        exchange.pid = top.pid
        exchange.evidence = "spawn"
        top.request = exchange.id
        top.n_requests += 1

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


def _in_window(process: Process, exchange: Exchange) -> bool:
    born_at = process.born_at
    if born_at is None or born_at < exchange.began_at - STAMPS_SLACK_NS:
        return False
    return exchange.over_at is None or born_at <= exchange.over_at + STAMPS_SLACK_NS


def _alive_through(process: Process, exchange: Exchange) -> bool:
    return process.alive and (process.born_at is None or process.born_at <= exchange.began_at)


def _environ_names(process: Process, exchange: Exchange) -> bool:
    """Do this process's CGI variables name this request?"""
    environ = process.environ
    if environ is None or not _in_window(process, exchange):
        return False
    uri, port = environ.get(b"REQUEST_URI"), environ.get(b"REMOTE_PORT")
    if uri is not None and exchange.target is not None and uri != _origin_form(exchange.target):
        return False
    if port is not None:
        return port == _client_port(exchange)
    return uri is not None and exchange.target is not None


def _origin_form(target: bytes) -> bytes:
    """The path and query of an absolute-form target (RFC 9112 3.2.2), which CGI is given."""
    if target.startswith(b"/") or b"://" not in target:
        return target
    return b"/" + target.split(b"://", 1)[1].partition(b"/")[2]


def _client_port(exchange: Exchange) -> bytes | None:
    """The port the browser connected from: what the front told, else this connection's own."""
    if exchange.block is not None:
        fields = exchange.hop.protocol.request_fields(exchange.block)
        for name, value in fields:
            if name == b"REMOTE_PORT":
                return value
    return exchange.hop.client.rpartition(":")[2].encode("latin-1")
