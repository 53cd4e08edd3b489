"""The two ends of sockets: what the kernel lists about those that a process holds.

In: inodes. Out: `Ends` of each that is listed. It refuses to know who holds them. Needs no right.

sock_diag has no question "which is inode n", so its tables are walked whole (3 to 13 ms on a busy
machine): for one process that somebody looks at, not for a stream.
Sources: linux/{sock_diag,inet_diag,unix_diag}.h.
"""

import socket
import struct
from typing import NamedTuple

from gwtop.taps import diag
from gwtop.taps.addresses import endpoint

UDIAG_SHOW_NAME, UDIAG_SHOW_PEER = 1, 4  # linux/unix_diag.h
UNIX_DIAG_NAME, UNIX_DIAG_PEER = 0, 2  # linux/unix_diag.h
TIME_WAIT = 6  # net/tcp_states.h
HELD_STATES = 0xFFFFFFFF ^ 1 << TIME_WAIT
"""No process holds what waits after its close, and a busy machine has ten thousand of those."""
INODE = struct.Struct("=I")
UNIX_INODE_AT, UNIX_HEAD_BYTES = 4, 16  # struct unix_diag_msg: udiag_ino; the whole
PROTOCOLS = (("tcp", socket.IPPROTO_TCP), ("udp", socket.IPPROTO_UDP))
STATES = (
    *("", "established", "connecting", "connecting", "closing", "closing", "closed"),
    *("closed", "half closed", "closing", "listening", "closing"),
)
"""By the number in net/tcp_states.h, 1 to 11; CLOSE_WAIT, 8: the other end has closed its half."""


class Ends(NamedTuple):
    kind: str
    """"tcp", "udp", "unix", or "socket": not listed (another family, another namespace)."""
    local: str | None
    remote: str | None
    state: str | None


UNLISTED = Ends("socket", None, None, None)


def of(inodes: frozenset[int]) -> dict[int, Ends]:
    """As far as the kernel lists them. Raises OSError where sock_diag is not to be had."""
    found: dict[int, Ends] = {}
    for kind, protocol in PROTOCOLS:
        for family in (socket.AF_INET, socket.AF_INET6):
            head = (diag.INET_REQUEST.size, diag.SOCK_DIAG_BY_FAMILY, diag.NLM_F_REQUEST_DUMP, 1, 0)
            request = diag.INET_REQUEST.pack(*head, family, protocol, 0, 0, HELD_STATES)
            for body in diag.messages(request):
                if len(body) >= diag.INET.size and _inode(body) in inodes:
                    found[_inode(body)] = _inet(kind, body)
    if inodes - found.keys():
        found |= _unix(inodes)
    return found


def _inode(body: bytes) -> int:
    number: int = INODE.unpack_from(body, diag.INET.size - INODE.size)[0]  # idiag_inode, the last
    return number


def _inet(kind: str, body: bytes) -> Ends:
    family, port, other, here, there = diag.INET.unpack_from(body)[:5]
    local = endpoint(_address(family, here), int.from_bytes(port, "big"))
    peer = int.from_bytes(other, "big")
    remote = endpoint(_address(family, there), peer) if peer else None
    return Ends(kind, local, remote, _state(body[1]) if kind == "tcp" else None)  # idiag_state


def _address(family: int, raw: bytes) -> bytes:
    return raw[:4] if family == socket.AF_INET else raw


def _state(number: int) -> str | None:
    return STATES[number] if 0 < number < len(STATES) else None


def _unix(inodes: frozenset[int]) -> dict[int, Ends]:
    """A connected one's peer is told by its name, which clients seldom have."""
    show = UDIAG_SHOW_NAME | UDIAG_SHOW_PEER
    head = (diag.UNIX_REQUEST.size, diag.SOCK_DIAG_BY_FAMILY, diag.NLM_F_REQUEST_DUMP, 1, 0)
    request = diag.UNIX_REQUEST.pack(*head, socket.AF_UNIX, 0, 0, HELD_STATES, 0, show, 0, 0)
    told: dict[int, tuple[str, int | None, str | None]] = {}
    for body in diag.messages(request):
        attributes = diag.attributes(body[UNIX_HEAD_BYTES:])
        peer = attributes.get(UNIX_DIAG_PEER)
        number = None if peer is None else INODE.unpack(peer)[0]
        inode = INODE.unpack_from(body, UNIX_INODE_AT)[0]
        told[inode] = _name(attributes), number, _state(body[2])  # udiag_state
    found: dict[int, Ends] = {}
    for inode in inodes & told.keys():
        name, number, state = told[inode]
        remote = None if number is None else told.get(number, ("unix:", None, None))[0]
        found[inode] = Ends("unix", name, remote, state)
    return found


def _name(attributes: dict[int, bytes]) -> str:
    """ "unix:/run/app.sock", "unix:@abstract", "unix:" for one without a name."""
    name = attributes.get(UNIX_DIAG_NAME, b"")
    name = b"@" + name[1:] if name.startswith(b"\0") else name.rstrip(b"\0")
    return "unix:" + name.decode("latin-1")
