"""A request in full."""

from gwtop.model import Model
from gwtop.nouns.facts import NoteText, Request
from gwtop.panels import Cell
from gwtop.panels._detail import lines, title, wrap_lines
from tests.screens._facts import MS, T0, born, exited, request


def told(fact: Request, *before: object, width: int = 60) -> list[str]:
    model = Model()
    for other in before:
        model.apply(other)  # type: ignore[arg-type]
    found = lines(fact, model.snapshot(), width)
    return ["".join(cell.text for cell in line) for line in found]


def test_the_phases_are_drawn_to_scale() -> None:
    fact = request(0, T0, duration_ns=100 * MS, queue_ns=20 * MS, first_byte_ns=90 * MS)
    words, bar = told(fact, width=102)[:2]
    assert words.split("   ")[:3] == ["░ queue 20 ms", "█ until first byte 70 ms", "▓ answer 10 ms"]
    assert (bar.count("░"), bar.count("█"), bar.count("▓")) == (20, 70, 10)


def test_an_unknown_queue_is_a_dash_and_takes_no_room() -> None:
    words, bar = told(request(0, T0, duration_ns=100 * MS))[:2]
    assert words.startswith("░ queue –   █ until first byte 90 ms")
    assert "░" not in bar


def test_without_an_answer_nothing_is_timed() -> None:
    assert told(request(0, T0, duration_ns=None))[0].startswith("no answer byte was seen")


def test_who_answered_is_said_with_the_evidence() -> None:
    fact = request(0, T0, pid=500, evidence="spawn", births=[500, 501])
    text = told(fact, born(500, T0), exited(500, T0, lifetime_ns=38 * MS))
    assert (
        "process      ≈500  inferred: the one process born while this request was open; "
        "it lived 38 ms" in text
    )
    assert "born for it  2 processes: 500, 501" in text
    assert "process      not known: nothing that is watched tells who answered" in told(
        request(0, T0)
    )


def test_fields_bodies_and_notes_are_all_there_and_wrapped() -> None:
    fact = request(
        0,
        T0,
        fields=[("COOKIE", "x" * 80)],
        response_fields=[],
        stderr="one\ntwo\x1b",
        response_body="y" * 5000,
        notes=[NoteText("code", "error", "it broke")],
    )
    text = told(fact)
    assert "⚑ it broke (code)" in text
    assert "request: 1 field" in text and "answer: 0 fields" in text
    assert sum("x" in line and set(line.strip()[-3:]) == {"x"} for line in text) == 3
    assert "two\\x1b" in text
    assert "answer body: 4.9K, the first 4000 shown" in text
    assert sum(line.count("y") for line in text if set(line) == {"y"}) == 4000


def test_the_title_is_the_request_in_one_line() -> None:
    got = "".join(cell.text for cell in title(request(0, T0, target="/x\r", status=None)))
    assert got == "GET /x\\x0d ── – ── 12 ms"


def test_long_lines_of_one_cell_go_on() -> None:
    assert wrap_lines([(Cell("abcdefghij"),), (Cell("a"), Cell("b"))], 8) == [
        (Cell("abcdefgh"),),
        (Cell("ij"),),
        (Cell("a"), Cell("b")),
    ]
