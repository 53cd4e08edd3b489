"""The watched listeners: which sockets they are now, and which processes are the roots above them.

In: the plan. Out: socket links, roots whenever they change, and a word to the user when a listener
is awaited or its owner hidden. It refuses to know the rest of the tree.

A server that is restarted has a new socket, so the links are compared each time; asking the kernel
for listeners costs 0.1 ms. Owners are looked for (20 us a process of the machine) only when the
links changed or every root has gone, and less and less often where that finds nobody.
"""

from ipaddress import ip_address

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed
from gwtop.nouns.times import MILLISECOND_NS, SECOND_NS, Nanos
from gwtop.taps import kinship, listeners, namespaces, netns, of_pid, proc
from gwtop.taps.listeners import Listener
from gwtop.taps.privilege import needed

AWAITED_NS = 250 * MILLISECOND_NS  # a server that has just come up is seen before its first second
SETTLED_NS = SECOND_NS
LATER_NS = 5 * SECOND_NS  # /proc's tables of sockets have a line for every connection
LONGEST_PAUSE_NS = 30 * SECOND_NS


class Watched:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._host = ip_address(plan.host) if plan.host else None
        self.links: frozenset[str] = frozenset()
        self.roots: frozenset[int] = frozenset()
        self._listen_of: dict[str, str] = {}
        """By link: where it is bound."""
        self._births: dict[int, int] = {}
        """Root: its birth in ticks, so that its pid is not taken for it after its death."""
        self._awaited: frozenset[str] = frozenset()
        self._hidden_told = False
        self._told_first = False
        self._later, self._later_at = of_pid.Later(plan), 0
        self._network_hidden = netns.is_hidden(plan)
        self._pause_ns, self._search_at = SECOND_NS, 0

    def look(self, now: Nanos) -> tuple[list[Observed], bool]:
        """What to say, and whether `roots` changed."""
        found = self._listeners()
        words = [*self._first_words(now), *self._await(found, now)]
        if now >= self._later_at:
            self._later_at = now + LATER_NS
            words += self._later.words(now)
        self._listen_of = {listener.link: listener.listen for listener in found}
        links = frozenset(self._listen_of)
        changed, self.links = links != self.links, links
        if changed:
            self._pause_ns, self._search_at, self._hidden_told = SECOND_NS, 0, False
        if self._plan.pid is not None:
            return words, self._adopt(frozenset({self._plan.pid}))
        if not links or (not changed and self._alive()) or now < self._search_at:
            return words, False
        roots, more = self._search(now)
        return words + more, self._adopt(roots)

    def _first_words(self, now: Nanos) -> list[Observed]:
        """What has to be said of the process that the user named, once."""
        if self._told_first:
            return []
        self._told_first = True
        words = of_pid.words(self._plan, now)
        if self._network_hidden:
            text = (
                f"the network of process {self._plan.pid} is hidden from us: if it has one of its "
                f"own, what passes there is not seen; {needed('census', self._plan)}"
            )
            words.append(Observed(now, "network-hidden", "warn", text, self._plan.pid))
        return words

    def held_by(self, pid: int, limit: int | None = None) -> frozenset[str] | None:
        """Which watched listeners are among its first `limit` descriptors, as they are bound.
        None: we may not look."""
        held = proc.held(pid, self.links, limit)
        return None if held is None else frozenset(self._listen_of[link] for link in held)

    def due_after_ns(self) -> Nanos:
        return AWAITED_NS if self._awaited else SETTLED_NS

    def _listeners(self) -> list[Listener]:
        found = [] if self._plan.socket is None else listeners.unix(self._plan.socket)
        if self._plan.ports:
            found += [one for one in listeners.tcp() if self._wanted(one)]
        return found

    def _wanted(self, listener: Listener) -> bool:
        if listener.port not in self._plan.ports:
            return False
        address = ip_address(listener.address)
        return self._host is None or address == self._host or address.is_unspecified

    def _await(self, found: list[Listener], now: Nanos) -> list[Observed]:
        """A word, once each time, for every listener that is not there."""
        host = self._plan.host or "*"
        host = f"[{host}]" if ":" in host else host
        here = {f"{host}:{one.port}" if one.port else one.listen for one in found}
        wanted = {f"{host}:{port}" for port in self._plan.ports}
        if self._plan.socket is not None:
            wanted.add(f"unix:{self._plan.socket}")
        awaited = frozenset(wanted - here)
        news, self._awaited = awaited - self._awaited, awaited
        return [
            Observed(
                now,
                "listener-awaited",
                "info",
                f"nothing listens on {listen} yet; waiting for it",
                listen=listen,
            )
            for listen in sorted(news)
        ]

    def _alive(self) -> bool:
        """Whether any root is still the process it was."""
        return any(
            (stat := proc.stat(root)) and stat.born_ticks == born
            for root, born in self._births.items()
        )

    def _search(self, now: Nanos) -> tuple[frozenset[int], list[Observed]]:
        owners = kinship.owners(self.links)
        self._search_at = now + self._pause_ns
        self._pause_ns = min(2 * self._pause_ns, LONGEST_PAUSE_NS)
        lives_elsewhere = not owners.n_hidden and namespaces.is_first("pid") is False
        if owners.pids or self._hidden_told or not (owners.n_hidden or lives_elsewhere):
            return kinship.roots(owners.pids), []
        self._hidden_told = True
        if lives_elsewhere:
            text = "no process here is the listener's owner: it lives outside this container"
        else:
            text = f"the listener's owner is hidden from us; {needed('census', self._plan)}"
        return frozenset(), [Observed(now, "owner-hidden", "warn", text)]

    def _adopt(self, roots: frozenset[int]) -> bool:
        births = {root: stat.born_ticks for root in roots if (stat := proc.stat(root))}
        if not births or births == self._births:
            return False
        self._births, self.roots = births, frozenset(births)
        return True
