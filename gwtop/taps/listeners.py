"""Listening sockets: which inode listens where.

In: nothing (the machine's socket tables). Out: `Listener`s. It refuses to know who owns them: that
is found by looking at descriptors (`kinship`).

sock_diag filters by state in the kernel, so asking for listeners alone costs 0.1 ms however many
connections there are; /proc/net/tcp prints every connection and is only the fallback.
Sources: linux/sock_diag.h, linux/inet_diag.h, linux/netlink.h; proc_net_unix in proc(5).
"""

import socket
import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import NamedTuple

NETLINK_SOCK_DIAG = 4  # linux/netlink.h
SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
NLMSG_ERROR, NLMSG_DONE = 2, 3  # linux/netlink.h
NLM_F_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH
TCP_LISTEN = 10  # net/tcp_states.h
REQUEST = struct.Struct("=IHHIIBBBBI48x")  # nlmsghdr, struct inet_diag_req_v2
HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
ANSWER = struct.Struct("=4x2s2x16s16x12x12xII")  # struct inet_diag_msg: port, address, uid, inode
SO_ACCEPTCON = 0x10000  # linux/net.h __SO_ACCEPTCON, in the Flags of /proc/net/unix
RECEIVE_BYTES = 256 * 1024
TIMEOUT_S = 1.0  # a dump is answered in the same system call; this only forbids hanging


class Listener(NamedTuple):
    address: str
    """Any: "0.0.0.0" or "::". Of a unix socket: its path."""
    port: int
    """0: a unix socket."""
    inode: int
    uid: int | None

    @property
    def listen(self) -> str:
        """As it was bound: "0.0.0.0:9000", "[::1]:80", "unix:/run/app.sock"."""
        if not self.port:
            return f"unix:{self.address}"
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"{host}:{self.port}"

    @property
    def link(self) -> str:
        """What its descriptors read as in /proc/PID/fd."""
        return f"socket:[{self.inode}]"


def _address(family: int, raw: bytes) -> str:
    return str(ip_address(raw[:4] if family == socket.AF_INET else raw))


def parse_dump(family: int, data: bytes) -> tuple[list[Listener], bool]:
    """The listeners of one datagram of answers, and whether it was the last one.

    Raises OSError for an answer that is an error (no inet_diag in this kernel).
    """
    found: list[Listener] = []
    at = 0
    while at + HEADER.size <= len(data):
        length, kind, _, _, _ = HEADER.unpack_from(data, at)
        if kind == NLMSG_DONE or length < HEADER.size:
            return found, True
        if kind == NLMSG_ERROR:
            code = -struct.unpack_from("=i", data, at + HEADER.size)[0]
            raise OSError(code, "sock_diag")
        port, address, uid, inode = ANSWER.unpack_from(data, at + HEADER.size)
        found.append(Listener(_address(family, address), int.from_bytes(port, "big"), inode, uid))
        at += (length + 3) & ~3  # NLMSG_ALIGN
    return found, False


def _dump(diag: socket.socket, family: int) -> list[Listener]:
    body = (family, socket.IPPROTO_TCP, 0, 0, 1 << TCP_LISTEN)
    diag.send(REQUEST.pack(REQUEST.size, SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST_DUMP, 1, 0, *body))
    found: list[Listener] = []
    last = False
    while not last:
        part, last = parse_dump(family, diag.recv(RECEIVE_BYTES))
        found += part
    return found


def parse_proc_net(family: int, text: str) -> Iterator[Listener]:
    """The listeners in /proc/net/tcp or tcp6: addresses are words in host byte order, as hex."""
    for line in text.splitlines()[1:]:
        column = line.split()
        if int(column[3], 16) != TCP_LISTEN:
            continue
        host, _, port = column[1].partition(":")
        words = (int(host[i : i + 8], 16) for i in range(0, len(host), 8))
        raw = b"".join(struct.pack("=I", word) for word in words)
        yield Listener(_address(family, raw), int(port, 16), int(column[9]), int(column[7]))


def _from_proc(family: int, net: str = "/proc/net") -> list[Listener]:
    name = "tcp" if family == socket.AF_INET else "tcp6"
    try:
        with open(f"{net}/{name}", encoding="ascii") as text:
            return list(parse_proc_net(family, text.read()))
    except FileNotFoundError:  # a kernel without IPv6, or the process has gone
        return []


def tcp() -> list[Listener]:
    """Every listening TCP socket of this network namespace."""
    families = (socket.AF_INET, socket.AF_INET6)
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
            diag.settimeout(TIMEOUT_S)
            return [found for family in families for found in _dump(diag, family)]
    except OSError:  # no such netlink protocol, no module, or a sandbox that forbids it
        return [found for family in families for found in _from_proc(family)]


def parse_unix(text: str, path: str | None) -> Iterator[Listener]:
    """`path` None: all that have a name in the file system."""
    for line in text.splitlines()[1:]:
        column = line.split(maxsplit=7)
        if len(column) < 8 or not int(column[3], 16) & SO_ACCEPTCON:
            continue
        if column[7] == path or (path is None and not column[7].startswith("@")):
            yield Listener(column[7], 0, int(column[6]), None)


def unix(path: str | None, net: str = "/proc/net") -> list[Listener]:
    """The listening unix sockets bound to this path; one whose file was replaced counts too."""
    try:
        with open(f"{net}/unix", encoding="utf-8", errors="surrogateescape") as text:
            return list(parse_unix(text.read(), path))
    except FileNotFoundError:
        return []


def seen_by(pid: int) -> list[Listener]:
    """All listeners, TCP and unix, of the network namespace this process is in."""
    net = f"/proc/{pid}/net"
    families = (socket.AF_INET, socket.AF_INET6)
    return [found for family in families for found in _from_proc(family, net)] + unix(None, net)
