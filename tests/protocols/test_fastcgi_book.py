"""The book of exchanges: which one an id means, and which ones a hole hurts."""

from gwtop.nouns.events import Event, Hole, RequestHead
from gwtop.nouns.wire import Side
from gwtop.protocols._fastcgi_book import Book
from gwtop.protocols._fastcgi_exchange import Exchange
from gwtop.protocols._fastcgi_way import Way


def opened(book: Book, stream: int) -> Exchange:
    exchange = Exchange(stream, 1, 1, None)
    book.open(exchange)
    return exchange


def test_a_request_means_the_newest_and_an_answer_the_oldest_of_its_id() -> None:
    book = Book()
    first, second, third = opened(book, 1), opened(book, 1), opened(book, 1)
    assert book.asking[1] is third and book.answering[1] is first
    book.forget(first)
    assert book.answering[1] is second and book.all_open() == [second, third]


def test_an_exchange_stays_asked_until_its_body_was_read() -> None:
    book = Book()
    unread, read = opened(book, 1), opened(book, 2)
    read.stdin_closed = True
    book.forget(unread)
    book.forget(read)
    assert (list(book.asking), book.answering, book.n_open) == ([1], {}, 0)


def test_held_heads_are_counted() -> None:
    book = Book()
    opened(book, 1).add_params(b"abc", [])
    opened(book, 1).add_params(b"de", [])
    assert book.held_bytes() == 5


def test_a_hole_of_the_client_hurts_only_unfinished_requests() -> None:
    book, events = Book(), list[Event]()
    done, open_one = opened(book, 1), opened(book, 2)
    done.stdin_closed = True
    book.hurt(Way(Side.CLIENT, True), 9, 5, events)
    assert (done.touched, open_one.touched) == (False, True)
    assert [e for e in events if isinstance(e, Hole)] == [Hole(2, Side.CLIENT, 9, False)]


def test_a_hole_that_hurts_nobody_waits_on_the_clients_way_and_is_told_on_the_servers() -> None:
    book, events = Book(), list[Event]()
    client = Way(Side.CLIENT, True)
    book.hurt(client, 9, 5, events)
    book.hurt(client, 1, 6, events)
    assert (client.hole_bytes, client.hole_at, events) == (10, 5, [])
    book.hurt(Way(Side.SERVER, True), 4, 5, events)
    assert events == [Hole(0, Side.SERVER, 4, False)]


def test_a_ghost_takes_the_hole_that_hid_its_request() -> None:
    book, events = Book(), list[Event]()
    client = Way(Side.CLIENT, True)
    book.hurt(client, 9, 5, events)
    ghost = book.ghost(3, client, events)
    assert events == [RequestHead(3, 5, None, None, None, 0, b""), Hole(3, Side.CLIENT, 9, False)]
    assert book.answering[3] is ghost and ghost.touched and not client.hole_bytes
