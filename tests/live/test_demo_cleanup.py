"""Whatever is killed, nothing of a demo stays: no process, no listening port, no directory.

Each test starts a demo under a parent of its own, with requests in flight, kills something with
SIGKILL, and gives the rest the two seconds that INTERFACE.md promises. Every process of a demo has
its working directory in the test's folder, so a scan of /proc finds even those nobody knows.
"""

import json
import os
import pwd
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gwtop import demos
from tests.live._running import DEMOS, need_program, need_uwsgi
from tests.live._trees import (
    await_nobody,
    children,
    descendants,
    listening_ports,
    port_of,
    told,
)

pytestmark = pytest.mark.live

PARENT = (
    "import subprocess, sys; sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)"
)


@dataclass
class Started:
    parent: subprocess.Popen[bytes]
    program: int
    ready: dict[str, Any]
    folder: Path
    clients: list[socket.socket]

    @property
    def keeper(self) -> int:
        return int(self.ready["pid"])


def program_of(parent: int) -> int:
    """The demo's program: the one below `parent` that is no helper of this test."""
    return next(
        pid for pid in descendants(parent) if "demo_" in told(pid) and PARENT not in told(pid)
    )


@contextmanager
def demo(
    folder: Path, name: str, *options: str, busy: bool = True, above: str = PARENT
) -> Iterator[Started]:
    if name in ("fastcgi", "uwsgi", "scgi"):
        need_uwsgi()
    if "nginx" in options:
        need_program("nginx", "nginx-light")
    parent = subprocess.Popen(
        [sys.executable, "-c", above, str(DEMOS / f"demo_{name}.py"), *options],
        stdout=subprocess.PIPE,
        stderr=(folder / "said").open("wb"),
        cwd=folder,
        env=os.environ | {"TMPDIR": str(folder)},
        start_new_session=True,
    )
    assert parent.stdout is not None
    try:
        line = parent.stdout.readline()
        assert line, (folder / "said").read_text()
        started = Started(parent, program_of(parent.pid), json.loads(line), folder, [])
        assert list(folder.glob("gwtop-demo-*")), "it has no directory that could stay"
        if busy:
            started.clients = [asking(started, "/slow?ms=20000") for _ in range(3)]
        yield started
    finally:
        with suppress(ProcessLookupError):
            os.killpg(parent.pid, signal.SIGKILL)
        parent.wait()
        parent.stdout.close()
        for client in started.clients:
            client.close()


def asking(started: Started, target: str) -> socket.socket:
    """A client that has sent its request."""
    client = socket.create_connection(("127.0.0.1", port_of(started.ready["url"])), timeout=20)
    client.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    return client


def kill(started: Started, what: str) -> None:
    if what == "the program's group":
        os.killpg(os.getpgid(started.program), signal.SIGKILL)
        return
    victim = {
        "parent": started.parent.pid,
        "program": started.program,
        "keeper": started.keeper,
        "server": children(started.keeper)[0],
    }[what]
    os.kill(victim, signal.SIGKILL)


def nothing_stays(started: Started) -> None:
    await_nobody(started.folder)
    assert list(started.folder.glob("gwtop-demo-*")) == []
    ports = {port_of(started.ready["url"]), port_of(started.ready["listen"])}
    assert not ports & listening_ports()


@pytest.mark.parametrize("what", ["parent", "program", "keeper", "server", "the program's group"])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param("cgi", (), id="cgi"),
        pytest.param("fastcgi", ("--front", "nginx"), id="fastcgi behind nginx"),
        pytest.param("uwsgi", (), id="uwsgi"),
    ],
)
def test_nothing_stays_whatever_is_killed(
    tmp_path: Path, name: str, options: tuple[str, ...], what: str
) -> None:
    with demo(tmp_path, name, *options) as started:
        kill(started, what)
        if what in ("parent", "the program's group"):
            started.parent.wait()
        nothing_stays(started)


@pytest.mark.parametrize("what", ["parent", "program", "keeper", "the program's group"])
@pytest.mark.parametrize("name", ["wsgiref", "ajp"])
def test_nothing_stays_of_what_the_keeper_restarts(tmp_path: Path, name: str, what: str) -> None:
    with demo(tmp_path, name) as started:
        kill(started, what)
        if what in ("parent", "the program's group"):
            started.parent.wait()
        nothing_stays(started)


RESTARTED = {"wsgiref", "tornado", "twisted", "waitress", "ajp", "servlet"}
"""Their server has no master: the keeper starts it again, and the demo goes on."""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that everybody may enter and write to: servers that root starts become somebody else."""
    with tempfile.TemporaryDirectory(prefix="gwtop-test-") as name:
        Path(name).chmod(0o1777)
        yield Path(name)


@pytest.mark.parametrize("what", ["program", "keeper", "server"])
@pytest.mark.parametrize("name", [info.name for info in demos.catalogue()])
def test_nothing_stays_of_any_demo(open_folder: Path, name: str, what: str) -> None:
    info = demos.find(name)
    if info.missing:
        pytest.skip(f"needs {', '.join(info.missing)} ({info.install})")
    goes_on = what == "server" and name in RESTARTED
    # What waits in the queue of a server that goes on would be answered first.
    with demo(open_folder, name, busy=not goes_on) as started:
        kill(started, what)
        if goes_on:
            assert asking(started, "/").recv(12) in (b"HTTP/1.1 200", b"HTTP/1.0 200")
            kill(started, "program")
        nothing_stays(started)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("whom", ["program", "keeper"])
def test_a_signal_to_the_program_or_the_keeper_ends_all(
    tmp_path: Path, whom: str, number: signal.Signals
) -> None:
    with demo(tmp_path, "cgi") as started:
        os.kill(getattr(started, whom), number)
        nothing_stays(started)
        assert started.parent.wait() == 0
        assert (tmp_path / "said").read_text() == ""


def test_a_grandparent_that_dies_ends_it(tmp_path: Path) -> None:
    above = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {PARENT!r}, *sys.argv[1:]])"
    )
    with demo(tmp_path, "wsgiref", above=above) as started:
        started.parent.kill()
        started.parent.wait()
        # What stood between is no part of the demo, and ends when the program below it has.
        nothing_stays(started)


def test_a_server_that_nobody_restarts_ends_the_demo_with_one_line(tmp_path: Path) -> None:
    with demo(tmp_path, "cgi", busy=False) as started:
        front = started.ready["front"]
        kill(started, "server")
        nothing_stays(started)
        assert started.parent.wait() == 1
        said = (tmp_path / "said").read_text().splitlines()
        assert said == [f"demo cgi: _front.py (process {front}) ended"]


def test_under_sudo_the_servers_are_the_invoking_users(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root, to become somebody else")
    nobody = pwd.getpwnam("nobody")
    monkeypatch.setenv("SUDO_UID", str(nobody.pw_uid))
    monkeypatch.setenv("SUDO_GID", str(nobody.pw_gid))
    for folder in (tmp_path, *tmp_path.parents):  # pytest's folders are root's alone
        if folder.is_relative_to(Path(tempfile.gettempdir()) / "pytest-of-root"):
            folder.chmod(0o755)
    tmp_path.chmod(0o1777)  # as /tmp is
    with demo(tmp_path, "fastcgi", "--front", "nginx", busy=False) as started:
        tree = [started.keeper, *descendants(started.keeper)]
        assert len(tree) == 6  # keeper, master and two workers, nginx and its worker
        for pid in tree:
            status = Path(f"/proc/{pid}/status").read_text()
            ids = re.findall(r"^[UG]id:\t(\d+)\t(\d+)\t(\d+)\t(\d+)", status, re.MULTILINE)
            assert ids == [(str(nobody.pw_uid),) * 4, (str(nobody.pw_gid),) * 4]
        kill(started, "program")
        nothing_stays(started)
