"""A thousand CGI programs of a millisecond each, at full speed: each is told with its name and
belongs to the request that it answered. X-Worker-Pid is the witness, and gwtop never reads it."""

from collections import Counter
from pathlib import Path

import pytest

from gwtop.taps import tracefs
from tests.live import _short_cgi as short
from tests.live._running import Fact, need_root, of_type, running

pytestmark = pytest.mark.live
N = 1000
TOLD_AFTER_NS = 100_000_000  # a birth is told without its program's name when it has none by then


def need_tracefs() -> None:
    need_root()
    if not tracefs.may_make():
        pytest.skip("needs tracefs (mount -t tracefs nodev /sys/kernel/tracing)")


def witness(request: Fact) -> str | None:
    """What the program said of itself."""
    return dict(request["response_fields"]).get("X-Worker-Pid")


def observed(start: short.Server, folder: Path) -> list[Fact]:
    """The facts of N requests; nothing of them was lost."""
    need_tracefs()
    with (
        start(folder) as (front, watched),
        running("attach", "--port", str(watched), "--json", "--details") as gwtop,
    ):
        gwtop.await_type("hello")
        short.load(front, N)
        gwtop.await_fact(lambda f: f["type"] == "tick" and f["requests"] >= N)
        assert gwtop.interrupt() == 130
    assert len(of_type(gwtop.facts, "request")) == N
    assert set(gwtop.facts[-1]["missed"].values()) == {0}, gwtop.facts[-1]["missed"]
    return gwtop.facts


def report(title: str, facts: list[Fact], capsys: pytest.CaptureFixture[str]) -> None:
    requests = of_type(facts, "request")
    births = of_type(facts, "process_born")
    n_owned, n_named = sum(f["request"] is not None for f in births), len(programs(facts))
    right = sum(str(r["pid"]) == witness(r) for r in requests)
    with capsys.disabled():
        print(
            f"\n{title}: {len(births)} born, {n_named} named, {n_owned} told with their request;"
            f" {right} of {N} requests have theirs,"
            f" evidence {dict(Counter(r['evidence'] for r in requests))}"
        )


def check_births(facts: list[Fact]) -> None:
    """One for each request, and a name for each that was not told before its exec (100 ms)."""
    requests, births = of_type(facts, "request"), of_type(facts, "process_born")
    assert {f["pid"] for f in births} == {r["pid"] for r in requests}
    assert len(births) == len({f["pid"] for f in births}) == N
    owner = {r["pid"]: r["id"] for r in requests}
    assert all(f["request"] in (None, owner[f["pid"]]) for f in births)
    life_ns = {f["pid"]: f["lifetime_ns"] for f in of_type(facts, "process_exited")}
    nameless = [f["pid"] for f in births if f["name"] != short.NAME]
    assert all(life_ns[pid] > TOLD_AFTER_NS for pid in nameless)


def programs(facts: list[Fact]) -> list[Fact]:
    return [f for f in of_type(facts, "process_born") if f["name"] == short.NAME]


@pytest.mark.parametrize(
    "start",
    [pytest.param(short.fcgiwrap, id="fcgiwrap"), pytest.param(short.mod_cgi, id="mod_cgi")],
)
def test_each_of_a_thousand_short_programs_belongs_to_its_request(
    start: short.Server,
    tmp_path: Path,
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
) -> None:
    facts = observed(start, tmp_path)
    report(request.node.callspec.id, facts, capsys)
    requests = of_type(facts, "request")
    assert [str(r["pid"]) for r in requests] == [witness(r) for r in requests]
    assert {r["evidence"] for r in requests} <= {"environ", "spawn"}
    assert all(r["births"] == [r["pid"]] for r in requests)
    assert all(r["reader"] not in (None, r["pid"]) for r in requests)
    check_births(facts)
    assert facts[-1]["model"] == "process-per-request"


def test_programs_that_a_daemon_forks_belong_to_the_requests_it_forked_them_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    facts = observed(short.mod_cgid, tmp_path)
    report("mod_cgid", facts, capsys)
    requests = of_type(facts, "request")
    wrong = [r for r in requests if r["pid"] is not None and str(r["pid"]) != witness(r)]
    assert not wrong, wrong[:2]
    assert all(r["births"] == [r["pid"]] for r in requests if r["pid"] is not None)
    assert sum(r["pid"] is None for r in requests) <= 0.02 * N
    assert len(of_type(facts, "process_born")) == N
    assert facts[-1]["model"] == "process-per-request"
