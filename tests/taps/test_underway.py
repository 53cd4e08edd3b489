"""What a thread is doing when the probes come."""

import os
import threading

import pytest

from gwtop.taps import callprog, underway
from gwtop.taps.sites import Kind
from gwtop.taps.underway import Underway

REST = "0x3 0x4 0x5 0x6 0x7ffe00000000 0x7f0000000000"


@pytest.mark.parametrize(
    ("machine", "line", "told"),
    [
        pytest.param("x86_64", f"43 0x5 0x0 {REST}", Kind.ACCEPT, id="accept"),
        pytest.param("x86_64", f"0 0x5 0x0 {REST}", Kind.READ, id="read"),
        pytest.param("aarch64", f"242 0x5 0x0 {REST}", Kind.ACCEPT4, id="accept4 on aarch64"),
        pytest.param("x86_64", f"7 0x5 0x0 {REST}", None, id="poll is none of ours"),
        pytest.param("riscv64", f"0 0x5 0x0 {REST}", None, id="a machine without numbers"),
        pytest.param("x86_64", "running", None, id="it runs"),
        pytest.param("x86_64", "-1 0x7ffe00000000 0x7f0000000000", None, id="in no call"),
    ],
)
def test_a_line_says_the_call_and_its_arguments(machine: str, line: str, told: Kind | None) -> None:
    found = underway.parse(9, line, machine)
    assert found == (None if told is None else Underway(9, told, (5, 0, 3, 4)))


def test_a_thread_that_waits_for_bytes_is_found() -> None:
    here, there = os.pipe()
    reader = threading.Thread(target=os.read, args=(here, 7))
    reader.start()
    try:
        found: list[Underway] = []
        while not found:
            mine = [one for one in underway.of(os.getpid()) if one.thread == reader.native_id]
            found = [one for one in mine if one.arguments[0] == here]
        assert found[0].kind == Kind.READ and found[0].arguments[2] == 7
    finally:
        os.write(there, b"x")
        reader.join()
        os.close(here)
        os.close(there)


def test_what_an_entry_leaves_is_the_middle_of_a_record() -> None:
    assert callprog.ENTERED.size == callprog.N - callprog.CPU
    packed = callprog.ENTERED.pack(Kind.READ, 1, 2, 3, 4)
    record = bytes(callprog.CPU) + packed + bytes(callprog.HEAD.size)
    call = callprog.parse(record[: callprog.HEAD.size])
    assert (call.kind, call.a, call.b, call.c, call.d) == (Kind.READ, 1, 2, 3, 4)
