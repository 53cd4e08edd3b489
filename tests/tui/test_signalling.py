"""Signals: they reach the process that was shown and no other, or say the command that would."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gwtop import clock
from gwtop.nouns.times import SECOND_NS
from gwtop.tui import signalling
from gwtop.tui.signalling import MEANINGS, RefusedError, Target, send, start_ticks

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that waits for its stdin to end."""
    command = [sys.executable, "-c", "import sys; print(flush=True); sys.stdin.read()"]
    made = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert made.stdout is not None and made.stdout.readline() == b"\n"
    with made:
        yield made
        if made.poll() is None:
            made.kill()


def target(pid: int) -> Target:
    return Target(pid, start_ticks(pid), None)


def test_a_signal_reaches_the_process_that_was_shown(child: subprocess.Popen[bytes]) -> None:
    assert send(target(child.pid), "TERM") == f"SIGTERM sent to process {child.pid}"
    assert child.wait() == -signal.SIGTERM


def test_a_pid_that_is_another_process_by_now_gets_nothing(child: subprocess.Popen[bytes]) -> None:
    ticks = start_ticks(child.pid)
    assert ticks is not None
    with pytest.raises(RefusedError, match="another process by now"):
        send(Target(child.pid, ticks + 1, None), "KILL")
    assert child.poll() is None


def test_a_birth_that_the_facts_told_is_compared_too(child: subprocess.Popen[bytes]) -> None:
    with pytest.raises(RefusedError, match="another process by now"):
        send(Target(child.pid, None, clock.now() - 7200 * SECOND_NS), "KILL")
    ticks = start_ticks(child.pid)
    assert ticks is not None
    born_at = ticks * SECOND_NS // os.sysconf("SC_CLK_TCK") + clock.boot_offset_ns()
    assert send(Target(child.pid, None, born_at), "KILL")
    assert child.wait() == -signal.SIGKILL


def test_without_any_birth_nothing_is_sent(child: subprocess.Popen[bytes]) -> None:
    with pytest.raises(RefusedError, match="nobody saw when"):
        send(Target(child.pid, None, None), "KILL")
    assert child.poll() is None


def test_one_that_has_ended_is_said() -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    shown = target(gone.pid)
    gone.wait()
    with pytest.raises(RefusedError, match=f"process {gone.pid} has ended"):
        send(shown, "TERM")


@pytest.mark.parametrize(("uid", "command"), [(0, "; this would: kill"), (7, ": sudo kill")])
def test_where_our_rights_do_not_reach_the_command_is_said(
    uid: int, command: str, child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(descriptor: int, number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(signal, "pidfd_send_signal", refused)
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    with pytest.raises(RefusedError) as said:
        send(target(child.pid), "HUP")
    assert f"{command} -HUP {child.pid}" in str(said.value)


def test_no_descriptor_is_left_open(child: subprocess.Popen[bytes]) -> None:
    before = os.listdir("/proc/self/fd")
    send(target(child.pid), "CONT")
    with pytest.raises(RefusedError):
        send(Target(child.pid, 1, None), "CONT")
    assert os.listdir("/proc/self/fd") == before


def test_where_there_are_no_such_descriptors_nothing_is_sent(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "pidfd_open")
    with pytest.raises(RefusedError, match="kill -TERM"):
        send(target(child.pid), "TERM")
    assert child.poll() is None


def test_every_signal_that_is_offered_exists() -> None:
    names = [name for name, _ in MEANINGS]
    assert all(hasattr(signal, f"SIG{name}") for name in names)
    assert {"TERM", "KILL", "HUP", "USR1", "USR2", "QUIT", "STOP", "CONT", "INT"} == set(names)
    assert signalling.start_ticks(os.getpid())
