"""Pairing: which client's request (front hop) a gateway request (back hop) was made for.

In: exchanges of all watched hops as their heads become known and as they settle. Out: `pair` on
the back hop's exchange, and which servers only pass requests on. It refuses to guess: where two
requests could be the one, it is neither.

A back hop's request begins while the front's is open, so only open ones are candidates. Exact is
what the front itself wrote down: REMOTE_ADDR and REMOTE_PORT name the client's connection (of
several requests open on it, a pipelining client's, the first that none was made for yet).

Where it wrote less, the candidates are those with the same method and target, unanswered, from the
address that was told (REMOTE_ADDR, X-Real-IP, X-Forwarded-For), without a header that contradicts.
One is the pair; two are none. A second back request for a front that had its own takes both away,
unless the first had failed: fronts try again. And which of two servers that speak alike stands in
front of the other is told by counting: of one target there are never more requests open behind
than in front.
"""

from collections import Counter
from collections.abc import Hashable, Iterable
from typing import TypeVar

from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.likeness import Told, headers_of, port_of, same_headers, target_key, told_of

UNSURE_NS = 10 * SECOND_NS  # after lost frames: fronts that nobody saw may be open that long
MAX_COMPARED = 32  # candidates whose headers are looked at: 20 us each

K = TypeVar("K", bound=Hashable)


class _Claim:
    """A back hop's request holds this one for its front."""

    __slots__ = ("back", "doubted", "exact", "front", "shows_way")

    def __init__(self, back: Exchange, front: Exchange, exact: bool, shows_way: bool) -> None:
        self.back = back
        self.front = front
        self.exact = exact
        """The front's own word names the connection."""
        self.shows_way = shows_way
        """Which of the two servers is in front is not in question, given that it ends inside."""
        self.doubted = False


class Pairing:
    """All hops' requests that have not settled."""

    def __init__(self) -> None:
        self.outer: set[str] = set()
        """Servers seen to pass requests on."""
        self._ways: set[tuple[str, str]] = set()
        """Which server stands in front of which."""
        self._by_target: dict[tuple[bytes, bytes], list[Exchange]] = {}
        self._by_client: dict[str, list[Exchange]] = {}
        self._n_open: Counter[str] = Counter()
        self._claims: dict[int, list[_Claim]] = {}
        """By front."""
        self._claim_of: dict[int, _Claim] = {}
        """By back."""
        self._contended: set[int] = set()
        """Fronts that a back with several candidates may belong to."""
        self._unsure_until: Nanos = 0

    def began(self, exchange: Exchange) -> Exchange | None:
        """A request's head is known; the one whose connection it names, if it names one."""
        if exchange.method is None or exchange.target is None:
            return None
        server = exchange.hop.server
        claim = self._claim(exchange) if self._may_be_behind(server) else None
        if claim is not None:
            self._claims.setdefault(claim.front.id, []).append(claim)
            self._claim_of[exchange.id] = claim
            if claim.exact:
                self._learn(claim)
        self._n_open[server] += 1
        self._by_client.setdefault(exchange.hop.client, []).append(exchange)
        self._by_target.setdefault(_key(exchange), []).append(exchange)
        return claim.front if claim is not None and claim.exact else None

    def settle(self, exchange: Exchange) -> None:
        """The last word on this one; it is nobody's candidate any more."""
        claim = self._claim_of.pop(exchange.id, None)
        if claim is not None and (claim.exact or self._holds(claim)):
            exchange.pair = claim.front.id
            self._learn(claim)
        self._claims.pop(exchange.id, None)
        self._contended.discard(exchange.id)
        if exchange.method is None or exchange.target is None:
            return
        if _take(self._by_client, exchange.hop.client, exchange):
            _take(self._by_target, _key(exchange), exchange)
            self._closed_one(exchange.hop.server)

    def _closed_one(self, server: str) -> None:
        self._n_open[server] -= 1
        if not self._n_open[server]:
            del self._n_open[server]

    def missed(self, at: Nanos) -> None:
        """Frames were lost: the only one that is seen need not be the only one that there is."""
        self._unsure_until = at + UNSURE_NS
        for claim in self._claim_of.values():
            claim.doubted = True

    def passes_on(self, exchange: Exchange) -> bool:
        """Its server was seen to stand in front of another watched one."""
        return exchange.hop.server in self.outer

    def innermost(self, exchanges: Iterable[Exchange]) -> list[Exchange]:
        """Those that are answered where they arrive, as far as is known."""
        return [e for e in exchanges if not self.passes_on(e)]

    # -- judging ------------------------------------------------------------------------------

    def _learn(self, claim: _Claim) -> None:
        front, back = claim.front.hop.server, claim.back.hop.server
        self.outer.add(front)
        self._ways.add((front, back))

    def _holds(self, claim: _Claim) -> bool:
        front, back = claim.front, claim.back
        if claim.doubted or not _ends_inside(front, back):
            return False
        way = (front.hop.server, back.hop.server)
        return way in self._ways or (claim.shows_way and way[::-1] not in self._ways)

    # -- finding ------------------------------------------------------------------------------

    def _may_be_behind(self, server: str) -> bool:
        """Some other server has requests open that it is not known to stand in front of. Where
        one hop is watched this is all there is to it; a front's requests cost nothing more."""
        ways = self._ways
        return any(other != server and (server, other) not in ways for other in self._n_open)

    def _claim(self, back: Exchange) -> _Claim | None:
        told = told_of(back)
        if told.client is not None:
            front = self._named(back, told, told.client)
            return None if front is None else _Claim(back, front, True, True)
        front = self._alone(back, told) if back.began_at > self._unsure_until else None
        if front is None:
            return None
        alike = Counter(e.hop.server for e in self._by_target[_key(back)])
        more_in_front = alike[front.hop.server] > alike[back.hop.server]
        return _Claim(back, front, False, more_in_front or told.has_variables)

    def _named(self, back: Exchange, told: Told, client: str) -> Exchange | None:
        """The open request of the connection that the front wrote down."""
        line = _open_fronts(self._by_client.get(client, []), back)
        alike = [e for e in line if _key(e) == _key(back)]
        if not line:  # the address may be what a proxy before the front told: only the port is left
            line = _open_fronts(self._by_target.get(_key(back), []), back)
            alike = [e for e in line if port_of(e.hop.client) == told.port]
            alike = [e for e in alike if told.may_come_from(e)]
        elif not alike:
            # A rewritten target: then both ends of the connection must be named.
            alike = [e for e in line if port_of(e.hop.server) == told.server_port]
            return alike[0] if len(alike) == 1 else None
        if len({e.hop.connection for e in alike}) > 1:  # one client port, two servers
            alike = [e for e in alike if port_of(e.hop.server) == told.server_port]
        if len({e.hop.connection for e in alike}) != 1:
            return None
        return alike[0] if len(alike) == 1 else self._next_of(alike)

    def _next_of(self, line: list[Exchange]) -> Exchange | None:
        """Of a pipelining client's like requests the first that none was made for yet; servers
        take them one by one. After a failure the next one may be the same one again."""
        for exchange in sorted(line, key=lambda e: e.sequence):
            claims = self._claims.get(exchange.id)
            if not claims:
                return exchange
            if any(_failed(claim.back) for claim in claims):
                return None
        return None

    def _alone(self, back: Exchange, told: Told) -> Exchange | None:
        """The only open request that this one can have been made for."""
        fronts = [
            e
            for e in _open_fronts(self._by_target.get(_key(back), []), back)
            if _was_unanswered(e, back.began_at)
            and self._may_front(e, back, told)
            and told.may_come_from(e)
        ]
        fronts = self._without_outer_hops(fronts)
        if 1 < len(fronts) <= MAX_COMPARED:
            there = headers_of(back)
            fronts = [e for e in fronts if same_headers(e, there)]
        if len(fronts) > 1:
            fronts = self._not_taken(fronts)
        if len(fronts) != 1:
            self._contended.update(e.id for e in fronts)
            return None
        return None if self._is_contended(fronts[0], back) else fronts[0]

    def _may_front(self, front: Exchange, back: Exchange, told: Told) -> bool:
        """A gateway's protocol never becomes HTTP again, nor does a way turn round."""
        way = (front.hop.server, back.hop.server)
        if way in self._ways:
            return True
        if way[::-1] in self._ways:
            return False
        return front.hop.protocol.NAME == back.hop.protocol.NAME or told.has_variables

    def _without_outer_hops(self, fronts: list[Exchange]) -> list[Exchange]:
        """In a chain of hops the nearest one is the front, and not what that was made for."""
        passed = {c.front.id for e in fronts if (c := self._claim_of.get(e.id)) is not None}
        return [e for e in fronts if e.id not in passed]

    def _not_taken(self, fronts: list[Exchange]) -> list[Exchange]:
        free = [e for e in fronts if e.id not in self._claims]
        if free:
            return free
        for front in fronts:  # one back more than there are fronts: who knows whose which is
            for claim in self._claims[front.id]:
                claim.doubted = True
        return fronts

    def _is_contended(self, front: Exchange, back: Exchange) -> bool:
        """Another request claims this front, and no failure of it explains the second."""
        earlier = self._claims.get(front.id, [])
        if all(_failed(claim.back) and _over_by(claim.back, back.began_at) for claim in earlier):
            return front.id in self._contended
        for claim in earlier:
            claim.doubted = True
        self._contended.add(front.id)
        return True


def _key(exchange: Exchange) -> tuple[bytes, bytes]:
    return exchange.method or b"", target_key(exchange.target or b"")


def _take(table: dict[K, list[Exchange]], key: K, exchange: Exchange) -> bool:
    """Removes it; whether it was there."""
    line = table.get(key, [])
    if exchange not in line:
        return False
    line.remove(exchange)
    if not line:
        del table[key]
    return True


def _open_fronts(line: list[Exchange], back: Exchange) -> list[Exchange]:
    """Requests of other servers that were open when this one began."""
    at, server = back.began_at, back.hop.server
    # Spelled out: a kept connection's line is 50 long at full speed, nearly all of them over.
    return [
        e
        for e in line
        if (e.over_at is None or e.over_at > at) and e.began_at <= at and e.hop.server != server
    ]


def _was_unanswered(exchange: Exchange, at: Nanos) -> bool:
    """Its answer may be known by now: taps tell with different delays."""
    return exchange.first_byte_at is None or exchange.first_byte_at > at


def _over_by(exchange: Exchange, at: Nanos) -> bool:
    return exchange.over_at is not None and exchange.over_at <= at


def _failed(exchange: Exchange) -> bool:
    """It ended in a way after which fronts ask again."""
    if exchange.over_at is None:
        return False
    return exchange.outcome != "done" or exchange.status is None or exchange.status >= 500


def _ends_inside(front: Exchange, back: Exchange) -> bool:
    """A front that only passes on does not speak before its back end does, and is not done before
    it, unless its client left."""
    spoke_at, told_at = front.first_byte_at, back.first_byte_at
    if spoke_at is not None and not _failed(back) and (told_at is None or spoke_at < told_at):
        return False
    if front.over_at is None or front.outcome == "aborted" or back.over_at is None:
        return True
    return told_at is None or front.over_at >= told_at
