"""What an expert would say about any gateway protocol: remarks that several decoders make.

In: what a decoder found. Out: a `Remark`. Codes are stable: `gwtop explain CODE` says more.
"""

from collections import Counter

from gwtop.nouns.events import Remark
from gwtop.protocols._heads import Pair

# RFC 9110 9, RFC 5789, RFC 4918 (WebDAV): the methods a request line is likely to begin with.
_METHODS = (
    b"GET ",
    b"POST ",
    b"HEAD ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
    b"TRACE ",
    b"PROPFIND ",
)


def is_http_request(prefix: bytes) -> bool:
    """These first bytes are those of an HTTP request; give at least 4, and always as many, for the
    answer to be the same however the stream was cut."""
    return len(prefix) >= 4 and any(method.startswith(prefix[: len(method)]) for method in _METHODS)


def http_on_gateway_port(protocol: str) -> Remark:
    """For a decoder of `protocol` whose client speaks HTTP."""
    return Remark(
        None,
        "http-on-gateway-port",
        "error",
        f"The client speaks HTTP to a port that speaks {protocol}; "
        f"point it at the web server, or let the front pass requests on as {protocol}.",
    )


def same_length_remark(stream: int, what: str, said: int, was: int) -> Remark:
    """A length field that does not agree with the body."""
    return Remark(
        stream,
        "content-length-mismatch",
        "warn",
        f"The {what}'s Content-Length says {said} bytes, its body had {was}.",
    )


def no_answer_header(stream: int, what: str) -> Remark:
    text = f"{what}: fronts make a 502 of it; print the header fields and a blank line first."
    return Remark(stream, "no-answer-header", "error", text)


def duplicate_variable(stream: int, fields: list[Pair]) -> Remark:
    names = Counter(name for name, _ in fields)
    twice = sorted(name for name, n_times in names.items() if n_times > 1)[:3]
    listed = ", ".join(name.decode("latin-1") for name in twice)
    text = f"Sent more than once: {listed}; which one counts depends on the application server."
    return Remark(stream, "duplicate-variable", "warn", text)


def malformed_variables(stream: int, n_bytes: int) -> Remark:
    text = f"The last {n_bytes} bytes of the variables are no whole name and value."
    return Remark(stream, "params-malformed", "error", text)
