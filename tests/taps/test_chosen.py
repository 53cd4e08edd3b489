"""What shows requests on ports where nobody said: packets, or calls where those are refused."""

import socket

import pytest

from gwtop.nouns.plan import Plan, Relayed
from gwtop.taps import calls, chosen
from gwtop.taps.ebpf import NoBpfError
from gwtop.taps.shut import Shut

OPEN = Plan(ports=(9000,), is_capture_open=True)


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Packets are, and calls are not."""

    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(calls, "unavailable", lambda: None)


@pytest.mark.usefixtures("refused")
def test_where_packets_are_refused_and_calls_are_not_calls_are_chosen_and_it_is_said() -> None:
    plan = chosen.told_by(OPEN)
    assert plan.capture == "calls"
    (said,) = chosen.words(plan, 5)
    assert (said.at, said.code, said.severity) == (5, "packets-refused", "info")
    assert "CAP_NET_RAW" in said.text


@pytest.mark.usefixtures("refused")
@pytest.mark.parametrize(
    "plan",
    [
        pytest.param(Plan(ports=(9000,)), id="packets were asked for"),
        pytest.param(Plan(ports=(9000,), capture="libpcap"), id="libpcap was"),
        pytest.param(Plan(socket="/x", is_capture_open=True), id="no port is watched"),
        pytest.param(Plan(ports=(1,), file="x", is_capture_open=True), id="a file is read"),
        pytest.param(
            Plan(ports=(1,), relay=Relayed(("::1", 2), ("::1", 1)), is_capture_open=True),
            id="a relay is in the path",
        ),
    ],
)
def test_nothing_is_chosen_where_there_is_no_choice(plan: Plan) -> None:
    told = chosen.told_by(plan)
    assert told.capture == plan.capture
    assert chosen.words(told, 0) == []


def test_packets_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chosen, "packets_are_refused", lambda: False)
    assert chosen.told_by(OPEN).capture == "ring"


@pytest.mark.usefixtures("refused")
def test_where_both_are_refused_it_is_packets_that_are_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "unavailable", lambda: NoBpfError("no", refused=True))
    plan = chosen.told_by(OPEN)
    assert plan.capture == "ring"
    assert chosen.words(plan, 0) == []


def test_calls_that_were_chosen_and_fail_name_what_packets_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(1, "no")

    monkeypatch.setattr(calls, "Calls", refuse)
    monkeypatch.setattr(calls, "held", frozenset)
    plan = Plan(ports=(9000,), capture="calls", is_capture_open=True)
    tap = calls.open_tap(plan, 0)
    assert isinstance(tap, Shut)
    assert tap.state.needs is not None and tap.state.needs.startswith("CAP_NET_RAW")
