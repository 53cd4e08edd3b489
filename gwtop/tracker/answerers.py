"""Answerers: which processes can answer at which listener, and what each one's part is.

In: processes, each with the watched listeners among its descriptors; servers that only pass
requests on. Out: who can answer a request, whether only one can, masters and workers. It refuses
to know requests; a server is the address that one was sent to.

A process can answer where it can accept. A master holds its workers' listener too and is left out
while somebody below it holds it: for each listener by itself, for with two hops in one tree a
process may be the one's master and the other's worker. Where those who listen hand requests on
(mod_wsgi's daemon mode, mod_fcgid, a master that hands over descriptors), who answers does not
listen: it can be known by nothing but that it has answered, so one that never did is not counted.
A listener is written as it was bound
("0.0.0.0:9000", "[::]:80", "unix:/run/app.sock"), a server as it was reached.
"""

from collections.abc import Collection, Iterable
from functools import lru_cache

from gwtop.tracker.process import Process

EVERYWHERE = ("0.0.0.0", "[::]", "*")


@lru_cache(maxsize=4096)
def is_at(listener: str, server: str) -> bool:
    """Whether what reached `server` arrives at this listener."""
    if listener == server:
        return True
    host, _, port = listener.rpartition(":")
    return host in EVERYWHERE and port == server.rpartition(":")[2]


def accepts(process: Process, server: str) -> bool:
    """Whether it holds a listener of this server. One of which only is known that it holds some
    watched listener may hold this one."""
    if not process.holds_listener:
        return False
    return not process.listens or any(is_at(one, server) for one in process.listens)


def answers(process: Process, passing: Collection[str] = ()) -> bool:
    """Whether it can answer, and not only pass on (`passing`: servers seen to do that), at some
    listener that nobody below it holds, too."""
    if not process.holds_listener:
        return False
    below = [child for child in process.children if child.alive and child.holds_listener]
    if not process.listens:
        return not below
    return any(
        not any(not child.listens or listener in child.listens for child in below)
        and not any(is_at(listener, server) for server in passing)
        for listener in process.listens
    )


def is_behind(process: Process) -> bool:
    """Whether others pass requests on to it: it answered some, listens nowhere, and was not made
    for one of them."""
    stays = process.request is None or process.n_requests > 1
    return process.n_requests > 0 and process.holds_listener is False and stays


def passes_on(process: Process) -> bool:
    """Whether it, or one that was forked as it was, was seen to pass requests on, and it answered
    none."""
    siblings = [process] if process.parent is None else process.parent.children
    return process.n_requests == 0 and any(one.n_passed > one.n_requests for one in siblings)


def able(live: Collection[Process], passing: Collection[str] = ()) -> list[Process]:
    """Who can answer: those who listen, and those behind them in the place of those before."""
    listening = [process for process in live if answers(process, passing)]
    behind = [process for process in live if is_behind(process)]
    if not behind:
        return listening
    before = [p for p in listening if passes_on(p) or p.n_passed > p.n_requests]
    before += [
        p for p in listening if p.n_requests == 0 and any(one.descends_from(p) for one in behind)
    ]
    return [process for process in listening if process not in before] + behind


def only_one(processes: Iterable[Process], server: str | None) -> Process | None:
    """The one process that could answer there, when that is certain; else None.

    A master with one worker is not certain: some masters answer too. A process whose descriptors
    we may not read could hold the listener as well. `server` None: at any of them.
    """
    found: Process | None = None
    for process in processes:
        if process.holds_listener is None:
            return None
        if process.holds_listener if server is None else accepts(process, server):
            if found is not None:
                return None
            found = process
    return found
