"""Telling: a settled exchange in, its `request` fact out. Pure; decides nothing.

What was asked for (`--details`, `--bodies`, redaction) is applied here, where a fact is made, so
that no reader of facts has to be trusted with it.
"""

from gwtop.nouns.events import Remark
from gwtop.nouns.facts import UNSET, InFlight, NoteText, Pairs, Request, UnsetType
from gwtop.nouns.facts import Connection as ConnectionFact
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Observed
from gwtop.nouns.times import Nanos, instant
from gwtop.nouns.wire import Closed
from gwtop.protocols._base import Pair
from gwtop.redaction import masked_body, redact_pairs
from gwtop.tracker.connections import Connection
from gwtop.tracker.exchange import Exchange


def text(raw: bytes | bytearray | None) -> str | None:
    """Latin-1: every byte is a character, so nothing is lost and nothing fails."""
    return None if raw is None else raw.decode("latin-1")


def request_fact(exchange: Exchange, plan: Plan) -> Request:
    hop = exchange.hop
    began_at = exchange.began_at
    answered = exchange.answered_at is not None
    first_byte_at = exchange.first_byte_at
    return Request(
        id=exchange.id,
        connection=hop.connection,
        stream=exchange.stream,
        sequence=exchange.sequence,
        at=instant(exchange.last_at),
        began_at=instant(began_at),
        protocol=hop.protocol.NAME,
        client=hop.client,
        server=hop.server,
        method=text(exchange.method),
        target=text(exchange.target),
        status=exchange.status,
        outcome=exchange.outcome or "partial",
        duration_ns=exchange.last_at - began_at if answered else None,
        first_byte_ns=None if first_byte_at is None else first_byte_at - began_at,
        queue_ns=exchange.queue_ns,
        request_head_bytes=exchange.request_head_bytes,
        response_head_bytes=exchange.response_head_bytes,
        request_body_bytes=exchange.request_body_bytes,
        response_body_bytes=exchange.response_body_bytes,
        lost_bytes=exchange.lost_bytes,
        keep_alive=exchange.keep_alive,
        stderr=text(exchange.stderr),
        pid=exchange.pid,
        thread=exchange.thread,
        reader=exchange.reader,
        evidence=exchange.evidence,
        births=exchange.births,
        pair=exchange.pair,
        notes=[NoteText(r.code, r.severity, r.text) for r in exchange.remarks],
        fields=_request_pairs(exchange, plan) if plan.details else UNSET,
        response_fields=_response_pairs(exchange, plan) if plan.details else UNSET,
        request_body=_body(exchange.request_body, plan) if plan.bodies_bytes else UNSET,
        response_body=_body(exchange.response_body, plan) if plan.bodies_bytes else UNSET,
    )


def connection_fact(connection: Connection, closed: Closed) -> ConnectionFact:
    opened, link = connection.opened, connection.link
    return ConnectionFact(
        id=connection.id,
        client=opened.client,
        server=opened.server,
        protocol=None if link is None else link.hop.protocol.NAME,
        opened_at=instant(opened.at),
        closed_at=instant(closed.at),
        requests=0 if link is None else link.n_requests,
        how=closed.how,
    )


def in_flight(
    exchange: Exchange, pid: int | None, queue_ns: int | UnsetType | None = UNSET
) -> InFlight:
    """`pid`: who is known to answer it; `queue_ns` UNSET: nobody sees when it was read."""
    return InFlight(
        id=exchange.id,
        connection=exchange.hop.connection,
        method=text(exchange.method),
        target=text(exchange.target),
        began_at=instant(exchange.began_at),
        pid=pid,
        queue_ns=queue_ns,
    )


def _body(kept: bytearray | None, plan: Plan) -> str:
    body = bytes(kept or b"")
    return (body if plan.show_secrets else masked_body(body)).decode("latin-1")


def _request_pairs(exchange: Exchange, plan: Plan) -> Pairs:
    block = exchange.block
    return [] if block is None else _pairs(exchange.hop.protocol.request_fields(block), plan)


def _response_pairs(exchange: Exchange, plan: Plan) -> Pairs:
    block = exchange.response_block
    return [] if block is None else _pairs(exchange.hop.protocol.response_fields(block), plan)


def _pairs(pairs: list[Pair], plan: Plan) -> Pairs:
    shown = pairs if plan.show_secrets else redact_pairs(pairs)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in shown]


def stderr_remark(exchange: Exchange) -> Remark | None:
    """A server error, or no answer at all, whose reason the worker itself wrote down."""
    status = exchange.status
    if not exchange.stderr or (status is not None and status < 500):
        return None
    last_line = exchange.stderr.rstrip().rpartition(b"\n")[2][:200].decode("latin-1")
    did = "gave no answer" if status is None else f"answered {status}"
    text = f"The worker {did} and wrote to its error stream: {last_line}"
    return Remark(None, "server-error-stderr", "error", text)


def unknown_link(at: Nanos, link: int) -> Observed:
    text = f"Link type {link} is not known to gwtop; its frames are counted and not decoded."
    return Observed(at, "unknown-link", "warn", text)


def nothing_read(connection: Connection, plan: Plan, at: Nanos) -> Observed | None:
    """On a connection that has closed: whether what its client sent was no request to us, and why.

    Without a port every connection of a capture is looked at, and most are none of our business.
    """
    asked, link = plan.protocol, connection.link
    if connection.skipped and plan.ports:
        text = "No protocol that gwtop knows is spoken there; name it with --protocol."
    elif asked and connection.from_start and connection.held_bytes and link and not link.n_requests:
        text = f"No request of {asked} was found in what a client sent; is --protocol right?"
    else:
        return None
    return Observed(at, "unknown-protocol", "info", text, None, connection.opened.server)


def connections_dropped(at: Nanos, n: int) -> Observed:
    text = f"{n} idle connections were given up: more were open than gwtop follows."
    return Observed(at, "connections-dropped", "warn", text)
