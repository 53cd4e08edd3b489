"""Holders: which process of the tree has the other end of a connection of ours.

In: a connected socket, the tree. Out: a pid, or None where nobody or more than one is found. It
refuses to guess, and what it cannot read it does not see.

One socket is asked for by its addresses (sock_diag without a dump: 20 us, where the whole table
costs milliseconds), then the tree's descriptors are looked through (2 us each).
Sources: linux/sock_diag.h, linux/inet_diag.h; proc_net_unix in proc(5).
"""

import socket
import struct
from collections.abc import Collection

from gwtop.taps import proc

NETLINK_SOCK_DIAG = 4  # linux/netlink.h
SOCK_DIAG_BY_FAMILY = 20  # linux/sock_diag.h
NLMSG_ERROR, NLM_F_REQUEST = 2, 1  # linux/netlink.h
ALL_STATES = 0xFFFFFFFF
NO_COOKIE = 0xFFFFFFFF  # INET_DIAG_NOCOOKIE, linux/inet_diag.h
HEADER = struct.Struct("=IHHII")  # struct nlmsghdr
REQUEST = struct.Struct("=BBBxI2s2s16s16sIII")
"""struct inet_diag_req_v2: family, protocol, extensions, states; ports, addresses, interface,
cookie."""
INODE_AT = HEADER.size + 68  # struct inet_diag_msg, idiag_inode
ANSWER_BYTES = 8192
TIMEOUT_S = 0.1
SO_ACCEPTCON = 0x10000  # linux/net.h __SO_ACCEPTCON
CONNECTED = 3  # linux/net.h SS_CONNECTED


def of_peer(one: socket.socket, tree: Collection[int]) -> int | None:
    """Who alone holds the socket at the other end of this TCP connection."""
    try:
        inode = peer_inode(one)
    except OSError:  # the connection has gone, or there is no sock_diag
        return None
    if not inode:
        return None
    link = f"socket:[{inode}]"
    found = {pid for pid in tree if _holds(pid, link)}
    return found.pop() if len(found) == 1 else None


def _holds(pid: int, link: str) -> bool:
    return any(proc.link(f"/proc/{pid}/fd/{n}") == link for n in proc.descriptors(pid))


def peer_inode(one: socket.socket) -> int:
    """The inode of the socket at the other end; 0: nobody has accepted it yet. Raises OSError."""
    here, there = one.getsockname(), one.getpeername()
    ends = (_port(there), _port(here), _address(one, there), _address(one, here))
    body = REQUEST.pack(one.family, socket.IPPROTO_TCP, 0, ALL_STATES, *ends, 0, *[NO_COOKIE] * 2)
    head = HEADER.pack(HEADER.size + len(body), SOCK_DIAG_BY_FAMILY, NLM_F_REQUEST, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as diag:
        diag.settimeout(TIMEOUT_S)
        diag.send(head + body)
        data = diag.recv(ANSWER_BYTES)
    _, kind, _, _, _ = HEADER.unpack_from(data)
    if kind == NLMSG_ERROR:
        raise OSError(-struct.unpack_from("=i", data, HEADER.size)[0], "sock_diag")
    inode: int = struct.unpack_from("=I", data, INODE_AT)[0]
    return inode


def _port(end: tuple[str, int]) -> bytes:
    return end[1].to_bytes(2, "big")


def _address(one: socket.socket, end: tuple[str, int]) -> bytes:
    return socket.inet_pton(one.family, end[0]).ljust(16, b"\0")


def n_connected_unix(path: str) -> int:
    """Connections that a listener at this path has taken and that are still open."""
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="surrogateescape") as text:
            columns = [line.split(maxsplit=7) for line in text.read().splitlines()[1:]]
    except OSError:  # no Linux, or no /proc
        return 0
    return sum(
        len(column) == 8
        and column[7] == path
        and not int(column[3], 16) & SO_ACCEPTCON
        and int(column[5], 16) == CONNECTED
        for column in columns
    )
