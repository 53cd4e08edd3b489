"""FastCGI connections: each rule of the specification, each deviation that was met, each loss."""

import pytest

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Control,
    ErrorText,
    Event,
    Remark,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
)
from gwtop.protocols import fastcgi
from gwtop.protocols._base import Claim
from tests.protocols._feeding import Conversation, at_random, bytewise, normal, tell, whole
from tests.protocols.samples_fastcgi import (
    ABORT,
    DATA,
    GET_VALUES,
    OK,
    PARAMS,
    STDERR,
    STDIN,
    STDOUT,
    C,
    S,
    answer,
    begin,
    end,
    pair,
    record,
    request,
    variables,
)

GET = variables()


def told(talk: Conversation, from_start: bool = True) -> list[Event]:
    """The events in normal form without Controls; the same for three ways of feeding."""
    expected = normal(tell(fastcgi, talk, whole, from_start))
    for cut in (bytewise, at_random(1)):
        assert normal(tell(fastcgi, talk, cut, from_start)) == expected
    return expected[0]


def kinds(talk: Conversation) -> list[str]:
    return [type(event).__name__ for event in told(talk)]


def codes(talk: Conversation) -> list[str]:
    return [event.code for event in told(talk) if isinstance(event, Remark)]


def test_an_exchange_is_two_heads_two_bodies_and_two_ends() -> None:
    params = variables(b"POST", b"/p?q", (b"CONTENT_LENGTH", b"3"))
    head = b"Status: 201 Made\r\n\r\n"
    assert told([(C, request(params, b"abc", 7)), (S, answer(head + b"xyz", 7))]) == [
        RequestHead(7, 1_000, b"POST", b"/p?q", False, len(params), params),
        Body(7, C, b"abc"),
        RequestEnd(7),
        ResponseHead(7, 1_000, 201, len(head), head),
        Body(7, S, b"xyz"),
        ResponseEnd(7, False),
    ]


def test_the_usual_request_and_the_record_loop_say_the_same() -> None:
    odd = begin() + record(PARAMS, 1, GET) + record(PARAMS, 1) + record(STDIN, 1)
    assert normal(tell(fastcgi, [(C, odd)])) == normal(tell(fastcgi, [(C, odd[:9]), (C, odd[9:])]))


def test_heads_keep_the_instant_of_their_first_byte() -> None:
    decoder = fastcgi.Decoder(True)
    events: list[Event] = []
    for n, byte in enumerate(request(GET)):
        events += decoder.feed(C, bytes([byte]), 100 + n)
    for n, byte in enumerate(record(STDERR, 1, b"e") + answer(OK)):
        events += decoder.feed(S, bytes([byte]), 900 + n)
    began = [e.began_at for e in events if isinstance(e, RequestHead | ResponseHead)]
    assert began == [100, 900 + 9 + 8]


def test_a_pipelined_request_begins_with_its_own_first_byte() -> None:
    decoder = fastcgi.Decoder(True)
    first = request(GET, b"x")
    decoder.feed(C, first + begin(2)[:3], 5)
    events = decoder.feed(C, begin(2)[3:] + record(PARAMS, 2, GET) + record(PARAMS, 2), 9)
    assert [e.began_at for e in events if isinstance(e, RequestHead)] == [5]


@pytest.mark.parametrize(
    ("app", "protocol", "failed"), [(0, 0, False), (7, 0, False), (0, 2, True)]
)
def test_only_the_protocol_status_fails_an_exchange(app: int, protocol: int, failed: bool) -> None:
    events = told([(C, request(GET)), (S, record(STDOUT, 1, OK) + end(1, app, protocol))])
    assert events[-1] == ResponseEnd(1, failed)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (1, "fcgi-cant-multiplex"),
        (2, "fcgi-overloaded"),
        (3, "fcgi-unknown-role"),
        (9, "fcgi-unknown-status"),
    ],
)
def test_a_refusal_is_said(status: int, code: str) -> None:
    assert codes([(C, request(GET)), (S, end(1, 0, status))]) == [code]


def test_a_pair_over_two_records_is_whole_and_said() -> None:
    halves = record(PARAMS, 1, GET[:9]) + record(PARAMS, 1, GET[9:]) + record(PARAMS, 1)
    talk = [(C, begin() + halves + record(STDIN, 1)), (S, answer(OK))]
    assert told(talk)[0] == RequestHead(1, 1_000, b"GET", b"/", False, len(GET), GET)
    assert codes(talk) == ["split-pair"]


def test_whole_pairs_in_two_records_are_not_worth_a_word() -> None:
    method = pair(b"REQUEST_METHOD", b"GET")
    params = record(PARAMS, 1, method) + record(PARAMS, 1, GET[len(method) :]) + record(PARAMS, 1)
    assert codes([(C, begin() + params + record(STDIN, 1)), (S, answer(OK))]) == []


@pytest.mark.parametrize(("n_bytes", "padding", "said"), [(65_530, 6, True), (65_530, 5, False)])
def test_a_params_record_over_the_limit_with_its_padding_is_said(
    n_bytes: int, padding: int, said: bool
) -> None:
    filler = n_bytes - len(GET) - 4 - 1 - 1
    params = GET + pair(b"X", b"v" * filler)
    assert len(params) == n_bytes
    talk = [(C, begin() + record(PARAMS, 1, params, padding) + request(GET)[16 + 8 + len(GET) :])]
    assert ("params-over-record" in codes([*talk, (S, answer(OK))])) == said


def test_lengths_of_four_bytes_are_read() -> None:
    params = variables(b"GET", b"/" + b"u" * 500, (b"n" * 200, b"v" * 70_000))
    parts = [record(PARAMS, 1, params[n : n + 60_000]) for n in range(0, len(params), 60_000)]
    talk = [(C, begin() + b"".join(parts) + record(PARAMS, 1) + record(STDIN, 1))]
    head = told(talk)[0]
    assert isinstance(head, RequestHead)
    assert (head.target, head.head_bytes) == (b"/" + b"u" * 500, len(params))
    assert fastcgi.request_fields(head.block)[2] == (b"n" * 200, b"v" * 70_000)


def test_a_duplicate_and_a_broken_variable_are_said() -> None:
    assert codes([(C, request(GET + GET)), (S, answer(OK))]) == ["duplicate-variable"]
    assert codes([(C, request(GET + b"\x09\x09x")), (S, answer(OK))]) == ["params-malformed"]


def test_a_missing_empty_stdout_is_said_and_changes_nothing() -> None:
    talk = [(C, request(GET)), (S, record(STDOUT, 1, OK, 5) + end())]
    assert codes(talk) == ["no-empty-stdout"] and told(talk)[-1] == ResponseEnd(1, False)


def test_stderr_may_come_first_and_is_no_answer_byte() -> None:
    stderr = record(STDERR, 1, b"oops", 4) + record(STDERR, 1)
    events = told([(C, request(GET)), (S, stderr + answer(OK))])
    assert [type(e) for e in events[2:4]] == [ErrorText, ResponseHead]
    assert events[2] == ErrorText(1, b"oops")


def test_stderr_before_the_head_is_whole_tells_the_head_first_however_it_is_cut() -> None:
    talk = [(C, begin() + record(PARAMS, 1, GET)), (S, record(STDERR, 1, b"error"))]
    assert kinds(talk) == ["RequestHead", "ErrorText", "Aborted"]


def test_an_end_before_the_body_was_sent_ends_the_answer() -> None:
    params = variables(b"POST", b"/", (b"CONTENT_LENGTH", b"6"))
    sent = begin() + record(PARAMS, 1, params) + record(PARAMS, 1) + record(STDIN, 1, b"abc")
    rest = record(STDIN, 1, b"def") + record(STDIN, 1)
    events = told([(C, sent), (S, answer(OK)), (C, rest), (C, request(GET)), (S, answer(OK))])
    assert [type(e).__name__ for e in events].count("ResponseEnd") == 2
    assert events[4:7] == [ResponseEnd(1, False), Body(1, C, b"def"), RequestEnd(1)]


def test_an_id_is_free_again_after_its_end() -> None:
    talk = [(C, request(GET, keep=True)), (S, answer(OK))] * 3
    assert kinds(talk).count("RequestHead") == kinds(talk).count("ResponseEnd") == 3


def test_ids_do_not_disturb_each_other() -> None:
    one, two = answer(OK, 1), answer(b"A: b\r\n\r\ntwo", 2)
    talk = [(C, request(GET, stream=1) + request(variables(b"PUT"), stream=2)), (S, two + one)]
    ends = [e.stream for e in told(talk) if isinstance(e, ResponseEnd)]
    bodies = [(e.stream, e.data) for e in told(talk) if isinstance(e, Body)]
    assert (ends, bodies) == ([2, 1], [(2, b"two"), (1, b"hello")])


def test_an_id_taken_too_early_queues_behind_its_owner() -> None:
    talk = [(C, request(GET) + request(variables(b"PUT"))), (S, answer(b"A: 1\n\n1") + answer(OK))]
    names = kinds(talk)
    assert names.count("RequestHead") == names.count("ResponseEnd") == 2 and "Aborted" not in names


def test_an_abort_is_told_when_the_server_ends_it() -> None:
    talk = [(C, request(GET) + record(ABORT, 1)), (S, end())]
    assert told(talk)[-1] == Aborted(1) and codes(talk) == []
    assert Control(1, C, "ABORT_REQUEST", 8) in tell(fastcgi, talk)


def test_an_answer_that_was_whole_before_the_abort_stays_whole() -> None:
    talk = [(C, request(GET) + record(ABORT, 1)), (S, answer(OK))]
    assert told(talk)[-1] == ResponseEnd(1, False)


def test_an_authorizer_has_no_stdin_and_a_filter_has_data() -> None:
    ask = begin(role=2) + record(PARAMS, 1, GET) + record(PARAMS, 1)
    assert kinds([(C, ask)])[:2] == ["RequestHead", "RequestEnd"]
    talk = [(C, request(GET) + record(DATA, 1, b"abc") + record(DATA, 1)), (S, answer(OK))]
    assert Control(1, C, "DATA", 11) in tell(fastcgi, talk)


def test_management_records_are_no_exchange() -> None:
    talk = [(C, record(GET_VALUES, 0, b"\0\0", 3))]
    assert kinds(talk) == [] and Control(0, C, "GET_VALUES", 10) in tell(fastcgi, talk)


def test_an_unknown_type_is_skipped_and_said() -> None:
    talk = [(C, request(GET)), (S, record(77, 1, b"abc", 2) + answer(OK))]
    assert codes(talk) == ["unknown-record-type"] and told(talk)[-1] == ResponseEnd(1, False)
    assert Control(1, S, "type 77", 11) in tell(fastcgi, talk)


def test_a_kept_connection_that_the_server_closes_at_once_is_said() -> None:
    kept = [(C, request(GET, keep=True)), (S, answer(OK))]
    assert codes(kept) == ["keep-conn-closed"]
    assert codes([(C, request(GET)), (S, answer(OK))]) == []
    decoder = fastcgi.Decoder(True)
    for side, data in kept:
        decoder.feed(side, data, 5)
    assert decoder.close(S, 5 + fastcgi.KEEP_GRACE_NS) == []


@pytest.mark.parametrize(
    ("content", "status", "body"),
    [
        (b"<html>", None, b"<html>"),
        (b"Status: 200\r\n", None, b"Status: 200\r\n"),
        (b"", None, b""),
    ],
)
def test_an_answer_without_header_block_is_said(content: bytes, status: None, body: bytes) -> None:
    talk = [(C, request(GET)), (S, record(STDOUT, 1, content) + record(STDOUT, 1) + end())]
    talk = talk if content else [(C, request(GET)), (S, record(STDOUT, 1) + end())]
    assert codes(talk) == ["no-answer-header"]
    assert [e.status for e in told(talk) if isinstance(e, ResponseHead)] == [status][: len(content)]
    assert b"".join(e.data for e in told(talk) if isinstance(e, Body)) == body


@pytest.mark.parametrize(
    ("method", "head", "n_said"),
    [
        (b"GET", b"Content-Length: 9\r\n\r\n", 1),
        (b"GET", b"Content-Length: 1\r\n\r\n", 0),
        (b"HEAD", b"Content-Length: 9\r\n\r\n", 0),
        (b"GET", b"Status: 304 N\r\nContent-Length: 9\r\n\r\n", 0),
    ],
)
def test_a_length_that_differs_from_the_answer_is_said(
    method: bytes, head: bytes, n_said: int
) -> None:
    talk = [(C, request(variables(method))), (S, answer(head + b"x"))]
    assert codes(talk) == ["content-length-mismatch"] * n_said


def test_a_length_that_differs_from_the_request_is_said() -> None:
    params = variables(b"POST", b"/", (b"CONTENT_LENGTH", b"4"))
    assert codes([(C, request(params, b"abc")), (S, answer(OK))]) == ["content-length-mismatch"]
    assert codes([(C, request(params, b"abcd")), (S, answer(OK))]) == []


def test_stdout_closed_and_then_the_connection_is_a_whole_answer() -> None:
    talk = [(C, request(GET)), (S, record(STDOUT, 1, OK) + record(STDOUT, 1))]
    assert told(talk)[-1] == ResponseEnd(1, False) and codes(talk) == ["stdout-closed-without-end"]


@pytest.mark.parametrize("sent", [b"", record(STDOUT, 1, b"Status: 2"), record(STDOUT, 1, OK)])
def test_a_close_in_mid_exchange_aborts_it(sent: bytes) -> None:
    talk = [(C, request(GET)), (S, sent)] if sent else [(C, request(GET))]
    assert told(talk)[-1] == Aborted(1) and codes(talk) == []


def test_a_front_that_leaves_in_mid_head_is_told_with_what_it_sent() -> None:
    talk = [(C, begin() + record(PARAMS, 1, GET[:-2]))]
    assert [type(e) for e in told(talk)] == [RequestHead, Aborted]
    assert told(talk)[0][2:4] == (b"GET", None)


def test_http_on_the_port_is_said_once() -> None:
    talk = [(C, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 2)]
    assert codes(talk) == ["http-on-gateway-port"]
    assert told(talk)[-1] == Confused(C, 54, "HTTP")


def test_params_without_end_are_cut_at_their_limit() -> None:
    part = record(PARAMS, 1, b"\x01\x7fn" + b"v" * 127)
    n_times = fastcgi.MAX_PARAMS_BYTES // (len(part) - 8) + 2
    events = tell(fastcgi, [(C, begin() + part * n_times)])
    assert [e.code for e in events if isinstance(e, Remark)] == [
        "duplicate-variable",
        "params-too-long",
    ]


def test_no_more_exchanges_are_kept_than_the_limit() -> None:
    opened = b"".join(begin(n) for n in range(1, 200))
    events = tell(fastcgi, [(C, opened)])
    assert sum(isinstance(e, Aborted) for e in events) == fastcgi.MAX_OPEN
    assert sum(e.n_bytes for e in events if isinstance(e, Control)) == len(opened)


@pytest.mark.parametrize(
    ("prefix", "claim"),
    [
        (b"", Claim.MORE),
        (begin()[:15], Claim.MORE),
        (begin(), Claim.YES),
        (begin(keep=True, role=3), Claim.YES),
        (b"\1\1\0\1\0\x08\0\0\0\1\0     ", Claim.YES),
        (record(GET_VALUES, 0), Claim.YES),
        (begin(role=4), Claim.NO),
        (begin(stream=0), Claim.NO),
        (record(STDIN, 1), Claim.NO),
        (b"GET / HTTP/1.1", Claim.NO),
    ],
)
def test_a_connection_is_ours_when_it_begins_a_request(prefix: bytes, claim: Claim) -> None:
    assert fastcgi.claims(prefix) is claim


def test_answer_fields_are_named() -> None:
    assert fastcgi.response_fields(b"A: b\r\n\r\n") == [(b"A", b"b")]
