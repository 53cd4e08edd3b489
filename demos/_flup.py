"""flup's forking servers, for the demos of FastCGI and SCGI: how one is started, for the keeper."""

import socket
from dataclasses import replace

from _keeper import Keeper, Server
from _servers import n_children, python


def forks(keeper: Keeper, listener: socket.socket, gateway: str, workers: int) -> Server:
    """A parent and `workers` children. It is ready when they are there: one that is forked later
    would look as if a request had made it."""
    server = python(keeper, "_flup_forks.py", listener, gateway, str(workers))
    return replace(server, ready=lambda pid: n_children(pid) >= workers)
