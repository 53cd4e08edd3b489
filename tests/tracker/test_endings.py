"""Endings: the remark says who left, how, and how far the answer was."""

import pytest

from gwtop.nouns.wire import Side
from gwtop.tracker.endings import why_fallen
from gwtop.tracker.exchange import Exchange, Hop
from tests.tracker._scripted import ScriptedModule


@pytest.mark.parametrize(
    ("by", "how", "answered_at", "code"),
    [
        pytest.param(Side.CLIENT, "fin", None, "aborted-by-front", id="client closed"),
        pytest.param(Side.CLIENT, "rst", 5, "aborted-by-front", id="client reset in the answer"),
        pytest.param(Side.SERVER, "fin", None, "closed-without-answer", id="server closed"),
        pytest.param(Side.SERVER, "rst", None, "reset-without-answer", id="server reset"),
        pytest.param(Side.SERVER, "fin", 5, "closed-in-response", id="closed in the answer"),
        pytest.param(Side.SERVER, "rst", 5, "reset-in-response", id="reset in the answer"),
    ],
)
def test_code(by: Side, how: str, answered_at: int | None, code: str) -> None:
    exchange = Exchange(1, Hop(1, "a:1", "b:2", ScriptedModule()), 0, 0, 1)
    exchange.answered_at = answered_at
    remark = why_fallen(exchange, by, how)
    assert remark.code == code and remark.text.endswith(".")
