"""What live tests share: gwtop as a program, real servers on free ports, and their end.

In: command lines. Out: facts. gwtop is run as a user runs it, in a process of its own; the servers
are Debian's nginx and PyPI's uWSGI, started here, stopped here, their files in a temporary folder.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEMOS = ROOT / "demos"
Fact = dict[str, Any]
DEADLINE_S = 60.0


def need_root() -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root (AF_PACKET and other users' processes)")


def need_program(name: str, package: str) -> str:
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")
    if path is None:
        pytest.skip(f"needs {name} (apt-get install {package})")
    return path


def need_uwsgi() -> list[str]:
    beside = Path(sys.executable).with_name("pyuwsgi")
    if beside.exists():
        return [str(beside)]
    pytest.skip("needs pyuwsgi (pip install pyuwsgi)")


def as_nobody() -> list[str]:
    """What makes a command nobody's; skips where nobody can't even import gwtop."""
    need_root()
    setpriv = need_program("setpriv", "util-linux")
    rights = ["--reuid=65534", "--regid=65534", "--clear-groups"]
    rights += ["--bounding-set=-all", "--inh-caps=-all"]
    prefix = [setpriv, *rights, shutil.which("env") or "env", "HOME=/", f"PYTHONPATH={ROOT}"]
    probe = [*prefix, sys.executable, "-c", "import gwtop.cli, aiohttp"]
    done = subprocess.run(probe, cwd="/", capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"needs a checkout that nobody can read ({done.stderr.splitlines()[-1]})")
    return prefix


def free_port(host: str = "127.0.0.1") -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.bind((host, 0))
        port: int = listener.getsockname()[1]
        return port


def gwtop_command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "gwtop", *arguments]


def run_gwtop(*arguments: str, deadline_s: float = DEADLINE_S) -> tuple[int, list[Fact], str]:
    """Exit status, facts and standard error of a run that ends by itself."""
    done = subprocess.run(
        gwtop_command(*arguments), capture_output=True, timeout=deadline_s, cwd="/"
    )
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, facts, done.stderr.decode()


def of_type(facts: Sequence[Fact], kind: str) -> list[Fact]:
    return [fact for fact in facts if fact["type"] == kind]


class Running:
    """A gwtop that goes on: its facts can be awaited."""

    def __init__(
        self,
        *arguments: str,
        folder: Path = Path("/"),
        user: int | None = None,
        prefix: Sequence[str] = (),
    ) -> None:
        """`folder`: its working directory, and where it makes temporary ones. `user`: who runs
        it, without groups; None: we. `prefix`: a command line that runs it."""
        self.facts: list[Fact] = []
        self._queue: Queue[Fact | None] = Queue()
        self.process = subprocess.Popen(
            [*prefix, *gwtop_command(*arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env=os.environ | ({} if folder == Path("/") else {"TMPDIR": str(folder)}),
            start_new_session=True,  # its group is its own, to be killed with it
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.endswith(b"\n"):  # else it was killed in the middle of it
                self._queue.put(json.loads(line))
        self._queue.put(None)

    def await_fact(self, wanted: Callable[[Fact], bool], deadline_s: float = 20.0) -> Fact:
        """The next fact that is wanted. What comes before it is kept in `facts`."""
        while True:
            try:
                fact = self._queue.get(timeout=deadline_s)
            except Empty:
                pytest.fail(f"no such fact in {deadline_s} s; seen {self.facts[-3:]}")
            if fact is None:
                pytest.fail(f"gwtop ended: {self.error_text()}")
            self.facts.append(fact)
            if wanted(fact):
                return fact

    def await_type(self, kind: str) -> Fact:
        return self.await_fact(lambda fact: fact["type"] == kind)

    def finish(self, deadline_s: float = DEADLINE_S) -> int:
        """Reads to the end; the exit status."""
        while (fact := self._queue.get(timeout=deadline_s)) is not None:
            self.facts.append(fact)
        return self.process.wait(timeout=deadline_s)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.finish()

    def error_text(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read().decode()

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


@contextmanager
def running(
    *arguments: str,
    folder: Path = Path("/"),
    user: int | None = None,
    prefix: Sequence[str] = (),
) -> Iterator[Running]:
    gwtop = Running(*arguments, folder=folder, user=user, prefix=prefix)
    try:
        yield gwtop
    finally:
        gwtop.kill()


def await_listening(host: str, port: int, process: subprocess.Popen[bytes]) -> None:
    """Until the port listens, by looking at the socket table: no connection is spent on it."""
    deadline = threading.Event()
    timer = threading.Timer(20.0, deadline.set)
    timer.start()
    try:
        while not _listens(host, port):
            if process.poll() is not None:
                pytest.fail(f"{process.args!r} ended with {process.returncode}")
            if deadline.wait(0.02):
                pytest.fail(f"nothing listens on {host}:{port}")
    finally:
        timer.cancel()


def _listens(host: str, port: int) -> bool:
    table = "/proc/net/tcp6" if ":" in host else "/proc/net/tcp"
    return any(
        fields[3] == "0A" and int(fields[1].rpartition(":")[2], 16) == port
        for fields in (line.split() for line in Path(table).read_text().splitlines()[1:])
    )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Ends a server and its whole group: fcgiwrap's children outlive it."""
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # nobody is left
        return


@contextmanager
def server(command: Sequence[str], host: str, port: int, cwd: Path) -> Iterator[int]:
    """A server in the foreground, until the end of the block; its pid."""
    with (cwd / f"log-{port}").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=cwd, process_group=0
        )
        try:
            await_listening(host, port, process)
            yield process.pid
        finally:
            stop(process)


@contextmanager
def uwsgi(
    folder: Path, protocol: str = "uwsgi", host: str = "127.0.0.1", workers: int = 2, *more: str
) -> Iterator[tuple[int, int]]:
    """A real uWSGI with the demos' application: its port and its master's pid."""
    port = free_port(host)
    shown = f"[{host}]" if ":" in host else host
    option = {"uwsgi": "--uwsgi-socket", "fastcgi": "--fastcgi-socket", "scgi": "--scgi-socket"}
    command = [
        *need_uwsgi(),
        *("--master", "--die-on-term", "--need-app", "--disable-logging"),
        *("--processes", str(workers), "--buffer-size", "65535"),
        *(option[protocol], f"{shown}:{port}"),
        *("--wsgi-file", str(DEMOS / "_application.py"), "--pythonpath", str(DEMOS)),
        *more,
    ]
    with server(command, host, port, folder) as pid:
        yield port, pid


@contextmanager
def nginx(
    folder: Path,
    locations: str,
    host: str = "127.0.0.1",
    length: str = "$upstream_response_length",
    upstream: str = "",
) -> Iterator[tuple[int, Path]]:
    """A real nginx: its port and its access log (method, target, upstream status, `length`)."""
    binary = need_program("nginx", "nginx-light")
    port = free_port(host)
    shown = f"[{host}]" if ":" in host else host
    log = folder / "access.log"
    conf = folder / "nginx.conf"
    conf.write_text(
        f"""daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 512; }}
        http {{
          log_format told '$request_method $request_uri $upstream_status {length}';
          access_log {log} told;
          client_body_temp_path {folder}/body; fastcgi_temp_path {folder}/fastcgi;
          uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
          proxy_temp_path {folder}/proxy;
          client_max_body_size 64m;
          large_client_header_buffers 8 64k; client_header_buffer_size 64k;
          fastcgi_buffer_size 128k; fastcgi_buffers 8 128k; uwsgi_buffer_size 128k;
          uwsgi_buffers 8 128k;
          {upstream}
          server {{ listen {shown}:{port}; {locations} }}
        }}"""
    )
    command = [binary, "-p", str(folder), "-c", str(conf), "-e", str(folder / "error.log")]
    with server(command, host, port, folder):
        yield port, log
