"""The sheet of a process under a pilot: its keys, the caret, the way back, signals, the stack."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot

from gwtop.nouns.times import instant
from gwtop.panels import Cell, Line
from gwtop.tui import stacks
from gwtop.tui.app import Screen
from gwtop.tui.confirm import Question
from gwtop.tui.person import BUTTONS
from gwtop.tui.signalling import Target, start_ticks
from tests.screens._facts import T0, S, exited, hello, pool, sample, seen, tick
from tests.screens._people import LOOKED_AT, hostile_looks, looked, looked_at_pool, not_there
from tests.screens._stage import Script, ear, heard, settle, shown, staged, text


@asynccontextmanager
async def opened(
    facts: list[object], size: tuple[int, int] = (80, 24), place: int = 3
) -> AsyncIterator[tuple[Screen, Script, Pilot[int]]]:
    """The processes' view, with one of them open."""
    app, script = staged(facts)
    app.wishes.pipe = ear()
    async with app.run_test(size=size) as pilot:
        await settle(app, pilot)
        await pilot.press("3", "home", *["down"] * place, "enter")
        await settle(app, pilot)
        yield app, script, pilot


def wished(app: Screen) -> list[object]:
    assert app.wishes.pipe is not None
    lines = [json.loads(line) for line in heard(app.wishes.pipe).splitlines()]
    return [wish["pid"] for wish in lines if wish["wish"] == "process"]


async def test_an_open_process_is_asked_for_and_shows_what_was_seen() -> None:
    async with opened(pool()) as (app, script, pilot):
        assert wished(app) == [1209]
        await pilot.press("end")
        assert "the engine is asked …" in text(app)
        script.add([looked()])
        await settle(app, pilot)
        await pilot.press("end")
        assert "DATABASE_PASSWORD [redacted]" in text(app)


async def test_it_is_asked_again_each_second_and_not_with_every_paint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with opened(pool()) as (app, script, pilot):
        for n in range(5):
            script.add([tick(T0 + 11 * S + n, 40)])
            await settle(app, pilot)
        n_asked = len(wished(app))
        assert n_asked <= 2
        app.person._asked_ns -= 2 * S
        script.add([tick(T0 + 12 * S, 40)])
        await settle(app, pilot)
        assert len(wished(app)) == n_asked + 1


async def test_nobody_is_asked_of_the_dead_nor_while_paused() -> None:
    async with opened([*pool(), exited(1209, T0 + 9 * S)], place=4) as (app, _, pilot):
        assert "† gone" in text(app) and wished(app) == []
        await pilot.press("escape", "space", "up", "enter")
        await settle(app, pilot)
        assert wished(app) == []


async def test_the_caret_goes_over_what_opens_and_esc_comes_back() -> None:
    async with opened(looked_at_pool()) as (app, _, pilot):
        await pilot.press("down")
        assert app.person.at == ("processes", 0)
        await pilot.press("down", "down", "up", "down")
        assert app.person.at == ("requests", 34)
        await pilot.press("enter")
        await settle(app, pilot)
        assert "GET /users/17/cart" not in text(app) and "until first byte" in text(app)
        await pilot.press("escape")
        await settle(app, pilot)
        assert "process 1209" in text(app) and app.focused is app.person
        await pilot.press("up", "up", "enter")
        await settle(app, pilot)
        assert "process 1203" in text(app)
        await pilot.press("escape", "escape")
        await settle(app, pilot)
        assert app.detail is None and not app.person.display


async def test_keys_scroll_where_nothing_opens() -> None:
    async with opened(looked_at_pool()) as (app, _, pilot):
        await pilot.press("end")
        assert "LANG" in text(app)
        bottom = app.person.top
        await pilot.press("up")
        await pilot.press("pageup", "pagedown", "home")
        assert app.person.top == 0 and bottom > 10
        await pilot.press(*["down"] * 60)
        assert app.person.top == bottom
        app.person.on_mouse_scroll_up(_wheel())
        assert app.person.top == bottom - 3
        app.person.on_mouse_scroll_down(_wheel())
        assert app.person.top == bottom


async def test_one_that_is_opened_again_begins_at_the_top() -> None:
    async with opened(looked_at_pool()) as (app, _, pilot):
        await pilot.press("end", "escape", "enter")
        await settle(app, pilot)
        assert app.person.top == 0 and "command" in text(app)


async def test_left_and_right_go_from_section_to_section() -> None:
    async with opened(looked_at_pool()) as (app, _, pilot):
        for head in ("last 10 requests", "memory", "threads 2"):
            await pilot.press("right")
            assert shown(app)[3][2:].startswith(head)
        await pilot.press("left")
        assert shown(app)[3][2:].startswith("memory")
        await pilot.press(*["left"] * 5)
        assert app.person.top == 0


def _wheel() -> object:
    from textual.events import MouseScrollUp

    return MouseScrollUp(None, 1, 1, 0, 0, 0, False, False, False)


async def test_a_click_on_a_request_opens_it_and_the_words_below_are_buttons() -> None:
    async with opened(looked_at_pool()) as (app, _, pilot):
        line = next(
            n for n, row in enumerate(shown(app)) if "/users/17/cart" in row and "41 ms" in row
        )
        await pilot.click("#process", offset=(10, line - app.person.region.y))
        await settle(app, pilot)
        assert "until first byte" in text(app)
        await pilot.press("escape")
        await settle(app, pilot)
        foot = app.person.size.height - 1
        assert [action for _, action in BUTTONS] == ["signal", "stack", "leave"]
        await pilot.click("#process", offset=(app.person.size.width - 5, foot))
        await settle(app, pilot)
        assert app.detail is None


async def test_the_detail_goes_with_the_selection_and_enter_goes_into_it() -> None:
    async with opened(looked_at_pool(), size=(120, 40)) as (app, _, pilot):
        assert app.focused is app.panes["processes"] and "process 1209" in text(app)
        await pilot.press("up")
        await settle(app, pilot)
        assert "process 1208" in text(app)
        await pilot.press("enter")
        assert app.focused is app.person


async def test_one_that_ends_stays_as_it_was_last_known() -> None:
    async with opened(looked_at_pool()) as (app, script, pilot):
        script.add([not_there(), exited(1209, LOOKED_AT + 2 * S, code=1)])
        script.add([seen(pid, 1, "worker", "w") for pid in range(3000, 3400)])
        script.add([exited(pid, LOOKED_AT + 3 * S) for pid in range(3000, 3400)])
        await settle(app, pilot)
        assert not any(p.pid == 1209 for p in app.shown.processes), "its row is no longer kept"
        assert "process 1209 ── worker ── † gone" in text(app)
        await pilot.press("end")
        assert "DATABASE_PASSWORD" in text(app)


@pytest.mark.slow
async def test_hostile_processes_leave_the_screen_whole() -> None:
    from tests.screens._facts import hostile
    from tests.tui.test_hostile import assert_whole

    app, _ = staged([*hostile(), *hostile_looks()])
    async with app.run_test(size=(100, 30)) as pilot:
        await settle(app, pilot)
        await pilot.press("3", "home")
        for _ in range(10):
            await pilot.press("enter", "enter")
            await settle(app, pilot)
            for _ in range(4):
                assert_whole(app)
                await pilot.press("pagedown")
            await pilot.press("escape", "down")


# Signals and stacks, on a process that is really there


@pytest.fixture
def child() -> object:
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as made:
        assert made.stdout is not None and made.stdout.readline() == b"\n"
        yield made
        if made.poll() is None:
            made.kill()


def real(pid: int, ticks: int | None = None) -> list[object]:
    found = start_ticks(pid) if ticks is None else ticks
    facts: list[object] = [hello(), seen(pid, 1, "worker", "serve --fast")]
    facts.append(looked(pid, born_at=instant(T0 - 3600 * S), start_ticks=found))
    return [*facts, sample(T0 + 10 * S, pid)]


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


async def test_a_signal_is_sent_after_a_confirmation_that_names_the_process(
    child: subprocess.Popen[bytes],
) -> None:
    async with opened(real(child.pid), place=0) as (app, _, pilot):
        await pilot.press("x")
        await settle(app, pilot)
        assert f"to process {child.pid}, worker:" in text(app) and "serve --fast" in text(app)
        await pilot.press("down", "up", "enter", "enter", "enter")
        await settle(app, pilot)
        assert "send SIGTERM?" in text(app) and child.poll() is None, "Enter never confirms"
        await pilot.press("y")
        await settle(app, pilot)
        assert f"SIGTERM sent to process {child.pid}" in text(app)
        assert child.wait() == -15


async def test_no_and_esc_send_nothing(child: subprocess.Popen[bytes]) -> None:
    async with opened(real(child.pid), place=0) as (app, _, pilot):
        await pilot.press("x", "y")
        await settle(app, pilot)
        assert isinstance(app.screen.focused, Question), "nothing was chosen yet"
        await pilot.press("enter", "n")
        assert not app.screen.focused.is_sure
        await pilot.press("escape")
        await settle(app, pilot)
        assert len(app.screen_stack) == 1 and child.poll() is None
        assert "sent" not in text(app)


async def test_the_mouse_chooses_and_confirms(child: subprocess.Popen[bytes]) -> None:
    async with opened(real(child.pid), place=0) as (app, _, pilot):
        await pilot.press("x")
        await settle(app, pilot)
        await pilot.click("#question", offset=(5, 12))
        await settle(app, pilot)
        assert "send SIGKILL?" in text(app)
        foot = app.screen.query_one(Question).size
        await pilot.click("#question", offset=(foot.width - 5, foot.height - 1))
        assert not app.screen.query_one(Question).is_sure, "that was the no"
        await pilot.click("#question", offset=(5, 12))
        await pilot.click("#question", offset=(foot.width - 20, foot.height - 1))
        await settle(app, pilot)
        assert child.wait() == -9


async def test_another_process_with_its_pid_is_not_signalled(
    child: subprocess.Popen[bytes],
) -> None:
    async with opened(real(child.pid, ticks=1), place=0) as (app, _, pilot):
        await pilot.press("x", "enter", "y")
        await settle(app, pilot)
        assert "is another process by now; nothing was sent" in text(app)
        assert child.poll() is None


async def test_facts_from_elsewhere_name_no_process_of_ours() -> None:
    async with opened(real(os.getpid()), place=0) as (app, _, pilot):
        app.wishes.pipe = None
        await pilot.press("x")
        await settle(app, pilot)
        assert "these facts come from elsewhere (web1)" in text(app)
        await pilot.press("t")
        await settle(app, pilot)
        assert "stack" not in [line[2:-2].strip() for line in shown(app)]


async def test_a_process_that_has_ended_is_not_signalled() -> None:
    async with opened([*pool(), exited(1209, T0 + 9 * S)], place=4) as (app, _, pilot):
        await pilot.press("x")
        await settle(app, pilot)
        assert "process 1209 has ended" in text(app) and len(app.screen_stack) == 1


async def test_without_a_process_the_keys_do_nothing() -> None:
    app, _ = staged(pool())
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("2", "x", "t")
        await settle(app, pilot)
        assert app.detail is None and len(app.screen_stack) == 1


async def test_one_key_from_the_table_shows_the_stack(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Target, str | None, bool]] = []

    async def read(target: Target, language: str | None, is_known: bool) -> tuple[Line, ...]:
        asked.append((target, language, is_known))
        return ((Cell("serve (app.py:7)"),),)

    monkeypatch.setattr(stacks, "stack", read)
    app, _ = staged(real(child.pid))
    app.wishes.pipe = ear()
    async with app.run_test(size=(80, 24)) as pilot:
        await settle(app, pilot)
        await pilot.press("3", "home", "t")
        await app.workers.wait_for_complete()
        await settle(app, pilot)
        assert "serve (app.py:7)" in text(app) and f"process {child.pid}" in text(app)
    ((target, language, is_known),) = asked
    assert target.start_ticks == start_ticks(child.pid) and (language, is_known) == ("python", True)
