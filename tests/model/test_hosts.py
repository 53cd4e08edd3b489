"""Several hosts in one model: pids kept apart, ticks and summaries put together."""

import json

import pytest

from gwtop import journal
from gwtop.merge import Merge
from gwtop.model import Model, Snapshot
from gwtop.model.filter import parse
from gwtop.nouns.facts import Fact
from gwtop.nouns.hosts import SPAN, HostPid, plain, real_pid
from gwtop.panels import Look, beside, processes, requests
from tests.screens._facts import T0, pool, rain, summary


def merged(*sources: list[object]) -> Model:
    names = tuple(f"web{n}" for n in range(1, len(sources) + 1))
    merge = Merge(names)
    for source, facts in zip(merge.sources, sources, strict=True):
        for fact in facts:
            line = journal.encode(fact)  # type: ignore[arg-type]
            if b'"type":"hello"' not in line:
                source.put(line.rstrip(b"\n"), 0)
        source.ended = True
    model = Model()
    for line in merge.due(0):
        fact = journal.decode(line)
        assert not isinstance(fact, journal.Unknown)
        model.apply(fact)
    return model


def cells(snapshot: Snapshot) -> list[tuple[str, ...]]:
    return [tuple(c.text for c in row.cells) for row in processes.rows(snapshot)]


def test_the_same_pid_of_two_hosts_is_two_processes_with_their_own_requests() -> None:
    one = Model()
    for fact in pool():
        one.apply(fact)  # type: ignore[arg-type]
    two = merged(pool(), pool()).snapshot()
    alone = one.snapshot()
    assert two.hosts == ("web1", "web2")
    assert len(two.processes) == 2 * len(alone.processes)
    requests_of = {str(p.pid): p.requests for p in alone.processes}
    assert all(p.requests == requests_of[str(p.pid)] for p in two.processes)
    assert two.n_requests == 2 * alone.n_requests


def test_rows_say_whose_they_are_and_show_the_pid_that_the_host_knows() -> None:
    snapshot = merged(pool(), rain()).snapshot()
    shown = {(row[0].lstrip("├│╰─ "), row[1]) for row in cells(snapshot)}
    assert {("1207", "web1"), ("4700", "web2")} <= shown
    assert [c.name for c in processes.columns(snapshot)][:2] == ["pid", "host"]
    assert [c.name for c in requests.columns(snapshot)][:2] == ["ended", "host"]
    rows = requests.rows(snapshot)
    assert {row.cells[1].text for row in rows} == {"web1", "web2"}
    assert all(len(row.cells) == len(requests.columns(snapshot)) for row in rows)


def test_of_one_engine_nothing_names_a_host() -> None:
    model = Model()
    for fact in pool():
        model.apply(fact)  # type: ignore[arg-type]
    snapshot = model.snapshot()
    assert snapshot.hosts == () and beside(Look(), snapshot) == Look()
    assert requests.columns(snapshot) == requests.COLUMNS
    assert not any(isinstance(p.pid, HostPid) for p in snapshot.processes)


def test_ticks_of_all_hosts_are_one() -> None:
    one, other = Model(), Model()
    for model, facts in ((one, pool()), (other, rain())):
        for fact in facts:
            model.apply(fact)  # type: ignore[arg-type]
    first, second, both = one.snapshot(), other.snapshot(), merged(pool(), rain()).snapshot()
    assert both.n_counted == (first.n_counted or 0) + (second.n_counted or 0)
    assert {w.listen for w in both.watch} == {w.listen for w in (*first.watch, *second.watch)}
    assert {q.listen for q in both.queues} == {q.listen for q in (*first.queues, *second.queues)}
    assert len(both.in_flight) == len(first.in_flight) + len(second.in_flight)
    assert both.model is None and "web1: " in (both.model_evidence or "")
    assert both.busy == (first.busy or 0) + (second.busy or 0)


def test_all_is_done_when_each_host_is() -> None:
    half = merged([*pool(), summary(T0 + 11 * 10**9, 40)], pool()).snapshot()
    assert half.summary is None
    ends: list[object] = [summary(T0 + 11 * 10**9, 40)]
    both = merged([*pool(), *ends], [*pool(), *ends]).snapshot().summary
    assert both is not None and both.requests == 80
    assert both.duration_ns.p50 is None and both.duration_ns.max is not None
    single = summary(T0, 40)
    assert both.statuses == {status: 2 * n for status, n in single.statuses.items()}


def test_a_filter_asks_for_the_pid_that_the_host_knows() -> None:
    snapshot = merged(pool(), pool()).snapshot()
    wanted = parse("pid=1207")
    found = [row for row in snapshot.requests if wanted.test(row)]
    assert found and {str(row.pid) for row in found} == {"1207"}
    assert {row.host for row in found} == {"web1", "web2"}


def test_a_fact_of_several_hosts_is_exported_with_its_own_pid() -> None:
    model = merged(pool(), pool())
    last = model.requests.detail(model.snapshot().requests.end - 1)
    assert last is not None and isinstance(last.pid, HostPid)
    line = json.loads(journal.encode(last))
    assert line["pid"] == real_pid(last.pid) < SPAN and line["host"] in ("web1", "web2")


def test_a_host_pid_is_unique_as_a_number_and_itself_as_text() -> None:
    pid = HostPid.of(1207, 2)
    assert pid != 1207 and pid != HostPid.of(1207, 1) and pid.host == 2
    assert (str(pid), f"{pid:>6}", repr(pid), real_pid(pid)) == ("1207", "  1207", "1207", 1207)
    assert (real_pid(7), real_pid(None)) == (7, None)
    with pytest.raises(TypeError):
        plain(object())


def test_facts_are_not_changed_by_being_applied() -> None:
    facts: list[Fact] = pool()  # type: ignore[assignment]
    before = [journal.encode(fact) for fact in facts]
    merged(facts, facts)  # type: ignore[arg-type]
    assert [journal.encode(fact) for fact in facts] == before
