"""What an expert would say about FastCGI in particular: codes and sentences.

In: what the decoder found. Out: a `Remark`. Deviations name the program that they come from.
"""

from gwtop.nouns.events import Remark
from gwtop.nouns.wire import CLIENT, Side
from gwtop.protocols import _fastcgi_wire as wire
from gwtop.protocols._base import answered_in_http, http_on_gateway_port, is_http_request

NO_EMPTY_STDOUT = (
    "The worker ended the request without closing STDOUT by an empty record, as php-fpm always "
    "does; every front takes it."
)

KEEP_CONN_CLOSED = Remark(
    None,
    "keep-conn-closed",
    "info",
    "The front asked to keep the connection (FCGI_KEEP_CONN), the application server closed it: "
    "each request pays for a new one.",
)


def spoke_http(side: Side, first: bytes) -> Remark | None:
    """For a side whose first bytes are no record."""
    if side is CLIENT:
        return http_on_gateway_port("FastCGI") if is_http_request(first) else None
    return answered_in_http("FastCGI") if first.startswith(b"HTTP/") else None


def split_pair(stream: int, n_split: int) -> Remark:
    text = (
        f"{n_split} of the variables lie across two PARAMS records; the specification allows it, "
        "php-fpm resets the connection: let the front send whole pairs."
    )
    return Remark(stream, "split-pair", "warn", text)


def closed_without_end(stream: int) -> Remark:
    text = (
        "The worker closed STDOUT but sent no END_REQUEST; the answer is whole, its exit status "
        "is not known."
    )
    return Remark(stream, "stdout-closed-without-end", "info", text)


def params_too_long(stream: int, n_bytes: int) -> Remark:
    text = (
        f"PARAMS of more than {n_bytes} bytes: more than any front end sends, and gwtop read no "
        "further; variables that came later are not shown."
    )
    return Remark(stream, "params-too-long", "info", text)


def unknown_type(stream: int | None, kind: int) -> Remark:
    text = f"Record type {kind} is not in FastCGI 1.0; it was skipped by its length."
    return Remark(stream, "unknown-record-type", "warn", text)


def over_record(stream: int) -> Remark:
    text = (
        "A PARAMS record is longer than 65,535 bytes with its padding: php-fpm resets the "
        "connection; send fewer or shorter variables."
    )
    return Remark(stream, "params-over-record", "warn", text)


_REFUSALS = {  # FastCGI 5.5
    wire.CANT_MPX_CONN: ("fcgi-cant-multiplex", "it takes one request at a time per connection"),
    wire.OVERLOADED: ("fcgi-overloaded", "it is overloaded: out of some resource"),
    wire.UNKNOWN_ROLE: ("fcgi-unknown-role", "it does not know the role that the front asked for"),
}


def refused(stream: int, protocol_status: int) -> Remark:
    code, reason = _REFUSALS.get(
        protocol_status, ("fcgi-unknown-status", f"protocolStatus is {protocol_status}")
    )
    return Remark(stream, code, "error", f"The application server refused the request: {reason}.")
