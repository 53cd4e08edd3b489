"""Messages of gateway protocols, written by hand: what a client sends that no front end would.

In: names and values. Out: bytes. Knows no server, and nothing of gwtop: these are the witness.
Each function takes what has to be wrong as an argument; what is not named is as the spec has it.
"""

from struct import pack

BEGIN, END, PARAMS, STDIN, STDOUT = 1, 3, 4, 5, 6  # FastCGI 8
RESPONDER, FILTER, KEEP_CONN = 1, 3, 1  # FastCGI 5.1
Pairs = list[tuple[bytes, bytes]]


def variables(target: str, *more: tuple[bytes, bytes], length: int = 0) -> Pairs:
    """CGI's, CONTENT_LENGTH first (SCGI 3)."""
    path, _, query = target.partition("?")
    return [
        (b"CONTENT_LENGTH", b"%d" % length),
        (b"REQUEST_METHOD", b"POST" if length else b"GET"),
        (b"REQUEST_URI", target.encode()),
        (b"PATH_INFO", path.encode()),
        (b"SCRIPT_NAME", b""),
        (b"QUERY_STRING", query.encode()),
        (b"SERVER_NAME", b"localhost"),
        (b"SERVER_PORT", b"80"),
        (b"SERVER_PROTOCOL", b"HTTP/1.1"),
        *more,
    ]


def record(kind: int, content: bytes = b"", id: int = 1, padding: int = 0) -> bytes:
    return pack(">BBHHBB", 1, kind, id, len(content), padding, 0) + content + bytes(padding)


def fcgi_length(n: int) -> bytes:
    return pack(">I", n | 1 << 31) if n > 127 else bytes([n])  # FastCGI 3.4


def fcgi_pairs(pairs: Pairs) -> bytes:
    return b"".join(fcgi_length(len(n)) + fcgi_length(len(v)) + n + v for n, v in pairs)


def begin(role: int = RESPONDER, flags: int = 0, id: int = 1) -> bytes:
    return record(BEGIN, pack(">HB5x", role, flags), id)


def fastcgi(
    block: bytes | Pairs, body: bytes = b"", flags: int = 0, cut: int | None = None
) -> bytes:
    """One request; `cut`: where in the block a second PARAMS record begins."""
    block = block if isinstance(block, bytes) else fcgi_pairs(block)
    params = [block] if cut is None else [block[:cut], block[cut:]]
    records = [record(PARAMS, part) for part in params] + [record(PARAMS)]
    records += [record(STDIN, body)] * bool(body) + [record(STDIN)]
    return begin(flags=flags) + b"".join(records)


def uwsgi(pairs: Pairs, body: bytes = b"", order: str = "<", modifier1: int = 0) -> bytes:
    """`order`: of sizes and lengths; the protocol's is little-endian."""
    block = b"".join(
        pack(f"{order}H", len(name)) + name + pack(f"{order}H", len(value)) + value
        for name, value in pairs
    )
    return pack(f"{order}BHB", modifier1, len(block), 0) + block + body


def scgi(pairs: Pairs, body: bytes = b"", marked: bool = True) -> bytes:
    """`marked`: with SCGI=1, as the protocol demands."""
    if marked:
        pairs = [*pairs, (b"SCGI", b"1")]
    block = b"".join(name + b"\0" + value + b"\0" for name, value in pairs)
    return b"%d:%s,%s" % (len(block), block, body)


def http(target: str, *lines: str, body: bytes = b"", method: str = "GET") -> bytes:
    head = [f"{method} {target} HTTP/1.1", "Host: localhost", "Connection: close", *lines, "", ""]
    return "\r\n".join(head).encode() + body
