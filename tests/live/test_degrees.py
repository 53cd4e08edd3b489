"""Every degree of right: gwtop starts with it, shows what it can, and names what is missing with
the command for it; and what an engine with every right has left once it reads.

Needs root, to become somebody with less; and a checkout and a Python that nobody may read.
"""

import http.client
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from gwtop.taps.privilege import Capability
from tests.live._running import (
    Fact,
    gwtop_command,
    need_program,
    need_root,
    nginx,
    of_type,
    running,
    uwsgi,
)
from tests.live._unix import short_folder

pytestmark = pytest.mark.live
NOBODY = "65534"
AS_NOBODY = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups")
N_REQUESTS = 20


def with_capabilities(*names: str) -> tuple[str, ...]:
    """As nobody, with these alone."""
    words = ",".join(f"+{name}" for name in names)
    return (*AS_NOBODY, "--inh-caps", f"-all,{words}", "--ambient-caps", f"-all,{words}")


@dataclass(frozen=True)
class Degree:
    prefix: tuple[str, ...]
    sees_requests: bool
    sees_tree: bool
    """Finds the listener's owner, so whom the requests go to."""
    opens: tuple[str, ...]
    lacks: tuple[str, ...]
    """Taps that are refused or absent, and say what they need."""


DEGREES = {
    "root": Degree((), True, True, ("ring", "births", "census", "sockets", "queues"), ()),
    "CAP_NET_RAW": Degree(
        with_capabilities("net_raw"), True, False, ("ring", "census", "queues"), ("sockets",)
    ),
    "CAP_NET_ADMIN": Degree(
        with_capabilities("net_admin"),
        False,
        False,
        ("births", "census", "queues"),
        ("ring", "sockets"),
    ),
    "an ordinary user": Degree(AS_NOBODY, False, False, ("census", "queues"), ("ring", "sockets")),
    "a container": Degree(
        (*AS_NOBODY, "unshare", "--user", "--pid", "--fork", "--mount-proc"),
        False,
        False,
        ("census", "queues"),
        ("ring", "sockets"),
    ),
}


@pytest.fixture(params=list(DEGREES))
def degree(request: pytest.FixtureRequest) -> Degree:
    need_root()
    need_program("setpriv", "util-linux")
    found = DEGREES[request.param]
    tried = subprocess.run(
        [*found.prefix, sys.executable, "-c", "import gwtop"], capture_output=True, text=True
    )
    if tried.returncode != 0:
        pytest.skip(f"{request.param} cannot run this Python: {tried.stderr[-200:]}")
    return found


@contextmanager
def pool(folder: Path) -> Iterator[tuple[int, int]]:
    """nginx's port, and uWSGI's behind it."""
    with uwsgi(folder) as (port, _):
        location = f"location / {{ include /etc/nginx/uwsgi_params; uwsgi_pass 127.0.0.1:{port}; }}"
        with nginx(folder, location) as (front, _):
            yield front, port


def ask(front: int) -> None:
    client = http.client.HTTPConnection("127.0.0.1", front, timeout=20)
    for number in range(N_REQUESTS):
        client.request("GET", f"/?n={number}")
        assert client.getresponse().read()


def states(hello: Fact) -> dict[str, str]:
    return {tap["name"]: tap["state"] for tap in hello["taps"]}


def test_each_degree_shows_what_it_can_and_names_the_rest(degree: Degree, tmp_path: Path) -> None:
    watch = ("attach", "--json", "--for", "4", "--port")
    with (
        pool(tmp_path) as (front, port),
        running(*watch, str(port), prefix=degree.prefix) as gwtop,
    ):
        hello = gwtop.await_type("hello")
        ask(front)
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["at"] > hello["at"])
        if degree.sees_requests:
            gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] == N_REQUESTS)
        assert gwtop.finish() == 0
        said = gwtop.error_text()
    found = states(hello)
    assert {name: found.get(name) for name in degree.opens} == dict.fromkeys(degree.opens, "open")
    summary = of_type(gwtop.facts, "summary")[0]
    assert summary["requests"] == (N_REQUESTS if degree.sees_requests else 0)
    ticks = of_type(gwtop.facts, "tick")
    assert [queue["listen"] for queue in ticks[-1]["queues"]] == [f"127.0.0.1:{port}"]
    needs = {tap["name"]: tap["needs"] for tap in hello["taps"]}
    for name in degree.lacks:
        assert found[name] in ("refused", "absent") and needs[name]
        assert f"gwtop: {name} is {found[name]}: {needs[name]}" in said
    if degree.sees_tree:
        assert summary["evidence"] == {"kernel": N_REQUESTS}
    else:
        assert "kernel" not in summary["evidence"]
    if not degree.sees_requests:
        assert f"attach --port {port}" in needs["ring"] and needs["ring"].startswith("CAP_NET_RAW")


def test_what_doctor_says_at_each_degree_is_what_opens(degree: Degree) -> None:
    done = subprocess.run(
        [*degree.prefix, *gwtop_command("doctor")], capture_output=True, text=True, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    rows = {line.split()[0]: line.split()[1] for line in done.stdout.splitlines() if line[0] != " "}
    assert (rows["ring"] == "ok") is degree.sees_requests
    assert (rows["tracefs"] == "ok") is ("sockets" in degree.opens)
    if degree.lacks:
        for words in ("attach --sudo", "setpriv", "tcpdump", "dumpcap", "tap unix:PATH"):
            assert words in done.stdout


def status_of(pid: int) -> dict[str, str]:
    text = Path(f"/proc/{pid}/status").read_text()
    return {
        name: value.strip() for name, _, value in (row.partition(":") for row in text.splitlines())
    }


def test_an_engine_that_reads_has_two_rights_left_and_can_write_nothing(tmp_path: Path) -> None:
    need_root()
    with pool(tmp_path) as (front, port), running("attach", "--port", str(port), "--json") as gwtop:
        gwtop.await_type("hello")
        ask(front)
        status = status_of(gwtop.process.pid)
        kept = 1 << Capability.SYS_PTRACE | 1 << Capability.DAC_READ_SEARCH
        for name in ("CapEff", "CapPrm", "CapBnd"):
            assert int(status[name], 16) & ~kept == 0, name
        assert int(status["CapInh"], 16) == int(status["CapAmb"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        assert status["Seccomp"] == "2"
        gwtop.interrupt()


def test_an_engine_of_a_capture_has_no_right_left() -> None:
    """It reads hostile bytes and nothing else; a pipe that stays open keeps it reading."""
    need_root()
    reader = subprocess.Popen(
        gwtop_command("read", "-", "--json"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/"
    )
    assert reader.stdin is not None and reader.stdout is not None
    reader.stdin.write(
        b"\xd4\xc3\xb2\xa1\x02\x00\x04\x00" + bytes(8) + b"\xff\xff\x00\x00\x01\0\0\0"
    )
    reader.stdin.flush()
    assert json.loads(reader.stdout.readline())["type"] == "hello"
    status = status_of(reader.pid)
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    reader.stdin.close()
    assert reader.wait(timeout=10) == 0


@pytest.mark.parametrize("prefix", [(), AS_NOBODY], ids=["root", "nobody"])
def test_a_relay_can_write_nothing_either(prefix: tuple[str, ...]) -> None:
    """What is refused by this filter is in tests/cli/test_running.py; here it is on."""
    need_root()
    with short_folder() as folder, socket.socket(socket.AF_UNIX) as server:
        folder.chmod(0o777)
        path = folder / "app.sock"
        server.bind(str(path))
        os.chown(path, int(NOBODY), int(NOBODY))
        server.listen()
        with running("tap", f"unix:{path}", "--json", prefix=prefix) as gwtop:
            gwtop.await_type("hello")
            status = status_of(gwtop.process.pid)
            assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
            gwtop.interrupt()


SUDO = """#!/bin/sh
# A sudo that asks nobody: the test is root already, and says whom it stands for.
case "$1" in -v) exit 0;; --) shift;; esac
echo "$@" >> {log}
SUDO_UID={uid} SUDO_GID={uid} exec "$@"
"""


@contextmanager
def under_sudo() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder that everybody may write to, with a sudo in it, and the environment to find it."""
    need_root()
    with short_folder() as folder:
        folder.chmod(0o777)
        (folder / "sudo").write_text(SUDO.format(log=folder / "log", uid=NOBODY))
        (folder / "sudo").chmod(0o755)
        yield folder, os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_under_sudo_only_the_engine_is_root_and_files_are_the_users(tmp_path: Path) -> None:
    with under_sudo() as (folder, environ), pool(tmp_path) as (front, port):
        debug = folder / "debug.jsonl"
        done = subprocess.Popen(
            gwtop_command(
                *("attach", "--port", str(port), "--sudo", "--json", "--debug", str(debug)),
                *("--requests", str(N_REQUESTS)),
            ),
            stdout=subprocess.PIPE,
            env=environ,
            cwd="/",
        )
        assert done.stdout is not None
        assert json.loads(done.stdout.readline())["type"] == "hello"
        ask(front)
        facts = [json.loads(line) for line in done.stdout]
        assert done.wait(timeout=20) == 0
        assert f"attach --interface lo --port {port}" in (folder / "log").read_text()
        assert debug.stat().st_uid == debug.stat().st_gid == int(NOBODY)
    assert len(of_type(facts, "request")) == N_REQUESTS


def test_under_sudo_no_file_is_written_that_the_user_could_not_write() -> None:
    """Who may run gwtop by sudo, and nothing else, is not given root's files by it."""
    with under_sudo() as (folder, environ):
        roots = folder / "roots"
        roots.write_text("precious")
        words = ("attach", "--port", "9", "--sudo", "--json", "--for", "1", "--debug", str(roots))
        done = subprocess.run(gwtop_command(*words), env=environ, capture_output=True, cwd="/")
        assert done.returncode == 1
        assert done.stderr.decode() == (
            f"gwtop: cannot write {roots} (Permission denied); give --debug another file\n"
        )
        assert roots.read_text() == "precious" and roots.stat().st_uid == 0
