"""Anatomy of this very process and of its children, and of processes that may not be looked at."""

import os
import socket
import subprocess
import sys
import threading

import pytest

from gwtop import clock
from gwtop.nouns.anatomy import Anatomy
from gwtop.nouns.plan import Plan
from gwtop.nouns.times import SECOND_NS
from gwtop.taps import anatomy, ends, proc

PLAN = Plan(ports=(9000,))
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads Linux's /proc")


def looked(pid: int) -> Anatomy:
    return anatomy.look(pid, PLAN, clock.now())


def test_our_own_process_is_read_in_full(tmp_path: object) -> None:
    seen = looked(os.getpid())
    assert seen.state == "R" and seen.parent == os.getppid() and seen.uid == os.getuid()
    assert seen.language == "python"
    assert seen.argv == proc.argv(os.getpid())
    assert seen.cwd == os.getcwdb()
    assert seen.environ is not None and b"PATH" in dict(seen.environ)
    assert seen.memory is not None and (seen.memory.peak_rss_bytes or 0) >= (
        seen.memory.rss_bytes or 0
    )
    assert seen.cpu_ns and seen.n_fds and seen.unread == ()
    assert seen.born_at is not None and 0 < seen.at - seen.born_at < 3600 * SECOND_NS


def test_sockets_are_told_with_both_ends() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)) as client:
            taken, _ = listener.accept()
            by_fd = {held.fd: held for held in looked(os.getpid()).sockets or ()}
            here, there = f"127.0.0.1:{port}", f"127.0.0.1:{client.getsockname()[1]}"
            assert by_fd[listener.fileno()][1:] == ("tcp", here, None, "listening")
            assert by_fd[taken.fileno()][1:] == ("tcp", here, there, "established")
            assert by_fd[client.fileno()][1:] == ("tcp", there, here, "established")
            taken.close()


def test_udp_unix_and_unnamed_sockets_too(tmp_path: object) -> None:
    path = f"{tmp_path}/app.sock"
    with (
        socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as udp,
        socket.socket(socket.AF_UNIX) as listener,
        socket.socket(socket.AF_UNIX) as client,
        socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as other,
    ):
        udp.bind(("::1", 0))
        listener.bind(path)
        listener.listen()
        client.connect(path)
        by_fd = {held.fd: held for held in looked(os.getpid()).sockets or ()}
        assert by_fd[udp.fileno()][1:] == ("udp", f"[::1]:{udp.getsockname()[1]}", None, None)
        assert by_fd[listener.fileno()][1:] == ("unix", f"unix:{path}", None, "listening")
        # its peer waits to be accepted: the kernel has given it no inode yet
        assert by_fd[client.fileno()].local == "unix:"
        assert by_fd[other.fileno()][1:] == ends.UNLISTED


def test_threads_have_names_states_and_cpu() -> None:
    release = threading.Event()
    extra = threading.Thread(target=release.wait)
    extra.start()
    try:
        seen = looked(os.getpid())
    finally:
        release.set()
        extra.join()
    assert seen.threads is not None and seen.n_threads == len(seen.threads)
    by_id = {thread.id: thread for thread in seen.threads}
    assert by_id[os.getpid()].state == "R" and by_id[os.getpid()].cpu_ns > 0
    assert by_id[extra.native_id or 0].state in "RS"


def test_a_process_that_has_gone_is_not_there() -> None:
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    seen = looked(child.pid)
    assert seen.state is None and seen.argv is None and seen.sockets is None


def test_a_zombie_says_why_it_has_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stdout.read() == b""
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        seen = looked(child.pid)
        assert seen.state == "Z" and seen.memory is None and seen.argv is None
        assert dict(seen.unread)["environ"] == anatomy.ENDED


def test_a_pid_that_came_back_while_we_read_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    stats = [proc.Stat(b"old", "S", 1, 100), proc.Stat(b"new", "S", 1, 200)]
    monkeypatch.setattr(proc, "stat", lambda pid: stats.pop(0))
    seen = looked(os.getpid())
    assert (seen.state, seen.argv, seen.threads) == (None, None, None)


def test_what_may_not_be_read_has_the_command_that_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proc, "image", lambda pid: proc.NO_IMAGE)
    monkeypatch.setattr(proc, "link", lambda path: None)
    seen = looked(os.getpid())
    assert seen.environ is None and seen.sockets is None and seen.argv is not None
    why = dict(seen.unread)
    assert set(why) == {"environ", "sockets", "cwd", "exe"}
    assert "CAP_SYS_PTRACE" in why["environ"] and "attach --port 9000" in why["environ"]


def test_without_socket_lists_the_descriptors_are_still_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refused(inodes: frozenset[int]) -> dict[int, ends.Ends]:
        raise OSError("no sock_diag")

    monkeypatch.setattr(ends, "of", refused)
    with socket.socket():
        seen = looked(os.getpid())
    assert seen.sockets is None and seen.n_fds and dict(seen.unread)["sockets"]


@pytest.mark.parametrize(
    ("exe", "maps", "language"),
    [
        (b"/usr/bin/python3.11", b"", "python"),
        (b"/usr/sbin/php-fpm8.2", b"", "php"),
        (b"/usr/bin/uwsgi-core", b"7f r-xp /usr/lib/libpython3.11.so.1.0\n", "python"),
        (b"/usr/sbin/apache2", b"7f r-xp /usr/lib/apache2/modules/libphp8.2.so\n", "php"),
        (b"/usr/sbin/apache2", b"7f /usr/lib/apache2/modules/mod_wsgi.so-3.11\n", "python"),
        (b"/opt/app", b"7f r-xp /usr/lib/jvm/lib/server/libjvm.so\n", "java"),
        (b"/usr/sbin/nginx", b"7f r-xp /usr/lib/libc.so.6\n", None),
        (None, None, None),
    ],
)
def test_an_interpreter_is_known_by_its_program_or_its_library(
    exe: bytes | None, maps: bytes | None, language: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proc, "maps", lambda pid: maps)
    assert anatomy._language(7, exe) == language
