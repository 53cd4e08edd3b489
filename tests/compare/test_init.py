"""Which demos are compared when none is named, and when an edit counts as one that took effect."""

from pathlib import Path

import pytest

from gwtop import clock, compare
from gwtop.compare import CHANGED, HELLO, QUIET, client, one_of_each_kind
from gwtop.demos import DemoInfo
from gwtop.nouns.comparison import Cell
from gwtop.nouns.times import SECOND_NS


def info(name: str, protocol: str, model: str, installed: bool = True) -> DemoInfo:
    return DemoInfo(name, "", protocol, model, (), installed, (), None, Path("x"))


def test_one_of_each_kind_is_the_shortest_name_that_is_installed() -> None:
    catalogue = [
        info("alpha-long", "p", "pool"),
        info("alpha", "p", "pool"),
        info("beta", "p", "alone"),
        info("g", "q", "pool", installed=False),
        info("gamma", "q", "pool"),
    ]
    assert one_of_each_kind(catalogue) == ["alpha", "beta", "gamma"]


class Pool:
    """Workers that take turns; each finds out that the file has changed so many seconds after."""

    def __init__(self, file: Path, *finds_out_after_s: float) -> None:
        self.file, self.after, self.turn = file, finds_out_after_s, 0
        self.now_ns, self.edited_ns = 0, -1

    def ask(self, url: str) -> bytes:
        self.now_ns += (5 if QUIET in url else 0) * SECOND_NS
        self.now_ns += SECOND_NS // (10 if "slow" in url else 1000)
        if self.edited_ns < 0 and CHANGED in self.file.read_bytes():
            self.edited_ns = self.now_ns
        self.turn = (self.turn + 1) % len(self.after)
        due_ns = self.edited_ns + int(self.after[self.turn] * SECOND_NS)
        return CHANGED if self.edited_ns >= 0 and self.now_ns >= due_ns else HELLO


@pytest.mark.parametrize(
    ("finds_out_after_s", "cell"),
    [
        pytest.param((0, 0), Cell(True), id="each request reads the file"),
        pytest.param((2.8, 2.8), Cell("yes, within 3 s"), id="a cache looks each 2 s"),
        pytest.param((0, 3600), Cell(False), id="one worker of two keeps the old one"),
        pytest.param((3600,), Cell(False), id="loaded once"),
    ],
)
def test_an_edit_took_effect_when_every_worker_answers_with_it(
    finds_out_after_s: tuple[float, ...],
    cell: Cell,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "_application.py").write_bytes(b"say(" + HELLO + b")")
    pool = Pool(tmp_path / "_application.py", *finds_out_after_s)
    monkeypatch.setattr(client, "ask", pool.ask)
    monkeypatch.setattr(clock, "monotonic_ns", lambda: pool.now_ns)
    assert compare._edit(tmp_path, "http://x/") == cell


def test_an_application_that_says_something_else_has_no_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "ask", lambda url: b"Good day")
    cell = compare._edit(tmp_path, "http://x/")
    assert cell.value is None and cell.why
