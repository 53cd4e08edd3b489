"""Births: whose program is read, and what is said where there are no process events.

In: happenings by hand, and a /proc that is a dictionary. The open socket is in tests/live.
"""

import errno
import os
import socket

import pytest

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import TapState
from gwtop.taps import births, connector, proc
from gwtop.taps.connector import EVENT_EXEC, EVENT_EXIT, Happening
from gwtop.taps.proc import Image


def execed(pid: int) -> Happening:
    return Happening(EVENT_EXEC, 0, 0, 0, 1, pid, pid, 0, 0)


def exited(pid: int) -> Happening:
    return Happening(EVENT_EXIT, 0, 0, 0, 1, pid, pid, 0, 17)


def test_only_the_living_are_read_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def image(pid: int) -> Image:
        asked.append(pid)
        return Image((b"%d" % pid,), None, None)

    monkeypatch.setattr(proc, "image", image)
    images = births.images_of([execed(1), execed(2), exited(1), execed(3), execed(2)])
    assert asked == [2, 3]
    assert images == {4: Image((b"2",), None, None), 3: Image((b"3",), None, None)}


def test_a_plan_that_names_nothing_asks_for_no_births() -> None:
    assert births.open_tap(Plan(), 0) is None


def test_in_another_namespace_the_tap_is_absent_and_says_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[4026532000]")
    reason = "process events are not told inside another pid namespace"
    assert births.unavailable() == reason
    tap = births.open_tap(Plan(ports=(1,)), 5)
    assert tap and tap.state == TapState(5, "births", "absent", reason)
    assert tap.fileno() == -1 and tap.read(6) == [] and tap.due_at() is None


def test_a_kernel_that_wants_more_rights_is_a_refusal_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(buffer_bytes: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(births, "_outside_initial_namespaces", lambda: None)
    monkeypatch.setattr(births, "_open_socket", refuse)
    tap = births.open_tap(Plan(ports=(3031,)), 5)
    assert tap and tap.state.state == "refused"
    assert tap.state.needs and "attach --port 3031" in tap.state.needs


class Processors:
    """Which CPUs run, and where we are allowed to."""

    def __init__(self, *online: int) -> None:
        self.online = set(online)
        self.allowed = {0, 1, 2}

    def get(self, pid: int) -> set[int]:
        return set(self.allowed)

    def set(self, pid: int, cpus: set[int]) -> None:
        if not cpus & self.online:
            raise OSError(errno.EINVAL, "Invalid argument")
        self.allowed = set(cpus)


@pytest.mark.parametrize(
    ("online", "n_asked"),
    [
        pytest.param((0, 1, 2), 3, id="all run"),
        pytest.param((1, 2), 2, id="the first one went this moment"),
        pytest.param((7,), 0, id="all went, and others came"),
    ],
)
def test_a_cpu_that_goes_keeps_none_of_the_others_from_being_asked(
    online: tuple[int, ...], n_asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Processors(*online)
    monkeypatch.setattr(os, "sched_getaffinity", machine.get)
    monkeypatch.setattr(os, "sched_setaffinity", machine.set)
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        births._ask_every_cpu(here)
        there.setblocking(False)
        requests = [there.recv(100) for _ in range(n_asked)]
        with pytest.raises(BlockingIOError):
            there.recv(100)
    assert {len(request) for request in requests} <= {connector.REQUEST.size}
    assert machine.allowed == {0, 1, 2}
