"""AJP13 packets: codes, strings, and what FORWARD_REQUEST and SEND_HEADERS say.

In: payloads of packets. Out: pairs, claims. Refuses to know connections and order: that is `ajp`,
whose docstring names the source.
"""

import re
from struct import error as StructError  # noqa: N812
from struct import unpack_from

from gwtop.protocols._base import Claim, Pair
from gwtop.protocols._lane import Sign

FROM_WEB = b"\x12\x34"  # AJPv13 "Packet Headers", web server to container
FROM_CONTAINER = b"AB"  # the same, container to web server
HEADER_BYTES = 4
"""Magic and the payload's length, BE16."""

# AJPv13 "Packet Types". A body packet has no type.
FORWARD_REQUEST, SEND_BODY_CHUNK, SEND_HEADERS, END_RESPONSE, GET_BODY_CHUNK = 2, 3, 4, 5, 6
SHUTDOWN, PING, CPONG, CPING = 7, 8, 9, 10
ASIDE = {SHUTDOWN: "SHUTDOWN", PING: "PING", CPING: "CPING"}
"""What the web server says besides requests."""

STORED_METHOD = 0xFF
"""The method is in the attribute stored_method (httpd modules/proxy/ajp.h, SC_M_JK_STORED)."""
METHODS = (  # AJPv13 "Method field"; BASELINE-CONTROL as HTTP has it (RFC 3253 12.6)
    b"? OPTIONS GET HEAD POST PUT DELETE TRACE PROPFIND PROPPATCH MKCOL COPY MOVE LOCK UNLOCK ACL "
    b"REPORT VERSION-CONTROL CHECKIN CHECKOUT UNCHECKOUT SEARCH MKWORKSPACE UPDATE LABEL MERGE "
    b"BASELINE-CONTROL MKACTIVITY"
).split()

CODED = 0xA0  # AJPv13 "Request headers": the high byte of a name that is a code
REQUEST_HEADERS = (
    b"? accept accept-charset accept-encoding accept-language authorization connection "
    b"content-type content-length cookie cookie2 host pragma referer user-agent"
).split()
RESPONSE_HEADERS = (  # AJPv13 "Send Headers"
    b"? Content-Type Content-Language Content-Length Date Last-Modified Location Set-Cookie "
    b"Set-Cookie2 Servlet-Engine Status WWW-Authenticate"
).split()

# AJPv13 "Attributes", by code.
ATTRIBUTES = (
    b"? context servlet_path remote_user auth_type query_string route ssl_cert ssl_cipher "
    b"ssl_session req_attribute ssl_key_size secret stored_method"
).split()
REQ_ATTRIBUTE, SSL_KEY_SIZE, ARE_DONE = 0x0A, 0x0B, 0xFF
NULL_STRING = 0xFFFF  # AJPv13 "Data Types", strings

_METHOD_CODES = re.escape(bytes(range(1, len(METHODS)))) + b"\xff"
REQUEST_SIGN = Sign(re.compile(b"(?s)\x12\x34..\x02[%s]\x00[\x06-\x0a]HTTP/" % _METHOD_CODES), 12)
ANSWER_SIGN = Sign(
    re.compile(b"(?s)AB(?:..\x04[\x00-\x03]|\x00\x03\x06|\x00\x02\x05[\x00\x01]|\x00\x01\x09)"), 5
)


def claims(prefix: bytes) -> Claim:
    """YES: the web server's magic, then a FORWARD_REQUEST with a known method whose protocol is an
    HTTP, or a message of one byte (CPING)."""
    if not (FROM_WEB.startswith(prefix[:2]) and _may_forward(prefix)):
        return Claim.NO
    if len(prefix) < 5:
        return Claim.MORE
    if prefix[4] in ASIDE:
        return Claim.YES
    return Claim.YES if len(prefix) >= 13 else Claim.MORE


def _may_forward(prefix: bytes) -> bool:
    """No byte so far says that this is another thing than a FORWARD_REQUEST or a short message."""
    if len(prefix) > 4 and prefix[4] in ASIDE:
        return prefix[2:4] == b"\x00\x01"
    if len(prefix) > 4 and prefix[4] != FORWARD_REQUEST:
        return False
    if len(prefix) > 5 and not (0 < prefix[5] < len(METHODS) or prefix[5] == STORED_METHOD):
        return False
    if (len(prefix) > 6 and prefix[6]) or (len(prefix) > 7 and not 6 <= prefix[7] <= 10):
        return False
    return b"HTTP/".startswith(prefix[8:13])


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    """AJPv13 "Data Types": length, bytes, NUL. Raises IndexError where the block ends too soon."""
    (n_bytes,) = unpack_from(">H", block, at)
    if n_bytes == NULL_STRING:
        return b"", at + 2
    end = at + 2 + n_bytes
    if end >= len(block):
        raise IndexError
    return block[at + 2 : end], end + 1


def _headers(block: bytes, at: int, names: list[bytes], pairs: list[Pair]) -> int:
    (n_headers,) = unpack_from(">H", block, at)
    at += 2
    for _ in range(n_headers):
        if block[at] == CODED:
            code = block[at + 1]
            name = names[code] if 0 < code < len(names) else b"0xa0%02x" % code
            at += 2
        else:
            name, at = _string(block, at)
        value, at = _string(block, at)
        pairs.append((name, value))
    return at


def _attributes(block: bytes, at: int, pairs: list[Pair]) -> None:
    while block[at] != ARE_DONE:
        code = block[at]
        name = ATTRIBUTES[code] if 0 < code < len(ATTRIBUTES) else b"0x%02x" % code
        at += 1
        if code == SSL_KEY_SIZE:
            (n_bits,) = unpack_from(">H", block, at)
            pairs.append((name, b"%d" % n_bits))
            at += 2
            continue
        value, at = _string(block, at)
        if code == REQ_ATTRIBUTE:
            name = value
            value, at = _string(block, at)
        pairs.append((name, value))


class Request:
    """What a FORWARD_REQUEST's payload says, up to where it is cut; see `whole`."""

    __slots__ = ("attributes", "headers", "method_code", "prefix", "whole")

    def __init__(self, block: bytes) -> None:
        self.prefix: list[Pair] = []
        self.headers: list[Pair] = []
        self.attributes: list[Pair] = []
        self.method_code = block[1] if len(block) > 1 else 0
        self.whole = True
        try:
            self._parse(block)
        except (IndexError, StructError):  # it ends before it should
            self.whole = False

    def _parse(self, block: bytes) -> None:
        at = 2
        for name in (b"protocol", b"req_uri", b"remote_addr", b"remote_host", b"server_name"):
            value, at = _string(block, at)
            self.prefix.append((name, value))
        (port,) = unpack_from(">H", block, at)
        self.prefix += [(b"server_port", b"%d" % port), (b"is_ssl", b"%d" % block[at + 2])]
        at = _headers(block, at + 3, REQUEST_HEADERS, self.headers)
        _attributes(block, at, self.attributes)

    @property
    def method(self) -> bytes | None:
        if 0 < self.method_code < len(METHODS):
            return METHODS[self.method_code]
        return dict(self.attributes).get(b"stored_method")

    @property
    def target(self) -> bytes | None:
        """The URI and the query, which comes as an attribute; None where either may be cut off."""
        query = dict(self.attributes).get(b"query_string")
        if query is None and not self.whole:
            return None
        uri = dict(self.prefix).get(b"req_uri")
        return uri + b"?" + query if uri is not None and query is not None else uri

    def header(self, name: bytes) -> bytes | None:
        """The first header of this name (lower case); None when there is none."""
        return next((value for key, value in self.headers if key.lower() == name), None)

    def fields(self) -> list[Pair]:
        method = [(b"method", self.method)] if self.method is not None else []
        return [*method, *self.prefix, *self.headers, *self.attributes]


def answer_headers(block: bytes) -> list[Pair]:
    """The headers of a SEND_HEADERS payload; those before the first that is cut."""
    pairs: list[Pair] = []
    try:
        _, at = _string(block, 3)
        _headers(block, at, RESPONSE_HEADERS, pairs)
    except (IndexError, StructError):  # it ends before it should
        pass
    return pairs


def answer_status(block: bytes) -> int | None:
    """The status of a SEND_HEADERS payload; None where it is cut off."""
    return int.from_bytes(block[1:3], "big") if len(block) >= 3 else None
