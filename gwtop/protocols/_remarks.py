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
    """The same value twice does no harm; of two values one is lost, and servers differ in which."""
    values: dict[bytes, set[bytes]] = {}
    n_times = Counter(name for name, _ in fields)
    for name, value in fields:
        if n_times[name] > 1:
            values.setdefault(name, set()).add(value)
    differ = any(len(each) > 1 for each in values.values())
    listed = ", ".join(name.decode("latin-1") for name in sorted(values)[:3])
    how = "with different values" if differ else "with the same value"
    text = f"Sent more than once {how}: {listed}. Which one counts is the server's choice."
    return Remark(stream, "duplicate-variable", "warn" if differ else "info", text)


def answered_in_http(protocol: str) -> Remark:
    """For a decoder of `protocol` whose server answers in HTTP."""
    return Remark(
        None,
        "gateway-on-http-port",
        "error",
        f"The front end speaks {protocol}, the back end answers in HTTP: pass requests on to it "
        "as HTTP.",
    )


def malformed_variables(stream: int, n_bytes: int) -> Remark:
    text = f"The last {n_bytes} bytes of the variables are no whole name and value."
    return Remark(stream, "params-malformed", "error", text)
