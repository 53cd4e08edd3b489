"""What usually goes wrong with a CGI script, done to that of each demo: gwtop says what it was.

In: the demos with the real servers, run from a copy. Each script is broken in the ways that people
break theirs, one after the other, and asked for; and it answers errors that it means. Out: a note
that is missing, or one on an answer that was meant.
"""

import http.client
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from gwtop import demos
from tests.live._running import Fact, need_root, running

pytestmark = pytest.mark.live

SHELL = "#!/bin/sh\n"
MEANT = "printf 'Status: 500 Meant\\r\\nContent-Type: text/plain\\r\\n\\r\\nsorry\\n'\n"
NO_EXECUTE, NO_INTERPRETER = "script-not-executable", "script-interpreter-missing"
NO_PROGRAM, NO_HEAD, NOT_RUN = "script-not-a-program", "no-answer-header", "script-not-run"


def text(first_line: str, rest: str = "echo\n") -> Callable[[Path], None]:
    def write(script: Path) -> None:
        script.write_text(first_line + rest, newline="")

    return write


def without_execute_bit(script: Path) -> None:
    script.chmod(0o644)


BROKEN: dict[str, tuple[Callable[[Path], None], str | None]] = {
    "its interpreter is not there": (text("#!/no/such/perl\n"), NO_INTERPRETER),
    "its first line ends in CR": (text("#!/bin/sh\r\n"), NO_INTERPRETER),
    "env does not find it": (text("#!/usr/bin/env no-such-perl\n"), NO_INTERPRETER),
    "env is given a CR": (text("#!/usr/bin/env sh\r\n"), NO_INTERPRETER),
    "it has no first line": (text("", "import os\n"), NO_PROGRAM),
    "it prints no header block": (text(SHELL, "echo hello there\n"), NO_HEAD),
    "it prints nothing": (text(SHELL, ""), NO_HEAD),
    "it fails at once": (text(SHELL, "exit 1\n"), NO_HEAD),
    "it means its 500": (text(SHELL, MEANT), None),
    "it means its 500 and fails": (text(SHELL, MEANT + "exit 1\n"), None),
    "it means its 500 and a command is not there": (text(SHELL, MEANT + "no-such\n"), None),
    "it has no execute bit": (without_execute_bit, NO_EXECUTE),
}


@pytest.fixture
def copy() -> Iterator[Path]:
    with TemporaryDirectory(prefix="gwtop-test-") as name:
        Path(name).chmod(0o1777)
        yield Path(name)


def asked(name: str, copy: Path, script: str, broken: list[Callable[[Path], None]]) -> list[Fact]:
    """One request for each way to break the script; the requests as gwtop tells them, in order."""
    info = demos.find(name)
    if info.missing:
        pytest.skip(f"needs {', '.join(info.missing)} ({info.install})")
    demo = demos.start(name, copy=copy)
    try:
        ready = demo.ready
        (path,) = copy.glob(script)
        front = () if ready["front"] is None else ("--front-pid", str(ready["front"]))
        port = ready["listen"].rpartition(":")[2]
        with running(
            *("attach", "--port", port, "--pid", str(ready["pid"]), *front, "--json"),
            *("--requests", str(len(broken))),
        ) as gwtop:
            gwtop.await_type("hello")
            requests = []
            for break_it in broken:
                break_it(path)
                ask(ready["url"])
                requests.append(gwtop.await_type("request"))
            assert gwtop.finish() == 0
    finally:
        demo.stop()
    return requests


def ask(url: str) -> None:
    host = url.removeprefix("http://").rstrip("/")
    with closing(http.client.HTTPConnection(host, timeout=20)) as connection:
        connection.request("GET", "/")
        connection.getresponse().read()


def told(request: Fact) -> set[str]:
    """What is said of the script, less the words of its error stream."""
    return {note["code"] for note in request["notes"]} - {"server-error-stderr"}


@pytest.mark.parametrize("name", ["cgi-apache", "cgi-lighttpd"])
def test_each_way_to_break_a_script_has_its_note_and_an_error_that_was_meant_has_none(
    name: str, copy: Path
) -> None:
    need_root()
    requests = asked(name, copy, "gwtop-demo-*/_cgi_script.py", [how for how, _ in BROKEN.values()])
    said = dict(zip(BROKEN, map(told, requests), strict=True))
    assert said == {way: {code} if code else set() for way, (_, code) in BROKEN.items()}


def test_fcgiwrap_refuses_what_it_may_not_run_and_the_rest_is_told_as_elsewhere(
    copy: Path,
) -> None:
    need_root()
    ways = [how for how, _ in BROKEN.values()]
    requests = asked("cgi-fcgiwrap", copy, "gwtop-demo-*/_cgi_script.py", ways)
    said = dict(zip(BROKEN, map(told, requests), strict=True))
    assert said.pop("it has no execute bit") == {NOT_RUN}
    for way, codes in said.items():
        code = BROKEN[way][1]
        # Where env found nothing, the wire shows an answer without a head, too.
        assert codes - {NO_HEAD} == ({code} - {NO_HEAD, None}), (way, codes)
        assert (code == NO_HEAD) <= (NO_HEAD in codes), (way, codes)
        assert code is not None or not codes, (way, codes)
    notes = [note["text"] for request in requests for note in request["notes"]]
    assert any("_cgi_script.py" in words and "cat -A" in words for words in notes)


def test_the_builtin_front_names_the_interpreter_itself_and_a_head_is_all_that_can_lack(
    copy: Path,
) -> None:
    need_root()
    nothing = text("", "\n")
    no_head = text("", "print('hello there')\n")
    meant = text("", "print('Status: 500 Meant\\nContent-Type: text/plain\\n\\nsorry')\n")
    wrong = text("", "def (:\n")
    requests = asked("cgi", copy, "demos/_cgi_script.py", [nothing, no_head, wrong, meant])
    assert list(map(told, requests)) == [{NO_HEAD}, {NO_HEAD}, {NO_HEAD}, set()]
