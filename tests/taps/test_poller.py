"""The poller: epoll and what stands in for it say the same of reading and writing."""

import socket
from collections.abc import Callable

import pytest

from gwtop.taps.poller import READ, WRITE, Poller, Selecting, poller


@pytest.mark.parametrize("make", [poller, Selecting])
def test_what_is_wanted_and_ready_is_told(make: Callable[[], Poller]) -> None:
    found = make()
    one, other = socket.socketpair()
    number = one.fileno()
    assert found.fileno() >= 0
    found.register(number, READ)
    assert found.poll(0, 10) == []
    other.send(b"x")
    assert found.poll(1, 10) == [(number, READ)]
    found.modify(number, READ | WRITE)
    assert [mask for _, mask in found.poll(1, 10)] == [READ | WRITE]
    found.modify(number, WRITE)
    assert found.poll(1, 10) == [(number, WRITE)]
    found.unregister(number)
    assert found.poll(0, 10) == []
    found.close()
    one.close()
    other.close()


def test_a_descriptor_that_was_closed_can_still_be_taken_out() -> None:
    found = Selecting()
    one, other = socket.socketpair()
    number = one.fileno()
    found.register(number, READ)
    one.close()
    found.unregister(number)
    again = other.dup()
    found.register(again.fileno(), WRITE)
    assert found.poll(1, 10) == [(again.fileno(), WRITE)]
    for each in (other, again, found):
        each.close()  # type: ignore[attr-defined]
