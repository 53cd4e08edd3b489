"""AJP13, the web server's side (Apache Tomcat Connectors, "AJPv13"): kept connections, packets.

What CGI calls variables AJP sends as coded methods, coded header names, and attributes. The
container asks for the body piece by piece; only the first comes unasked.
"""

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Generator, Iterator

FORWARD_REQUEST, CPING = 2, 10
SEND_BODY_CHUNK, SEND_HEADERS, END_RESPONSE, GET_BODY_CHUNK = 3, 4, 5, 6
METHODS = ["OPTIONS", "GET", "HEAD", "POST", "PUT", "DELETE"]  # codes from 1
REQUEST_HEADERS = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-type",
    "content-length",
    "cookie",
    "cookie2",
    "host",
    "pragma",
    "referer",
    "user-agent",
]
RESPONSE_HEADERS = [
    "Content-Type",
    "Content-Language",
    "Content-Length",
    "Date",
    "Last-Modified",
    "Location",
    "Set-Cookie",
    "Set-Cookie2",
    "Servlet-Engine",
    "Status",
    "WWW-Authenticate",
]
QUERY_STRING, NAMED, NO_MORE = 0x05, 0x0A, 0xFF  # attributes
MAX_BODY_BYTES = 8192 - 6  # a packet has 8 KiB unless both sides are told otherwise
MAX_PACKET_BYTES = 65_535  # flup takes any

N_CONNECTIONS = 4
"""As many are opened before one is used again, as by a web server with so many children: in the
container each has a thread, so one client alone meets several of them."""


class Connections:
    """Those that wait for a request, the one that has waited longest first."""

    def __init__(self) -> None:
        self._idle: deque[socket.socket] = deque()
        self._lock = threading.Lock()

    def take(self) -> socket.socket | None:
        """None: open a new one."""
        with self._lock:
            return self._idle.popleft() if len(self._idle) >= N_CONNECTIONS else None

    def give_back(self, link: socket.socket) -> None:
        with self._lock:
            self._idle.append(link)


_connections = Connections()


def ask(
    target: str, variables: dict[str, str], body: Iterator[bytes] | None
) -> Generator[bytes, None, None]:
    request = packet(forward_request(variables))
    link = _connection(target)
    with contextlib.ExitStack() as unless_done:
        unless_done.callback(link.close)  # half an exchange would be left in it
        yield from _exchange(link, request, body)
        unless_done.pop_all()


def _exchange(link: socket.socket, request: bytes, body: Iterator[bytes] | None) -> Iterator[bytes]:
    source = _packed(body or iter(()))
    link.sendall(request)
    if body:
        link.sendall(packet(_chunk(source)))
    while (message := receive(link))[0] != END_RESPONSE:
        if message[0] == SEND_HEADERS:
            yield headers(message)
        elif message[0] == SEND_BODY_CHUNK:
            (length,) = struct.unpack_from("!H", message, 1)
            yield message[3 : 3 + length]
        elif message[0] == GET_BODY_CHUNK:
            link.sendall(packet(_chunk(source)))
    for _ in source:
        pass  # what the container did not ask for, the client sends all the same
    if message[1]:  # the reuse flag
        _connections.give_back(link)
    else:
        link.close()


def _connection(target: str) -> socket.socket:
    """A kept one that is alive, which CPING finds out, else a new one."""
    while (link := _connections.take()) is not None:
        try:
            link.sendall(packet(bytes([CPING])))
            receive(link)  # CPONG
            return link
        except OSError:  # the container was started again meanwhile
            link.close()
    host, port = target.split(":")
    link = socket.create_connection((host, int(port)))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def packet(content: bytes) -> bytes:
    if len(content) > MAX_PACKET_BYTES:
        raise OSError("the request's head is too long for an AJP packet")
    return struct.pack("!HH", 0x1234, len(content)) + content


def receive(link: socket.socket) -> bytes:
    magic, length = struct.unpack("!2sH", _exactly(link, 4))
    if magic != b"AB":
        raise OSError("this is no AJP container")
    return _exactly(link, length)


def _exactly(link: socket.socket, n_bytes: int) -> bytes:
    got = link.recv(n_bytes, socket.MSG_WAITALL)
    if len(got) < n_bytes:
        raise ConnectionError("the container closed")
    return got


def string(text: str) -> bytes:
    content = text.encode("latin-1")
    return struct.pack("!H", len(content)) + content + b"\0"


def forward_request(variables: dict[str, str]) -> bytes:
    """The order of the parts is fixed; what has no place of its own is a named attribute."""
    if variables["REQUEST_METHOD"] not in METHODS:
        raise OSError("AJP13 has no code for this method")
    sent = [(_header_name(name), text) for name, text in variables.items() if _header_name(name)]
    return b"".join(
        [
            bytes([FORWARD_REQUEST, METHODS.index(variables["REQUEST_METHOD"]) + 1]),
            string(variables["SERVER_PROTOCOL"]),
            string(variables["REQUEST_URI"].partition("?")[0]),
            string(variables["REMOTE_ADDR"]),
            string(variables["REMOTE_ADDR"]),  # its host name, which nobody has looked up
            string(variables["SERVER_NAME"]),
            struct.pack("!HBH", int(variables["SERVER_PORT"]), False, len(sent)),
            *(_coded(name) + string(text) for name, text in sent),
            bytes([QUERY_STRING]) + string(variables["QUERY_STRING"]),
            bytes([NAMED]) + string("AJP_REMOTE_PORT") + string(variables["REMOTE_PORT"]),
            bytes([NO_MORE]),
        ]
    )


def _header_name(variable: str) -> str:
    """ "" for a variable that is no header."""
    if variable in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        variable = "HTTP_" + variable
    header = variable.startswith("HTTP_")
    return variable[5:].lower().replace("_", "-") if header else ""


def _coded(name: str) -> bytes:
    if name in REQUEST_HEADERS:
        return struct.pack("!H", 0xA001 + REQUEST_HEADERS.index(name))
    return string(name)


def headers(message: bytes) -> bytes:
    """SEND_HEADERS as a CGI-style head."""
    (status,) = struct.unpack_from("!H", message, 1)
    reason, at = _string_at(message, 3)
    (n_headers,) = struct.unpack_from("!H", message, at)
    lines, at = [f"Status: {status} {reason}"], at + 2
    for _ in range(n_headers):
        if message[at] == 0xA0:
            name, at = RESPONSE_HEADERS[message[at + 1] - 1], at + 2
        else:
            name, at = _string_at(message, at)
        text, at = _string_at(message, at)
        lines.append(f"{name}: {text}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"


def _string_at(message: bytes, at: int) -> tuple[str, int]:
    """The string, and where the next begins, behind its zero byte."""
    (length,) = struct.unpack_from("!H", message, at)
    return message[at + 2 : at + 2 + length].decode("latin-1"), at + 3 + length


def _packed(body: Iterator[bytes]) -> Iterator[bytes]:
    """The body in pieces that fit a packet."""
    for piece in body:
        for start in range(0, len(piece), MAX_BODY_BYTES):
            yield piece[start : start + MAX_BODY_BYTES]


def _chunk(source: Iterator[bytes]) -> bytes:
    """The next piece after its length; at the body's end an empty packet."""
    piece = next(source, b"")
    return struct.pack("!H", len(piece)) + piece if piece else b""
