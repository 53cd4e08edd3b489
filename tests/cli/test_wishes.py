"""Wishes from a descriptor: whole, cut, wrong, endless, ended."""

import os
from collections.abc import Iterator

import pytest

from gwtop.cli.wishes import MAX_LINE_BYTES, WishReader
from gwtop.nouns.wishes import BadWish, ShowDetail, TickEvery


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read_fd, write_fd = os.pipe()
    with os.fdopen(read_fd), os.fdopen(write_fd, "wb", closefd=True):
        yield read_fd, write_fd


def test_a_wish_cut_in_two_is_one_wish(pipe: tuple[int, int]) -> None:
    reader = WishReader(pipe[0], ends_the_run=False)
    os.write(pipe[1], b'{"wish":"detail","id":1}\n{"wish":"ti')
    assert reader.read() == [ShowDetail(1)]
    os.write(pipe[1], b'ck","seconds":0.5}\n\n')
    assert reader.read() == [TickEvery(0.5)]
    assert not reader.ended


def test_what_is_no_wish_is_told(pipe: tuple[int, int]) -> None:
    reader = WishReader(pipe[0], ends_the_run=False)
    os.write(pipe[1], b"gold\n")
    (bad,) = reader.read()
    assert isinstance(bad, BadWish)


def test_a_line_without_an_end_is_given_up(pipe: tuple[int, int]) -> None:
    reader = WishReader(pipe[0], ends_the_run=False)
    found: list[object] = []
    for _ in range(3):
        os.write(pipe[1], b"x" * (MAX_LINE_BYTES // 2))
        found += reader.read()
    (bad,) = found
    assert isinstance(bad, BadWish)


def test_the_end_is_seen() -> None:
    with open(os.devnull, "rb") as nothing:
        reader = WishReader(nothing.fileno(), ends_the_run=True)
        assert reader.read() == []
    assert reader.ended
