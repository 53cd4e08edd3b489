"""uwsgi packets: their header, their variables, and what looks like one and is none.

In: bytes. Out: names, pairs, claims, remarks. Refuses to know connections and order: that is
`uwsgi`, whose docstring names the sources.
"""

import re

from gwtop.nouns.events import Remark
from gwtop.protocols._base import Claim, Pair, http_on_gateway_port
from gwtop.protocols._lane import Sign

NAME = "uwsgi"

HEADER_BYTES = 4
"""modifier1 u8, datasize LE16, modifier2 u8 (Protocol.rst, "uwsgi packet header")."""

# Protocol.rst, table of modifier1, and uwsgi.h (UWSGI_MODIFIER_*): packets that carry variables
# and ask for an answer.
ASKING = frozenset({0, 5, 6, 7, 8, 9, 14, 15, 18, 23, 24, 25, 26, 27, 30})
"""WSGI, PSGI, Lua, Rack, JVM, CGI, PHP, Mono, symcall, XSLT, V8, GridFS, GlusterFS, FastFuncs and
WSGI with SCRIPT_NAME stripped."""

# The same table: the packets that are no requests.
CONTROLS = {
    10: "management",
    17: "spooler",
    22: "eval",
    31: "message",
    32: "message array",
    33: "message marshal",
    48: "SNMP",
    95: "cluster",
    96: "log",
    97: "reload",
    98: "reload",
    99: "config",
    100: "ping",
    101: "echo",
    109: "legion",
    110: "signal",
    111: "cache",
    173: "RPC",
    200: "close mark",
    224: "subscription",
    255: "generic",
}

PING = b"\x64\x00\x00"
"""modifier1 100 with datasize 0 (Protocol.rst: a ping; the answer is the same packet)."""

_CGI_NAME = re.compile(rb"[A-Z_][A-Z0-9_]*")
_MAX_NAME_BYTES = 256
"""CGI names are short; a longer first one is no proof of anything."""

_FIRST_NAMES = (
    b"QUERY_STRING REQUEST_METHOD CONTENT_TYPE CONTENT_LENGTH REQUEST_URI PATH_INFO SCRIPT_NAME "
    b"DOCUMENT_ROOT SERVER_PROTOCOL SERVER_NAME SERVER_PORT SERVER_ADDR SERVER_SOFTWARE "
    b"REMOTE_ADDR REMOTE_PORT GATEWAY_INTERFACE HTTP_HOST HTTP_USER_AGENT HTTP_ACCEPT"
).split()
"""What fronts put first: nginx QUERY_STRING, lighttpd CONTENT_LENGTH, Apache what its table has."""

REQUEST_SIGN = Sign(
    re.compile(
        b"(?s)[%s].{3}(?:%s)"
        % (
            re.escape(bytes(sorted(ASKING))),
            b"|".join(re.escape(bytes((len(name), 0)) + name) for name in _FIRST_NAMES),
        )
    ),
    HEADER_BYTES + 2 + max(map(len, _FIRST_NAMES)),
)

_HTTP_REQUEST = re.compile(rb"[A-Z]{1,16} [^\x00-\x1f\x7f]{1,8000} HTTP/[0-9.]{1,3}\r?\n")
_HTTP_LINE = re.compile(rb"[A-Z]{1,16}(?: [^\x00-\x1f\x7f]{0,8050}\r?)?")


def datasize(packet: bytes | bytearray) -> int:
    return packet[1] | packet[2] << 8


def pairs_of(block: bytes) -> tuple[list[Pair], bool]:
    """The variables in wire order (Protocol.rst, "the uwsgi vars"); False: the last one is cut or
    a length does not fit."""
    pairs: list[Pair] = []
    append = pairs.append
    at, end = 0, len(block)
    while at + 4 <= end:
        name_end = at + 2 + (block[at] | block[at + 1] << 8)
        if name_end + 2 > end:
            return pairs, False
        value_end = name_end + 2 + (block[name_end] | block[name_end + 1] << 8)
        if value_end > end:
            return pairs, False
        append((block[at + 2 : name_end], block[name_end + 2 : value_end]))
        at = value_end
    return pairs, at == end


def fits(start: bytes | bytearray) -> Claim:
    """Whether these first bytes of a packet can be one: modifier known, first variable inside.

    NO only where the whole packet would not fit either, so it does not matter when one asks."""
    if start[0] in CONTROLS:
        return Claim.YES
    if start[0] not in ASKING:
        return Claim.NO
    if len(start) < HEADER_BYTES:
        return Claim.MORE
    size = datasize(start)
    if size == 0:
        return Claim.YES
    if size < 4:
        return Claim.NO
    if len(start) < HEADER_BYTES + 2:
        return Claim.MORE
    name_bytes = start[4] | start[5] << 8
    if name_bytes + 4 > size:
        return Claim.NO
    value_at = HEADER_BYTES + 2 + name_bytes
    if len(start) < value_at + 2:
        return Claim.MORE
    value_bytes = start[value_at] | start[value_at + 1] << 8
    return Claim.YES if name_bytes + value_bytes + 4 <= size else Claim.NO


def claims(prefix: bytes) -> Claim:
    """YES: a request whose first variable has a CGI name and fits, or a ping; or such a request
    with its lengths in the wrong order, for nobody else would tell of it."""
    if not prefix:
        return Claim.MORE
    if prefix[0] == PING[0]:
        if len(prefix) >= HEADER_BYTES:
            return Claim.YES if prefix.startswith(PING) else Claim.NO
        return Claim.MORE if PING.startswith(prefix) else Claim.NO
    if len(prefix) >= HEADER_BYTES and not datasize(prefix):
        return Claim.NO
    claim = fits(prefix) if prefix[0] in ASKING else Claim.NO
    if claim is Claim.NO or len(prefix) < HEADER_BYTES + 2:
        return claim
    name_bytes = prefix[4] | prefix[5] << 8
    name = prefix[6 : 6 + name_bytes]
    if not 0 < name_bytes <= _MAX_NAME_BYTES or (name and not _CGI_NAME.fullmatch(name)):
        verdict = wrong_start(prefix)
        return Claim.YES if isinstance(verdict, Remark) else verdict
    return claim


def wrong_start(start: bytes) -> Remark | Claim:
    """What a client says that does not speak uwsgi as it should: a remark, MORE where its next
    bytes may tell, NO where nothing is known of it."""
    if _HTTP_LINE.fullmatch(start):
        return Claim.MORE
    if _HTTP_REQUEST.match(start):
        return http_on_gateway_port(NAME)
    if start[0] not in ASKING:
        return Claim.NO
    if len(start) < HEADER_BYTES + 2:
        return Claim.MORE
    size = start[1] << 8 | start[2]
    name_bytes = min(start[4] | start[5] << 8, start[4] << 8 | start[5])
    if not 0 < name_bytes <= min(size - 4, _MAX_NAME_BYTES):
        return Claim.NO
    name = start[6 : 6 + name_bytes]
    if name and not _CGI_NAME.fullmatch(name):
        return Claim.NO
    return Claim.MORE if len(name) < name_bytes else big_endian(start)


def looks_big_endian(start: bytes) -> bool:
    """A packet whose end did not come, and that is whole when its size is read the other way; or
    whose first variable has a name only when its length is."""
    name_bytes = start[4] << 8 | start[5] if len(start) > HEADER_BYTES + 1 else 0
    name = start[6 : 6 + name_bytes]
    if 0 < name_bytes <= _MAX_NAME_BYTES and _CGI_NAME.fullmatch(name):
        return len(name) == name_bytes
    size = start[1] << 8 | start[2] if len(start) > HEADER_BYTES else 0
    whole = HEADER_BYTES + size
    if not size or size >= datasize(start) or len(start) < whole:
        return False
    return pairs_of(start[HEADER_BYTES:whole])[1]


def big_endian(start: bytes) -> Remark:
    return Remark(
        None,
        "size-big-endian",
        "error",
        f"The packet's size reads {datasize(start)}, and {start[1] << 8 | start[2]} in big-endian "
        "order: uwsgi sizes are little-endian, and the server waits for bytes that do not come.",
    )
