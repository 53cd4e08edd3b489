"""Wishes: lines into a pipe that may be full, or have lost its reader."""

import os
from collections.abc import Iterator
from typing import BinaryIO

import pytest

from gwtop.tui.wishes import Wishes


@pytest.fixture
def ends() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", buffering=0) as here, os.fdopen(writing, "wb") as there:
        yield here, there


def test_a_wish_is_in_the_pipe_at_once_and_once_is_once(ends: tuple[BinaryIO, BinaryIO]) -> None:
    here, there = ends
    wishes = Wishes(there)
    assert wishes.say(b"one\n")
    wishes.once(b"two\n")
    wishes.once(b"two\n")
    assert here.read(100) == b"one\ntwo\n"


def test_an_engine_that_reads_nothing_stops_no_screen(ends: tuple[BinaryIO, BinaryIO]) -> None:
    here, there = ends
    wishes = Wishes(there)
    line = b"x" * 99 + b"\n"
    while wishes.say(line):
        pass
    wishes.once(b"later\n")
    held = b""
    while not held.endswith(b"later\n"):
        wishes.once(b"later\n")  # it was not said as long as there was no room
        held += here.read(65536)
    assert set(held.split(b"\n")) == {b"x" * 99, b"later", b""}
    assert held.count(b"later") == 1


def test_an_engine_that_has_gone_is_not_asked_again(ends: tuple[BinaryIO, BinaryIO]) -> None:
    here, there = ends
    wishes = Wishes(there)
    here.close()
    assert not wishes.say(b"one\n") and wishes.pipe is None
    assert not Wishes(None).say(b"one\n")
