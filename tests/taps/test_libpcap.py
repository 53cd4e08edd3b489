"""libpcap's tap: when it opens, what it asks the kernel for, and how it is refused."""

import sys

import pytest

from gwtop.nouns.plan import Plan
from gwtop.taps import libpcap
from gwtop.taps.shut import Shut


@pytest.mark.parametrize(
    ("ports", "host", "words"),
    [
        ((3031,), None, "tcp and (port 3031)"),
        ((1, 2), None, "tcp and (port 1 or port 2)"),
        ((80,), "::1", "tcp and (port 80) and host ::1"),
    ],
)
def test_the_filter_names_ports_and_host(
    ports: tuple[int, ...], host: str | None, words: str
) -> None:
    assert libpcap.expression(ports, host) == words


def test_it_opens_only_where_it_was_asked_for() -> None:
    assert libpcap.open_tap(Plan(capture="libpcap"), 0) is None
    assert libpcap.open_tap(Plan(ports=(1,), capture="relay"), 0) is None
    if sys.platform == "linux":
        assert libpcap.open_tap(Plan(ports=(1,)), 0) is None


def test_an_interface_that_is_not_there_is_a_tap_that_says_so() -> None:
    plan = Plan(ports=(1,), capture="libpcap", interface="none0")
    tap = libpcap.open_tap(plan, 0)
    assert isinstance(tap, Shut)
    assert tap.state.state in ("absent", "refused") and tap.state.needs
