"""Processes as /proc shows them: ourselves, a child, and one that has gone.

In: real processes of the test's own. Linux only.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from gwtop import clock
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import proc

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"


@pytest.fixture
def child() -> Iterator[subprocess.Popen[str]]:
    """A process with known argv and environ that lives until its stdin is closed."""
    command = [sys.executable, "-c", WAITS, "a b", ""]
    environ = {"REQUEST_URI": "/x?y=1", "EMPTY": "", "LATIN": "gr\udcfcn"}
    with subprocess.Popen(
        command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "up\n"
        yield process


def gone() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    return process.pid


def test_a_process_is_seen_with_its_parent_and_birth(child: subprocess.Popen[str]) -> None:
    seen = proc.stat(child.pid)
    assert seen and seen.parent == os.getpid() and seen.name.startswith(b"python")
    born_at = proc.born_at(seen.born_ticks, clock.boot_offset_ns())
    assert 0 <= clock.now() - born_at < 60 * SECOND_NS


def test_a_program_is_its_argv_exe_and_environ(child: subprocess.Popen[str]) -> None:
    image = proc.image(child.pid)
    assert image.argv == (sys.executable.encode(), b"-c", WAITS.encode(), b"a b", b"")
    assert image.exe == os.path.realpath(sys.executable).encode()
    assert dict(image.environ or ()) == {
        b"REQUEST_URI": b"/x?y=1",
        b"EMPTY": b"",
        b"LATIN": b"gr\xfcn",
    }


def test_a_long_environ_is_read_to_its_end() -> None:
    long = {f"V{i}": "x" * 60_000 for i in range(4)}
    with subprocess.Popen(
        [sys.executable, "-c", WAITS], env=long, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout and process.stdout.readline()
        environ = dict(proc.image(process.pid).environ or ())
        assert process.stdin
        process.stdin.close()
    assert {name: len(value) for name, value in environ.items()} == {
        name.encode(): 60_000 for name in long
    }


def test_who_has_gone_is_none_everywhere() -> None:
    pid = gone()
    assert proc.stat(pid) is None and proc.argv(pid) is None and proc.exe(pid) is None
    assert proc.image(pid) == proc.NO_IMAGE
    assert proc.children(pid) == [] and proc.holds(pid, {"socket:[1]"}) is False


def test_a_zombie_has_a_state_and_no_program() -> None:
    pid = os.posix_spawn(sys.executable, [sys.executable, "-c", ""], {})
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    try:
        seen = proc.stat(pid)
        assert seen and seen.state == "Z"
        assert proc.image(pid) == proc.NO_IMAGE
    finally:
        os.waitpid(pid, 0)


def test_children_are_found_by_their_parent(child: subprocess.Popen[str]) -> None:
    if not proc.lists_children():
        pytest.skip("this kernel has no children files (CONFIG_PROC_CHILDREN)")
    assert child.pid in proc.children(os.getpid())


def test_a_held_socket_is_found_among_the_descriptors() -> None:
    with socket.socket() as held:
        link = os.readlink(f"/proc/self/fd/{held.fileno()}")
        assert proc.holds(os.getpid(), {link}) is True
    assert proc.holds(os.getpid(), {link}) is False


def test_which_sockets_a_process_holds_is_told_one_by_one() -> None:
    with socket.socket() as one, socket.socket() as other:
        links = {proc.link(f"/proc/self/fd/{held.fileno()}") or "" for held in (one, other)}
        assert proc.held(os.getpid(), {*links, "socket:[1]"}) == links
        assert proc.held(os.getpid(), {"socket:[1]"}) == frozenset()
        assert proc.held(os.getpid(), links, limit=0) == frozenset()
    assert proc.held(2**22 + 1, links) == frozenset(), "nobody holds nothing"
