"""The log of what went wrong: which requests, notes and exits are in it, and how much of them."""

from gwtop.model import Model
from gwtop.model.errors import KEPT_ERRORS, SHOWN_STDERR_LINES, ErrorRow
from gwtop.nouns.facts import NoteText
from tests.screens._facts import MS, T0, born, exited, note, request, seen


def told(*facts: object) -> tuple[ErrorRow, ...]:
    model = Model()
    for fact in facts:
        model.apply(fact)  # type: ignore[arg-type]
    return model.snapshot().errors


def test_answers_that_went_wrong_are_in_it_and_others_are_not() -> None:
    rows = told(
        *(request(0, T0), request(1, T0, status=404), request(2, T0, status=503, pid=7)),
        *(request(3, T0, outcome="aborted", status=None), request(4, T0, outcome="failed")),
        request(5, T0, outcome="partial"),
    )
    assert [(row.request, row.text, row.severity) for row in rows] == [
        (2, "answered 503", "error"),
        (3, "the connection ended before the answer did", "error"),
        (4, "the gateway said that it failed", "error"),
        (5, "bytes of it were not seen", "warn"),
    ]
    assert rows[0].pid == 7 and rows[0].target == "/big?bytes=100000"


def test_stderr_is_told_line_by_line_and_not_without_end() -> None:
    text = "Traceback\r\n\n  boom\n" + "x\n" * 100
    rows = told(request(1, T0, stderr=text, pid=9))
    assert [row.text for row in rows[:3]] == ["Traceback", "  boom", "x"]
    assert len(rows) == SHOWN_STDERR_LINES + 1 and rows[-1].text == "… and 82 lines more"
    assert {(row.what, row.pid, row.request) for row in rows} == {("stderr", 9, 0)}


def test_notes_from_a_warning_on_are_in_it() -> None:
    said = [
        NoteText("a", "info", "fine"),
        NoteText("b", "warn", "hm"),
        NoteText("c", "error", "no"),
    ]
    rows = told(request(1, T0, notes=said), note(T0), note(T0, severity="info"))
    assert [(row.text, row.severity) for row in rows[:2]] == [
        ("hm (b)", "warn"),
        ("no (c)", "error"),
    ]
    assert len(rows) == 3 and rows[2].pid == 1210 and rows[2].request is None


def test_an_exit_is_an_error_when_somebody_else_ended_it() -> None:
    rows = told(
        *(seen(1, 0, "worker", "w"), request(3, T0, pid=1), exited(1, T0, signal=9, code=None)),
        *(born(2, T0), exited(2, T0 + MS, code=3), born(3, T0), exited(3, T0 + MS)),
        *(born(4, T0), exited(4, T0, code=None)),
    )
    assert [row.text for row in rows] == [
        "worker w: killed by signal 9",
        "cgi hello.py: exit status 3",
    ]
    assert (rows[0].severity, rows[1].severity) == ("error", "warn")
    assert rows[0].process == 0 and rows[0].request == 0


def test_the_log_is_bounded_and_says_how_much_there_was() -> None:
    model = Model()
    for n in range(KEPT_ERRORS + 5):
        model.apply(request(n, T0 + n, status=500))
    snapshot = model.snapshot()
    assert len(snapshot.errors) == KEPT_ERRORS and snapshot.n_errors == KEPT_ERRORS + 5
    assert snapshot.errors[0].key == 5
    assert model.snapshot(errors=False).errors == ()
