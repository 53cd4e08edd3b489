"""The demos' facts, as a script reads them: the acceptance of the first slice."""

import http.client
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live._running import (
    DEMOS,
    Fact,
    need_program,
    need_root,
    need_uwsgi,
    of_type,
    run_gwtop,
    running,
)

pytestmark = pytest.mark.live


def header(request: Fact, name: str) -> str | None:
    return dict(request["response_fields"]).get(name)


def nothing_missed(summary: Fact) -> bool:
    return set(summary["missed"].values()) == {0}


@pytest.mark.parametrize("concurrency", ["1", "8"])
def test_cgi_shows_a_process_for_each_request(concurrency: str) -> None:
    need_root()
    status, facts, errors = run_gwtop(
        *("demo", "cgi", "--requests", "50", "--rate", "0", "--concurrency", concurrency),
        *("--json", "--details"),
    )
    assert status == 0, errors
    requests = of_type(facts, "request")
    assert [r["status"] for r in requests] == [200] * 50
    for request in requests:
        assert str(request["pid"]) == header(request, "X-Worker-Pid")
        assert request["pid"] in request["births"]
        # A machine too busy to read /proc before the script has ended still has the parent's word.
        assert request["evidence"] in ("environ", "spawn")
    summary = facts[-1]
    assert summary["type"] == "summary"
    assert summary["model"] == "process-per-request"
    assert summary["processes_per_request"] >= 1
    assert nothing_missed(summary)
    born = {f["pid"]: f for f in of_type(facts, "process_born")}
    exited = {f["pid"]: f for f in of_type(facts, "process_exited")}
    told_with_birth = [born[request["pid"]]["request"] for request in requests]
    # A birth is told 100 ms after the fork at the latest, whether its request is known or not.
    assert all(told in (None, r["id"]) for told, r in zip(told_with_birth, requests, strict=True))
    assert sum(told is not None for told in told_with_birth) >= 25
    assert {exited[request["pid"]]["code"] for request in requests} == {0}


@pytest.mark.parametrize(
    ("name", "protocol", "front"),
    [
        pytest.param("uwsgi", "uwsgi", "builtin", id="uwsgi"),
        pytest.param("fastcgi", "fastcgi", "builtin", id="fastcgi"),
        pytest.param("uwsgi", "uwsgi", "nginx", id="uwsgi behind nginx"),
        pytest.param("fastcgi", "fastcgi", "nginx", id="fastcgi behind nginx"),
    ],
)
def test_a_pool_answers_without_births_and_no_pid_is_guessed(
    name: str, protocol: str, front: str
) -> None:
    need_root()
    need_uwsgi()
    if front == "nginx":
        need_program("nginx", "nginx-light")
    status, facts, errors = run_gwtop(
        *("demo", name, "--front", front, "--requests", "300", "--rate", "0"),
        *("--concurrency", "4", "--json", "--details"),
    )
    assert status == 0, errors
    requests = of_type(facts, "request")
    assert len(requests) == 300
    assert {r["protocol"] for r in requests} == {protocol}
    assert {r["status"] for r in requests} == {200}
    for request in requests:
        check_sizes(request)
        assert request["pid"] is None or str(request["pid"]) == header(request, "X-Worker-Pid")
        assert request["births"] == []
    summary = facts[-1]
    assert (summary["model"], summary["processes_born"]) == ("worker-pool", 0)
    assert nothing_missed(summary)


def check_sizes(request: Fact) -> None:
    """Method, target and body sizes, as the demos' application is known to answer."""
    path, _, query = request["target"].partition("?")
    declared = header(request, "Content-Length")
    assert declared is not None and int(declared) == request["response_body_bytes"]
    if path == "/echo":
        assert request["method"] == "POST"
        assert request["request_body_bytes"] == request["response_body_bytes"] > 0
    else:
        assert (request["method"], request["request_body_bytes"]) == ("GET", 0)
    if path == "/big":
        assert request["response_body_bytes"] == int(query.partition("=")[2])


def test_one_process_is_known_because_no_other_could_answer() -> None:
    need_root()
    status, facts, errors = run_gwtop(
        *("demo", "wsgiref", "--requests", "30", "--rate", "0", "--json", "--details")
    )
    assert status == 0, errors
    requests = of_type(facts, "request")
    assert {r["evidence"] for r in requests} <= {"kernel", "sole"}
    assert all(str(r["pid"]) == header(r, "X-Worker-Pid") for r in requests)
    assert facts[-1]["model"] == "single-process"


def test_forged_words_of_the_demo_and_its_application_change_nothing(tmp_path: Path) -> None:
    need_root()
    forged = tmp_path / "demos"
    shutil.copytree(DEMOS, forged, ignore=shutil.ignore_patterns("__pycache__"))
    for file in forged.glob("*.py"):
        text = file.read_text()
        text = text.replace("str(os.getpid())", "'1'").replace("process-per-request", "embedded")
        file.write_text(text)
    demo = subprocess.Popen([sys.executable, forged / "demo_cgi.py"], stdout=subprocess.PIPE)
    try:
        assert demo.stdout is not None
        ready = json.loads(demo.stdout.readline())
        assert ready["process_model"] == "embedded"
        host, _, port = ready["listen"].rpartition(":")
        with running(
            *("attach", "--port", port, "--pid", str(ready["pid"])),
            *("--requests", "20", "--json", "--details"),
        ) as gwtop:
            gwtop.await_type("hello")
            client = http.client.HTTPConnection(host, int(port), timeout=10)
            for _ in range(20):
                client.request("GET", "/")
                answer = client.getresponse()
                assert (answer.status, answer.getheader("X-Worker-Pid")) == (200, "1")
                answer.read()
            assert gwtop.finish() == 0
        requests = of_type(gwtop.facts, "request")
        assert len(requests) == 20
        assert all(r["pid"] != 1 and r["pid"] in r["births"] for r in requests)
        assert len({r["pid"] for r in requests}) == 20
        assert gwtop.facts[-1]["model"] == "process-per-request"
    finally:
        demo.terminate()
        demo.wait(timeout=10)
