"""Which network namespace a plan means, and what is said where there is none."""

import os

import pytest

from gwtop.errors import GwtopError
from gwtop.nouns.plan import Plan
from gwtop.taps import netns


@pytest.mark.parametrize(
    ("plan", "path"),
    [
        pytest.param(Plan(), None, id="none"),
        pytest.param(Plan(pid=7), "/proc/7/ns/net", id="of the process"),
        pytest.param(Plan(netns="blue"), "/run/netns/blue", id="by its name"),
        pytest.param(Plan(netns="/x/net"), "/x/net", id="by a path"),
        pytest.param(Plan(pid=7, netns="blue"), "/run/netns/blue", id="named wins"),
    ],
)
def test_the_namespace_that_is_meant(plan: Plan, path: str | None) -> None:
    assert netns.path_of(plan) == path


def test_our_own_namespace_is_not_entered() -> None:
    assert not netns.enter(Plan())
    assert not netns.enter(Plan(pid=os.getpid()))
    assert not netns.enter(Plan(netns="/proc/self/ns/net"))


def test_one_that_is_not_there_is_an_error_that_names_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(netns, "names", lambda: ["blue", "red"])
    with pytest.raises(GwtopError, match="no network namespace green") as error:
        netns.enter(Plan(netns="green"))
    assert error.value.remedy == "there are blue, red"


def test_another_users_process_is_taken_to_have_our_network(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def hidden(one: str, other: str) -> bool:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os.path, "samefile", hidden)
    assert not netns.enter(Plan(pid=1))
    with pytest.raises(GwtopError, match="may not be read"):
        netns.enter(Plan(netns="blue"))


def test_a_namespace_that_may_not_be_looked_at_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not netns.is_hidden(Plan(pid=os.getpid())) and not netns.is_hidden(Plan(ports=(80,)))
    assert not netns.is_hidden(Plan(pid=2**22 + 1)), "gone is not hidden"

    def refuse(path: str) -> None:
        raise PermissionError(path)

    monkeypatch.setattr(os, "stat", refuse)
    assert netns.is_hidden(Plan(pid=1)) and not netns.is_hidden(Plan(pid=1, netns="blue"))
