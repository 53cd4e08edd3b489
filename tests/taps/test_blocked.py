"""Blocked: one line of /proc, and what its thread waits for."""

import os
import socket
import threading

import pytest

from gwtop.taps import blocked, proc
from gwtop.taps.blocked import Wait, parse


@pytest.mark.parametrize(
    ("line", "machine", "expected"),
    [
        pytest.param("0 0x5 0x7ffd81300288 0x8 0xffffffff 0x1\n", "x86_64", (5, True), id="read"),
        pytest.param("45 0x1f 0x7ffd 0x8\n", "x86_64", (31, True), id="recvfrom"),
        pytest.param("63 0x5 0x7ffd 0x8\n", "aarch64", (5, True), id="read-on-arm"),
        pytest.param("43 0xb 0x7ffd 0x7ffe\n", "x86_64", (None, True), id="accept"),
        pytest.param("232 0x4 0x7ffd 0x7ffe\n", "x86_64", (None, True), id="epoll"),
        pytest.param("230 0x0 0x0 0x7ffe\n", "x86_64", (None, False), id="it sleeps for a while"),
        pytest.param("1 0x5 0x7ffd 0x8\n", "x86_64", (None, False), id="write"),
        pytest.param("running\n", "x86_64", (None, False), id="running"),
        pytest.param("-1 0x7ffd 0x8\n", "x86_64", (None, False), id="stopped"),
        pytest.param("0 0x5 0x7ffd 0x8\n", "riscv64", (None, False), id="unknown-machine"),
    ],
)
def test_a_line_tells_what_a_thread_waits_for(
    line: str, machine: str, expected: tuple[int | None, bool]
) -> None:
    assert parse(7, line, machine) == Wait(7, *expected)


def test_a_thread_of_ours_is_found_in_its_read() -> None:
    here, there = socket.socketpair()
    thread = threading.Thread(target=here.recv, args=(1,))
    thread.start()
    try:
        if os.uname().machine not in blocked.READS:
            pytest.skip(f"no numbers of system calls for {os.uname().machine}")
        deadline = threading.Event()
        timer = threading.Timer(10.0, deadline.set)
        timer.start()
        while not any(
            one.reads == here.fileno() and one.thread == thread.native_id and one.sleeps
            for one in blocked.waits(os.getpid())
        ):
            assert not deadline.wait(0.01), blocked.waits(os.getpid())
        timer.cancel()
    finally:
        there.send(b"x")
        thread.join()
        here.close()
        there.close()


def test_one_thread_that_cannot_be_looked_at_makes_all_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proc, "threads", lambda pid: [os.getpid(), 1 << 30])
    assert blocked.waits(os.getpid()) == []
    monkeypatch.setattr(proc, "threads", lambda pid: list(range(blocked.MAX_THREADS + 1)))
    assert blocked.waits(os.getpid()) == []
