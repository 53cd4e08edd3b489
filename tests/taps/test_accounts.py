"""Accounts of tasks that end: datagrams as a kernel sent them, and the numbers they carry.

Recorded on Linux 6.18 (struct version 16): a C program that works for 5 ms and fills 3,000 KB, and
a Python program with two threads, whose second one ended first. In: bytes. Out: accounts.
"""

import base64
import struct
import zlib

import pytest

from gwtop.taps import accounts
from gwtop.taps.accounts import Account, Sequence

ALONE = (
    "eNoLYWJgkGdgYLjHAAFMjAwMDkwsDBwMjAxq1QwMJkzMDAJQOQWYGii9NpyVgSjAaQumnNbbgOmk0uJKBhIAyB2K"
    "QDzjGFM2iJ8nBxFfwI+qToMZlS/gCKHnBUPoFVCPZIhCFfAwUAQYGbC7A+ZfQgDmH2z+RfYnwz8I1X1ciShzc49D"
    "AsJhAiPDQAAAIloWSg=="
)
FIRST_THREAD = (
    "eNoLYWJgkGdgYLjPAAFMjAwMDkwsDBwMjAwa1QwMJkzMDAIMqIAFSm+TlmEgBZxVlAPTBZUlGfl5xOsDuUMRiGcc"
    "Y8oG8UX4satjIWCOiTKE3hLGxEANwEyhfph/0IF6NYTWtoUK/INQp38RZ2P0FGkwXa7EMCAAANhTEwc="
)
WHOLE_GROUP = (
    "eNqbwsLAIM/AwPCAAQKYGBkYHJhYGDgYGBnUqxkYTJiYGQSgcgpQmgNKG1kxMxAFVL6AqZYnZ8F0QWVJRn4eA9EA"
    "5A5FIJ5xjCkbxF9oDxF3kEelT6I559x5RjBd088Opk2UIeJbwpggjAAWBnIAzBqYbnR3wPxLCMD8g82/yP5k+Aeh"
    "Tv8iLry1LCH+vi3EMCDAgYkVmEaYMNIPDPBA6Reh8iSln0C2N1Rx3zo/HPFGJwCLRXYC/h0oMNDpBwDDqSWi"
)


def datagram(recorded: str) -> bytes:
    return zlib.decompress(base64.b64decode(recorded))


def test_a_process_with_one_thread_tells_its_time_memory_and_life() -> None:
    account = accounts.parse(datagram(ALONE))
    assert account == Account(31526, 3_977_026, 4_264 * 1024, 7_790_000)


def test_the_last_thread_tells_the_sums_of_its_group() -> None:
    account = accounts.parse(datagram(WHOLE_GROUP))
    assert account == Account(31527, 15_468_113, 9_012 * 1024, 16_289_000)


def test_a_thread_that_ends_before_the_others_is_no_account() -> None:
    assert accounts.parse(datagram(FIRST_THREAD)) is None


def test_before_version_12_a_lone_task_is_taken_for_its_process() -> None:
    data = bytearray(datagram(FIRST_THREAD))
    stats_at = 20 + 4 + 8 + 4  # headers, AGGR_PID, PID, STATS
    struct.pack_into("=H", data, stats_at, 11)
    assert accounts.parse(bytes(data)) is not None


def test_a_kernel_thread_has_no_memory() -> None:
    data = bytearray(datagram(ALONE))
    struct.pack_into("=Q", data, 20 + 4 + 8 + 4 + 200, 0)  # hiwater_rss
    account = accounts.parse(bytes(data))
    assert account is not None and account.max_rss_bytes is None


@pytest.mark.parametrize("n_bytes", [0, 15, 20, 36, 100, 240])
def test_what_is_cut_is_nothing(n_bytes: int) -> None:
    assert accounts.parse(datagram(ALONE)[:n_bytes]) is None


def test_messages_are_numbered_and_answers_are_not() -> None:
    assert accounts.sequence_of(datagram(ALONE)) == struct.unpack_from("=I", datagram(ALONE), 8)[0]
    refusal = struct.pack("=IHHIIi16x", 36, 2, 0, 7, 0, -1)
    assert accounts.sequence_of(refusal) is None
    assert accounts.sequence_of(b"") is None


def test_the_family_has_a_number_or_is_refused_by_name() -> None:
    attribute = struct.pack("=HHHxx", 6, 1, 31)
    answer = struct.pack("=IHHIIBBH", 28, 16, 0, 0, 0, 1, 2, 0) + attribute
    assert accounts.family_of(answer) == 31
    with pytest.raises(FileNotFoundError):
        accounts.family_of(struct.pack("=IHHIIi16x", 36, 2, 0, 0, 0, -2))


def test_an_acknowledgement_is_no_error() -> None:
    accounts.raise_error(struct.pack("=IHHIIi16x", 36, 2, 0, 0, 0, 0))
    with pytest.raises(PermissionError):
        accounts.raise_error(struct.pack("=IHHIIi16x", 36, 2, 0, 0, 0, -1))


def test_the_requests_are_what_the_header_files_say() -> None:
    name = struct.pack("=HH", 14, 2) + b"TASKSTATS\0\0\0"
    assert accounts.family_request() == struct.pack("=IHHIIBBH", 36, 16, 1, 0, 0, 3, 1, 0) + name
    mask = struct.pack("=HH", 8, 3) + b"0-3\0"
    expected = struct.pack("=IHHIIBBH", 28, 31, 5, 0, 0, 1, 1, 0) + mask
    assert accounts.listen_request(31, "0-3") == expected


@pytest.mark.parametrize(
    ("numbers", "losses"),
    [
        pytest.param([7, 8, 9], [0, 0, 0], id="none"),
        pytest.param([7, 10, 11], [0, 2, 0], id="two"),
        pytest.param([0xFFFFFFFF, 0, 2], [0, 0, 1], id="round the corner"),
        pytest.param([50, 3, 4], [0, 0, 0], id="set back"),
    ],
)
def test_a_gap_in_the_numbers_is_a_loss(numbers: list[int], losses: list[int]) -> None:
    sequence = Sequence()
    assert [sequence.arrived(number) for number in numbers] == losses
