"""flup's forking servers on an inherited socket: `_flup_forks.py GATEWAY WORKERS FD READY_FILE`.

GATEWAY is "fcgi" or "scgi". One process forks WORKERS children that wait for one socket together
and answer a request at a time each. SIGTERM ends the parent alone, and its children only once they
look: whoever starts this ends the whole tree.
"""

import importlib
import logging
import socket
import sys
from pathlib import Path

from _application import application


def main(gateway: str, workers: str, fd: str, ready_file: str) -> None:
    listener = socket.socket(fileno=int(fd))
    # Head and content leave in two writes; without this the second may wait for the ACK of the
    # first, up to 40 ms. Accepted sockets inherit it.
    if listener.family != socket.AF_UNIX:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    kind = importlib.import_module(f"flup.server.{gateway}_fork").WSGIServer
    # It spawns when too few are idle, and tells them apart wrongly on Python 3: one number for all.
    n_children = {key: int(workers) for key in ("minSpare", "maxSpare", "maxChildren")}
    # It would log a line for each request.
    quiet = {"loggingLevel": logging.WARNING} if gateway == "scgi" else {}
    server = kind(application, bindAddress=listener, **n_children, **quiet)
    server._setupSocket = lambda: listener  # it would bind one of its own
    Path(ready_file).touch()
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
