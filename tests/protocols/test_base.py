"""The byte queue: what waits, since when, and that waiting costs no second look."""

import pytest

from gwtop.protocols._base import MAX_MARKS, ByteQueue


def filled(*parts: tuple[bytes, int]) -> ByteQueue:
    queue = ByteQueue()
    for data, at in parts:
        queue.push(data, at)
    return queue


def test_whole_messages_pass_without_a_copy() -> None:
    data = b"a whole message"
    assert filled((data, 1)).take(len(data)) is data


def test_bytes_come_out_as_they_went_in() -> None:
    queue = filled((b"abc", 1), (b"def", 2), (b"ghi", 3))
    assert (queue.take(2), queue.take(5), queue.take(9), len(queue)) == (b"ab", b"cdefg", b"hi", 0)


@pytest.mark.parametrize(("n_bytes", "at"), [(0, 1), (2, 1), (3, 2), (5, 2), (6, 3), (8, 3)])
def test_the_first_byte_keeps_the_instant_of_its_feed(n_bytes: int, at: int) -> None:
    queue = filled((b"abc", 1), (b"def", 2), (b"ghi", 3))
    queue.skip(n_bytes)
    assert queue.at == at


def test_the_instant_survives_one_byte_at_a_time() -> None:
    queue = filled(*((bytes([n]), n) for n in range(100)))
    for n in range(100):
        assert queue.at == n
        assert queue.take(1) == bytes([n])


def test_bytes_taken_before_a_push_do_not_shift_instants() -> None:
    queue = filled((b"abcdef", 1))
    queue.take(4)
    queue.push(b"gh", 2)
    assert queue.at == 1
    queue.skip(2)
    assert (queue.at, queue.peek(9)) == (2, b"gh")


def test_an_emptied_queue_begins_anew() -> None:
    queue = filled((b"abc", 1))
    queue.skip(7)
    queue.push(b"d", 9)
    assert (queue.at, queue.take_all()) == (9, b"d")


def test_a_needle_over_two_feeds_is_found() -> None:
    queue = filled((b"xxab\r", 1))
    assert queue.find(b"\r\n") == -1
    queue.push(b"\nyy\r\n", 2)
    assert queue.find(b"\r\n") == 4
    queue.skip(6)
    assert queue.find(b"\r\n") == 2


def test_a_search_does_not_look_twice_at_what_it_has_seen() -> None:
    queue = filled((b"a" * 1000, 1))
    queue.find(b"\r\n")
    assert queue.scanned == 999
    queue.take(10)
    assert queue.scanned == 0


def test_peek_leaves_everything_in_place() -> None:
    queue = filled((b"abc", 1), (b"def", 2))
    assert (queue.peek(2, 2), queue.peek(9), len(queue)) == (b"cd", b"abcdef", 6)


def test_instants_are_bounded_and_never_late() -> None:
    queue = filled(*((b"x", n) for n in range(3 * MAX_MARKS)))
    for n in range(3 * MAX_MARKS):
        assert n - 32 <= queue.at <= n
        queue.skip(1)
