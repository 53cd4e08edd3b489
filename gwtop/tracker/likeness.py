"""Likeness: what two hops' requests show of being the same one.

In: an exchange's head. Out: who the client was by its front's word, a target that compares, and
whether headers contradict. It refuses to know which requests there are.

Names are compared in the spelling of CGI (RFC 3875 4.1.18): `User-Agent` and `HTTP_USER_AGENT` are
one name; AJP's attributes for ports end like the variables (`..._REMOTE_PORT`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from gwtop.protocols._base import Pair
from gwtop.tracker.exchange import Exchange

ADDRESS = (b"REMOTE_ADDR", b"remote_addr")  # RFC 3875 4.1.8; as a field of a packet
PORT, SERVER_PORT = b"REMOTE_PORT", b"SERVER_PORT"  # by custom; RFC 3875 4.1.15
HEADER = b"HTTP_"
FORWARDED = frozenset({b"X_FORWARDED_FOR", b"X_REAL_IP"})
"""What proxies call the address of their client; by custom, no RFC."""
FORWARDED_ENDS = (b"FOR", b"For", b"for", b"_IP", b"-IP", b"-Ip", b"-ip")
"""Looked at first: spelling each of twenty names anew was half of what a request costs here."""
NOT_THE_CLIENTS = FORWARDED | frozenset(
    b"HOST CONNECTION KEEP_ALIVE TE TRAILER TRANSFER_ENCODING UPGRADE PROXY_CONNECTION "
    b"CONTENT_LENGTH X_FORWARDED_PROTO X_FORWARDED_HOST X_FORWARDED_PORT FORWARDED VIA".split()
)
"""Headers that a proxy sets anew (RFC 9110 7.6.1 and custom): a difference says nothing."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a back hop's request says of the client."""

    client: str | None
    """Its address and port as an endpoint. None: no port was told."""
    port: str | None
    server_port: str | None
    """The port the client is said to have asked; Apache takes it from the Host header."""
    hosts: frozenset[str]
    """Its address, as the front knew it; empty: none was told."""
    has_variables: bool
    """It speaks of its client as a gateway's protocol does, and not in a proxy's headers."""

    def may_come_from(self, front: Exchange) -> bool:
        """Whether the address told is the front's client's, or one that client brought along."""
        if not self.hosts or host_of(front.hop.client) in self.hosts:
            return True
        brought = (value for name, value in _fields(front) if name in FORWARDED)
        return not self.hosts.isdisjoint(host for value in brought for host in _listed(value))


def told_of(exchange: Exchange) -> Told:
    address = port = server_port = None
    forwarded: set[str] = set()
    for name, value in _raw_fields(exchange):
        if name in ADDRESS:
            address = _plain(value)
        elif name.endswith(PORT) and not name.startswith(HEADER):
            port = value.decode("latin-1").strip()
        elif name == SERVER_PORT:
            server_port = value.decode("latin-1")
        elif name[-3:] in FORWARDED_ENDS and _as_header(name) in FORWARDED:
            forwarded.update(_listed(value)[-1:])
    known = address is not None and port not in (None, "", "0")
    return Told(
        client=f"{_bracketed(address or '')}:{port}" if known else None,
        port=port if known else None,
        server_port=server_port,
        hosts=frozenset(forwarded if address is None else {address}),
        has_variables=address is not None,
    )


def headers_of(exchange: Exchange) -> dict[bytes, bytes]:
    return dict(_fields(exchange))


def same_headers(front: Exchange, there: dict[bytes, bytes]) -> bool:
    """No header of the client's own stands on both hops with different values."""
    return all(
        there.get(name, value) == value
        for name, value in _joined(_fields(front))
        if name not in NOT_THE_CLIENTS
    )


def target_key(target: bytes) -> bytes:
    """A target as both hops would write it: path and query, escapes undone."""
    if b"://" in target and not target.startswith(b"/"):  # absolute form, RFC 9112 3.2.2
        target = b"/" + target.split(b"://", 1)[1].partition(b"/")[2]
    return unquote_to_bytes(target) if b"%" in target else target


def host_of(endpoint: str) -> str:
    """Of "[::1]:9000" it is "::1"; of a unix peer "unix:"."""
    if endpoint.startswith("unix:"):
        return "unix:"
    return endpoint.rpartition(":")[0].strip("[]")


def port_of(endpoint: str) -> str:
    return endpoint.rpartition(":")[2]


def _raw_fields(exchange: Exchange) -> list[Pair]:
    if exchange.block is None:
        return []
    return exchange.hop.protocol.request_fields(exchange.block)


def _fields(exchange: Exchange) -> list[Pair]:
    return [(_as_header(name), value) for name, value in _raw_fields(exchange)]


def _as_header(name: bytes) -> bytes:
    """Spelled as in CGI, without the prefix."""
    return name.upper().replace(b"-", b"_").removeprefix(HEADER)


def _joined(pairs: Iterable[Pair]) -> Iterable[Pair]:
    """Repeated headers as one (RFC 9110 5.3; Cookie by RFC 9113 8.2.3)."""
    found: dict[bytes, bytes] = {}
    for name, value in pairs:
        glue = b"; " if name == b"COOKIE" else b", "
        found[name] = found[name] + glue + value if name in found else value
    return found.items()


def _listed(value: bytes) -> list[str]:
    return [host for part in value.split(b",") if (host := _plain(part))]


def _plain(address: bytes) -> str:
    """IPv4 on a socket of both families is IPv4 (RFC 4291 2.5.5.2)."""
    return address.decode("latin-1").strip(" []").removeprefix("::ffff:")


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host and host != "unix:" else host
