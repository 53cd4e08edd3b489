"""The command line as processes: exit statuses, what goes to stdout and what to stderr."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

GWTOP = [sys.executable, "-m", "gwtop"]
EMPTY_PCAP = bytes.fromhex("d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000")
# Port 9 (discard, RFC 863) needs no listener, and a tap that is refused is no failure.
WATCH = ["attach", "--port", "9", "--json"]


def run(*arguments: str, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run([*GWTOP, *arguments], input=stdin, capture_output=True, check=False)


def lines(data: bytes) -> list[dict[str, object]]:
    return [json.loads(line) for line in data.splitlines()]


def note(at: str, code: str) -> bytes:
    told = {"type": "note", "at": at, "code": code, "severity": "info", "text": "t"}
    return json.dumps({**told, "pid": None, "listen": None}).encode() + b"\n"


@pytest.fixture
def capture(tmp_path: Path) -> str:
    path = tmp_path / "empty.pcap"
    path.write_bytes(EMPTY_PCAP)
    return str(path)


@pytest.fixture
def watching() -> Iterator["subprocess.Popen[bytes]"]:
    """An engine that has said hello."""
    pipe = subprocess.PIPE
    with subprocess.Popen([*GWTOP, *WATCH], stdin=pipe, stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b'{"type":"hello"')
        yield process
        process.kill()


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["attach"], id="nothing to watch"),
        pytest.param(["attach", "--port", "0"], id="no such port"),
        pytest.param(["attach", "--port", "9", "--protocol", "gopher"], id="no such protocol"),
        pytest.param(["attach", "--port", "9", "--host", "localhost"], id="no address"),
        pytest.param(["attach", "--port", "9", "--for", "nan"], id="no number of seconds"),
        pytest.param(["attach", "--socket", "", "--json"], id="no path"),
        pytest.param(["demo", "cgi", "--rate", "-1"], id="negative rate"),
        pytest.param(["demo", "cgi", "--rate", "nan"], id="no rate"),
        pytest.param(["read"], id="no file"),
        pytest.param(["read", "x", "--table", "knights"], id="no such table"),
        pytest.param(["read", "x", "--json", "--table", "requests"], id="two forms"),
        pytest.param(["view", "-", "-", "--json"], id="stdin twice"),
        pytest.param(["dance"], id="no such command"),
    ],
)
def test_wrong_usage_is_status_2_and_silence_on_stdout(arguments: list[str]) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Error:" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["read", "none.pcap", "--json"], b"none.pcap", id="no such capture"),
        pytest.param(["view", "none.jsonl", "--json"], b"give a file of facts", id="no such facts"),
        pytest.param(["attach", "--socket", "/", "--json"], b"/ is no socket", id="no socket"),
        pytest.param(["demo", "knights", "--json"], b", cgi, ", id="no such demo"),
        pytest.param(["explain", "knights"], b"there are AJP, CGI", id="no such page"),
        pytest.param(["attach", "--port", "9"], b"ask for --json", id="no terminal"),
    ],
)
def test_what_cannot_be_done_is_status_1_and_one_line(arguments: list[str], words: bytes) -> None:
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"gwtop: ")
    assert words in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_a_capture_is_read_from_a_file_and_from_stdin(capture: str) -> None:
    for done in (run("read", capture, "--json"), run("read", "-", "--json", stdin=EMPTY_PCAP)):
        assert done.returncode == 0, done.stderr
        assert [line["type"] for line in lines(done.stdout)] == ["hello", "summary"]
        assert done.stderr == b""


def test_every_line_obeys_the_schema_that_is_printed(capture: str) -> None:
    schema = json.loads(run("schema").stdout)
    for line in lines(run("read", capture, "--json").stdout):
        Draft202012Validator(schema).validate(line)


def test_a_table_says_what_was_missed(capture: str) -> None:
    done = run("read", capture, "--table", "requests")
    assert done.returncode == 0, done.stderr
    assert b"method" in done.stdout
    assert b"0 requests, 0 in flight, missed" in done.stdout


def test_a_run_for_so_long_ends_with_status_0() -> None:
    done = run(*WATCH, "--for", "0.05")
    assert done.returncode == 0, done.stderr
    assert lines(done.stdout)[-1]["type"] == "summary"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_still_gets_the_summary(
    watching: "subprocess.Popen[bytes]", number: signal.Signals, status: int
) -> None:
    watching.send_signal(number)
    told, said = watching.communicate()
    assert watching.returncode == status, said
    assert lines(told)[-1]["type"] == "summary"
    assert b"Traceback" not in said


def test_a_reader_that_goes_is_status_0(watching: "subprocess.Popen[bytes]") -> None:
    assert watching.stdout is not None and watching.stderr is not None
    watching.stdout.close()
    assert watching.wait() == 0
    assert b"Traceback" not in watching.stderr.read()


def test_a_wish_on_a_pipe_is_granted(watching: "subprocess.Popen[bytes]") -> None:
    assert watching.stdin is not None and watching.stdout is not None
    watching.stdin.write(b'gold\n{"wish":"detail","id":1}\n')
    watching.stdin.flush()
    told: list[object] = []
    while told[-1:] != ["detail"]:
        told.append(json.loads(watching.stdout.readline())["type"])
    assert "note" in told


def test_the_debug_report_names_versions_and_taps(tmp_path: Path) -> None:
    report = tmp_path / "report"
    assert run(*WATCH, "--for", "0.05", "--debug", str(report)).returncode == 0
    told = lines(report.read_bytes())
    assert [line["what"] for line in told] == ["versions", "plan", "taps"]
    assert told[0]["gwtop"] is not None


def test_the_debug_report_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "report").symlink_to(tmp_path / "elsewhere")
    done = run(*WATCH, "--debug", str(tmp_path / "report"))
    assert done.returncode == 1
    assert not (tmp_path / "elsewhere").exists()


def test_facts_pass_through_a_view_unchanged() -> None:
    told = note("2026-11-22T06:00:00.000000001Z", "a") + b'{"type":"weather"}\n'
    done = run("view", "-", "--json", stdin=told)
    assert (done.returncode, done.stdout) == (0, told)


def test_several_files_merge_by_time_and_keep_their_own_order(tmp_path: Path) -> None:
    early, late = "2026-11-22T06:00:00.000000000Z", "2026-11-22T06:00:09.000000000Z"
    middle = "2026-11-22T06:00:05.000000000Z"
    (tmp_path / "1").write_bytes(note(early, "a") + note(late, "d") + note(early, "e"))
    (tmp_path / "2").write_bytes(note(early, "b") + note(middle, "c"))
    done = run("view", str(tmp_path / "1"), str(tmp_path / "2"), "--json")
    assert [line["code"] for line in lines(done.stdout)] == ["a", "b", "c", "d", "e"]


def test_a_last_line_that_was_cut_is_said_and_left_out() -> None:
    whole = note("2026-11-22T06:00:00.000000000Z", "a")
    done = run("view", "-", "--json", stdin=whole + whole[:20])
    assert (done.returncode, done.stdout) == (0, whole)
    assert b"ends within line 2" in done.stderr


def test_what_is_no_fact_is_refused_with_its_line() -> None:
    done = run("view", "-", "--json", stdin=note("2026-11-22T06:00:00.000000000Z", "a") + b"hm\n")
    assert done.returncode == 1
    assert b"line 2: not a line of facts" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["doctor"], b"births"),
        (["demo"], b"gwtop demo cgi"),
        (["explain"], b"FastCGI"),
        (["explain", "fastcgi"], b"END_REQUEST"),
        ([], b"gwtop attach --port"),
    ],
)
def test_what_only_talks_talks(arguments: list[str], words: bytes) -> None:
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    assert words in done.stdout
