"""Acceptors: the listeners whose connections are seen in the calls of those who accept them.

In: a unix socket's path, TCP ports. Out: which sockets listen there now, and what they have
accepted already. It refuses to know who holds them.

Several sockets may listen at one address: SO_REUSEPORT, one for each address family, one whose
file was replaced. A socket that is none of them stays none: it is not asked about at each accept.
"""

from collections.abc import Sequence
from ipaddress import ip_address

from gwtop.nouns.plan import Plan
from gwtop.taps import diag, listeners
from gwtop.taps.listeners import Listener
from gwtop.taps.sockets_held import SOCKET
from gwtop.taps.told import UNNAMED

CAPTURE = "calls"
"""The plan's word for ports that are watched like this."""


def ports_of(plan: Plan) -> tuple[int, ...]:
    """Those whose packets are left alone."""
    return plan.ports if plan.capture == CAPTURE and plan.relay is None else ()


class Acceptors:
    def __init__(self, path: str | None, ports: Sequence[int], host: str | None = None) -> None:
        self.path = path
        self.ports = tuple(ports)
        """They may become others."""
        self._host = ip_address(host) if host else None
        self._names: dict[str, str] = {}
        """Link: where it is bound."""
        self._others: set[str] = set()

    @property
    def links(self) -> frozenset[str]:
        return frozenset(self._names)

    @property
    def listen(self) -> str | None:
        """What is watched, where that is one thing."""
        if self.path is not None:
            return None if self.ports else f"unix:{self.path}"
        return f"{self._host or '*'}:{self.ports[0]}" if len(self.ports) == 1 else None

    def look(self) -> None:
        """At most 0.1 ms."""
        found = [] if self.path is None else listeners.unix(self.path)
        if self.ports:
            found += [one for one in listeners.tcp() if self._is_wanted(one)]
        self._names = {one.link: one.listen for one in found}
        self._others.clear()

    def name_of(self, link: str | None) -> str | None:
        """Where it is bound; None: it is no watched listener."""
        if link is None or link in self._others:
            return None
        if link not in self._names:
            self.look()
            if link not in self._names:
                self._others.add(link)
        return self._names.get(link)

    def _is_wanted(self, listener: Listener) -> bool:
        if listener.port not in self.ports:
            return False
        address = ip_address(listener.address)
        return self._host is None or address == self._host or address.is_unspecified

    def accepted(self) -> dict[str, tuple[str, str]]:
        """The links of what is open there, with both ends. Where nothing lists the machine's
        sockets, what is open already stays unknown."""
        found: dict[str, tuple[str, str]] = {}
        try:
            if self.path is not None:
                server = f"unix:{self.path}"
                for inode in diag.unix_accepted(self.path):
                    found[_link(inode)] = server, UNNAMED
            for one in diag.tcp_connected(frozenset(self.ports)) if self.ports else ():
                found[_link(one.inode)] = one.local, one.remote
        except OSError:
            return found
        return found


def _link(inode: int) -> str:
    return f"{SOCKET}{inode}]"
