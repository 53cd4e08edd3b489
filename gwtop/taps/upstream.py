"""Upstream: a relay's way to the gateway, and the port that it listens on itself.

In: an address and port, or the path of a unix socket. Out: sockets that do not block. It refuses
to know who is on the other side of the relay.
"""

import errno
import os
import socket

from gwtop.errors import GwtopError

BACKLOG = 4096  # net.core.somaxconn bounds it; a relay must not refuse what the server would take
SO_PASSCRED = getattr(socket, "SO_PASSCRED", 16)  # asm-generic/socket.h
NO_ROOM = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Upstream:
    def __init__(self, to: tuple[str, int] | str) -> None:
        self._to = to

    def connect(self) -> socket.socket:
        """A connection; to a port it may still be on its way. Raises BlockingIOError when the
        gateway's backlog is full, and OSError when it does not take us."""
        if isinstance(self._to, str):
            return _to_path(self._to)
        server = socket.socket(family(self._to[0]), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        server.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        failed = server.connect_ex(self._to)
        if failed not in (0, errno.EINPROGRESS):
            server.close()
            raise OSError(failed, os.strerror(failed))
        return server


def _to_path(path: str) -> socket.socket:
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        server.connect(path)
        # Afterwards, for before it the kernel would give us an abstract name (unix(7)).
        server.setsockopt(socket.SOL_SOCKET, SO_PASSCRED, 1)
    except OSError:
        server.close()
        raise
    return server


def family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def listener(host: str, port: int) -> socket.socket:
    """Raises GwtopError."""
    found = socket.socket(family(host), socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
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
