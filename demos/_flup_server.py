"""flup's AJP server on an inherited socket: `_flup_server.py FD READY_FILE`."""

import logging
import socket
import sys
from pathlib import Path

from _application import application
from flup.server.ajp import WSGIServer  # type: ignore[import-untyped]

# flup takes a thread for idle until it has woken, so of many connections that come at once some
# wait behind one thread, and a kept connection keeps its thread for good: let enough be idle.
SPARE_THREADS = 32


class Server(WSGIServer):  # type: ignore[misc]  # flup has no types
    def _setupSocket(self) -> socket.socket:  # noqa: N802
        listener: socket.socket = self._bindAddress
        return listener  # it would bind one of its own


def main(fd: str, ready_file: str) -> None:
    listener = socket.socket(fileno=int(fd))
    # flup sends a packet's header and its content apart; without this the second waits for the
    # ACK of the first, up to 40 ms. Accepted sockets inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = Server(
        application,
        bindAddress=listener,
        loggingLevel=logging.WARNING,  # a line for each request
        minSpare=SPARE_THREADS,
        maxSpare=SPARE_THREADS,
    )
    Path(ready_file).touch()
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
