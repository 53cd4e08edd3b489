"""FastCGI on the wire: constants, record headers, name-value pairs.

Spec: "FastCGI Specification", Mark R. Brown, Open Market, version 1.0, 29 April 1996. In: bytes.
Out: numbers and pairs. Knows no connection and no exchange: that is `fastcgi`.
"""

from collections.abc import Container
from struct import Struct
from typing import Final

from gwtop.protocols._base import Pair

VERSION_1: Final = 1  # FastCGI 8, FCGI_VERSION_1
HEADER = Struct("!BBHHBB")  # 3.3: version, type, requestId, contentLength, paddingLength, reserved
HEADER_BYTES: Final = 8  # 8, FCGI_HEADER_LEN

# FastCGI 8, record types.
BEGIN_REQUEST: Final = 1
ABORT_REQUEST: Final = 2
END_REQUEST: Final = 3
PARAMS: Final = 4
STDIN: Final = 5
STDOUT: Final = 6
STDERR: Final = 7
DATA: Final = 8
GET_VALUES: Final = 9
GET_VALUES_RESULT: Final = 10
UNKNOWN_TYPE: Final = 11

NAMES = {
    BEGIN_REQUEST: "BEGIN_REQUEST",
    ABORT_REQUEST: "ABORT_REQUEST",
    END_REQUEST: "END_REQUEST",
    PARAMS: "PARAMS",
    STDIN: "STDIN",
    STDOUT: "STDOUT",
    STDERR: "STDERR",
    DATA: "DATA",
    GET_VALUES: "GET_VALUES",
    GET_VALUES_RESULT: "GET_VALUES_RESULT",
    UNKNOWN_TYPE: "UNKNOWN_TYPE",
}

FROM_CLIENT = frozenset({BEGIN_REQUEST, ABORT_REQUEST, PARAMS, STDIN, DATA, GET_VALUES})
FROM_SERVER = frozenset({END_REQUEST, STDOUT, STDERR, GET_VALUES_RESULT, UNKNOWN_TYPE})
FIXED = frozenset({BEGIN_REQUEST, END_REQUEST, UNKNOWN_TYPE})  # 5.1, 5.5, 4.2: always 8 bytes
FIXED_BYTES: Final = 8

BEGIN_BODY = Struct("!HB5s")  # 5.1: role, flags, reserved
KEEP_CONN: Final = 1  # 5.1
RESPONDER: Final = 1  # 6.2
AUTHORIZER: Final = 2  # 6.3: gets no STDIN
FILTER: Final = 3  # 6.4: gets DATA
END_BODY = Struct("!IB3s")  # 5.5: appStatus, protocolStatus, reserved
REQUEST_COMPLETE: Final = 0  # 5.5
CANT_MPX_CONN: Final = 1  # 5.5
OVERLOADED: Final = 2  # 5.5
UNKNOWN_ROLE: Final = 3  # 5.5

RESERVED: Final = b"\0 "  # 3.3 has zeros; uWSGI 2.0's client side fills BEGIN's with spaces
MAX_PADDING: Final = 7  # 3.3 recommends multiples of 8; no more is seen in the wild. For searches.
MAX_RECORD_AND_PADDING_BYTES = 65_535  # php-fpm 8.2, main/fastcgi.c: more is answered by a reset


USUAL_BEGIN: Final = b"\1\1\0\1\0\x08\0"  # 3.3: version, BEGIN_REQUEST, id 1, 8 bytes, no padding
_PARAMS_1: Final = b"\1\4\0\1"
_CLOSING_1: Final = b"\1\4\0\1\0\0\0\0\1\5\0\1\0\0\0\0"  # both streams of id 1 end


def usual_request(data: bytes) -> tuple[bytes, bool] | None:
    """PARAMS and KEEP_CONN of a request as all fronts send it when it has no body: whole, alone,
    with id 1. None: it is another thing. `data` begins with USUAL_BEGIN."""
    if not data.startswith(_PARAMS_1, 16) or not data.endswith(_CLOSING_1):
        return None
    stop = 24 + (data[20] << 8 | data[21])
    if stop + data[22] + len(_CLOSING_1) != len(data) or not 24 < stop <= 65_000:
        return None
    if data[8] or data[9] != RESPONDER:
        return None
    return data[24:stop], data[10] & KEEP_CONN != 0


def tolerable(version: int, kind: int, stream: int, kinds: frozenset[int]) -> bool:
    """A header that is not an everyday one can still be a record: management (id 0), or a type
    that a later edition might add (4.2)."""
    if version != VERSION_1:
        return False
    if kind in kinds:
        return stream != 0 or kind >= GET_VALUES
    return kind == 0 or kind > UNKNOWN_TYPE


def plausible(
    data: bytes, pos: int, from_client: bool, known: Container[int] | None
) -> bool | None:
    """Whether a record may begin at `pos`, strictly: this is how a lost step is found again.

    None: more bytes are needed to say (never more than 16). `known`: request ids that are open;
    None: any id, as when we do not know which ones there are.
    """
    room = len(data) - pos
    if data[pos] != VERSION_1:
        return False
    if room < 2:
        return None
    kind = data[pos + 1]
    if kind not in (FROM_CLIENT if from_client else FROM_SERVER):
        return False
    if room < HEADER_BYTES:
        return None
    _, _, stream, length, padding, reserved = HEADER.unpack_from(data, pos)
    if reserved not in RESERVED or padding > MAX_PADDING or (length == 0 and padding):
        return False
    if (kind >= GET_VALUES) != (stream == 0):  # 3.3: management records have id 0
        return False
    if kind in FIXED:
        return _fixed_plausible(data, pos, kind, length) if length == FIXED_BYTES else False
    if kind == ABORT_REQUEST and length:
        return False
    return kind >= GET_VALUES or known is None or stream in known


def _fixed_plausible(data: bytes, pos: int, kind: int, length: int) -> bool | None:
    if len(data) - pos < HEADER_BYTES + length:
        return None
    if kind == BEGIN_REQUEST:
        role, flags, reserved = BEGIN_BODY.unpack_from(data, pos + HEADER_BYTES)
        return RESPONDER <= role <= FILTER and flags <= KEEP_CONN and not reserved.strip(RESERVED)
    if kind == END_REQUEST:
        return bool(END_BODY.unpack_from(data, pos + HEADER_BYTES)[1] <= UNKNOWN_ROLE)
    return True


def variables(block: bytes) -> tuple[dict[bytes, bytes], int, int]:
    """The name-value pairs of a PARAMS stream (3.4) by name, how many there were, and where the
    last whole pair ends. Of two with one name the later one stays, as in php-fpm's hash."""
    found: dict[bytes, bytes] = {}
    n_pairs = pos = 0
    size = len(block)
    try:
        while pos < size:
            name_bytes = block[pos]
            value_bytes = block[pos + 1]
            if (name_bytes | value_bytes) < 0x80:
                begin = pos + 2
            else:
                name_bytes, value_bytes, begin = _long_lengths(block, pos)
            middle = begin + name_bytes
            end = middle + value_bytes
            if end > size:
                break
            found[block[begin:middle]] = block[middle:end]
            n_pairs += 1
            pos = end
    except IndexError:
        pass  # the lengths themselves are cut
    return found, n_pairs, pos


def pairs(block: bytes) -> tuple[list[Pair], list[int]]:
    """As `variables`, in wire order, with where each pair ends."""
    found: list[Pair] = []
    ends: list[int] = []
    pos = 0
    try:
        while pos < len(block):
            name_bytes, value_bytes, begin = _long_lengths(block, pos)
            middle = begin + name_bytes
            pos = middle + value_bytes
            if pos > len(block):
                break
            found.append((block[begin:middle], block[middle:pos]))
            ends.append(pos)
    except IndexError:
        pass  # the lengths themselves are cut
    return found, ends


def _long_lengths(block: bytes, pos: int) -> tuple[int, int, int]:
    """Name length, value length (each 1 byte, or 4 with the top bit set: 3.4), where the name is.

    Raises IndexError when the lengths themselves are cut."""
    name_bytes = block[pos]
    pos += 1
    if name_bytes >= 0x80:
        name_bytes = int.from_bytes(block[pos - 1 : pos + 3], "big") & 0x7FFF_FFFF
        pos += 3
    value_bytes = block[pos]
    pos += 1
    if value_bytes >= 0x80:
        if pos + 3 > len(block):
            raise IndexError
        value_bytes = int.from_bytes(block[pos - 1 : pos + 3], "big") & 0x7FFF_FFFF
        pos += 3
    return name_bytes, value_bytes, pos
