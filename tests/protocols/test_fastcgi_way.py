"""One direction: what is counted, and how a lost step is found."""

from gwtop.nouns.events import Confused, Control, Event, Hole, Resynced
from gwtop.nouns.wire import Side
from gwtop.protocols._base import FRAMING, UNSEEN
from gwtop.protocols._fastcgi_exchange import Exchange
from gwtop.protocols._fastcgi_way import Way
from tests.protocols.samples_fastcgi import STDOUT, begin, record


def test_what_was_counted_is_told_once() -> None:
    way, events = Way(Side.SERVER, True), list[Event]()
    way.framing, way.opaque, way.opaque_name, way.hole_bytes, way.stream = 8, 9, "DATA", 10, 3
    assert way.held_bytes() == 27
    for _ in range(2):
        way.flush_framing(1, events)
        way.flush_opaque(events)
        way.flush_hole(2, events)
    assert events == [
        Control(1, Side.SERVER, FRAMING, 8),
        Control(3, Side.SERVER, "DATA", 9),
        Hole(2, Side.SERVER, 10, False),
    ]


def test_the_step_is_found_behind_noise() -> None:
    way, events = Way(Side.CLIENT, False), list[Event]()
    data = b"\1\1\1\1\1" + begin()
    assert way.search(data, 0, 0, (), 5, events) == 5
    assert [type(e) for e in events] == [Confused, Resynced] and way.in_step


def test_a_beginning_at_once_is_no_resynchronisation() -> None:
    way, events = Way(Side.CLIENT, False), list[Event]()
    assert way.search(begin(), 0, 0, (), 5, events) == 0
    assert events == []


def test_what_may_become_a_header_is_kept_and_dated() -> None:
    way, events = Way(Side.CLIENT, False), list[Event]()
    assert way.search(b"ab" + begin()[:10], 0, 0, (), 5, events) == 12
    assert (way.partial, way.came_at(0), way.in_step) == (begin()[:10], 5, False)
    assert events == [Confused(Side.CLIENT, 2, way.confused_why)]
    assert way.search(way.partial + begin()[10:], 0, 10, (), 6, events) == 0
    assert way.came_at(0) == 5


def test_each_byte_of_what_is_kept_has_its_own_time() -> None:
    way = Way(Side.CLIENT, False)
    way.keep(b"..abc", 2, 0, 5)
    way.keep(b"abcde", 1, 3, 6)
    way.keep(b"bcdef", 1, 4, 7)
    assert way.partial == b"cdef"
    assert [way.came_at(n) for n in range(4)] == [5, 6, 6, 7]
    way.keep(b"cdefg", 4, 4, 8)
    assert way.partial == b"g" and way.came_at(0) == 8


def test_a_record_without_an_exchange_is_opaque() -> None:
    way, events = Way(Side.SERVER, True), list[Event]()
    way.kind, way.framing = STDOUT, len(record(STDOUT, 1))
    way.begin_opaque(b"abc", events)
    assert (way.opaque, way.opaque_name, way.framing) == (11, UNSEEN, 0)


def test_an_unknown_type_is_said_of_its_exchange_or_of_the_connection() -> None:
    way, events = Way(Side.SERVER, True), list[Event]()
    way.kind, way.stream = 50, 4
    way.begin_opaque(b"", events)
    way.exchange = Exchange(4, 1, 1, None)
    way.exchange.told = True
    way.begin_opaque(b"", events)
    assert [getattr(e, "stream", "?") for e in events] == [None, 4]


def test_an_unknown_type_before_the_requests_head_is_said_behind_it() -> None:
    way, events = Way(Side.CLIENT, True), list[Event]()
    way.kind, way.stream = 12, 4
    way.exchange = Exchange(4, 1, 1, None)
    way.begin_opaque(b"", events)
    assert events == []
    way.exchange.tell_head(True, events)
    assert [getattr(e, "code", "head") for e in events] == ["head", "unknown-record-type"]
