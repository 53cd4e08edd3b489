"""FastCGI with bytes missing: what is still told, what is marked, and where the next record is."""

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Control,
    Event,
    Hole,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
    Resynced,
)
from gwtop.nouns.wire import Side
from gwtop.protocols import fastcgi
from tests.protocols._feeding import Conversation, normal, tell
from tests.protocols.samples_fastcgi import (
    OK,
    STDOUT,
    C,
    S,
    answer,
    end,
    pair,
    record,
    request,
    variables,
)

GET = variables()


def told(talk: Conversation, from_start: bool = True) -> list[Event]:
    return normal(tell(fastcgi, talk, from_start=from_start))[0]


def holed(talk: Conversation, side: Side, begin_at: int, n_bytes: int) -> list[Event]:
    """One gap in the first block of a side."""
    decoder = fastcgi.Decoder(True)
    events: list[Event] = []
    for who, data in talk:
        if who is side and n_bytes:
            events += decoder.feed(who, data[:begin_at], 1) if begin_at else []
            events += decoder.lost(who, n_bytes, 2)
            data, n_bytes = data[begin_at + n_bytes :], 0
        events += decoder.feed(who, data, 3) if data else []
    events += decoder.close(S, 4) + decoder.close(C, 4)
    return normal(events)[0]


POST = variables(b"POST", b"/p", (b"CONTENT_LENGTH", b"100"))
UPLOAD: Conversation = [(C, request(POST, b"b" * 100)), (S, answer(OK))]
STDIN_AT = 16 + 8 + len(POST) + 8 + 8


def test_gap_inside_stdin_costs_only_a_hole() -> None:
    events = holed(UPLOAD, C, STDIN_AT + 10, 50)
    assert events[1:4] == [Body(1, C, b"b" * 10), Hole(1, C, 50, True), Body(1, C, b"b" * 40)]
    assert [type(e) for e in events[4:]] == [RequestEnd, ResponseHead, Body, ResponseEnd]


def test_gap_inside_stdout_costs_only_a_hole() -> None:
    talk = [(C, request(GET)), (S, answer(OK))]
    events = holed(talk, S, 8 + len(OK) - 4, 3)
    assert events[3:] == [
        Body(1, S, b"h"),
        Hole(1, S, 3, True),
        Body(1, S, b"o"),
        ResponseEnd(1, False),
    ]


def test_gap_inside_params_tells_the_head_before_the_hole() -> None:
    first = len(pair(b"REQUEST_METHOD", b"POST"))
    events = holed(UPLOAD, C, 16 + 8 + first + 5, 10)
    assert events[0] == RequestHead(1, 1, b"POST", None, False, first + 5, POST[: first + 5])
    assert events[1] == Hole(1, C, 10, False)
    assert events[2:4] == [Body(1, C, b"b" * 100), RequestEnd(1)]


def test_gap_inside_an_answers_head_keeps_a_status_that_was_seen() -> None:
    block = b"Status: 404 N\r\nA: bcdefgh\r\n\r\nbody"
    events = holed([(C, request(GET)), (S, answer(block))], S, 8 + 18, 3)
    assert events[2:] == [
        ResponseHead(1, 1, 404, 18, block[:18]),
        Hole(1, S, 3, False),
        ResponseEnd(1, False),
    ]


def test_gap_over_a_header_marks_the_exchange_and_finds_the_next() -> None:
    talk = [*UPLOAD, (C, request(GET)), (S, answer(OK))]
    events = holed(talk, C, STDIN_AT - 4, 10)
    assert events[1:3] == [
        Confused(C, 4, "a record header cut by a hole"),
        Hole(1, C, 10, False),
    ]
    assert Resynced(C) in events
    heads = [e for e in events if isinstance(e, RequestHead)]
    assert [e.method for e in heads] == [b"POST", b"GET"]
    assert [type(e) for e in events].count(ResponseEnd) == 2


def test_gap_over_a_header_marks_every_open_exchange() -> None:
    talk = [
        (C, request(GET, stream=1) + request(GET, stream=2)),
        (S, answer(OK, 1) + answer(OK, 2)),
    ]
    holes = [e for e in holed(talk, S, 2, 20) if isinstance(e, Hole)]
    assert holes == [Hole(1, S, 20, False), Hole(2, S, 0, False)]


def test_a_request_wholly_in_a_gap_shows_with_its_answer() -> None:
    decoder = fastcgi.Decoder(True)
    events = decoder.lost(C, 300, 5) + decoder.feed(S, answer(OK), 6)
    assert events[:2] == [RequestHead(1, 5, None, None, None, 0, b""), Hole(1, C, 300, False)]
    assert [type(e) for e in events[2:]] == [ResponseHead, Body, Control, ResponseEnd]
    assert decoder.held_bytes() == 0


def test_a_gap_that_hid_nothing_is_told_with_the_next_request() -> None:
    decoder = fastcgi.Decoder(True)
    events = decoder.lost(C, 300, 5) + decoder.feed(C, request(GET), 6)
    assert events[:2] == [Hole(0, C, 300, False), Resynced(C)]


def test_a_new_request_closes_one_whose_end_was_lost() -> None:
    talk = [(C, request(GET)), (S, answer(OK)), (C, request(variables(b"PUT"))), (S, answer(OK))]
    events = holed(talk, S, 8 + len(OK) + 2, 22)
    names = [type(e) for e in events]
    assert names.count(Aborted) == 1 and names.index(Aborted) < len(names) - 4
    assert events[-1] == ResponseEnd(1, False)


def test_gap_in_an_end_still_ends_the_exchange() -> None:
    data = record(STDOUT, 1, OK) + record(STDOUT, 1) + end()
    events = holed([(C, request(GET)), (S, data)], S, len(data) - 5, 5)
    assert events[-2:] == [Hole(1, S, 5, False), ResponseEnd(1, False)]


def test_gap_in_a_begin_still_begins_the_exchange() -> None:
    events = holed([(C, request(GET)), (S, answer(OK))], C, 11, 5)
    assert events[:2] == [RequestHead(1, 1, None, None, None, 0, b""), Hole(1, C, 5, False)]
    assert events[2] == RequestEnd(1)


def test_lost_padding_is_framing_and_no_hole() -> None:
    talk = [(C, request(GET)), (S, answer(OK, padding=6))]
    events = holed(talk, S, 8 + len(OK) + 1, 4)
    assert not [e for e in events if isinstance(e, Hole)] and events[-1] == ResponseEnd(1, False)


def test_a_beginning_in_mid_connection_invents_nothing() -> None:
    tail = request(POST, b"b" * 100)[STDIN_AT + 30 :]
    talk = [(C, tail), (S, answer(OK)), (C, request(GET)), (S, answer(OK))]
    events = told(talk, from_start=False)
    heads = [e for e in events if isinstance(e, RequestHead)]
    assert [e.method for e in heads] == [b"GET"]
    assert [type(e) for e in events].count(ResponseHead) == 1


def test_a_beginning_found_in_what_was_kept_is_dated_by_its_own_first_byte() -> None:
    """Two bytes wait; only the second begins a record, and it came later."""
    for noise in ([], [b"\1"]):
        decoder = fastcgi.Decoder(not noise)
        events: list[Event] = []
        asked = request(GET)
        pieces = [b"\1", *noise, asked[:1], asked[1:]]
        for at, piece in enumerate(pieces, 1):
            events += decoder.feed(C, piece, at)
        (head,) = [e for e in events if isinstance(e, RequestHead)]
        assert head.target == b"/" and head.began_at == len(pieces) - 1


def test_a_beginning_on_a_boundary_works_at_once() -> None:
    talk = [(C, request(GET)), (S, answer(OK))]
    assert told(talk, from_start=False) == told(talk)


def test_records_that_cannot_be_are_passed_over_until_one_can() -> None:
    talk = [(C, request(GET)), (S, b"\1\6" + b"?" * 40 + answer(OK))]
    events = told([(C, request(GET)), (S, b"?" * 40 + answer(OK))])
    assert events[2:4] == [Confused(S, 40, "no record header where one had to be"), Resynced(S)]
    assert events[-1] == ResponseEnd(1, False) and told(talk)
