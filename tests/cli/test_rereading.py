"""Details that are wished for when all is told, or no longer kept: the engine on a capture."""

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from gwtop import journal
from gwtop.cli.rereading import reread, rereading
from gwtop.cli.wishes import WishReader
from gwtop.engine import Engine
from gwtop.nouns.facts import Detail, Fact
from gwtop.nouns.plan import Plan
from gwtop.nouns.run import Terms
from gwtop.taps.files import open_capture
from gwtop.tracker import Tracker
from tests._replay import CAPTURES, Lines, NoSignals

FILE = str(CAPTURES / "fastcgi/nginx-php-fpm.pcap")
PLAN = Plan(file=FILE, details=True, keeps=True)


class Screen(Lines):
    """Reads facts, and after the last one wishes for details and then goes."""

    def __init__(self, *ids: int) -> None:
        super().__init__()
        self.facts: list[Fact] = []
        self.reads, self.writes = os.pipe()
        self._ids = ids
        self._after_summary = 0

    def put(self, facts: list[Fact]) -> None:
        super().put(facts)
        self.facts += facts
        for fact in facts:
            if type(fact).__name__ == "Summary":
                wishes = b"".join(b'{"wish":"detail","id":%d}\n' % id for id in self._ids)
                os.write(self.writes, wishes + b'{"wish":"tick","seconds":1}\n')
                os.close(self.writes)


def run(screen: Screen, plan: Plan = PLAN, ends_the_run: bool = True, again: bool = True) -> None:
    tap = open_capture(FILE, plan)
    with closing(NoSignals()) as signals:
        terms = Terms(
            signals,  # type: ignore[arg-type]
            wishes=WishReader(screen.reads, ends_the_run),
            reread=rereading(plan) if again else None,
        )
        engine = Engine(plan, [tap], Tracker(plan, live=False), screen, terms)  # type: ignore[list-item]
        assert engine.run() == 0
    os.close(screen.reads)


def details(screen: Screen) -> list[Detail]:
    return [fact for fact in screen.facts if isinstance(fact, Detail)]


def test_our_screen_may_wish_when_the_file_has_ended() -> None:
    screen = Screen(1, 15, 99)
    run(screen, again=False)
    assert [(d.id, d.kept) for d in details(screen)] == [(1, True), (15, True), (99, False)]
    assert type(screen.facts[-4]).__name__ == "Summary"
    assert screen.lines[-1] == journal.encode(screen.facts[-1])


def test_nobody_else_is_waited_for() -> None:
    screen = Screen(1)
    run(screen, ends_the_run=False)
    assert details(screen) == []


def test_what_is_no_longer_kept_is_found_in_the_file_again() -> None:
    kept, reread_ones = Screen(1, 7, 15), Screen(1, 7, 15)
    run(kept)
    run(reread_ones, replace(PLAN, keeps=False))
    assert len(details(kept)) == 3
    assert details(reread_ones) == details(kept)


def test_without_a_file_there_is_nothing_to_read_again(tmp_path: Path) -> None:
    for file in (None, "-", str(tmp_path)):
        assert rereading(Plan(file=file)) is None


def test_a_file_that_is_gone_is_no_detail(tmp_path: Path) -> None:
    assert reread(replace(PLAN, file=str(tmp_path / "gone.pcap")), 1) is None
    assert reread(PLAN, 99) is None


@pytest.mark.parametrize("secrets", [False, True])
def test_what_is_found_again_is_blanked_like_the_rest(secrets: bool) -> None:
    detail = reread(replace(PLAN, show_secrets=secrets), 3)
    assert detail is not None and detail.kept
