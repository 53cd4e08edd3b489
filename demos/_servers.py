"""The servers that several demos start: the builtin front, nginx, uWSGI. Nothing is started here;
each function says how, for the keeper.
"""

import socket
import sys

from _demo import HERE
from _keeper import Keeper, Server


def address(listener: socket.socket) -> str:
    """ "127.0.0.1:40123" """
    host, port = listener.getsockname()
    return f"{host}:{port}"


def python(keeper: Keeper, program: str, listener: socket.socket, *words: str) -> Server:
    """A program of this folder; it makes an empty file when it takes requests."""
    ready_file = keeper.directory / f"{program}.ready"
    argv = [sys.executable, str(HERE / program), *words, "{fd}", str(ready_file)]
    return Server(program, argv, listener, ready=lambda pid: ready_file.exists())


def front(keeper: Keeper, listener: socket.socket, gateway: str, target: str) -> Server:
    return python(keeper, "_front.py", listener, gateway, target)
