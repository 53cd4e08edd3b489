"""However gwtop ends, or whatever of it is killed: nothing of it stays, and it says what happened.

Each test runs a whole demo in a folder of its own, which is the working directory of all its
processes, kills something in the middle of it, and gives the rest two seconds.
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.live._running import Running, gwtop_command, need_root, need_uwsgi, running
from tests.live._terminal import Terminal, terminal
from tests.live._trees import (
    await_nobody,
    children,
    listening_ports,
    living_in,
    parents,
    ports_of,
    told,
)

pytestmark = pytest.mark.live

CTRL_C = "\x03"
WATCHING = ("gwtop", "screen", "engine", "janitor")
INSTANCES = Path("/sys/kernel/tracing/instances")


@dataclass
class Cast:
    """Who is there in the middle of a demo."""

    pids: dict[str, int]
    ports: set[int]

    def trace_instances(self) -> list[str]:
        """What is left of them in the kernel: their names carry the pid of who made them."""
        makers = [f"gwtop-{self.pids[role]}-" for role in ("gwtop", "engine") if role in self.pids]
        names = os.listdir(INSTANCES) if INSTANCES.is_dir() else []
        return [name for name in names if name.startswith(tuple(makers))]

    def kill(self, what: str) -> None:
        if what == "gwtop's group":
            os.killpg(self.pids["gwtop"], signal.SIGKILL)
        else:
            os.kill(self.pids[what], signal.SIGKILL)


def cast_in(folder: Path, gwtop: int) -> Cast:
    everybody = living_in(folder)
    above = parents()
    program = next(pid for pid in everybody if "--until-eof" in told(pid) and children(pid))
    program = above[program] if "--until-eof" in told(above[program]) else program
    keeper = children(program)[0]
    pids = {"gwtop": gwtop, "program": program, "keeper": keeper}
    if above[program] != gwtop:
        pids["screen"] = above[program]  # a process of its own, forked by the one that was started
    for pid in everybody:
        words = told(pid)
        if pid != gwtop and above.get(pid) not in everybody:
            pids["janitor"] = pid  # in a session of its own, nobody's child any more
            continue
        for role, sign in (("engine", "--wishes"), ("load", "gwtop.load"), ("front", "_front.py")):
            if sign in words:
                pids[role] = pid
        if "--master" in words and above.get(pid) == keeper:
            pids["master"] = pid
    ports = ports_of(everybody)
    assert ports, "nothing listens"
    assert list(folder.glob("gwtop-demo-*")), "it has no directory that could stay"
    return Cast(pids, ports)


def nothing_stays(folder: Path, cast: Cast, *but: str) -> None:
    await_nobody(folder, tuple(cast.pids[role] for role in but if role in cast.pids))
    assert list(folder.glob("gwtop-demo-*")) == []
    assert not cast.ports & listening_ports()
    if "engine" not in but:
        assert cast.trace_instances() == []


@contextmanager
def headless(folder: Path, name: str) -> Iterator[tuple[Running, Cast]]:
    need_root()
    if name == "uwsgi":
        need_uwsgi()
    with running("demo", name, "--json", "--rate", "20", folder=folder) as gwtop:
        gwtop.await_type("request")
        yield gwtop, cast_in(folder, gwtop.process.pid)


@contextmanager
def on_screen(folder: Path, name: str = "cgi") -> Iterator[tuple[Terminal, Cast]]:
    need_root()
    with terminal(gwtop_command("demo", name, "--rate", "20"), folder) as screen:
        screen.await_text("/slow?ms")  # a request has been told
        yield screen, cast_in(folder, screen.process.pid)


@pytest.mark.parametrize("what", ["gwtop", "gwtop's group"])
@pytest.mark.parametrize("name", ["cgi", "uwsgi"])
def test_nothing_stays_of_a_killed_gwtop(tmp_path: Path, name: str, what: str) -> None:
    with headless(tmp_path, name) as (gwtop, cast):
        cast.kill(what)
        nothing_stays(tmp_path, cast)
        gwtop.finish()
        assert gwtop.error_text() == ""


@pytest.mark.parametrize(
    ("name", "what", "words"),
    [
        ("cgi", "load", "gwtop: the load has ended (signal 9)"),
        ("cgi", "program", "gwtop: the demo has ended (demo cgi: signal 9)"),
        ("cgi", "keeper", "gwtop: the demo has ended (demo cgi: process {} was killed (signal 9))"),
        ("cgi", "front", "gwtop: the demo has ended (demo cgi: _front.py (process {}) ended)"),
        ("uwsgi", "front", "gwtop: the demo has ended (demo uwsgi: _front.py (process {}) ended)"),
        ("uwsgi", "master", "gwtop: the demo has ended (demo uwsgi: uWSGI (process {}) ended)"),
    ],
)
def test_without_a_part_of_it_a_headless_demo_ends_and_says_why(
    tmp_path: Path, name: str, what: str, words: str
) -> None:
    with headless(tmp_path, name) as (gwtop, cast):
        cast.kill(what)
        nothing_stays(tmp_path, cast)
        assert gwtop.finish() == 1
        assert gwtop.facts[-1]["type"] == "summary"
        assert gwtop.error_text().splitlines() == [words.format(cast.pids[what])]


def test_without_its_janitor_gwtop_goes_on_and_cleans_up_itself(tmp_path: Path) -> None:
    with headless(tmp_path, "uwsgi") as (gwtop, cast):
        if "janitor" not in cast.pids:
            pytest.skip("needs tracefs, without which there is no janitor")
        cast.kill("janitor")
        gwtop.await_type("request")
        gwtop.process.send_signal(signal.SIGTERM)
        nothing_stays(tmp_path, cast)
        assert gwtop.finish() == 143


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_headless_demo_with_its_summary(
    tmp_path: Path, number: signal.Signals, status: int
) -> None:
    with headless(tmp_path, "cgi") as (gwtop, cast):
        gwtop.process.send_signal(number)
        nothing_stays(tmp_path, cast)
        assert gwtop.finish() == status
        assert gwtop.facts[-1]["type"] == "summary"
        assert gwtop.error_text() == ""


@pytest.mark.parametrize("command", ["demo cgi", "attach --port 9"])
def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path: Path, command: str) -> None:
    need_root()
    gwtop = " ".join(gwtop_command(*command.split(), "--json"))
    script = f"{gwtop} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"TMPDIR": str(tmp_path)},
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.startswith(b'{"type":"hello"')
    await_nobody(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("what", ["gwtop", "screen", "gwtop's group"])
def test_nothing_stays_of_a_killed_screen(tmp_path: Path, what: str) -> None:
    with on_screen(tmp_path) as (screen, cast):
        screen.forget()
        cast.kill(what)
        nothing_stays(tmp_path, cast)
        assert "Traceback" not in screen.text()


@pytest.mark.parametrize(
    ("what", "words", "who_goes_on"),
    [
        pytest.param("engine", "engine ended: exit status -9", ("gwtop", "screen"), id="engine"),
        pytest.param("program", "the demo has ended", WATCHING, id="program"),
        pytest.param("keeper", "the demo has ended", WATCHING, id="keeper"),
        pytest.param("front", "the demo has ended", WATCHING, id="front"),
    ],
)
def test_a_screen_that_lost_what_it_shows_says_so_and_keeps_what_was_seen(
    tmp_path: Path, what: str, words: str, who_goes_on: tuple[str, ...]
) -> None:
    with on_screen(tmp_path) as (screen, cast):
        cast.kill(what)
        screen.await_text(words)
        nothing_stays(tmp_path, cast, *who_goes_on)
        assert screen.process.poll() is None
        screen.press("q")
        nothing_stays(tmp_path, cast)
        assert screen.wait() == (1 if what == "engine" else 0)


def test_a_screen_without_its_load_says_so_and_watches_on(tmp_path: Path) -> None:
    with on_screen(tmp_path) as (screen, cast):
        cast.kill("load")
        screen.await_text("the load has ended (signal 9)")
        assert set(cast.pids.values()) - set(living_in(tmp_path)) == {cast.pids["load"]}
        assert cast.ports <= listening_ports()
        screen.press("q")
        nothing_stays(tmp_path, cast)
        assert screen.wait() == 0


@pytest.mark.parametrize("key", ["q", CTRL_C], ids=["q", "Ctrl-C"])
def test_a_key_ends_a_screen(tmp_path: Path, key: str) -> None:
    with on_screen(tmp_path) as (screen, cast):
        screen.press(key)
        nothing_stays(tmp_path, cast)
        assert screen.wait() == 0
        assert "Traceback" not in screen.text()


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_a_screen(tmp_path: Path, number: signal.Signals, status: int) -> None:
    with on_screen(tmp_path) as (screen, cast):
        screen.process.send_signal(number)
        nothing_stays(tmp_path, cast)
        assert screen.wait() == status
        assert "Traceback" not in screen.text()


@pytest.mark.parametrize("name", ["cgi", "uwsgi"])
def test_a_closed_terminal_ends_a_screen(tmp_path: Path, name: str) -> None:
    with on_screen(tmp_path, name) as (screen, cast):
        screen.hang_up()
        nothing_stays(tmp_path, cast)


def test_a_screen_is_painted_on_the_terminal_when_errors_go_to_a_file(tmp_path: Path) -> None:
    need_root()
    errors = tmp_path / "errors"
    with (
        errors.open("wb") as file,
        terminal(gwtop_command("demo", "cgi"), tmp_path, stderr=file.fileno()) as screen,
    ):
        screen.await_text("/slow?ms")
        screen.press("q")
        assert screen.wait() == 0
    assert errors.read_bytes() == b""
