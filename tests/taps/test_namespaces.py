"""Whether a namespace is the machine's first one."""

import os

import pytest

from gwtop.taps import namespaces, tracefs


@pytest.mark.parametrize(
    ("link", "expected"), [("pid:[4026531836]", True), ("pid:[4026532000]", False)]
)
def test_the_first_namespace_is_known_by_its_number(
    link: str, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "readlink", lambda path: link)
    assert namespaces.is_first("pid") is expected


def test_without_proc_nobody_knows(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(path: str) -> str:
        raise FileNotFoundError(path)

    monkeypatch.setattr(os, "readlink", missing)
    assert namespaces.is_first("user") is None


def test_where_pids_are_others_the_trace_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "readlink", lambda path: "pid:[4026532000]")
    assert not tracefs.may_make()
    with pytest.raises(tracefs.NoTracefsError, match="another pid namespace") as error:
        tracefs.find()
    assert not error.value.refused
