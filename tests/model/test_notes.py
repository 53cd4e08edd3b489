"""Notes are folded by code and keep their place."""

from gwtop.model.notes import KEPT_CODES, NoteTable
from gwtop.model.requests import to_row
from gwtop.nouns.facts import NoteText
from tests.screens._facts import T0, S, note, request


def test_a_note_said_often_is_one_row_with_its_first_and_last_time() -> None:
    table = NoteTable()
    for n in range(5):
        table.add(note(T0 + n * S, text=f"text {n}"))
    (row,) = table.rows()
    assert (row.n_said, row.first_at, row.last_at, row.text) == (5, T0, T0 + 4 * S, "text 4")
    assert table.newest == row


def test_errors_come_first_and_info_is_no_alarm() -> None:
    table = NoteTable()
    table.add(note(T0, code="a", severity="info"))
    assert table.newest is None
    table.add(note(T0, code="b", severity="warn"))
    table.add(note(T0, code="c", severity="error"))
    assert [row.code for row in table.rows()] == ["c", "b", "a"]
    assert [row.key for row in table.rows()] == [2, 1, 0]


def test_notes_on_requests_name_the_request() -> None:
    table = NoteTable()
    fact = request(3, T0, notes=[NoteText("x", "warn", "said")], pid=12)
    table.add_of(fact, to_row(fact, 3, T0))
    (row,) = table.rows()
    assert (row.request, row.pid, row.n_said) == (3, 12, 1)
    assert table.newest is None


def test_codes_are_bounded() -> None:
    table = NoteTable()
    for n in range(KEPT_CODES + 10):
        table.add(note(T0, code=f"c{n}"))
    assert len(table.rows()) == KEPT_CODES
