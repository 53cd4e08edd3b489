"""Requests that are read by one process and answered by another, against Apache's own modules:
exact under concurrency, and silent where the kernel cannot tell."""

import json
import subprocess
import sys

import pytest

from gwtop.taps import tracefs
from tests.live._running import Fact, gwtop_command, need_root, of_type

pytestmark = pytest.mark.live
PASSING = ("mod_wsgi-daemon", "fastcgi-fcgid")
AT_FULL_SPEED = ("--requests", "200", "--rate", "0", "--concurrency", "8", "--json", "--details")

OLDER_KERNEL = """
import sys
from gwtop.taps import handovers
handovers.SENT = "sock/of_a_later_kernel"
from gwtop.cli import main
sys.exit(main())
"""


def demo(name: str, program: str | None = None) -> list[Fact]:
    arguments = ("demo", name, *AT_FULL_SPEED)
    command = gwtop_command(*arguments)
    if program is not None:
        command = [sys.executable, "-c", program, *arguments]
    done = subprocess.run(command, capture_output=True, timeout=120, cwd="/", check=False)
    error = done.stderr.decode()
    if done.returncode == 1 and "apt-get" in error:
        pytest.skip(error)
    assert done.returncode == 0, error
    return [json.loads(line) for line in done.stdout.splitlines()]


def witness(request: Fact) -> str | None:
    return dict(request["response_fields"]).get("X-Worker-Pid")


def need_tracefs() -> None:
    need_root()
    if not tracefs.may_make():
        pytest.skip("needs tracefs (mount -t tracefs nodev /sys/kernel/tracing)")


@pytest.mark.parametrize("name", PASSING)
def test_eight_at_once_each_have_the_process_behind_their_reader(name: str) -> None:
    need_tracefs()
    requests = of_type(demo(name), "request")
    assert len(requests) == 200
    assert all(str(r["pid"]) == witness(r) for r in requests)
    assert {r["evidence"] for r in requests} <= {"kernel", "spawn"}
    assert all(r["reader"] not in (None, r["pid"]) for r in requests)


@pytest.mark.parametrize("name", PASSING)
def test_before_linux_6_3_the_reader_is_not_said_to_have_answered(name: str) -> None:
    need_tracefs()
    facts = demo(name, OLDER_KERNEL)
    requests = of_type(facts, "request")
    assert len(requests) == 200
    assert {r["evidence"] for r in requests} <= {None, "spawn"}
    assert all(str(r["pid"]) == witness(r) for r in requests if r["pid"] is not None)
    assert all(r["reader"] is not None for r in requests)
    assert facts[-1]["model"] != "embedded"


def test_before_linux_6_3_a_module_without_a_daemon_still_answers_where_it_reads() -> None:
    need_tracefs()
    facts = demo("mod_wsgi", OLDER_KERNEL)
    requests = of_type(facts, "request")
    assert {r["evidence"] for r in requests} == {"kernel"}
    assert all(str(r["pid"]) == witness(r) for r in requests)
    assert facts[-1]["model"] == "embedded"


def test_busy_and_idle_are_those_who_answer_and_not_apaches_children() -> None:
    need_tracefs()
    options = ("--requests", "80", "--rate", "20", "--concurrency", "3", "--path", "/slow?ms=120")
    done = subprocess.run(
        gwtop_command("demo", "mod_wsgi-daemon", *options, "--json"),
        capture_output=True,
        timeout=120,
        cwd="/",
        check=False,
    )
    if done.returncode == 1 and b"apt-get" in done.stderr:
        pytest.skip(done.stderr.decode())
    assert done.returncode == 0, done.stderr.decode()
    facts = [json.loads(line) for line in done.stdout.splitlines()]
    answered = {r["pid"] for r in of_type(facts, "request")}
    readers = {r["reader"] for r in of_type(facts, "request")}
    known: set[int] = set()
    n_looks = 0
    for fact in facts:
        if fact["type"] == "request":
            known.add(fact["pid"])
        elif fact["type"] == "tick" and known == answered:
            n_looks += 1
            assert fact["busy"] + fact["idle"] == len(answered), fact
            assert {one["pid"] for one in fact["in_flight"]} <= answered | {None}
        elif fact["type"] == "process_sample" and known == answered:
            assert not (fact["busy_with"] and fact["pid"] in readers), fact
    assert n_looks >= 2 and not answered & readers
