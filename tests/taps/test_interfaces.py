"""Interfaces that go: what is told. In: names. Out: notes and losses."""

from gwtop.nouns.records import Missed, Observed
from gwtop.taps import interfaces


def test_going_down_is_a_warning_and_a_loss_of_unknown_size() -> None:
    note, loss = interfaces.went_down(5, "ring", "eth0")
    assert isinstance(note, Observed)
    assert (note.at, note.code, note.severity) == (5, "interface-down", "warn")
    assert "eth0" in note.text
    assert loss == Missed(5, "ring", "frames", None)


def test_going_away_says_until_when() -> None:
    note, loss = interfaces.went_away(5, "libpcap", "wg0", "gwtop is started again")
    assert isinstance(note, Observed) and note.severity == "error"
    assert note.text.startswith("no frame of wg0 is seen until gwtop is started again")
    assert loss == Missed(5, "libpcap", "frames", None)


def test_coming_back_is_told_too() -> None:
    assert interfaces.came_back(6, "wg0").code == "interface-back"
