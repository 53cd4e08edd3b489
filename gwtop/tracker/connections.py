"""Connections: wire events in, bytes to the right decoder. Knows no process.

In: Opened, Chunk, Lost, Closed. Out: calls on `Link`s, and a word when a port's protocol becomes
known. It elects the protocol of each connection by itself and keeps the bytes it needs for that,
no more.

Election is per connection, by the client's first bytes. A connection that began before we watched
has no first bytes: the protocol last seen on its port decides, and failing that every further
chunk of the client is asked anew, because a chunk usually begins a message.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from gwtop.nouns.events import Remark
from gwtop.nouns.facts import Watched
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed
from gwtop.nouns.times import Nanos
from gwtop.nouns.wire import CLIENT, SERVER, Chunk, Closed, Lost, Opened, Side
from gwtop.protocols import Undecided, elect
from gwtop.protocols._base import Module
from gwtop.tracker.endings import other_protocol, understood
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.exchanges import Link
from gwtop.tracker.kept import Kept

MAX_SERVERS = 1024  # addresses: a watched port has few, but loopback alone 16 million
MAX_HELD_BYTES = 64 * 1024  # a server that speaks first, before its client has been understood

_Held: TypeAlias = list[tuple[Side, bytes, Nanos]]


class Connection:
    """One TCP or unix connection, before and after its protocol is known."""

    __slots__ = (
        "closed_sides",
        "from_start",
        "held",
        "held_bytes",
        "id",
        "link",
        "lost_bytes",
        "opened",
        "prefix",
        "skipped",
    )

    def __init__(self, opened: Opened) -> None:
        self.id = opened.conn
        self.opened = opened
        self.from_start = opened.from_start
        self.link: Link | None = None
        self.prefix = b""
        self.held: _Held = []
        self.held_bytes = 0
        self.lost_bytes = 0
        """Lost before the protocol was known."""
        self.skipped = False
        """Nobody claims it and nobody ever will."""
        self.closed_sides: set[Side] = set()


def is_wanted(opened: Opened, plan: Plan) -> bool:
    """A connection of the watched ports and host; what arrives for others finds nobody. A unix
    connection is told only by a tap that watches its listener."""
    if opened.server.startswith("unix:"):
        return True
    if not plan.ports and plan.host is None:
        return True
    host, _, port = opened.server.rpartition(":")
    if plan.ports and int(port or 0) not in plan.ports:
        return False
    return plan.host is None or host.strip("[]") == plan.host


def watched(plan: Plan, by_server: Mapping[str, Module]) -> list[Watched]:
    """The watched listeners, with the protocol seen on each so far."""
    spoken = {server: module.NAME for server, module in by_server.items()}
    path = None if plan.socket is None else f"unix:{plan.socket}"
    unix = [] if path is None else [Watched(path, spoken.get(path))]
    if not plan.ports:
        return unix or [Watched(server, name) for server, name in sorted(spoken.items())]
    host = plan.host or "*"
    host = f"[{host}]" if ":" in host else host
    by_port = {server.rpartition(":")[2]: name for server, name in spoken.items()}
    return [Watched(f"{host}:{p}", by_port.get(str(p))) for p in plan.ports] + unix


def _remember(table: dict[str, Module], server: str, module: Module) -> None:
    """The newest of them: what one could learn of every address would grow for weeks."""
    if table.pop(server, None) is None and len(table) >= MAX_SERVERS:
        del table[next(iter(table))]
    table[server] = module


class Connections:
    """All live connections by id."""

    def __init__(
        self,
        modules: Iterable[Module],
        forced: Module | None,
        bodies_bytes: int,
        opened: Callable[[Exchange], None],
        over: Callable[[Exchange], None],
        gone: Callable[[Connection, Closed], None],
        note: Callable[[Observed], None],
        kept: Kept | None = None,
    ) -> None:
        self._modules = list(modules)
        self._forced = forced
        self._bodies_bytes = bodies_bytes
        self._opened = opened
        self._over = over
        self._gone = gone
        self._note = note
        self._kept = kept or Kept(on=False)
        self._live: dict[int, Connection] = {}
        self._next_exchange = 0
        self.by_server: dict[str, Module] = {}
        """The protocol last seen on each server address."""
        self._understood: dict[str, Module] = {}
        """The one in which each last gave a proper answer."""
        self.n_opened = 0
        self.lost_bytes = 0
        """Lost on all connections since this was last read and reset."""

    def open(self, event: Opened) -> None:
        self.n_opened += 1
        self._live[event.conn] = Connection(event)

    def chunk(self, event: Chunk) -> None:
        connection = self._live.get(event.conn)
        if connection is None:
            return
        link = connection.link
        if link is not None:
            link.feed(event.side, event.data, event.at)
        elif not connection.skipped:
            self._elect(connection, event.side, event.data, event.at)

    def lost(self, event: Lost) -> None:
        connection = self._live.get(event.conn)
        if connection is None:
            return
        if connection.link is None and not connection.skipped:
            # Without its first bytes the connection can only be told by its port's habit.
            connection.from_start = False
            self._settle_election(connection, self._known(connection), event.at)
        link = connection.link
        if link is not None:
            self.lost_bytes += link.lost(event.side, event.n_bytes, event.at, event.left_out)
        elif not event.left_out:
            connection.prefix = b""
            connection.lost_bytes += event.n_bytes
            self.lost_bytes += event.n_bytes

    def close(self, event: Closed) -> None:
        connection = self._live.get(event.conn)
        if connection is None:
            return
        link = connection.link
        if link is None and not connection.skipped and connection.held:
            link = self._last_chance(connection, event.at)
        if link is not None:
            if event.how == "fin":
                link.close(event.side, event.at)
            elif event.how == "rst":
                link.reset(event.side, event.at)
            else:
                link.cut(event.at)
        if event.how == "fin":
            connection.closed_sides.add(event.side)
            if len(connection.closed_sides) < 2:
                return
            # Kept until a reset could still come: `forget` is called when its exchanges settle.
            self._gone(connection, event)
            return
        self._gone(connection, event)
        self.forget(connection.id)

    def forget(self, conn: int) -> None:
        connection = self._live.pop(conn, None)
        link = None if connection is None else connection.link
        if link is not None and link.tape is not None:
            link.tape.drop()

    def keep(self) -> None:
        """From now on bytes are kept, also on connections where nothing is under way."""
        self._kept.on = True
        for connection in self._live.values():
            link = connection.link
            if link is not None and link.tape is None and link.is_idle:
                link.tape = self._kept.tape(link.hop)

    def open_exchanges(self) -> list[Exchange]:
        return [
            exchange
            for connection in self._live.values()
            if connection.link is not None
            for exchange in connection.link.open_exchanges()
        ]

    def live(self) -> list[Connection]:
        return list(self._live.values())

    # -- election -----------------------------------------------------------------------------

    def _elect(self, connection: Connection, side: Side, data: bytes, at: Nanos) -> None:
        connection.held.append((side, data, at))
        connection.held_bytes += len(data)
        if self._forced is not None:
            self._settle_election(connection, self._forced, at)
            return
        if side is CLIENT:
            connection.prefix += data
            choice = elect(connection.prefix, self._modules)
            if isinstance(choice, Undecided):
                if choice is Undecided.NOBODY:
                    self._nobody(connection, at)
                return
            self._settle_election(connection, choice, at)
        elif not connection.from_start and self._known(connection) is not None:
            self._settle_election(connection, self._known(connection), at)
        elif connection.held_bytes > MAX_HELD_BYTES:
            self._nobody(connection, at)

    def _nobody(self, connection: Connection, at: Nanos) -> None:
        if connection.from_start:
            self._misspoken(connection, at)
            self._skip(connection)
            return
        known = self._known(connection)
        if known is not None:
            self._settle_election(connection, known, at)
            return
        connection.prefix = b""
        connection.held.clear()
        connection.held_bytes = 0

    def _misspoken(self, connection: Connection, at: Nanos) -> None:
        """What the protocol that this server understands makes of a client that nobody claims: a
        handshake of TLS, a length in the wrong order. Its decoder is asked for nothing else."""
        server = connection.opened.server
        usual = self._understood.get(server)
        if usual is None or not connection.prefix:
            return
        decoder = usual.Decoder(True)
        events = decoder.feed(CLIENT, connection.prefix, at)
        for event in events + decoder.close(SERVER, at):
            if isinstance(event, Remark) and event.severity == "error":
                self._say(event, server, at)

    def _say(self, remark: Remark, server: str, at: Nanos) -> None:
        self._note(Observed(at, remark.code, remark.severity, remark.text, None, server))

    def _ended(self, exchange: Exchange) -> None:
        """Compares how it was spoken with what its server answered last; hands it on."""
        server, spoken = exchange.hop.server, exchange.hop.protocol
        if understood(exchange):
            _remember(self._understood, server, spoken)
        elif exchange.outcome != "partial":
            usual = self._understood.get(server, spoken)
            if usual is not spoken:
                exchange.remark(other_protocol(spoken.NAME, usual.NAME))
        self._over(exchange)

    def _skip(self, connection: Connection) -> None:
        connection.skipped = True
        connection.prefix = b""
        connection.held.clear()

    def _known(self, connection: Connection) -> Module | None:
        return self._forced or self.by_server.get(connection.opened.server)

    def _last_chance(self, connection: Connection, at: Nanos) -> Link | None:
        """It closes and was never sure: a claim that wanted more bytes gets no more."""
        choice = elect(connection.prefix, self._modules, final=True)
        if not isinstance(choice, Undecided):
            self._settle_election(connection, choice, at)
        elif not connection.from_start:
            self._settle_election(connection, self._known(connection), at)
        return connection.link

    def _settle_election(self, connection: Connection, module: Module | None, at: Nanos) -> None:
        if module is None:
            return
        opened = connection.opened
        _remember(self.by_server, opened.server, module)
        link = connection.link = Link(
            Hop(connection.id, opened.client, opened.server, module, opened.peer),
            connection.from_start,
            self.take_exchange_id,
            self._opened,
            self._ended,
            self._bodies_bytes,
            lambda remark, said_at: self._say(remark, opened.server, said_at),
        )
        link.tape = self._kept.tape(link.hop)
        link.orphan_lost_bytes = connection.lost_bytes
        held, connection.held, connection.prefix = connection.held, [], b""
        for side, data, held_at in held:
            link.feed(side, data, held_at)

    def take_exchange_id(self) -> int:
        self._next_exchange += 1
        return self._next_exchange
