"""A load driven by a person: what it tells of itself, and lines on its stdin that are no wishes."""

import select

import pytest

from gwtop.load import RunningLoad, start_load
from gwtop.load.sending import wish_of
from gwtop.nouns.driving import State
from tests.load.test_init import serving


def await_state(load: RunningLoad, **wanted: object) -> State:
    """The first state in which all of this holds."""
    state = load.state()
    while state is None or any(state[key] != value for key, value in wanted.items()):  # type: ignore[literal-required]
        assert select.select([load], [], [], 20)[0], f"it told no more after {state}"
        state = load.state()
    return state


def test_it_tells_how_it_goes_after_each_wish() -> None:
    with serving() as server:
        load = start_load(server.url, rate=0.01, paused=True, driven=True)
        await_state(load, paused=True, sent=0)
        load.send({"rate": 50, "concurrency": 3, "path": "/slow"})
        await_state(load, rate=50, concurrency=3, path="/slow")
        load.send({"path": None, "pause": False})
        assert await_state(load, path=None, paused=False)["bad_wishes"] == 0
        summary = load.stop()
    assert summary is not None and summary["in_flight"] <= 3


def test_one_request_is_sent_while_the_rest_is_paused() -> None:
    with serving() as server:
        load = start_load(server.url, paused=True, driven=True)
        load.send({"send": "/error"})
        await_state(load, sent=1, answered=1, failed=0)
        load.send({"send": "/hang-up"})
        await_state(load, sent=2, answered=1, failed=1, in_flight=0)
        summary = load.stop()
        assert {path for _, path, _, _ in server.all_seen()} == {"/error", "/hang-up"}
    assert summary is not None and summary["statuses"] == {"500": 1}


def test_when_its_requests_are_sent_it_waits_and_can_go_on() -> None:
    with serving() as server:
        load = start_load(server.url, rate=0, n_requests=5, driven=True)
        await_state(load, sent=5, answered=5, paused=True)
        load.send({"pause": False, "rate": 200})
        state = await_state(load, paused=False)
        while state["sent"] < 8:
            assert select.select([load], [], [], 20)[0]
            state = load.state() or state
        summary = load.stop()
    assert summary is not None and summary["sent"] >= 8


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"knights",
        b"{}",
        b"[]",
        b"7",
        b'{"rate": -1}',
        b'{"rate": true}',
        b'{"rate": NaN}',
        b'{"rate": "5"}',
        b'{"concurrency": 0}',
        b'{"concurrency": 1.5}',
        b'{"concurrency": 100000}',
        b'{"path": "big"}',
        b'{"send": 4}',
        b'{"send": null}',
        b'{"pause": 1}',
        b'{"speed": 5}',
        b"\xff\xfe",
    ],
)
def test_what_is_no_wish_is_refused(line: bytes) -> None:
    with pytest.raises(ValueError):
        wish_of(line)


def test_bad_lines_are_noted_and_change_nothing_else() -> None:
    with serving() as server:
        load = start_load(server.url, paused=True, driven=True)
        assert load._process.stdin is not None
        for line in (
            b"knights\n",
            b'{"rate": -1}\n',
            b"[" * 60_000 + b"\n",
            b"x" * 200_000 + b"\n",
        ):
            load._process.stdin.write(line)
        load._process.stdin.flush()
        load.send({"send": "/"})
        state = await_state(load, sent=1, answered=1)
        assert state["bad_wishes"] >= 4 and state["rate"] == 5.0
        assert load.stop() is not None and load.trouble() is None


def test_a_killed_load_leaves_its_last_state_and_no_summary() -> None:
    with serving() as server:
        load = start_load(server.url, paused=True, driven=True)
        await_state(load, paused=True)
        load._process.kill()
        load._process.wait()
        state = load.state()
        assert state is not None and state["paused"]
        assert load.stop() is None
        assert load.trouble() == "the load has ended (signal 9)"
