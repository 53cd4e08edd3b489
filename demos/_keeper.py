"""Keeps a demo's servers: starts them, restarts them, and ends them whatever happens above.

Two processes. The one that was started (the *program*) talks to whoever started it: the ready
line, the exit status. It forks the *keeper*, the root of the watched tree, which has the servers
below it. Each sees the other's end of a socketpair close when the other dies, however it dies:

    the program dies            the keeper sees the end of its channel
    anything above it dies      the keeper holds a pidfd of each ancestor (kill -9 of a terminal)
    the process group is killed the keeper is in a session, and so a group, of its own
    the keeper dies             its orphans come to the program, a subreaper, which ends them
    SIGTERM, SIGINT, SIGHUP     to either of the two end the demo

Knows nothing of HTTP, gateways or gwtop.
"""

import contextlib
import json
import os
import pwd
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

import _tree

READY_DEADLINE_S = 20.0
LOOK_AGAIN_MS = 10  # while we wait for a server that has no way to tell that it is ready
NO_PIDFD_LOOK_MS = 250  # not Linux: who is our parent is asked this often
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class DemoError(Exception):
    """What stops a demo; one line for the person who started it."""


@dataclass
class Server:
    """A program that is kept running. `{fd}` in its words stands for its listening socket."""

    name: str
    argv: list[str]
    listener: socket.socket | None
    """The listening socket it inherits. It is bound before the server starts, so the port is free
    for certain, and no client is refused."""
    ready: Callable[[int], bool]
    """Asked with its pid until it says yes. Never by a connection: that would be a request that
    nobody sent, on the hop that somebody watches."""
    restart: bool = False
    """True: it has no master of its own that replaces a dead worker, so we do."""
    environ: dict[str, str] = field(default_factory=dict)
    as_stdin: bool = False
    """Its listening socket is its standard input, as inetd and FastCGI 2.2 do it."""


class Keeper:
    """What a demo file starts its servers with."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._servers: dict[int, Server] = {}
        self._parked: dict[str, tuple[socket.socket, socket.socket]] = {}
        self._held: list[socket.socket] = []

    def listener(self, unix: bool = False) -> socket.socket:
        """A listening socket on a free port of this machine, or on a path in our directory, for a
        server to inherit."""
        if not unix:
            return socket.create_server(("127.0.0.1", 0), backlog=128)
        self.directory.chmod(0o755)  # the front may be another user
        path = self.directory / "gateway.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        path.chmod(0o666)
        listener.listen(128)
        return listener

    def reserved(self) -> socket.socket:
        """A free port of this machine for a server that can inherit no socket. This one stays
        bound to it without listening, so the kernel gives the port to nobody else; with
        SO_REUSEADDR, which every server sets, the server may bind it beside us."""
        held = socket.socket()
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        self._held.append(held)
        return held

    def start(self, server: Server) -> int:
        """Starts it and returns its pid. The listening socket leaves this process's hands."""
        number = -1 if server.listener is None else server.listener.fileno()
        passed = [] if number < 0 or server.as_stdin else [number]
        process = subprocess.Popen(
            [word.replace("{fd}", str(number)) for word in server.argv],
            pass_fds=passed,
            stdin=number if server.as_stdin else subprocess.DEVNULL,
            stdout=sys.stderr,  # our stdout is for the ready line alone
            cwd=self.directory,
            env=os.environ | {k: v.replace("{fd}", str(number)) for k, v in server.environ.items()},
        )
        process.returncode = 0  # `reap` collects it; Popen shall neither wait nor warn
        self._servers[process.pid] = server
        if server.listener is not None:
            self._park(server, server.listener)
        return process.pid

    def _park(self, server: Server, listener: socket.socket) -> None:
        """A keeper that held the listening socket would look like a server. For a server that it
        may restart, the socket waits inside a socketpair: what was sent over a unix socket and
        not yet received stays open in nobody's table of files. Clients queue meanwhile."""
        if server.restart:
            here, there = socket.socketpair()
            socket.send_fds(here, [b"."], [listener.fileno()])
            self._parked[server.name] = (here, there)
        listener.close()

    def all_ready(self) -> bool:
        return all(server.ready(pid) for pid, server in self._servers.items())

    def ended(self, pid: int, may_restart: bool) -> None:
        """One of our children died: a server, or an orphan that came to us."""
        server = self._servers.pop(pid, None)
        if server is None:
            return  # a worker whose master died, a script whose front did
        if not (server.restart and may_restart):
            raise DemoError(f"{server.name} (process {pid}) ended")
        here, there = self._parked.pop(server.name)
        with here, there:
            numbers = socket.recv_fds(there, 1, 1)[1]
        server.listener = socket.socket(fileno=numbers[0])
        self.start(server)


Build = Callable[[Keeper], dict[str, Any]]
"""Starts a demo's servers; returns its part of the ready line."""


def run(name: str, build: Build, until_eof: bool) -> NoReturn:
    """Runs a demo in the foreground until something ends it (`until_eof`: that of stdin too)."""
    # The name is known to both before either makes it, so whoever is left can remove it.
    directory = Path(tempfile.gettempdir()) / f"gwtop-demo-{os.getpid()}-{os.urandom(4).hex()}"
    program = os.getpid()
    _tree.become_subreaper()
    here, there = socket.socketpair()
    keeper = os.fork()
    if keeper == 0:
        here.close()
        os._exit(_keep(build, directory, program, there))
    there.close()
    status = _follow(name, here, keeper, until_eof)
    _clean(directory, _Signals())
    sys.exit(status)


class _Signals:
    """Signals as something to poll: a byte arrives on `fileno` for each."""

    def __init__(self) -> None:
        self._read, write = socket.socketpair()
        for end in (self._read, write):
            end.setblocking(False)
        self._write = write
        signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        for number in (*ENDING_SIGNALS, signal.SIGCHLD):
            signal.signal(number, lambda *_: None)

    def fileno(self) -> int:
        return self._read.fileno()

    def take(self) -> set[int]:
        with contextlib.suppress(BlockingIOError):
            return set(self._read.recv(4096))
        return set()

    def wait(self) -> None:
        """For the next signal, at most a moment."""
        select.select([self], [], [], LOOK_AGAIN_MS / 1000)
        self.take()


# --- the program ---------------------------------------------------------------------------------


def _follow(name: str, channel: socket.socket, keeper: int, until_eof: bool) -> int:
    """Prints what the keeper reports, and waits for its end; returns the exit status."""
    signals, parent = _Signals(), os.getppid()
    poll = select.poll()
    stdin = {0} if until_eof else set()
    for number in (channel.fileno(), signals.fileno(), *stdin):
        poll.register(number, select.POLLIN)
    status, said = 0, b""
    while True:
        ready = dict(poll.poll(None if hasattr(os, "pidfd_open") else NO_PIDFD_LOOK_MS))
        over = stdin & set(ready)  # nothing but its end is expected there
        for number in over:
            poll.unregister(number)
        if over or signals.take() & set(ENDING_SIGNALS) or os.getppid() != parent:
            with contextlib.suppress(OSError):  # the keeper is gone already
                channel.shutdown(socket.SHUT_WR)
        with contextlib.suppress(BlockingIOError):
            piece = channel.recv(65536, socket.MSG_DONTWAIT)
            *lines, said = (said + piece).split(b"\n")
            status = max([status, *(_report(name, line) for line in lines)])
            if not piece:
                break
    ended = os.waitstatus_to_exitcode(os.waitpid(keeper, 0)[1])
    if ended < 0:
        print(f"demo {name}: process {keeper} was killed (signal {-ended})", file=sys.stderr)
    return status if ended == 0 else 1


def _report(name: str, line: bytes) -> int:
    told = json.loads(line)
    if "trouble" in told:
        print(f"demo {name}: {told['trouble']}", file=sys.stderr)
        return 1
    with contextlib.suppress(BrokenPipeError):  # who asked for it left; the keeper sees that too
        print(json.dumps(told), flush=True)
    return 0


def _clean(directory: Path, signals: _Signals) -> None:
    _tree.end_descendants(signals.wait)
    shutil.rmtree(directory, ignore_errors=True)


# --- the keeper ----------------------------------------------------------------------------------


def _keep(build: Build, directory: Path, program: int, channel: socket.socket) -> int:
    os.setsid()
    _tree.become_subreaper()
    signals = _Signals()
    status = 0
    try:
        watched = _ancestors(program)
        directory.mkdir(mode=0o700)
        _become_invoking_user(directory)
        _loop(Keeper(directory), build, channel, signals, watched)
    except DemoError as trouble:
        status = 1
        with contextlib.suppress(OSError):  # nobody is left to be told
            channel.sendall(json.dumps({"trouble": str(trouble)}).encode() + b"\n")
    finally:
        _clean(directory, signals)
    return status


def _ancestors(program: int) -> list[int]:
    """A pidfd of the program and of each process above it; readable when that process ends."""
    if not hasattr(os, "pidfd_open"):
        return []
    above = [program, *_tree.ancestors(program)]
    try:
        watched = [os.pidfd_open(pid) for pid in above]
    except ProcessLookupError:
        raise DemoError("a process above the demo ended") from None
    if [program, *_tree.ancestors(program)] != above:
        raise DemoError("a process above the demo ended")
    return watched


def _become_invoking_user(directory: Path) -> None:
    """Under sudo, servers run as the person who typed it."""
    if os.geteuid() != 0 or "SUDO_UID" not in os.environ:
        return
    user = pwd.getpwuid(int(os.environ["SUDO_UID"]))
    gid = int(os.environ.get("SUDO_GID", user.pw_gid))
    os.chown(directory, user.pw_uid, gid)
    if stat.S_ISFIFO(os.fstat(2).st_mode):  # servers open /dev/stderr by its name
        os.fchown(2, user.pw_uid, gid)
    os.initgroups(user.pw_name, gid)
    os.setgid(gid)
    os.setuid(user.pw_uid)
    os.environ.update(HOME=user.pw_dir, USER=user.pw_name, LOGNAME=user.pw_name)


def _loop(
    keeper: Keeper, build: Build, channel: socket.socket, signals: _Signals, watched: list[int]
) -> None:
    """Starts everything and stays until somebody ends or everything has to."""
    poll = select.poll()
    ends = {channel.fileno(), *watched}
    for number in (*ends, signals.fileno()):
        poll.register(number, select.POLLIN)
    ready_line = build(keeper)
    deadline = time.monotonic() + READY_DEADLINE_S
    told = False
    while not ends & {number for number, _ in poll.poll(None if told else LOOK_AGAIN_MS)}:
        if signals.take() & set(ENDING_SIGNALS):
            return
        for pid in _tree.reap():
            keeper.ended(pid, may_restart=told)
        if not told and keeper.all_ready():
            channel.sendall(json.dumps(ready_line).encode() + b"\n")
            told = True
        if not told and time.monotonic() > deadline:
            raise DemoError("the servers were not ready in time")
