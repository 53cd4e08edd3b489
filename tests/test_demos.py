"""Finding, describing and starting demo programs: with the real ones' words, and with made-up ones.

A made-up program is a few lines in a temporary folder: what a broken demo does is then certain.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gwtop import demos
from gwtop.errors import GwtopError

LITERAL: dict[str, object] = {
    "name": "fake",
    "summary": "a demo of nothing",
    "protocol": "http",
    "process_model": "single-process",
    "explain": "wsgi",
    "fronts": [],
    "needs": [],
    "install": None,
}
READY = {
    "name": "fake",
    "protocol": "http",
    "process_model": "single-process",
    "url": "http://127.0.0.1:1/",
    "listen": "127.0.0.1:1",
    "front": None,
    "pid": 1,
    "explain": "wsgi",
}
WAIT = "sys.stdin.read()\n"


def fake(monkeypatch: pytest.MonkeyPatch, folder: Path, body: str, **different: object) -> None:
    program = f"import json, sys\nDEMO: dict = {LITERAL | different!r}\n{body}"
    (folder / "demo_fake.py").write_text(program)
    monkeypatch.setattr(demos, "folder", lambda: folder)


def test_every_program_is_in_the_catalogue_and_says_the_same_by_itself() -> None:
    for info in demos.catalogue():
        listed = subprocess.run(
            [sys.executable, info.program, "--list"], capture_output=True, check=True
        )
        said = json.loads(listed.stdout)
        assert said["name"] == info.name == info.program.stem.removeprefix("demo_")
        assert (said["summary"], said["install"]) == (info.summary, info.install)
        assert said["installed"] is info.installed
        assert tuple(said["missing"]) == info.missing


def test_the_first_demos_are_there() -> None:
    names = [info.name for info in demos.catalogue()]
    assert names == sorted(names)
    assert {"cgi", "fastcgi", "uwsgi", "wsgiref", "scgi", "ajp"} <= set(names)


def test_an_unknown_name_is_answered_with_the_known_ones() -> None:
    with pytest.raises(GwtopError, match="no demo 'php'; there are ajp, cgi, "):
        demos.find("php")


def test_a_program_with_missing_parts_is_not_started(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(monkeypatch, tmp_path, "raise SystemExit", needs=["no_such"], install="pip install it")
    assert not demos.find("fake").installed
    with pytest.raises(GwtopError, match="needs no_such; install it with: pip install it"):
        demos.start("fake")


def test_parts_may_be_programs_and_files_and_are_named_as_people_call_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "libphp8.2.so").touch()
    (tmp_path / "nginx").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    needs = ["json", "program:nginx", f"file:{tmp_path}/libphp*.so"]
    fake(monkeypatch, tmp_path, "raise SystemExit", needs=needs)
    assert demos.find("fake").missing == ()
    needs = ["no_such", "program:no-such-server", f"file:{tmp_path}/mod_php*.so"]
    fake(monkeypatch, tmp_path, "raise SystemExit", needs=needs, install="apt install them")
    assert demos.find("fake").missing == ("no_such", "no-such-server", "mod_php*.so")
    with pytest.raises(GwtopError, match="install it with: apt install them"):
        demos.start("fake")


def test_a_ready_program_runs_until_it_is_stopped(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(monkeypatch, tmp_path, f"print({json.dumps(READY)!r}, flush=True)\n{WAIT}")
    demo = demos.start("fake")
    assert demo.ready == READY
    assert demo.poll() is None
    demo.stop()
    demo.stop()
    assert demo.poll() is not None


@pytest.mark.parametrize(
    ("name", "front", "remedy"),
    [
        pytest.param("cgi", "apache", "there is gwtop demo cgi-apache", id="a demo of its own"),
        pytest.param("servlet", "nginx", "there are apache, builtin", id="no such front"),
        pytest.param("mod_php", "nginx", "leave --front out", id="it is a web server itself"),
    ],
)
def test_a_front_that_makes_no_sense_is_said_before_anything_starts(
    name: str, front: str, remedy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(demos, "_is_here", lambda part: True)
    with pytest.raises(GwtopError, match=f"demo {name} has no front '{front}'; {remedy}"):
        demos.start(name, front=front)


def test_options_reach_the_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    body = f"print(json.dumps({READY!r} | {{'explain': sys.argv[1:]}}), flush=True)\n{WAIT}"
    fake(monkeypatch, tmp_path, body, fronts=["builtin", "nginx"])
    demo = demos.start("fake", workers=3, front="nginx", unix=True)
    demo.stop()
    said = " ".join(demo.ready["explain"])
    assert (
        "--until-eof" in said
        and "--workers 3" in said
        and "--front nginx" in said
        and "--unix" in said
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        pytest.param("sys.exit('demo fake: no nginx')", "demo fake: no nginx", id="its own words"),
        pytest.param("raise OSError('disk')", "demo fake: OSError: disk", id="a traceback"),
        pytest.param("sys.exit(3)", "did not say why", id="silence"),
        pytest.param("print('{', end='')", "did not say why", id="half a line"),
    ],
)
def test_a_program_that_ends_before_it_is_ready_is_one_line(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, body: str, said: str
) -> None:
    fake(monkeypatch, tmp_path, body)
    with pytest.raises(GwtopError, match=said) as raised:
        demos.start("fake")
    assert "\n" not in str(raised.value)


def test_a_program_that_is_never_ready_is_given_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(monkeypatch, tmp_path, WAIT)
    monkeypatch.setattr(demos, "READY_DEADLINE_NS", 50_000_000)
    with pytest.raises(GwtopError, match="demo fake: it did not start"):
        demos.start("fake")


def test_much_on_stderr_stops_nobody_and_the_last_lines_are_kept(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    noise = "print('x' * 500_000, file=sys.stderr)\nprint('last', file=sys.stderr, flush=True)\n"
    fake(monkeypatch, tmp_path, f"{noise}print({json.dumps(READY)!r}, flush=True)\n{WAIT}")
    demo = demos.start("fake")
    demo.stop()
    assert demo.stderr_tail()[-1] == "last"


def test_who_must_not_wait_for_last_words_does_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake(monkeypatch, tmp_path, f"print({json.dumps(READY)!r}, flush=True)\n{WAIT}")
    demo = demos.start("fake")
    demo.stop()
    waited: list[float] = []
    monkeypatch.setattr(demo._drained, "join", waited.append)
    for why in (demo.trouble(waits_s=0), demo.trouble()):
        assert why is not None and "did not say why" in why
    assert waited == [0, demos.LAST_WORDS_S]


@pytest.mark.parametrize(
    ("name", "options", "status", "said"),
    [
        pytest.param("cgi", ["--front", "nginx"], 2, "there are builtin", id="no such front"),
        pytest.param("mod_php", ["--front", "nginx"], 2, "there are none: clients", id="no front"),
        pytest.param("cgi", ["--unix"], 1, "cannot be a unix socket", id="unix"),
        pytest.param("cgi", ["--workers", "0"], 2, "at least 1", id="no workers"),
    ],
)
def test_what_a_demo_cannot_do_it_says(
    name: str, options: list[str], status: int, said: str
) -> None:
    program = demos.find(name).program
    done = subprocess.run([sys.executable, program, *options], capture_output=True, text=True)
    assert done.returncode == status
    assert said in done.stderr and done.stdout == ""
