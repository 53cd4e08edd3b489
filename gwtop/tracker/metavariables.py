"""Meta-variables: what a front made of a request's headers in a CGI program's environment, where
that deserves a word. Pure.

In: a settled exchange and the process that was made for it. Out: remarks. It refuses to know the
front, and what is lost besides: the facts have both sides, the fields and the environ.

RFC 3875 4.1.18 lets a server leave headers out that would give secrets away; Apache and others
leave out Authorization, and programs that check it themselves see nobody logged in. A header
`Proxy` becomes HTTP_PROXY, which HTTP libraries take for their own setting (httpoxy,
CVE-2016-5385), so servers leave it out since 2016.
"""

from gwtop.nouns.events import Remark
from gwtop.protocols._base import Pair
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.lineage import Lineage
from gwtop.tracker.lives import CGI_MARK

AUTHORIZATION, PROXY = b"AUTHORIZATION", b"PROXY"
TAKEN_OVER = (b"HTTP_AUTHORIZATION", b"REMOTE_USER", b"AUTH_TYPE")  # RFC 3875 4.1.1, 4.1.11
DROPPED = Remark(
    None,
    "authorization-dropped",
    "info",
    "The client sent Authorization, and the program was not given it.",
)
PASSED = Remark(
    None,
    "proxy-header-passed",
    "warn",
    "The client's Proxy header became HTTP_PROXY: the program may ask others through that proxy.",
)


def remarks(exchange: Exchange, lineage: Lineage) -> list[Remark]:
    if not exchange.births:
        return []
    process = lineage.made_for(exchange.id, exchange.pid, exchange.began_at)
    if process is None or exchange.block is None or not process.environ:
        return []
    given = process.environ
    if CGI_MARK not in given:
        return []
    asked = _headers(exchange.hop.protocol.request_fields(exchange.block))
    found = []
    if AUTHORIZATION in asked and not any(name in given for name in TAKEN_OVER):
        found.append(DROPPED)
    if PROXY in asked and given.get(b"HTTP_PROXY") == asked[PROXY]:
        found.append(PASSED)
    return found


def _headers(pairs: list[Pair]) -> dict[bytes, bytes]:
    """Spelled as in CGI, without the prefix."""
    return {name.upper().replace(b"-", b"_").removeprefix(b"HTTP_"): value for name, value in pairs}
