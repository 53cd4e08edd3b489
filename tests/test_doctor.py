"""Doctor's findings: one for each way of seeing, its state, and the command where there is one.

In: this machine, and one without rights that is made up. The real refusals are in tests/live.
"""

import errno
import os
from pathlib import Path

import pytest

from gwtop import doctor
from gwtop.taps import (
    arrivals,
    births,
    calls,
    diag,
    privilege,
    ring,
    sandbox,
    seccomp,
    taskclock,
    taskstats,
    tracefs,
    unix_work,
)
from gwtop.taps.ebpf import NoBpfError
from gwtop.taps.privilege import Capability


def test_every_way_of_seeing_has_its_finding() -> None:
    findings = doctor.examine()
    assert [f.name for f in findings if f.name != "or"] == [
        *("ring", "births", "census", "accounts", "tracefs", "calls", "unix_work"),
        *("namespaces", "kernel", "hold", "relay"),
    ]
    assert all(f.shows and "\n" not in f.shows for f in findings)
    assert all(f.command is None for f in findings if f.state == "ok")


def test_in_a_container_it_is_said_where_the_commands_are_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gwtop.taps.namespaces.is_first", lambda kind: kind != "user")
    (found,) = (f for f in doctor.examine() if f.name == "container")
    assert "outside" in found.shows
    assert "outside this container, sudo " in privilege.needed("ring")


@pytest.mark.parametrize(
    ("reason", "abi", "state", "words"),
    [
        pytest.param(None, 7, "ok", "by seccomp, a capture's by Landlock too", id="both"),
        pytest.param(None, 0, "ok", "held by seccomp", id="no Landlock"),
        pytest.param("riscv64", 7, "missing", "by Landlock only", id="another machine"),
        pytest.param("riscv64", 0, "missing", "nothing holds", id="nothing"),
    ],
)
def test_what_holds_the_engine_is_said(
    reason: str | None, abi: int, state: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(seccomp, "unavailable", lambda: reason)
    monkeypatch.setattr(sandbox, "abi", lambda: abi)
    (found,) = (f for f in doctor.examine() if f.name == "hold")
    assert found.state == state and words in found.shows
    assert reason is None or reason in found.shows


UNAME = os.uname()


def on(machine: str) -> os.uname_result:
    return os.uname_result((*UNAME[:4], machine))


def refuse(*_: object, **__: object) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


def test_without_rights_each_finding_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "Ring", refuse)
    monkeypatch.setattr(calls, "unavailable", lambda: NoBpfError("no", refused=True))
    monkeypatch.setattr(births, "unavailable", lambda: "a container")
    monkeypatch.setattr(privilege, "held", lambda: frozenset({Capability.SYS_PTRACE}))
    findings = {f.name: f for f in doctor.examine()}
    assert [findings[name].state for name in ("ring", "births", "census")] == [
        "missing",
        "partial",
        "partial",
    ]
    assert "a container" in findings["births"].shows
    for name in ("ring", "births", "census"):
        command = findings[name].command
        assert command and command.startswith("sudo ") and command.endswith("attach --port PORT")


def test_where_packets_are_refused_calls_show_ports(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "Ring", refuse)
    monkeypatch.setattr(calls, "unavailable", lambda: None)
    found = next(f for f in doctor.examine() if f.name == "ring")
    assert (found.state, "in the workers' calls" in found.shows) == ("partial", True)
    assert found.command is not None and found.command.startswith("sudo ")


@pytest.mark.parametrize(
    ("reason", "machine", "state", "words"),
    [
        (None, "x86_64", "ok", "requests on unix sockets"),
        (None, "aarch64", "partial", "untested on aarch64"),
        (NoBpfError("no program", refused=True), "x86_64", "missing", "no program"),
        (NoBpfError("no program"), "x86_64", "missing", "no program"),
    ],
)
def test_calls_are_seen_or_why_not(
    reason: NoBpfError | None,
    machine: str,
    state: str,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(calls, "unavailable", lambda: reason)
    monkeypatch.setattr(calls, "lacks_arrivals", lambda: False)
    made = on(machine)
    monkeypatch.setattr(os, "uname", lambda: made)
    found = next(f for f in doctor.examine() if f.name == "calls")
    assert found.state == state and words in found.shows
    refused = reason is not None and reason.refused
    assert (found.command is not None) == refused
    assert not refused or (found.command or "").endswith("attach --socket PATH")


def test_a_kernel_that_tells_no_arrivals_shows_all_but_waits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(calls, "unavailable", lambda: None)
    monkeypatch.setattr(tracefs, "mounted", lambda: str(tmp_path))
    (found,) = (f for f in doctor.examine() if f.name == "calls")
    assert found.state == "partial" and "how long they waited needs Linux 6.3" in found.shows
    (tmp_path / "events" / arrivals.EVENT).mkdir(parents=True)
    assert not calls.lacks_arrivals()


def test_where_something_is_missing_every_way_to_it_is_a_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ring, "Ring", refuse)
    ways = [f.command or "" for f in doctor.examine() if f.name == "or"]
    for words in ("attach --sudo", "setpriv ", "tcpdump -i lo", "dumpcap ", "tap unix:PATH"):
        assert sum(words in way for way in ways) == 1
    setpriv = next(way for way in ways if "setpriv" in way)
    assert "--ambient-caps +dac_override,+dac_read_search,+net_admin,+net_raw" in setpriv


@pytest.mark.parametrize(
    ("release", "version", "state"),
    [
        pytest.param("6.3.0-rc1", (6, 3), "ok", id="reads told"),
        pytest.param("6.1.0-18-amd64", (6, 1), "ok", id="Debian 12"),
        pytest.param("4.16.1", (4, 16), "ok", id="the first"),
        pytest.param("4.15.0", (4, 15), "missing", id="too old"),
        pytest.param("unknown", (0, 0), "missing", id="no version"),
    ],
)
def test_the_kernels_version_is_a_degree(
    release: str, version: tuple[int, int], state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.version_of(release) == version
    monkeypatch.setattr(doctor, "kernel_release", lambda: release)
    monkeypatch.setattr(os, "uname", lambda: on("x86_64"))
    assert [f.state for f in doctor.examine() if f.name == "kernel"] == [state]


def test_a_machine_that_no_test_ran_on_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    there = on("aarch64")
    monkeypatch.setattr(os, "uname", lambda: there)
    (found,) = (f for f in doctor.examine() if f.name == "kernel")
    assert found.state == "partial" and "untested on aarch64" in found.shows


@pytest.mark.parametrize(
    ("stats", "clocks", "state", "words", "has_command"),
    [
        pytest.param(None, None, "ok", "however short", False, id="all"),
        pytest.param(None, errno.EACCES, "partial", "lack a tick", True, id="no perf events"),
        pytest.param(errno.EPERM, None, "partial", "as last sampled", True, id="no right"),
        pytest.param(errno.ENOENT, None, "partial", "CONFIG_TASKSTATS", False, id="old kernel"),
    ],
)
def test_what_is_known_of_a_process_at_its_end_is_a_degree(
    stats: int | None,
    clocks: int | None,
    state: str,
    words: str,
    has_command: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def error(code: int | None) -> OSError | None:
        return None if code is None else OSError(code, os.strerror(code))

    monkeypatch.setattr(taskstats, "unavailable", lambda: error(stats))
    monkeypatch.setattr(taskclock, "unavailable", lambda: error(clocks))
    (finding,) = (f for f in doctor.examine() if f.name == "accounts")
    assert finding.state == state and words in finding.shows
    assert (finding.command is not None) == has_command


def test_the_degree_of_evidence_is_named_with_what_would_raise_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(tracefs, "may_make", lambda: True)
    (finding,) = (f for f in doctor.examine() if f.name == "tracefs")
    assert (finding.state, finding.command) == ("ok", None)
    monkeypatch.setattr(tracefs, "may_make", lambda: False)
    monkeypatch.setattr(tracefs, "mounted", lambda: tracefs.TRACING)
    (finding,) = (f for f in doctor.examine() if f.name == "tracefs")
    assert finding.state == "partial" and "without a pid" in finding.shows
    assert finding.command is not None and finding.command.endswith("attach --port PORT")
    monkeypatch.setattr(tracefs, "mounted", lambda: None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    (finding,) = (f for f in doctor.examine() if f.name == "tracefs")
    assert finding.command == f"mount -t tracefs nodev {tracefs.TRACING}"


def test_what_is_seen_of_unix_sockets_without_their_bytes_is_a_degree(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def found() -> doctor.Finding:
        (finding,) = (f for f in doctor.examine() if f.name == "unix_work")
        return finding

    monkeypatch.setattr(tracefs, "may_make", lambda: True)
    monkeypatch.setattr(unix_work, "lacks", lambda: None)
    assert found().state == "ok" and "how much was read" in found().shows
    monkeypatch.setattr(unix_work, "lacks", lambda: "sock:sock_send_length")
    assert (found().state, found().command) == ("partial", None)
    assert "no sock:sock_send_length" in found().shows
    monkeypatch.setattr(tracefs, "may_make", lambda: False)
    monkeypatch.setattr(tracefs, "mounted", lambda: tracefs.TRACING)
    command = found().command
    assert found().state == "partial" and command and "--socket PATH" in command
    monkeypatch.setattr(diag, "unix_accepted", refuse)
    assert found().state == "missing" and "Operation not permitted" in found().shows


def test_the_event_a_kernel_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracefs, "mounted", lambda: "/place")
    monkeypatch.setattr(os.path, "isdir", lambda path: "sock_send" not in path)
    assert unix_work.lacks() == "sock:sock_send_length"
    monkeypatch.setattr(tracefs, "mounted", lambda: None)
    assert unix_work.lacks() is None, "root mounts it when it is needed"
