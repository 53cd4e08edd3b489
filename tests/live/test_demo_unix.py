"""Demos whose hop is a unix socket: as root through the workers' own calls, as nobody through a
relay. The answers' own words are the witness, as everywhere."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gwtop import demos
from tests.live._running import Fact, as_nobody, gwtop_command, need_program, need_root, of_type
from tests.live.test_demo_facts import header

pytestmark = pytest.mark.live

BUILTIN = ("fastcgi", "uwsgi", "scgi", "fastcgi-flup", "scgi-flup", "uwsgi-gunicorn")
BEHIND = (
    *((name, "nginx") for name in ("fastcgi-php", "cgi-fcgiwrap", "gunicorn", "uwsgi-http")),
    *(("fastcgi", front) for front in ("nginx", "apache", "lighttpd")),
    ("gunicorn-threads", "nginx"),
)
ALONE = ("gunicorn", "wsgiref", "cgi")
"""Clients ask the watched server itself: a relay before its port."""


@pytest.fixture
def nobody() -> list[str]:
    """What makes a command nobody's; skips where nobody can't even import gwtop."""
    return as_nobody()


def need_demo(name: str, front: str | None = None) -> None:
    info = demos.find(name)
    if info.missing:
        pytest.skip(f"demo {name} needs {', '.join(info.missing)} ({info.install})")
    packages = {"nginx": "nginx-light", "apache": "apache2", "lighttpd": "lighttpd"}
    if front in packages:
        need_program("apache2" if front == "apache" else front, packages[front])


def facts_of(command: list[str], n_requests: int) -> list[Fact]:
    """Of a run; its requests are whole and as many as were sent."""
    done = subprocess.run(command, cwd="/", capture_output=True, timeout=90)
    assert done.returncode == 0, done.stderr
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    requests = of_type(facts, "request")
    assert len(requests) == n_requests
    assert {r["status"] for r in requests} == {200}
    assert {(r["outcome"], r["lost_bytes"]) for r in requests} == {("done", 0)}
    return facts


def rightness(requests: list[Fact]) -> tuple[int, int]:
    """How many have a pid, and how many of these are not the one that answered."""
    known = [r for r in requests if r["pid"] is not None]
    return len(known), sum(str(r["pid"]) != header(r, "X-Worker-Pid") for r in known)


@pytest.mark.parametrize(("name", "front"), [*((name, "builtin") for name in BUILTIN), *BEHIND])
def test_as_root_its_workers_calls_tell_the_requests(name: str, front: str) -> None:
    need_root()
    need_demo(name, front)
    asked = ("demo", name, "--front", front, "--unix", "--requests", "40", "--rate", "40")
    command = gwtop_command(*asked, "--concurrency", "4", "--json", "--details")
    facts = facts_of(command, 40)
    assert facts[0]["watch"][0]["listen"].startswith("unix:")
    assert rightness(of_type(facts, "request")) == (40, 0)
    summary = facts[-1]
    assert set(summary["evidence"]) <= {"kernel", "environ"}
    assert summary["model"] == demos.find(name).process_model


@pytest.mark.parametrize("name", BUILTIN)
def test_as_nobody_a_builtin_demo_is_whole_and_its_pids_are_right(
    nobody: list[str], name: str
) -> None:
    need_demo(name)
    facts = facts_of(
        [*nobody, *gwtop_command("demo", name, "--requests", "50", "--json", "--details")], 50
    )
    assert rightness(of_type(facts, "request")) == (50, 0)
    assert facts[-1]["evidence"] == {"relay": 50}
    assert facts[-1]["model"] == demos.find(name).process_model
    assert {tap["name"]: tap["state"] for tap in facts[0]["taps"]}["relay"] == "open"


@pytest.mark.parametrize("name", ALONE)
def test_as_nobody_a_server_of_its_own_is_seen_through_its_port(
    nobody: list[str], name: str
) -> None:
    need_demo(name)
    facts = facts_of(
        [*nobody, *gwtop_command("demo", name, "--requests", "40", "--json", "--details")], 40
    )
    n_known, n_wrong = rightness(of_type(facts, "request"))
    assert n_wrong == 0
    assert n_known >= 30  # a worker that has gone by the time we look has no pid
    assert facts[-1]["model"] == demos.find(name).process_model


def test_what_cannot_be_is_one_line() -> None:
    for words, said in (
        (("cgi", "--unix"), "its hop cannot be a unix socket"),
        (("gunicorn", "--unix"), "say --front nginx"),
    ):
        done = subprocess.run(
            gwtop_command("demo", *words, "--json"), cwd="/", capture_output=True, text=True
        )
        assert done.returncode == 1
        assert said in done.stderr and "Traceback" not in done.stderr


def test_nothing_of_it_stays(nobody: list[str], tmp_path: Path) -> None:
    folder = Path("/tmp") / f"gw-{os.getpid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    try:
        command = [
            *nobody,
            f"TMPDIR={folder}",
            *gwtop_command("demo", "fastcgi", "--requests", "5"),
        ]
        facts_of([*command, "--json"], 5)
        assert list(folder.iterdir()) == []
    finally:
        shutil.rmtree(folder)
