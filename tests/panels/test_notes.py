"""The notes' rows, and a note in full."""

from gwtop.model import Model
from gwtop.panels.notes import lines, rows
from tests.screens._facts import T0, S, note


def test_notes_are_rows_with_how_often_and_when() -> None:
    model = Model()
    model.apply(note(T0, code="b", severity="info", pid=None, text="said\x1b"))
    model.apply(note(T0 + S))
    model.apply(note(T0 + 2 * S))
    warn, info = rows(model.snapshot())
    assert [c.text for c in warn.cells][:4] == ["⚑ warn", "2", "06:00:02", "1210"]
    assert [c.text for c in info.cells] == ["· info", "1", "06:00:00", "–", "said\\x1b", "b"]


def test_a_note_in_full_says_what_to_ask_next() -> None:
    model = Model()
    model.apply(note(T0))
    told = ["".join(cell.text for cell in line) for line in lines(model.snapshot().notes[0], 78)]
    assert told[0] == "worker 1210 was killed by signal 9 while it answered"
    assert told[2] == "said    1 time, first 06:00:00, last 06:00:00"
    assert told[3] == "about   process 1210"
    assert told[4] == "more    gwtop explain worker-killed"


def test_a_long_note_is_folded_between_its_words() -> None:
    model = Model()
    model.apply(note(T0, text="the gateway sees the relay's pid and user, no longer the front's"))
    first, second = lines(model.snapshot().notes[0], 48)[:2]
    assert first[0].text == "the gateway sees the relay's pid and user, no"
    assert second[0].text == "longer the front's"
