"""A process in full."""

import pytest

from gwtop.model import Model
from gwtop.panels._process import entries, title
from tests.screens._facts import T0, S, born, exited, pool


def told(*facts: object, place: int = 0) -> dict[str, str]:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    snapshot = model.snapshot()
    found = entries(snapshot.processes[place], snapshot, 78)
    return {e.line[0].text.strip(): e.line[1].text for e in found if len(e.line) == 2}


def test_a_living_worker_says_what_it_has_and_did() -> None:
    got = told(*pool(), place=1)
    assert got["command"] == "uwsgi --socket :3031 -p 4"
    assert got["born"] == "05:00:00, before we came"
    assert got["state"] == "lives, for 60 min now"
    assert got["answered"] == "10 requests, the last: GET /slow?ms=20 → 200"
    assert (got["memory"], got["cpu"], got["threads"]) == ("44M", "68 % of a core", "1")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ({"code": 1}, "exit status 1"),
        ({"code": None, "signal": 9}, "killed by signal 9"),
        ({"code": None}, "its exit status is not known"),
    ],
)
def test_an_end_is_told_with_its_cause(end: dict[str, object], words: str) -> None:
    got = told(born(500, T0), exited(500, T0 + S, **end))
    assert got["state"] == f"gone at 06:00:01 after 38 ms: {words}"
    assert got["cpu"] == "31 ms in all"


def test_the_title_names_pid_and_role() -> None:
    model = Model()
    model.apply(born(500, T0))
    got = title(model.snapshot().processes[0])
    assert "".join(cell.text for cell in got) == "process 500 ── cgi"
