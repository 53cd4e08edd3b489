"""Heads of HTTP/1.x messages: what RFC 9112 says they look like, and what they say of the body.

In: the bytes of a head. Out: whether it is one, its fields, how its body is framed. Refuses to
know connections and order: that is `http1`.

Fields are searched in the head's lower-case copy instead of being parsed all: most requests are
never looked at in detail, and two or three of their fields decide everything.
"""

import re

from gwtop.nouns.events import Event, Remark
from gwtop.protocols._base import Claim, decimal
from gwtop.protocols._lane import Sign

MAX_HEAD_BYTES = 64 * 1024
"""nginx takes 32 KiB of request head, Apache 100 fields of 8 KiB, and no browser sends 64."""

_SURE_BYTES = 4 * 1024
"""A request line this long needs no end to be told from the other protocols' first bytes."""

# RFC 9112 3: method SP request-target SP HTTP-version CRLF; a bare LF ends a line too (2.2).
# Spaces inside a target are wrong (3.2) and seen in the wild, so the last two delimit.
REQUEST_LINE = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}) ([^\x00-\x1f\x7f]+) HTTP/1\.([0-9]) *\r?\n"
)
_REQUEST_START = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}(?: [^\x00-\x1f\x7f]*\r?)?")
_SURE_START = re.compile(rb"[A-Z]{3,17} (?:/|https?://)")

# RFC 9110 9.3, RFC 5789 2, RFC 4918 9 (WebDAV): what may stand alone as a proof of a request.
REQUEST_SIGN = Sign(
    re.compile(
        rb"(?<![A-Z])(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND|PROPPATCH"
        rb"|MKCOL|COPY|MOVE|LOCK|UNLOCK) [!-~\x80-\xff]{1,8000} HTTP/1\.[01]\r?\n"
    ),
    8 * 1024,
    b"\n",
)
ANSWER_SIGN = Sign(
    re.compile(rb"HTTP/1\.[01] [1-5][0-9][0-9](?: [^\r\n]{0,1000})?\r?\n"), 1024, b"\n"
)

CHUNKED = -1
"""As a body's length: the chunks say it (RFC 9112 7.1)."""


def claims(prefix: bytes) -> Claim:
    """YES: a request line of HTTP/1.x (RFC 9112 3), empty lines before it aside (2.2)."""
    line = prefix.lstrip(b"\r\n")
    if REQUEST_LINE.match(line) or _is_sure(line):
        return Claim.YES
    if not _REQUEST_START.fullmatch(line[:MAX_HEAD_BYTES]) and line:
        return Claim.NO
    return Claim.MORE


def _is_sure(line: bytes) -> bool:
    """Whatever comes behind the first bytes: they alone decide, or a claim could be taken back."""
    first = line[:_SURE_BYTES]
    return (
        len(first) == _SURE_BYTES
        and _SURE_START.match(first) is not None
        and _REQUEST_START.fullmatch(first) is not None
    )


def field_values(lower: bytes, name: bytes) -> list[bytes]:
    """Every value of a field in a head in lower case, folded lines joined (RFC 9112 5.2).

    `name` as it stands there: b"\\nconnection:"."""
    values = []
    found = lower.find(name)
    while found >= 0:
        begin = found + len(name)
        end = lower.find(b"\n", begin)
        while lower[end + 1 : end + 2] in (b" ", b"\t"):
            end = lower.find(b"\n", end + 1)
        values.append(b" ".join(lower[begin:end].split()))
        found = lower.find(name, end)
    return values


def body_length(lower: bytes, out: list[Event]) -> int | None:
    """Of a request: the length of its body, CHUNKED, or None where nobody can say (RFC 9112 6.3).

    Appends what is wrong with the fields that say it."""
    codings = field_values(lower, b"\ntransfer-encoding:")
    lengths = field_values(lower, b"\ncontent-length:")
    if codings and lengths:
        out.append(
            Remark(
                0,
                "length-and-chunked",
                "warn",
                "The request has both Transfer-Encoding and Content-Length: front and back end "
                "may disagree on where it ends (request smuggling). Chunks decide; RFC 9112 6.3.",
            )
        )
    if codings:
        return CHUNKED if is_chunked(codings) else None
    return stated_length(lengths, out) if lengths else 0


def is_chunked(codings: list[bytes]) -> bool:
    """The last coding frames the body (RFC 9112 6.1)."""
    return codings[-1].rpartition(b",")[2].strip() == b"chunked"


def stated_length(values: list[bytes], out: list[Event]) -> int | None:
    """What the Content-Length fields agree on (RFC 9112 6.3: a list of equal numbers is one)."""
    said = {part.strip() for value in values for part in value.split(b",")}
    length = decimal(said.pop()) if len(said) == 1 else None
    if length is None:
        out.append(
            Remark(
                0,
                "content-length-unusable",
                "warn",
                "Content-Length is no number, or says two: where the body ends is anyone's guess. "
                "RFC 9112 6.3 has the message refused.",
            )
        )
    return length


def asks_to_stay(lower: bytes, minor: bytes) -> bool:
    """The client wants the connection kept (RFC 9112 9.3)."""
    if b"\nconnection:" not in lower:
        return minor != b"0"
    options = b",".join(field_values(lower, b"\nconnection:")).replace(b" ", b"").split(b",")
    return b"close" not in options if minor != b"0" else b"keep-alive" in options


def wrong_protocol(first: bytes) -> list[Remark]:
    """What an expert says of a client whose first byte begins no HTTP/1.x request line."""
    if first == b"\x16":  # RFC 8446 5.1: handshake record
        code, what = "tls-on-http-port", "The client speaks TLS to a port that expects plain HTTP"
    elif first.isdigit() or not first.isascii() or first < b" ":
        code = "gateway-on-http-port"
        what = "Not HTTP: the first bytes are those of a gateway protocol, or some other binary one"
    else:
        return []
    return [Remark(None, code, "error", what + "; look what the front end was told to speak.")]
