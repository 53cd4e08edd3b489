"""One exchange: how its outcome is judged, and that it says each thing once."""

import pytest

from gwtop.nouns.events import Body, Confused, Remark
from gwtop.nouns.wire import Side
from gwtop.tracker.exchange import MAX_REMARKS, OPENING_BYTES, Exchange, Hop
from tests.tracker._scripted import ScriptedModule


def exchange(**state: object) -> Exchange:
    made = Exchange(1, Hop(1, "a:1", "b:2", ScriptedModule()), 0, 0, 100)
    for name, value in state.items():
        setattr(made, name, value)
    made.judge()
    return made


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        pytest.param({}, "done", id="nothing against it"),
        pytest.param({"failed": True}, "failed", id="the protocol says so"),
        pytest.param({"failed": True, "aborted": True}, "aborted", id="aborted wins over failed"),
        pytest.param({"aborted": True, "lost_bytes": 1}, "partial", id="a loss wins over all"),
        pytest.param({"cut": True}, "partial", id="the capture's edge is a loss"),
    ],
)
def test_outcome(state: dict[str, object], outcome: str) -> None:
    assert exchange(**state).outcome == outcome


def test_each_code_is_remarked_once_and_not_without_end() -> None:
    made = exchange()
    for n in range(100):
        made.remark(Remark(0, f"code-{n}", "info", "Text."))
        made.remark(Remark(0, f"code-{n}", "info", "Again."))
    assert [r.code for r in made.remarks] == [f"code-{n}" for n in range(MAX_REMARKS)]


def test_bytes_not_understood_are_summed_over_the_pieces_they_came_in() -> None:
    made = exchange()
    for side, n_bytes in ((Side.SERVER, 2), (Side.SERVER, 3), (Side.CLIENT, 100)):
        made.confuse(Confused(side, n_bytes, "no record"))
    [remark] = made.remarks
    assert (remark.code, remark.severity) == ("confused", "warn")
    assert remark.text == "5 bytes from the server could not be understood: no record."


def test_a_loss_after_the_end_makes_it_partial_too() -> None:
    made = exchange(aborted=True)
    made.lose(7, 300)
    assert (made.outcome, made.lost_bytes, made.last_at) == ("partial", 7, 300)


def test_of_an_answers_body_the_opening_is_kept_and_as_much_more_as_was_asked_for() -> None:
    made = exchange()
    for data in (b"a" * 300, b"b" * 300):
        made.response_body_bytes += len(data)
        made.keep(Body(0, Side.SERVER, data), 301)
    assert made.opening == b"a" * 300 and made.response_body == b"a" * 300 + b"b"
    long = exchange(response_body_bytes=OPENING_BYTES + 1)
    long.keep(Body(0, Side.SERVER, b"c" * (OPENING_BYTES + 1)), 0)
    assert long.opening == b"c" * OPENING_BYTES and long.response_body == b""
