"""Sockets as the kernel lists them (sock_diag): listeners with their queues, and connections.

In: which states, which local ports. Out: `Listening` and `Connected`. It refuses to know who owns
a socket: that is found by looking at descriptors. Needs no right.

Filtered in the kernel by state; 0.1 ms for listeners alone, whatever else is open.
Sources: linux/{sock_diag,inet_diag,unix_diag,netlink,rtnetlink}.h.
"""

import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from gwtop.taps.addresses import endpoint

NETLINK_SOCK_DIAG = 4  # linux/netlink.h
SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
NLMSG_ERROR, NLMSG_DONE = 2, 3  # linux/netlink.h
NLM_F_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
TCP_ESTABLISHED, TCP_CLOSE_WAIT, TCP_LISTEN = 1, 8, 10  # net/tcp_states.h; unix sockets too
UDIAG_SHOW_NAME, UDIAG_SHOW_RQLEN = 1, 0x10  # linux/unix_diag.h
UNIX_DIAG_NAME, UNIX_DIAG_RQLEN = 0, 4  # linux/unix_diag.h
HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
INET_REQUEST = struct.Struct("=IHHIIBBBBI48x")  # nlmsghdr, struct inet_diag_req_v2
UNIX_REQUEST = struct.Struct("=IHHIIBBHIIIII")  # nlmsghdr, struct unix_diag_req
INET = struct.Struct("=B3x2s2s16s16s12x4xIIII")
"""struct inet_diag_msg: family, ports, addresses, rqueue, wqueue, uid, inode."""
UNIX = struct.Struct("=xBxxI8x")  # struct unix_diag_msg: type, inode
ATTRIBUTE = struct.Struct("=HH")  # struct rtattr
QUEUE = struct.Struct("=II")  # struct unix_diag_rqlen
RECEIVE_BYTES = 256 * 1024
TIMEOUT_S = 1.0  # a dump is answered in the same system call; this only forbids hanging


class Listening(NamedTuple):
    listen: str
    """"127.0.0.1:9000", "[::]:80"; of a unix socket its path."""
    host: str
    port: int
    """0: a unix socket."""
    pending: int
    """Connections that nobody has accepted yet."""
    limit: int
    inode: int = 0
    uid: int | None = None
    """The user who made it; None: the kernel does not tell of a unix socket."""


class Connected(NamedTuple):
    local: str
    remote: str
    inode: int
    """0: nobody has accepted it yet."""


def messages(request: bytes) -> Iterator[bytes]:
    """The bodies of a dump's answers. Raises OSError where sock_diag is not to be had."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
        diag.settimeout(TIMEOUT_S)
        diag.send(request)
        while True:
            data = diag.recv(RECEIVE_BYTES)
            at = 0
            while at + HEADER.size <= len(data):
                length, kind, _, _, _ = HEADER.unpack_from(data, at)
                body = data[at + HEADER.size : at + length]
                if kind == NLMSG_DONE or length < HEADER.size:
                    return
                if kind == NLMSG_ERROR:
                    raise OSError(-struct.unpack_from("=i", body)[0], "sock_diag")
                yield body
                at += (length + 3) & ~3  # NLMSG_ALIGN


def _inet(states: int) -> Iterator[tuple[int, bytes, bytes, bytes, bytes, int, int, int, int]]:
    for family in (socket.AF_INET, socket.AF_INET6):
        head = (INET_REQUEST.size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0)
        for body in messages(INET_REQUEST.pack(*head, family, socket.IPPROTO_TCP, 0, 0, states)):
            if len(body) >= INET.size:
                yield INET.unpack_from(body)


def _address(family: int, raw: bytes) -> bytes:
    return raw[:4] if family == socket.AF_INET else raw


def tcp_listening() -> list[Listening]:
    """Every listening TCP socket of this network namespace. Raises OSError."""
    found: list[Listening] = []
    for family, port, _, here, _, pending, limit, uid, inode in _inet(1 << TCP_LISTEN):
        number = int.from_bytes(port, "big")
        text = endpoint(_address(family, here), number)
        host = text.rpartition(":")[0].strip("[]")
        found.append(Listening(text, host, number, pending, limit, inode, uid))
    return found


def tcp_connected(ports: frozenset[int]) -> list[Connected]:
    """The server's ends of the connections to these ports. Raises OSError.

    Those whose client has sent its FIN are included: their worker may still be answering.
    """
    found: list[Connected] = []
    for answer in _inet(1 << TCP_ESTABLISHED | 1 << TCP_CLOSE_WAIT):
        family, port, other, here, there, _, _, _, inode = answer
        number = int.from_bytes(port, "big")
        if number in ports:
            local = endpoint(_address(family, here), number)
            remote = endpoint(_address(family, there), int.from_bytes(other, "big"))
            found.append(Connected(local, remote, inode))
    return found


def attributes(data: bytes) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    at = 0
    while at + ATTRIBUTE.size <= len(data):
        length, kind = ATTRIBUTE.unpack_from(data, at)
        if length < ATTRIBUTE.size:
            break
        found[kind] = data[at + ATTRIBUTE.size : at + length]
        at += (length + 3) & ~3  # RTA_ALIGN
    return found


def _unix(states: int, show: int) -> Iterator[tuple[bytes, int, dict[int, bytes]]]:
    """Message, inode and attributes of each."""
    head = (UNIX_REQUEST.size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0)
    for body in messages(UNIX_REQUEST.pack(*head, socket.AF_UNIX, 0, 0, states, 0, show, 0, 0)):
        if len(body) >= UNIX.size:
            yield body, UNIX.unpack_from(body)[1], attributes(body[UNIX.size :])


def unix_listeners() -> list[int]:
    """The inodes of all listening unix sockets. Raises OSError."""
    return [inode for _, inode, _ in _unix(1 << TCP_LISTEN, 0)]


def unix_accepted(path: str) -> list[int]:
    """The inodes of the connections that listeners bound to this path took: each bears its
    listener's name, and the client's end bears none. Raises OSError."""
    wanted = path.encode("utf-8", "surrogateescape")
    found = _unix(1 << TCP_ESTABLISHED, UDIAG_SHOW_NAME)
    return [i for _, i, told in found if told.get(UNIX_DIAG_NAME, b"").rstrip(b"\0") == wanted]


def unix_listening(path: str | None = None) -> list[Listening]:
    """The listening stream sockets bound to this path; None: to any path. Raises OSError.

    Abstract names are left out: no gateway has one.
    """
    wanted = None if path is None else path.encode("utf-8", "surrogateescape")
    found: list[Listening] = []
    for body, inode, told in _unix(1 << TCP_LISTEN, UDIAG_SHOW_NAME | UDIAG_SHOW_RQLEN):
        name, queue = told.get(UNIX_DIAG_NAME, b"").rstrip(b"\0"), told.get(UNIX_DIAG_RQLEN)
        is_wanted = name == wanted or (wanted is None and name[:1] not in (b"", b"\0"))
        if queue is not None and body[1] == socket.SOCK_STREAM and is_wanted:  # udiag_type
            text = name.decode("utf-8", "surrogateescape")
            pending, limit = QUEUE.unpack_from(queue)
            found.append(Listening(f"unix:{text}", text, 0, pending, limit, inode))
    return found
