"""Golden text of two hosts on one screen: the same pids, a column that says whose they are.

Regenerate with `GWTOP_GOLDEN=write pytest tests/screens`, and say in the commit why.
"""

import pytest
from rich.cells import cell_len

from gwtop import journal
from gwtop.merge import Merge
from gwtop.tui.app import Screen
from tests.screens._facts import pool
from tests.screens._stage import Script, settle, shown, text
from tests.screens.test_screens import SIZES, hold

SCENES: dict[str, list[str]] = {
    "hosts": [],
    "hosts-requests": ["2"],
    "hosts-detail": ["up", "enter"],
}


def two_hosts() -> Script:
    """The pool twice, as it would be told by two machines."""
    merge = Merge(("a", "b"))
    for source, host in zip(merge.sources, (b"web1", b"web2"), strict=True):
        for fact in pool():
            line = journal.encode(fact).rstrip(b"\n")  # type: ignore[arg-type]
            source.put(line.replace(b'"host":"web1"', b'"host":"' + host + b'"'), 0)
        source.ended = True
    script = Script([])
    script.lines.extend(merge.due(0))
    return script


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("scene", SCENES)
async def test_two_hosts_are_told_apart(scene: str, size: tuple[int, int]) -> None:
    app = Screen(two_hosts(), None)
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press(*SCENES[scene])
        await settle(app, pilot)
        got = text(app)
        assert {cell_len(line) for line in shown(app)} == {size[0]}
        if scene != "hosts-detail":
            assert "web1" in got and "web2" in got
    hold(f"{scene}-{size[0]}x{size[1]}.txt", got)
