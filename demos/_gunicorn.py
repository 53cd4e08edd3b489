"""gunicorn, for the demos of its kinds of workers: how it is started, for the keeper."""

import socket
import sys

from _demo import HERE
from _keeper import Server
from _servers import n_children


def gunicorn(listener: socket.socket, workers: int, *words: str) -> Server:
    """An arbiter, and `workers` processes that take turns on one socket. `words`: more options."""
    argv = [
        *(sys.executable, "-m", "gunicorn", "--bind", "fd://{fd}"),
        *("--pythonpath", str(HERE), "--workers", str(workers)),
        *("--log-level", "warning"),
        "--no-control-socket",  # it would lie in the home directory, one for all gunicorns there
        *("--limit-request-line", "8190"),  # 4,094 bytes by default
        *("--limit-request-field_size", "65535"),  # 8,190 by default
        *words,
        "_application:application",
    ]
    return Server("gunicorn", argv, listener, lambda pid: n_children(pid) >= workers)
