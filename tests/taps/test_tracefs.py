"""Instances: where tracefs is, whose an instance is, and who removes it. A folder stands for it."""

import os
from pathlib import Path

import pytest

from gwtop.taps import tracefs
from gwtop.taps.tracefs import Instance, NoTracefsError

PLAIN = "22 1 0:20 / /sys rw - sysfs sysfs rw\n"
TRACEFS = "42 22 0:13 / /sys/kernel/tracing rw,relatime shared:7 - tracefs nodev rw\n"
HIDDEN = "43 42 0:50 / /sys/kernel/tracing rw - tmpfs none rw\n"


@pytest.mark.parametrize(
    ("mountinfo", "place"),
    [
        pytest.param(PLAIN, None, id="nothing mounted"),
        pytest.param(PLAIN + TRACEFS, tracefs.TRACING, id="mounted"),
        pytest.param(PLAIN + TRACEFS + HIDDEN, None, id="hidden by what was mounted over it"),
        pytest.param(
            "9 1 0:7 / /sys/kernel/debug/tracing rw - tracefs nodev rw\n",
            "/sys/kernel/debug/tracing",
            id="its old place",
        ),
    ],
)
def test_tracefs_is_where_it_is_seen(
    mountinfo: str, place: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tracefs, "_mounts", lambda: tracefs.parse_mounts(mountinfo))
    assert tracefs.mounted() == place


def test_what_somebody_hides_is_not_mounted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs, "_mounts", lambda: tracefs.parse_mounts(TRACEFS + HIDDEN))
    with pytest.raises(NoTracefsError, match="something else is mounted") as refused:
        tracefs.find()
    assert refused.value.refused and not tracefs.may_make()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "instances").mkdir()
    monkeypatch.setattr(tracefs, "mounted", lambda: str(tmp_path))
    return tmp_path / "instances"


def test_instances_of_dead_makers_are_removed_and_no_others(place: Path) -> None:
    mine = tracefs.own_prefix()
    names = [f"{mine}reads", f"gwtop-{os.getpid()}-1-reads", "gwtop-4194305-7-reads"]
    names += ["gwtop", "gwtop-of-somebody", "perf-1-2-3"]
    for name in names:
        (place / name).mkdir()
    tracefs._remove_stale(str(place.parent))
    assert sorted(p.name for p in place.iterdir()) == sorted(
        [f"{mine}reads", "gwtop", "gwtop-of-somebody", "perf-1-2-3"]
    )
    assert tracefs.has_own()


def test_all_instances_of_one_maker_are_removed_and_what_is_busy_is_said(place: Path) -> None:
    for name in ("gwtop-7-8-a", "gwtop-7-8-b", "gwtop-7-88-a"):
        (place / name).mkdir()
    (place / "gwtop-7-8-a" / "busy").mkdir()
    assert not tracefs.remove_of("gwtop-7-8-")
    assert sorted(p.name for p in place.iterdir()) == ["gwtop-7-8-a", "gwtop-7-88-a"]
    (place / "gwtop-7-8-a" / "busy").rmdir()
    assert tracefs.remove_of("gwtop-7-8-")


def test_an_instance_that_cannot_be_set_up_is_not_left_behind(place: Path) -> None:
    with pytest.raises(NoTracefsError, match="No such file"):  # a plain folder has no trace_clock
        Instance("reads", 1)
    assert list(place.iterdir()) == []


def test_without_tracefs_there_is_nothing_to_remove(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs, "mounted", lambda: None)
    assert tracefs.remove_of("gwtop-1-") and not tracefs.has_own()
