"""An AJP13 request once more, as a script that builds the packets.

In: what was asked, under the names of `_ajp_wire.Request.fields`. Out: lines for a shell. Spec:
AJPv13 "Request Packet Structure", "Request headers", "Attributes"; httpd modules/proxy/ajp.h.

Headers and attributes stand in one list there, attributes last; a header's name may be anything,
but that of an attribute is one of a few, or of those that httpd and mod_jk add, so the end of the
list is looked at. The first body packet goes out unasked, the next ones when the container asks.
"""

from collections.abc import Sequence

from gwtop.nouns.repeat import Again, Asked, Field, Http
from gwtop.protocols import _ajp_wire as wire
from gwtop.protocols._ajp_fields import PREFIX
from gwtop.protocols._repeat import script

_KNOWN = frozenset(wire.ATTRIBUTES[1:]) - {b"req_attribute", b"stored_method"}
_ADDED = (b"AJP_", b"JK_", b"SSL_", b"HTTPS", b"JkEnv")  # httpd mod_proxy_ajp, mod_jk JkEnvVar
_LENGTH = b"content-length"

_CODE = """
def string(s):  # AJPv13 "Data Types"
    return struct.pack('>H', len(s)) + s + b'\\0'
def name_of(n):  # "Request headers": a code for common names
    return struct.pack('>H', 0xA000 + CODES.index(n.lower())) if n.lower() in CODES else string(n)
def attribute(n, v):  # "Attributes"
    if n == b'ssl_key_size':
        return struct.pack('>BH', 11, int(v))
    return bytes([KINDS.index(n)]) + string(v) if n in KINDS else b'\\x0a' + string(n) + string(v)
def packet(data):
    return b'\\x12\\x34' + struct.pack('>H', len(data)) + data
def part(n):  # a body packet, without a type
    global body
    data, body = body[:n], body[n:]
    return packet(struct.pack('>H', len(data)) + data if data else b'')
head = b'\\x02' + bytes([METHOD]) + b''.join(map(string, PREFIX)) + PORT
head += struct.pack('>H', len(headers)) + b''.join(name_of(n) + string(v) for n, v in headers)
s.sendall(packet(head + b''.join(attribute(n, v) for n, v in attributes) + b'\\xff'))
if body:
    s.sendall(part(8186))
while len(start := told.read(4)) == 4:
    data = told.read(struct.unpack('>H', start[2:])[0])
    if data[0] == 3:  # SEND_BODY_CHUNK
        out.write(data[3:3 + struct.unpack('>H', data[1:3])[0]])
    elif data[0] == 4:  # SEND_HEADERS
        out.write(b'Status: %d\\n\\n' % struct.unpack('>H', data[1:3]))
    elif data[0] == 6:  # GET_BODY_CHUNK
        s.sendall(part(struct.unpack('>H', data[1:3])[0]))
    else:  # END_RESPONSE
        break
"""


def repeat(asked: Asked) -> Again:
    """An AJP request for Python."""
    said = dict(asked.fields)
    n_prefix = sum(name.decode("latin-1") in _OF_PREFIX for name, _ in asked.fields[:8])
    headers, attributes = _parted(asked.fields[n_prefix:])
    if asked.method is not None and asked.method not in wire.METHODS:
        attributes = [*attributes, (b"stored_method", asked.method)]
    port = int(said.get(b"server_port", b"80")) & 0xFFFF
    secure = said.get(b"is_ssl", b"0") != b"0"
    prefix = [said.get(name.encode("ascii"), b"") for name in PREFIX]
    code = "\n".join(
        [
            f"attributes = {attributes!r}",
            f"METHOD = {_method(asked.method)}",
            f"PREFIX = {prefix!r}",
            f"PORT = {port.to_bytes(2, 'big') + bytes([secure])!r}",
            f"CODES = {list(wire.REQUEST_HEADERS)!r}",
            f"KINDS = {list(wire.ATTRIBUTES)!r}",
            _CODE.strip("\n"),
        ]
    )
    line = script(asked._replace(fields=headers), code, "headers")
    return Again(_http(asked, said, headers, secure), [line])


_OF_PREFIX = frozenset((*PREFIX, "method", "server_port", "is_ssl"))


def _method(method: bytes | None) -> int:
    return wire.METHODS.index(method) if method in wire.METHODS[1:] else wire.STORED_METHOD


def _parted(fields: Sequence[Field]) -> tuple[list[Field], list[Field]]:
    """Headers, and the attributes behind them."""
    at = len(fields)
    while at and (fields[at - 1][0] in _KNOWN or fields[at - 1][0].startswith(_ADDED)):
        at -= 1
    return list(fields[:at]), list(fields[at:])


def _http(asked: Asked, said: dict[bytes, bytes], headers: list[Field], secure: bool) -> Http:
    host = said.get(b"host") or said.get(b"server_name", b"")
    scheme = "https://" if secure else "http://"
    return Http(asked.method or b"GET", scheme, host, asked.target or b"/", headers)
