"""The errors' rows."""

from gwtop.model import Model
from gwtop.panels.errors import lines, rows
from tests.screens._facts import T0, born, exited, note, request


def test_each_line_says_what_it_is_by_a_sign_too() -> None:
    model = Model()
    for fact in (
        request(1, T0, status=500, stderr="boom\n", pid=7, target="/a\x1b"),
        note(T0),
        born(8, T0),
        exited(8, T0, code=2),
    ):
        model.apply(fact)
    snapshot = model.snapshot()
    shown = [[cell.text for cell in row.cells] for row in rows(snapshot)]
    assert shown == [
        ["06:00:00", "✖ answer", "7", "answered 500", "/a\\x1b"],
        ["06:00:00", "> stderr", "7", "boom", "/a\\x1b"],
        [
            *("06:00:00", "! note", "1210"),
            "worker 1210 was killed by signal 9 while it answered (worker-killed)",
            "–",
        ],
        ["06:00:00", "† exit", "8", "cgi hello.py: exit status 2", "–"],
    ]
    assert rows(snapshot)[0].cells[1].style == "bad"
    told = ["".join(cell.text for cell in line) for line in lines(snapshot.errors[1])]
    assert told == ["boom", "", "when    06:00:00", "process 7", "request /a\\x1b"]
