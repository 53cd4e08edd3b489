"""The servers that several demos start: the builtin front, nginx, uWSGI. Nothing is started here;
each function says how, for the keeper.
"""

import grp
import os
import pwd
import shutil
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import _apache
import _lighttpd
import _nginx
import _tree
from _demo import HERE, Options, which
from _keeper import DemoError, Keeper, Server


def address(listener: socket.socket) -> str:
    """ "127.0.0.1:40123", "unix:/tmp/gateway.sock" """
    if listener.family == socket.AF_UNIX:
        return f"unix:{listener.getsockname()}"
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


def web(keeper: Keeper, options: Options) -> socket.socket:
    """The port that clients ask, for the front that `before` will start on it."""
    return keeper.reserved() if options.front == "apache" else keeper.listener()


def before(
    keeper: Keeper,
    options: Options,
    listener: socket.socket,
    gateway: str,
    target: str,
    script: Path | None = None,
) -> Server:
    """The front that was asked for. `script`: the file to run, for gateways that run files."""
    if options.front == "nginx":
        return nginx(keeper, listener, gateway, target, script)
    if options.front == "apache":
        return _apache.front(keeper, address(listener), gateway, target, script)
    if options.front == "lighttpd":
        return _lighttpd.front(keeper, listener, gateway, target, script)
    return front(keeper, listener, gateway, target)


def alone_or_behind(
    keeper: Keeper, options: Options, make: Callable[[socket.socket], Server]
) -> dict[str, Any]:
    """A server that speaks HTTP itself: for clients, or behind the front that was asked for."""
    if options.unix and options.front == "none":
        raise DemoError("--unix: clients come by TCP; say --front nginx")
    inside = keeper.listener(options.unix)
    listen = address(inside)
    keeper.start(make(inside))
    if options.front == "none":
        return {"url": f"http://{listen}/", "listen": listen, "front": None}
    outside = web(keeper, options)
    url = f"http://{address(outside)}/"
    front = keeper.start(before(keeper, options, outside, "http", listen))
    return {"url": url, "listen": listen, "front": front}


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


def nginx(
    keeper: Keeper, listener: socket.socket, gateway: str, target: str, script: Path | None = None
) -> Server:
    """nginx from a configuration of our own; nothing of the system's is read or written."""
    conf = keeper.directory / "nginx.conf"
    listen = address(listener)
    conf.write_text(_nginx.configuration(keeper.directory, listen, gateway, target, script))
    return Server(
        "nginx",
        [which("nginx"), "-e", "stderr", "-p", str(keeper.directory), "-c", str(conf)],
        listener,
        lambda pid: n_children(pid) >= 1,
        environ={"NGINX": "{fd};"},  # its own way to hand sockets to a successor
    )


def to_all(keeper: Keeper, *files: str) -> list[Path]:
    """Copies of files of this folder in the demo's directory, where a server that gives up root's
    rights can read them."""
    keeper.directory.chmod(0o755)
    closed = [folder for folder in keeper.directory.parents if not folder.stat().st_mode & 0o001]
    if closed and (who := user()):
        raise DemoError(f"{who[0]} may not enter {closed[-1]}; set TMPDIR to another folder")
    copies = [Path(shutil.copy(HERE / name, keeper.directory)) for name in files]
    for copy in copies:
        copy.chmod(0o755)
    return copies


def scratch(keeper: Keeper) -> Path:
    """A folder where a server that gives up root's rights may write: PHP keeps long bodies so."""
    keeper.directory.chmod(0o755)
    folder = keeper.directory / "tmp"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)
    return folder


def cgi_script(keeper: Keeper) -> Path:
    """The CGI script as web servers want it: a file that may be executed, and that names its
    interpreter in its first line."""
    script, _ = to_all(keeper, "_cgi_script.py", "_application.py")
    script.write_text(f"#!{python_for(user())}\n{script.read_text()}")
    return script


def python_for(who: tuple[str, str] | None) -> str:
    """A Python that this user may start: ours may be in a home that is closed to others."""
    ours = Path(sys.executable).resolve()
    closed = [folder for folder in ours.parents if not folder.stat().st_mode & 0o001]
    return which("python3") if who is not None and closed else str(ours)


def user() -> tuple[str, str] | None:
    """Whom a server that root starts is to become: user and group. None: we are not root."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    entry = pwd.getpwnam("www-data" if "www-data" in names else "nobody")
    return entry.pw_name, grp.getgrgid(entry.pw_gid).gr_name


def stderr_file(keeper: Keeper) -> str:
    """Our stderr, for servers that want the name of a file to write their log to."""
    try:
        os.close(os.open("/dev/stderr", os.O_WRONLY | os.O_APPEND))
    except OSError:  # a socket, as under systemd, can't be opened by its name
        return f"{keeper.directory}/stderr"
    return "/dev/stderr"


def n_children(pid: int) -> int:
    return list(_tree.parents().values()).count(pid)
