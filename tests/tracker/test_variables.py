"""CGI variables against a request: what names it and what does not."""

import pytest

from gwtop.protocols._base import Pair
from gwtop.tracker.exchange import Exchange, Hop
from gwtop.tracker.variables import name_request
from tests.tracker._scripted import ScriptedModule


def exchange(target: bytes | None, fields: list[Pair] | None = None) -> Exchange:
    hop = Hop(1, "127.0.0.1:50001", "127.0.0.1:9000", ScriptedModule(None, fields))
    made = Exchange(1, hop, 0, 0, 0)
    made.target, made.block = target, b"block"
    return made


@pytest.mark.parametrize(
    ("environ", "target", "named"),
    [
        pytest.param({b"REMOTE_PORT": b"50001"}, b"/a", True, id="the port"),
        pytest.param({b"REMOTE_PORT": b"50002"}, b"/a", False, id="another port"),
        pytest.param(
            {b"REMOTE_PORT": b"50001", b"REQUEST_URI": b"/b"}, b"/a", False, id="another URI"
        ),
        pytest.param({b"REQUEST_URI": b"/a"}, b"/a", True, id="the URI"),
        pytest.param({b"REQUEST_URI": b"/a?q"}, b"http://h:8/a?q", True, id="absolute form"),
        pytest.param({b"REQUEST_URI": b"/a"}, None, False, id="no target to compare"),
        pytest.param({b"PATH": b"/bin"}, b"/a", False, id="no CGI"),
    ],
)
def test_a_request_is_named_by_port_and_uri(
    environ: dict[bytes, bytes], target: bytes | None, named: bool
) -> None:
    assert name_request(environ, exchange(target)) is named


def test_the_port_the_front_told_counts_and_not_the_fronts_own() -> None:
    told = exchange(b"/a", [(b"REMOTE_PORT", b"61000")])
    assert name_request({b"REMOTE_PORT": b"61000"}, told)
    assert not name_request({b"REMOTE_PORT": b"50001"}, told)
