"""A request in full: phases, tabs, and what the tabs say that are lines."""

from gwtop.model import Model
from gwtop.model.details import Fetched
from gwtop.nouns.facts import DetailRecord, NoteText, Request
from gwtop.nouns.times import instant
from gwtop.panels import Line
from gwtop.panels._detail import ONE_HOP, hops, notes, phases, summary, tabs, title
from tests.screens._facts import MS, T0, born, exited, request


def words(found: list[Line]) -> list[str]:
    return ["".join(cell.text for cell in line) for line in found]


def told(fact: Request, *before: object, width: int = 60) -> list[str]:
    model = Model()
    for other in before:
        model.apply(other)  # type: ignore[arg-type]
    return words(summary(fact, model.snapshot(), width))


def test_the_phases_are_drawn_to_scale() -> None:
    fact = request(0, T0, duration_ns=100 * MS, queue_ns=20 * MS, first_byte_ns=90 * MS)
    told, bar = words(phases(fact, 102))
    assert told.split("   ")[:3] == ["░ queue 20 ms", "█ until first byte 70 ms", "▓ answer 10 ms"]
    assert (bar.count("░"), bar.count("█"), bar.count("▓")) == (20, 70, 10)


def test_an_unknown_queue_is_a_dash_and_takes_no_room() -> None:
    told, bar = words(phases(request(0, T0, duration_ns=100 * MS), 60))
    assert told.startswith("░ queue –   █ until first byte 90 ms")
    assert "░" not in bar


def test_without_an_answer_nothing_is_timed() -> None:
    (line,) = words(phases(request(0, T0, duration_ns=None), 60))
    assert line.startswith("no answer byte was seen")


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


def test_the_summary_says_what_was_remarked_and_written_to_stderr() -> None:
    note = NoteText("code", "error", "it broke")
    text = told(request(0, T0, stderr="one\ntwo\x1b" + "y" * 5000, notes=[note]))
    assert "⚑ it broke (code)" in text
    assert "stderr: 4.9K, the first 4000 shown" in text
    assert any(line.startswith("two\\x1byyy") for line in text)
    assert sum(line.count("y") for line in text if set(line) == {"y"}) < 4000


def test_tabs_say_how_much_is_behind_them_and_which_are_empty() -> None:
    fact = request(
        0,
        T0,
        fields=[("A", "1"), ("B", "2")],
        response_fields=[("C", "3")],
        request_body_bytes=1000,
        response_body_bytes=24,
        notes=[NoteText("code", "info", "so")],
    )
    record = DetailRecord("client", instant(T0), 0, 1, "record", [])
    fetched = Fetched(0, True, (record, record, record), b"x")
    found = tabs(fact, fetched, Model().snapshot())
    assert [f"{tab.name} {tab.told}".strip() for tab in found] == [
        "Summary",
        "Variables 2",
        "Answer 1",
        "Body 1.0K",
        "Records 3",
        "Process",
        "Hops",
        "Notes 1",
    ]
    assert [tab.name for tab in found if tab.is_empty] == ["Process", "Hops"]
    assert len({tab.key for tab in found}) == len(found)
    bare = tabs(request(0, T0, response_body_bytes=0), None, Model().snapshot())
    assert [tab.name for tab in bare if not tab.is_empty] == ["Summary"]


def test_notes_come_with_what_to_do() -> None:
    fact = request(0, T0, notes=[NoteText("code", "warn", "it is odd")])
    page = "code (warn): a title.\n\nOn the wire: so\nand so.\nDo: this and\nthat.\n"
    assert words(notes(fact, 60, {"code": page}.get)) == [
        "⚑ it is odd (code)",
        "  On the wire: so and so.",
        "  Do: this and that.",
    ]
    assert words(notes(fact, 60)) == ["⚑ it is odd (code)"]
    assert words(notes(request(0, T0), 60)) == ["nothing about it is worth a remark"]


def test_where_one_hop_is_watched_it_says_how_to_watch_another() -> None:
    assert words(hops(request(0, T0), Model().snapshot(), 60)) == [ONE_HOP]


def test_the_title_is_the_request_in_one_line() -> None:
    got = "".join(cell.text for cell in title(request(0, T0, target="/x\r", status=None)))
    assert got == "GET /x\\x0d ── – ── 12 ms"
