"""Upstream: a relay's way to the gateway, and the port that it listens on itself.

In: an address and port, or the path of a unix socket. Out: sockets that do not block. It refuses
to know who is on the other side of the relay.
"""

import errno
import os
import socket
import sys
from dataclasses import dataclass

from gwtop.errors import GwtopError
from gwtop.taps.addresses import of_socket

BACKLOG = 4096  # net.core.somaxconn bounds it; a relay must not refuse what the server would take
SO_PASSCRED = getattr(socket, "SO_PASSCRED", 16)  # asm-generic/socket.h
NO_NUMBERS = (errno.EMFILE,)  # this process has no descriptor left
NO_ROOM = (*NO_NUMBERS, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


@dataclass(frozen=True, slots=True)
class Goal:
    """Where the gateway is."""

    to: tuple[str, int] | str
    """An address and port, or the path of its unix socket, as it is called."""
    pinned: int | None = None
    """A descriptor of the socket's file (O_PATH), under whatever name it is found at the moment:
    a connect to a name could meet another socket's while names are exchanged. None: by name."""

    @property
    def server(self) -> str:
        return of_socket(self.to)

    def address(self) -> tuple[str, int] | str:
        return self.to if self.pinned is None else f"/proc/self/fd/{self.pinned}"


class Upstream:
    def __init__(self, goal: Goal) -> None:
        self._to = goal.address()

    def connect(self) -> tuple[socket.socket, bool]:
        """A connection, and whether it stands already; to a port it may be on its way. Raises
        BlockingIOError when the gateway's backlog is full, and OSError when it does not take us."""
        if isinstance(self._to, str):
            return _to_path(self._to), True
        server = stream(family(self._to[0]))
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        failed = server.connect_ex(self._to)
        if failed == errno.EINPROGRESS:  # on this machine it stands by now, and says so when asked
            failed = server.connect_ex(self._to)
        if failed not in (0, errno.EISCONN, errno.EINPROGRESS, errno.EALREADY):
            server.close()
            raise OSError(failed, os.strerror(failed))
        return server, failed in (0, errno.EISCONN)


def stream(kind: socket.AddressFamily) -> socket.socket:
    """A socket that does not block."""
    made = socket.socket(kind, socket.SOCK_STREAM | getattr(socket, "SOCK_NONBLOCK", 0))
    if made.getblocking():  # a system that has no such flag
        made.setblocking(False)
    return made


def _to_path(path: str) -> socket.socket:
    server = stream(socket.AF_UNIX)
    try:
        server.connect(path)
        # Afterwards, for before it the kernel would give us an abstract name (unix(7)).
        if sys.platform == "linux":
            server.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
    except OSError:
        server.close()
        raise
    return server


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listener(host: str, port: int) -> socket.socket:
    """Raises GwtopError."""
    found = stream(family(host))
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise GwtopError(
            f"cannot listen on {host}:{port}: {error.strerror}", "choose another port"
        ) from None
    return found
