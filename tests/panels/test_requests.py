"""The requests' rows."""

import pytest

from gwtop.model import Model
from gwtop.nouns.facts import NoteText
from gwtop.panels import Look
from gwtop.panels.requests import pid_text, rows, status_style, window
from tests.screens._facts import MS, T0, request


def cells(**what: object) -> list[str]:
    model = Model()
    model.apply(request(0, T0, **what))
    return [cell.text for cell in rows(model.snapshot())[0].cells]


def test_a_request_is_one_row_of_words() -> None:
    got = cells(target="/r?id=8", duration_ns=41 * MS, queue_ns=9 * MS, pid=1207, evidence="kernel")
    assert got == [
        *("06:00:00", "GET", "/r?id=8", "200", "41 ms", "37 ms", "9.0 ms", "1.0K", "1207", "")
    ]


def test_what_is_unknown_is_a_dash_and_never_nothing() -> None:
    unknown = dict.fromkeys(["method", "target", "status", "duration_ns"])
    assert cells(**unknown)[1:7] == ["–"] * 6
    assert cells(method="", target="")[1:3] == ["", ""], "empty is not unknown"


@pytest.mark.parametrize(
    ("outcome", "severities", "mark"),
    [
        ("done", [], ""),
        ("aborted", [], "A"),
        ("failed", [], "F"),
        ("partial", ["warn"], "P⚑"),
        ("done", ["info"], ""),
        ("done", ["info", "error"], "⚑"),
    ],
)
def test_outcomes_and_notes_have_a_letter_or_a_flag(
    outcome: str, severities: list[str], mark: str
) -> None:
    notes = [NoteText("c", s, "t") for s in severities]  # type: ignore[arg-type]
    assert cells(outcome=outcome, notes=notes)[-1] == mark


def test_an_inferred_pid_is_marked() -> None:
    assert pid_text(7, "environ") == "7"
    assert pid_text(7, "spawn") == "≈7"
    assert pid_text(7, "sole") == "≈7"
    assert pid_text(None, None) == "–"


def test_statuses_differ_in_style() -> None:
    assert [status_style(s) for s in (None, 200, 302, 404, 500)] == [
        "dim",
        "good",
        "",
        "warn",
        "bad",
    ]


def test_a_window_makes_only_its_rows() -> None:
    model = Model()
    for n in range(100):
        model.apply(request(n, T0 + n))
    got = window(model.snapshot(), 90, 200, Look(utc_offset_s=3600))
    assert [row.key for row in got] == list(range(90, 100))
    assert got[0].cells[0].text == "07:00:00"
