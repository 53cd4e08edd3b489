"""Messages of the proc connector, laid out by hand as linux/cn_proc.h says.

In: bytes and sequence numbers. Out: happenings and counts of what was lost.
"""

import struct

import pytest

from gwtop.taps import connector
from gwtop.taps.connector import EVENT_EXIT, EVENT_FORK, Happening, Losses


def message(what: int, data: bytes, *, cpu: int = 0, sequence: int = 0, ack: int = 0) -> bytes:
    event = struct.pack("=IIQ", what, cpu, 123_456_789_012) + data.ljust(24, b"\0")
    identified = struct.pack("=IIIIHH", 1, 1, sequence, ack, len(event), 0) + event
    return struct.pack("=IHHII", 16 + len(identified), 3, 0, 0, 0) + identified


def test_a_fork_names_parent_and_child_with_their_threads() -> None:
    parent_pid, parent_tgid, child_pid, child_tgid = 101, 100, 200, 200
    data = struct.pack("=4i", parent_pid, parent_tgid, child_pid, child_tgid)
    happening = connector.parse(message(EVENT_FORK, data, cpu=3, sequence=7))
    assert happening == Happening(EVENT_FORK, 3, 7, 0, 123_456_789_012, 101, 100, 200, 200)


def test_an_exit_carries_its_wait_status() -> None:
    data = struct.pack("=iiIIii", 200, 200, 9, 17, 100, 100)
    happening = connector.parse(message(EVENT_EXIT, data))
    assert happening and (happening.a, happening.b, happening.c) == (200, 200, 9)


@pytest.mark.parametrize(
    "datagram",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(message(EVENT_FORK, b"")[:60], id="cut"),
        pytest.param(b"\0" * 76, id="not the proc connector"),
    ],
)
def test_what_is_no_process_event_is_nothing(datagram: bytes) -> None:
    assert connector.parse(datagram) is None


def test_the_request_is_what_the_header_files_say() -> None:
    header = struct.pack("=IHHII", 40, 3, 0, 0, 9)
    body = struct.pack("=IIIIHHI", 1, 1, 0, 77, 4, 0, connector.PROC_CN_MCAST_LISTEN)
    assert connector.listen_request(77, 9) == header + body


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        pytest.param(0, (0, None), id="success"),
        pytest.param(3 << 8, (3, None), id="exit 3"),
        pytest.param(9, (None, 9), id="SIGKILL"),
        pytest.param(11 | 0x80, (None, 11), id="SIGSEGV with a core"),
    ],
)
def test_a_status_is_a_code_or_a_signal(status: int, expected: tuple[int | None, int]) -> None:
    assert connector.exit_status(status) == expected


def at(cpu: int, sequence: int) -> Happening:
    return Happening(EVENT_FORK, cpu, sequence, 0, 0, 1, 1, 2, 2)


def test_gaps_are_counted_per_cpu_and_the_first_message_is_no_gap() -> None:
    losses = Losses()
    assert [losses.arrived(h) for h in (at(0, 50), at(1, 9), at(0, 51), at(1, 13))] == [0, 0, 0, 3]


def test_an_overrun_counts_at_once_and_its_gap_only_the_rest() -> None:
    losses = Losses()
    losses.arrived(at(0, 1))
    assert losses.overrun() == 1
    assert losses.arrived(at(0, 12)) == 9  # ten were lost, one of them was told already
    assert losses.arrived(at(0, 14)) == 1


def test_a_sequence_wraps_without_a_loss_and_a_step_back_is_none() -> None:
    losses = Losses()
    losses.arrived(at(0, 2**32 - 1))
    assert losses.arrived(at(0, 0)) == 0
    losses.arrived(at(1, 500))
    assert losses.arrived(at(1, 3)) == 0
