"""The snapshot: all that a panel may know, frozen at one moment of trace time.

In: nothing; out: a type. Whoever holds one may keep it (that is what pause is): nothing in it
changes, and taking one copies no table. The one exception is `lifelines`, which go on; `kept()`
is a snapshot that holds still in them too.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gwtop.model.anatomy import Looked
from gwtop.model.connections import ConnectionRow
from gwtop.model.errors import ErrorRow
from gwtop.model.lifelines import Lifelines
from gwtop.model.notes import NoteRow
from gwtop.model.processes import ProcessRow
from gwtop.model.rates import NO_WINDOW, Told, Window
from gwtop.model.requests import RequestsView
from gwtop.model.routes import RouteRow
from gwtop.nouns.facts import (
    Calls,
    Hello,
    InFlight,
    Missing,
    QueueState,
    Request,
    Summary,
    Watched,
)
from gwtop.nouns.times import Nanos

NO_REQUESTS = RequestsView()


Hops: TypeAlias = tuple[Request | None, Request | None]


def no_hops(fact: Request) -> Hops:
    return None, None


@dataclass(frozen=True, slots=True)
class Snapshot:
    version: int = 0
    """Facts applied so far; two snapshots of one model with the same version are equal."""
    now_at: Nanos | None = None
    """The newest instant told. None: nothing was told yet."""
    hello: Hello | None = None
    watch: tuple[Watched, ...] = ()
    model: str | None = None
    model_evidence: str | None = None
    n_requests: int = 0
    """Requests told to this screen."""
    n_counted: int | None = None
    """Requests the engine counted, told or not. None: no tick yet."""
    window: Window = NO_WINDOW
    n_born: int = 0
    n_exited: int = 0
    busy: int | None = None
    idle: int | None = None
    queues: tuple[QueueState, ...] = ()
    missed: Missing | None = None
    """None: no tick yet, so nobody has said."""
    calls: Calls | None = None
    """Calls of the watched processes that are seen to have their bytes. None: none are."""
    n_unread: int = 0
    """Lines that this screen could not read, or dropped because it could not keep up."""
    in_flight: tuple[InFlight, ...] = ()
    requests: RequestsView = NO_REQUESTS
    processes: tuple[ProcessRow, ...] = ()
    notes: tuple[NoteRow, ...] = ()
    newest_note: NoteRow | None = None
    routes: tuple[RouteRow, ...] = ()
    routes_of: int | None = None
    """They count so many requests before this moment. None: all since this began."""
    errors: tuple[ErrorRow, ...] = ()
    n_errors: int = 0
    """All that were told; the newest of them are `errors`."""
    connections: tuple[ConnectionRow, ...] = ()
    n_connections: int = 0
    n_reused: int = 0
    """Of them: carried two requests or more."""
    closes_told_from: Nanos | None = None
    """None: no close was told, so of no connection is it known that it is open."""
    seconds: tuple[Told, ...] = ()
    """Those that are over, oldest first."""
    summary: Summary | None = None
    """The last word. None: the engine is still at it (or died without one)."""
    looked: Mapping[int, Looked] = field(default_factory=dict)
    """Processes that were looked at closely, by their keys."""
    hosts: tuple[str, ...] = ()
    """Of several machines at once; (): the facts are one engine's, and name no host."""
    hops: Callable[[Request], Hops] = field(default=no_hops, compare=False)
    """The same request in front of it and behind it, where that is kept; it may still come."""
    lifelines: Lifelines = field(default_factory=Lifelines, compare=False)

    def kept(self) -> "Snapshot":
        return replace(self, lifelines=self.lifelines.frozen())
