"""Taskstats where it is refused, and the CPUs it asks for. The open tap is in tests/live.

In: errors of a kernel that is made up. Out: tap states.
"""

import errno
import os

import pytest

from gwtop.nouns.plan import Plan
from gwtop.taps import taskstats

PLAN = Plan(ports=(9000,))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("0\n", [0], id="one"),
        pytest.param("0-3\n", [0, 1, 2, 3], id="all"),
        pytest.param("0-1,4,6-7", [0, 1, 4, 6, 7], id="some are off"),
    ],
)
def test_the_kernels_list_of_cpus_is_read(text: str, expected: list[int]) -> None:
    assert taskstats.cpus(text) == expected


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
    monkeypatch.setattr(taskstats, "online", lambda: [0])
    tap = taskstats.open_tap(PLAN, 0)
    assert tap is not None and tap.state.state == state
    assert tap.state.needs is not None and words in tap.state.needs
    assert not tap.state.tells_spent
    error = taskstats.unavailable()
    assert error is not None and error.errno == code


def test_a_plan_without_a_gateway_wants_no_accounts() -> None:
    assert taskstats.open_tap(Plan(), 0) is None
