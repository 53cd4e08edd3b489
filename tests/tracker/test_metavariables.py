"""What a front made of headers in a CGI program's variables, where it deserves a word."""

import pytest

from gwtop.nouns.times import MILLISECOND_NS as MS
from gwtop.protocols._base import Pair
from gwtop.tracker import metavariables
from tests.tracker._scene import MARK, Scene

AUTH = (b"Authorization", b"Basic eDp5")
PROXY = (b"Proxy", b"http://evil")


@pytest.mark.parametrize(
    ("asked", "given", "codes"),
    [
        pytest.param([AUTH], [], ["authorization-dropped"], id="left out"),
        pytest.param([AUTH], [(b"HTTP_AUTHORIZATION", b"Basic eDp5")], [], id="given"),
        pytest.param([AUTH], [(b"REMOTE_USER", b"x")], [], id="checked by the front"),
        pytest.param([], [], [], id="never sent"),
        pytest.param([PROXY], [(b"HTTP_PROXY", b"http://evil")], ["proxy-header-passed"], id="oxy"),
        pytest.param([PROXY], [], [], id="Proxy left out"),
        pytest.param([PROXY], [(b"HTTP_PROXY", b"http://ours")], [], id="the server's own proxy"),
        pytest.param([], [(b"HTTP_PROXY", b"http://ours")], [], id="no such header"),
    ],
)
def test_what_was_left_out_or_let_through_is_told(
    asked: list[Pair], given: list[Pair], codes: list[str]
) -> None:
    scene = Scene()
    exchange = scene.request(0, 9 * MS, fields=asked)
    scene.born(201, MS)
    scene.execed(201, 2 * MS, MARK, (b"REMOTE_PORT", b"50000"), (b"REQUEST_URI", b"/"), *given)
    scene.gone(201, 8 * MS)
    assert scene.settle(exchange)[0] == 201
    assert [r.code for r in metavariables.remarks(exchange, scene.tree)] == codes


def test_a_worker_and_a_program_of_unknown_variables_say_nothing() -> None:
    scene = Scene()
    exchange = scene.request(0, 9 * MS, fields=[AUTH])
    assert scene.settle(exchange)[0] == 100
    assert metavariables.remarks(exchange, scene.tree) == []
