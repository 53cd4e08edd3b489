"""The servers that several demos start: the builtin front, nginx, uWSGI. Nothing is started here;
each function says how, for the keeper.
"""

import socket
import sys
from pathlib import Path

import _nginx
import _tree
from _demo import HERE, Options, which
from _keeper import Keeper, Server


def address(listener: socket.socket) -> str:
    """ "127.0.0.1:40123" """
    host, port = listener.getsockname()
    return f"{host}:{port}"


def python(
    keeper: Keeper, program: str, listener: socket.socket, *words: str, restart: bool = False
) -> Server:
    """A program of this folder; it makes an empty file when it takes requests."""
    ready_file = keeper.directory / f"{program}.ready"
    argv = [sys.executable, str(HERE / program), *words, "{fd}", str(ready_file)]
    return Server(program, argv, listener, lambda pid: ready_file.exists(), restart)


def front(keeper: Keeper, listener: socket.socket, gateway: str, target: str) -> Server:
    """Our own HTTP server before a gateway at `target`."""
    return python(keeper, "_front.py", listener, gateway, target)


def before(
    keeper: Keeper, options: Options, listener: socket.socket, gateway: str, target: str
) -> Server:
    """The front that was asked for."""
    if options.front == "nginx":
        return nginx(keeper, listener, gateway, target)
    return front(keeper, listener, gateway, target)


def uwsgi(listener: socket.socket, kind: str, workers: int) -> Server:
    """uWSGI, prefork: a master, and `workers` processes that take turns on one socket.

    `kind` is what that socket speaks: "socket" (uwsgi), "fastcgi-socket", "scgi-socket".
    """
    beside_python = Path(sys.executable).parent / "pyuwsgi"
    module = [sys.executable, "-c", "import pyuwsgi; pyuwsgi.run()"]
    argv = [
        *([str(beside_python)] if beside_python.exists() else module),
        *(f"--{kind}", "fd://{fd}"),
        *("--wsgi-file", str(HERE / "_application.py")),
        *("--processes", str(workers)),
        "--master",  # replaces a worker that died
        "--need-app",  # an application that can't be loaded is an error, not an answer
        "--die-on-term",  # SIGTERM would reload it
        *("--buffer-size", "65535"),  # 4,096 bytes of head by default; browsers send more
        "--disable-logging",  # a line for each request
    ]
    return Server("uWSGI", argv, listener, lambda pid: n_children(pid) >= workers)


def nginx(keeper: Keeper, listener: socket.socket, gateway: str, target: str) -> Server:
    """nginx from a configuration of our own; nothing of the system's is read or written."""
    conf = keeper.directory / "nginx.conf"
    conf.write_text(_nginx.configuration(keeper.directory, address(listener), gateway, target))
    return Server(
        "nginx",
        [which("nginx"), "-e", "stderr", "-p", str(keeper.directory), "-c", str(conf)],
        listener,
        lambda pid: n_children(pid) >= 1,
        environ={"NGINX": "{fd};"},  # its own way to hand sockets to a successor
    )


def n_children(pid: int) -> int:
    return list(_tree.parents().values()).count(pid)
