"""The bodies of one request and its answer, one under the other.

In: the fact, what was fetched, how one wants to see bodies. Out: lines of cells. Refuses to know
what a body means: `_bodies` shows it as what it says it is.
"""

from gwtop.model.details import Fetched
from gwtop.nouns.facts import Request
from gwtop.panels import _bodies
from gwtop.panels._base import Cell, Line
from gwtop.panels._bodies import Body, Mode
from gwtop.panels._safe import safe
from gwtop.panels._text import n_bytes

WORDS = {"client": "request body", "server": "answer body"}


def lines(
    fact: Request, fetched: Fetched | None, mode: Mode, width: int, why_not: Line
) -> list[Line]:
    """`why_not`: why there may be no bytes to show."""
    found: list[Line] = []
    for side in ("client", "server"):
        body, n_sent = _body(fact, fetched, side)
        if body is None:
            if n_sent:
                found += [(), _head(side, n_sent, "")]
        else:
            found += [(), *_section(fact, fetched, side, body, mode, width)]
    if not found:
        return [why_not or (Cell("neither the request nor the answer has a body", "dim"),)]
    return ([why_not] if why_not else []) + found[(0 if why_not else 1) :]


def _body(fact: Request, fetched: Fetched | None, side: str) -> tuple[Body | None, int]:
    """The body, and how many bytes of it were sent; None: there is none, or none of it is here."""
    asks = side == "client"
    pairs = fact.fields if asks else fact.response_fields
    n_sent = fact.request_body_bytes if asks else fact.response_body_bytes
    told = fact.request_body if asks else fact.response_body
    data = b""
    if fetched is not None and fetched.kept:
        data = fetched.body(side)
    elif isinstance(told, str):
        data = told.encode("latin-1", "replace")
    if not data:
        return None, n_sent
    return _bodies.body_of(data, pairs if isinstance(pairs, list) else ()), max(n_sent, len(data))


def _section(
    fact: Request, fetched: Fetched | None, side: str, body: Body, mode: Mode, width: int
) -> list[Line]:
    n_sent = fact.request_body_bytes if side == "client" else fact.response_body_bytes
    shown, told = _bodies.opened(body) if mode != "hex" else (body, "")
    how = _bodies.mode_of(shown) if mode == "auto" else mode
    words = ", ".join(filter(None, (safe(body.type[:100]), told, f"as {how}")))
    found = [_head(side, max(n_sent, len(body.data)), words)]
    found += _bodies.lines(shown, mode, width)
    if len(body.data) < n_sent:
        missing = n_sent - len(body.data)
        found.append((Cell(f"… {n_bytes(missing)} more, which is not kept", "warn"),))
    if fetched is not None and _has_gap(fetched, side):
        found.append((Cell("bytes of it were not seen; zeros stand for them", "bad"),))
    return found


def _has_gap(fetched: Fetched, side: str) -> bool:
    spans = [(at, at + n) for of, at, n in fetched.bodies if of == side]
    return any(low < at + n and at < high for at, n in fetched.gaps for low, high in spans)


def _head(side: str, n_sent: int, words: str) -> Line:
    return (Cell(f"{WORDS[side]}: {n_bytes(n_sent)}", "bold"), Cell(f"  {words}", "dim"))
