"""Of a pid: where its tree listens, when nobody said what to watch but the process.

In: the plan. Out: the plan with the TCP ports and the unix socket that the tree listens on, and
words for the user on what was found, and on what the tree listens on later: the taps that would
watch it were not opened, so who wants it watched has to attach to it.

The tables of sockets are those of the process's own network namespace, which /proc/PID/net shows
without going there.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed
from gwtop.nouns.times import Nanos
from gwtop.taps import kinship, listeners, proc
from gwtop.taps.listeners import Listener
from gwtop.taps.privilege import needed

MAX_LATER = 16
"""Words of one run: some programs listen anew for each of their clients."""


class Found(NamedTuple):
    listening: tuple[Listener, ...]
    """What the tree listens on, TCP first."""
    n_hidden: int
    """Its processes whose descriptors we may not read."""

    @property
    def ports(self) -> tuple[int, ...]:
        return tuple(sorted({one.port for one in self.listening if one.port}))

    @property
    def sockets(self) -> tuple[str, ...]:
        return tuple(sorted({one.address for one in self.listening if not one.port}))


def found(pid: int) -> Found:
    there = {one.link: one for one in listeners.seen_by(pid)}
    held: set[str] = set()
    n_hidden = 0
    for member in kinship.descendants({pid}):
        links = proc.held(member, there)
        if links is None:
            n_hidden += 1
        else:
            held |= links
    mine = sorted((there[link] for link in held), key=lambda one: (not one.port, one.listen))
    return Found(tuple(mine), n_hidden)


def told_by(plan: Plan) -> Plan:
    """The plan, with what its process listens on where nothing else was named. Raises GwtopError
    where there is no such process."""
    if plan.pid is None or plan.ports or plan.socket is not None or plan.file is not None:
        return plan
    if proc.stat(plan.pid) is None:
        raise GwtopError(f"there is no process {plan.pid}", "give the pid of a running process")
    seen = found(plan.pid)
    socket = seen.sockets[0] if seen.sockets else None
    return replace(plan, ports=seen.ports, socket=socket, by_pid=True)


def words(plan: Plan, now: Nanos) -> list[Observed]:
    """What there is to say about what was found; nothing where the user named it."""
    if not plan.by_pid or plan.pid is None:
        return []
    seen = found(plan.pid)
    told = [_listens(plan.pid, seen.listening, now)] if seen.listening else []
    told += [_not_watched(path, plan.pid, now) for path in seen.sockets if path != plan.socket]
    if not seen.listening and not seen.n_hidden:
        text = f"nothing listens in the tree of process {plan.pid}: only lives are told"
        told.append(Observed(now, "tree-silent", "info", text, plan.pid))
    if seen.n_hidden:
        text = f"what {_processes(seen.n_hidden)} of the tree of {plan.pid} listen on is hidden"
        text = f"{text} from us; {needed('census', plan)}"
        told.append(Observed(now, "tree-hidden", "warn", text, plan.pid))
    return told


class Later:
    """What a tree begins to listen on while we watch. Looks as often as it is asked."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._links: frozenset[str] | None = None
        self._told: set[str] = set()

    def words(self, now: Nanos) -> list[Observed]:
        """About listeners that were not there the last time; a name is told once."""
        plan = self._plan
        if not plan.by_pid or plan.pid is None or len(self._told) >= MAX_LATER:
            return []
        links = frozenset(one.link for one in listeners.seen_by(plan.pid))
        before, self._links = self._links, links
        if before is None or links <= before:
            return []
        fresh = [one for one in found(plan.pid).listening if one.link not in before]
        names = {one.listen: one for one in fresh if not _is_watched(one, plan)}
        news = {name: one for name, one in names.items() if name not in self._told}
        self._told |= news.keys()
        return [_later(one, plan.pid, now) for one in news.values()]


def _is_watched(one: Listener, plan: Plan) -> bool:
    return one.port in plan.ports if one.port else one.address == plan.socket


def _later(one: Listener, pid: int, now: Nanos) -> Observed:
    way = f"--port {one.port}" if one.port else f"--socket {one.address}"
    text = f"the tree of process {pid} listens on {one.listen} now; for this: gwtop attach {way}"
    return Observed(now, "tree-listens", "info", text, pid, one.listen)


def _listens(pid: int, listening: Iterable[Listener], now: Nanos) -> Observed:
    where = ", ".join(_once([one.listen for one in listening]))
    text = f"the tree of process {pid} listens on {where}"
    return Observed(now, "tree-listens", "info", text, pid)


def _not_watched(path: str, pid: int, now: Nanos) -> Observed:
    text = f"of several unix sockets one is watched; for this one: gwtop attach --socket {path}"
    return Observed(now, "tree-listens", "info", text, pid, f"unix:{path}")


def _once(names: Collection[str]) -> list[str]:
    """SO_REUSEPORT: several sockets at one address."""
    return list(dict.fromkeys(names))


def _processes(n: int) -> str:
    return "1 process" if n == 1 else f"{n} processes"
