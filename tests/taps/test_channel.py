"""The channel: messages arrive whole and in order, however the socket cuts them."""

import socket

from gwtop.taps.channel import BUFFER_BYTES, Channel, pair


def test_messages_arrive_whole_in_order_and_more_are_kept_than_the_socket_takes() -> None:
    here, there = (Channel(one) for one in pair())
    sent = [("n", number, bytes(number * 1000), [None, True]) for number in range(200)]
    for message in sent:
        here.put(message)
    here.flush()
    assert here.pending_bytes > 0
    got = []
    while len(got) < len(sent):
        got += there.get()
        here.flush()
    assert [tuple(message) for message in got] == sent
    assert here.pending_bytes == 0
    assert there.get() == [] and not there.ended
    here.close()
    there.close()


def test_a_message_cut_anywhere_is_awaited() -> None:
    one, other = pair()
    writer, reader = Channel(socket.socketpair()[0]), Channel(other)
    writer.put(("word", 1))
    writer.put(("word", 2))
    data = bytes(writer._out)
    found = []
    for place in range(len(data)):
        one.send(data[place : place + 1])
        found += reader.get()
    assert found == [("word", 1), ("word", 2)]
    one.close()
    reader.close()
    writer.close()


def test_the_other_ends_death_is_noticed_by_reading_and_by_writing() -> None:
    one, other = (Channel(end) for end in pair())
    one.put(("last words",))
    one.flush()
    one.close()
    assert other.get() == [("last words",)]
    assert not other.ended
    assert other.get() == []
    assert other.ended
    other.close()
    one, other = (Channel(end) for end in pair())
    other.close()
    one.put((bytes(BUFFER_BYTES),))
    one.flush()
    assert one.ended
    one.close()
