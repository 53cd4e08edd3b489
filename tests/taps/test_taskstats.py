"""Taskstats where it is refused, and CPUs that come and go. The open tap is in tests/live.

In: errors of a kernel that is made up. Out: tap states.
"""

import errno
import os
import socket
import struct

import pytest

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Missed, Record
from gwtop.taps import accounts, cpus, taskstats

PLAN = Plan(ports=(9000,))


@pytest.mark.parametrize(
    ("code", "state", "words"),
    [
        pytest.param(errno.EPERM, "refused", "CAP_NET_ADMIN", id="no right"),
        pytest.param(errno.ENOENT, "absent", "CONFIG_TASKSTATS", id="not in this kernel"),
        pytest.param(errno.EINVAL, "absent", "first namespaces", id="a container"),
        pytest.param(errno.EPROTONOSUPPORT, "absent", "refused: ", id="no such netlink"),
    ],
)
def test_without_accounts_the_tap_says_why(
    code: int, state: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(cpu: int, buffer_bytes: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(taskstats, "_listen", refuse)
    monkeypatch.setattr(cpus, "online", lambda: [0])
    monkeypatch.setattr(cpus, "possible", lambda: [0])
    tap = taskstats.open_tap(PLAN, 0)
    assert tap is not None and tap.state.state == state
    assert tap.state.needs is not None and words in tap.state.needs
    assert not tap.state.tells_spent
    error = taskstats.unavailable()
    assert error is not None and error.errno == code


def test_a_plan_without_a_gateway_wants_no_accounts() -> None:
    assert taskstats.open_tap(Plan(), 0) is None


class Line:
    """A netlink socket of one CPU, as far as the tap asks."""

    def __init__(self) -> None:
        self._there, self._here = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._here.setblocking(False)

    def tell(self, sequence: int) -> None:
        self._there.send(struct.pack("=IHHIIBBH", 20, 30, 0, sequence, 0, accounts.CMD_NEW, 1, 0))

    def fileno(self) -> int:
        return self._here.fileno()

    def recvfrom(self, n_bytes: int) -> tuple[bytes, tuple[int, int]]:
        return self._here.recv(n_bytes), (0, 0)

    def close(self) -> None:
        self._here.close()
        self._there.close()


def test_a_cpu_that_comes_later_has_been_listened_to_and_its_losses_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines: dict[int, Line] = {}

    def listen(cpu: int, buffer_bytes: int) -> Line:
        return lines.setdefault(cpu, Line())

    monkeypatch.setattr(taskstats, "_listen", listen)
    monkeypatch.setattr(cpus, "online", lambda: [0])
    monkeypatch.setattr(cpus, "possible", lambda: [0, 1])
    monkeypatch.setattr(clock, "now", lambda: 77)
    tap = taskstats.Taskstats(0)

    def told() -> list[Record]:
        tap.follow([])
        return tap.read(0)

    lines[1].tell(7)
    assert told() == []
    lines[0].tell(1)
    lines[1].tell(10)
    assert told() == [Missed(77, "taskstats", "process_events", 2)]
    tap.close()
    tap.close()
