"""Exchanges: which event belongs to which request, and how each one ends."""

import pytest

from gwtop.nouns.events import (
    Aborted,
    Body,
    Confused,
    Control,
    ErrorText,
    Event,
    Hole,
    Remark,
    RequestEnd,
    RequestHead,
    ResponseEnd,
    ResponseHead,
    Resynced,
)
from gwtop.nouns.wire import Side
from tests.tracker._scripted import Script, Watch

CLIENT, SERVER = Side.CLIENT, Side.SERVER


def head(at: int, target: bytes = b"/", stream: int = 0) -> RequestHead:
    return RequestHead(stream, at, b"GET", target, True, 40, b"block")


def answer(at: int, status: int = 200, stream: int = 0) -> ResponseHead:
    return ResponseHead(stream, at, status, 17, b"Status: 200")


def say(*events: Event) -> Script:
    return {b"x": lambda at: list(events)}


SCRIPT: Script = {
    b"ask": lambda at: [head(at), RequestEnd(0)],
    b"ask2": lambda at: [head(at, b"/2"), RequestEnd(0)],
    b"post": lambda at: [head(at)],
    b"up": lambda at: [Body(0, CLIENT, b"12345"), RequestEnd(0)],
    b"head": lambda at: [answer(at)],
    b"body": lambda at: [Body(0, SERVER, b"abc")],
    b"end": lambda at: [Body(0, SERVER, b"z"), ResponseEnd(0, False)],
    b"fail": lambda at: [ResponseEnd(0, True)],
    b"whole": lambda at: [answer(at), Body(0, SERVER, b"abc"), ResponseEnd(0, False)],
    b"stderr": lambda at: [ErrorText(0, b"oops\n")],
    b"abort": lambda at: [Aborted(0)],
    b"1xx": lambda at: [Control(0, SERVER, "100", 25)],
    b"lost": lambda at: [Hole(0, SERVER, 10, True)],
    b"confused": lambda at: [Confused(CLIENT, 9, "no record begins like this")],
    b"remark": lambda at: [Remark(0, "odd", "info", "That is odd.")],
    b"close server": lambda at: [],
    b"surplus": lambda at: [Control(0, SERVER, "surplus", 7)],
}


def watch(*steps: tuple[int, Side, bytes], bodies_bytes: int = 0) -> Watch:
    seen = Watch(SCRIPT, bodies_bytes)
    for at, side, data in steps:
        seen.link.feed(side, data, at)
    return seen


def test_a_request_is_over_at_its_answers_end_with_its_times_and_sizes() -> None:
    seen = watch(
        (100, CLIENT, b"post"),
        (110, CLIENT, b"up"),
        (150, SERVER, b"head"),
        (160, SERVER, b"body"),
        (170, SERVER, b"end"),
    )
    (exchange,) = seen.over
    assert (exchange.began_at, exchange.first_byte_at, exchange.last_at) == (100, 150, 170)
    assert (exchange.request_body_bytes, exchange.response_body_bytes) == (5, 4)
    assert (exchange.request_head_bytes, exchange.response_head_bytes) == (40, 17)
    assert (exchange.outcome, exchange.status, exchange.sequence) == ("done", 200, 0)
    assert seen.link.open_exchanges() == []


def test_pipelined_answers_go_to_the_oldest_unanswered_request() -> None:
    seen = watch(
        (1, CLIENT, b"ask"), (2, CLIENT, b"ask2"), (3, SERVER, b"whole"), (4, SERVER, b"whole")
    )
    assert [(e.target, e.began_at, e.last_at, e.sequence) for e in seen.over] == [
        (b"/", 1, 3, 0),
        (b"/2", 2, 4, 1),
    ]


def test_a_body_that_is_still_coming_after_the_answer_counts_and_does_not_change_the_outcome() -> (
    None
):
    seen = watch((1, CLIENT, b"post"), (2, SERVER, b"whole"), (3, CLIENT, b"up"))
    (exchange,) = seen.over
    assert (exchange.request_body_bytes, exchange.outcome, exchange.last_at) == (5, "done", 2)


def test_protocols_own_failure_is_failed() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, SERVER, b"fail"))
    assert seen.over[0].outcome == "failed"


def test_abort_by_the_protocols_own_word() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, CLIENT, b"abort"))
    assert seen.over[0].outcome == "aborted"
    assert [r.code for r in seen.over[0].remarks] == ["aborted-by-front"]


@pytest.mark.parametrize(
    ("said", "how", "code"),
    [
        pytest.param((), "fin", "closed-without-answer", id="close before any byte"),
        pytest.param((), "rst", "reset-without-answer", id="reset before any byte"),
        pytest.param((b"head",), "fin", "closed-in-response", id="close in the answer"),
        pytest.param((b"head", b"body"), "rst", "reset-in-response", id="reset in the answer"),
    ],
)
def test_a_server_that_goes_before_the_end_aborts(
    said: tuple[bytes, ...], how: str, code: str
) -> None:
    seen = watch((1, CLIENT, b"ask"), *((2, SERVER, step) for step in said))
    if how == "fin":
        seen.link.close(SERVER, 9)
    else:
        seen.link.reset(SERVER, 9)
    (exchange,) = seen.over
    assert exchange.outcome == "aborted"
    assert [r.code for r in exchange.remarks] == [code]
    assert exchange.last_at == (2 if said else 1), "a close brings no byte of the exchange"


def test_a_client_that_has_closed_is_still_answered() -> None:
    seen = watch((1, CLIENT, b"ask"))
    seen.link.close(CLIENT, 2)
    assert seen.over == []
    seen.link.feed(SERVER, b"whole", 3)
    assert seen.over[0].outcome == "done"


def test_a_reset_after_the_clients_own_close_says_nobody_read_the_answer() -> None:
    seen = watch((1, CLIENT, b"ask"))
    seen.link.close(CLIENT, 2)
    seen.link.feed(SERVER, b"whole", 3)
    seen.link.reset(CLIENT, 4)
    assert seen.over[0].outcome == "aborted"
    assert [r.code for r in seen.over[0].remarks] == ["aborted-by-front"]


@pytest.mark.parametrize(
    ("server", "outcome"),
    [
        pytest.param("127.0.0.1:9000", "partial", id="packets: what was refused went unseen"),
        pytest.param("unix:/run/app.sock", "aborted", id="calls: the very write was refused"),
    ],
)
def test_an_answer_refused_by_a_client_that_had_closed(server: str, outcome: str) -> None:
    seen = watch((1, CLIENT, b"ask"))
    seen.link.hop = seen.link.hop._replace(server=server)
    seen.link.close(CLIENT, 2)
    seen.link.reset(CLIENT, 3)
    assert seen.over[0].outcome == outcome
    assert [r.code for r in seen.over[0].remarks] == ["aborted-by-front"]


def test_a_reset_against_what_comes_after_the_answer_does_not_unmake_it() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, SERVER, b"whole"))
    seen.link.close(CLIENT, 3)
    seen.link.feed(SERVER, b"surplus", 4)  # as Tomcat answers lighttpd's surplus AJP packet
    seen.link.reset(CLIENT, 5)
    assert (seen.over[0].outcome, seen.over[0].remarks) == ("done", [])


def test_a_clients_reset_after_a_whole_answer_changes_nothing() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, SERVER, b"whole"))
    seen.link.reset(CLIENT, 3)
    assert (seen.over[0].outcome, seen.over[0].remarks) == ("done", [])


def test_answer_end_by_close_does_not_move_the_last_byte() -> None:
    seen = Watch({**SCRIPT, b"close server": lambda at: [ResponseEnd(0, False)]})
    for at, side, data in ((1, CLIENT, b"ask"), (5, SERVER, b"head"), (6, SERVER, b"body")):
        seen.link.feed(side, data, at)
    seen.link.close(SERVER, 50)
    assert (seen.over[0].last_at, seen.over[0].over_at, seen.over[0].outcome) == (6, 50, "done")


def test_lost_bytes_make_it_partial_whatever_else_it_is() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, SERVER, b"head"))
    assert seen.link.lost(SERVER, 10, 3, left_out=False) == 10
    seen.link.feed(SERVER, b"fail", 4)
    (exchange,) = seen.over
    assert (exchange.outcome, exchange.lost_bytes, exchange.response_body_bytes) == (
        "partial",
        10,
        0,
    )


def test_what_a_tap_left_out_of_a_body_is_body_and_no_loss() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, SERVER, b"head"))
    assert seen.link.lost(SERVER, 10, 3, left_out=True) == 0
    seen.link.feed(SERVER, b"end", 4)
    (exchange,) = seen.over
    assert (exchange.outcome, exchange.lost_bytes, exchange.response_body_bytes) == ("done", 0, 11)


def test_framing_that_was_left_out_is_neither_body_nor_loss() -> None:
    holes = [Hole(0, SERVER, 8, True), Hole(0, SERVER, 2, False, True)]
    seen = Watch({**SCRIPT, b"lost": lambda at: holes})
    seen.link.feed(CLIENT, b"ask", 1)
    seen.link.feed(SERVER, b"head", 2)
    assert seen.link.lost(SERVER, 10, 3, left_out=True) == 0
    seen.link.feed(SERVER, b"end", 4)
    (exchange,) = seen.over
    assert (exchange.outcome, exchange.lost_bytes, exchange.response_body_bytes) == ("done", 0, 9)


def test_the_edge_of_the_capture_makes_it_partial() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, SERVER, b"head"))
    seen.link.cut(9)
    assert (seen.over[0].outcome, seen.over[0].last_at) == ("partial", 2)


def test_an_answer_without_a_request_is_told_as_partial_and_takes_what_was_lost_before() -> None:
    seen = Watch({**SCRIPT, b"lost": lambda at: [Hole(0, CLIENT, 33, False)]})
    seen.link.lost(CLIENT, 33, 1, left_out=False)
    seen.link.feed(SERVER, b"whole", 2)
    (exchange,) = seen.over
    assert (exchange.method, exchange.outcome, exchange.lost_bytes) == (None, "partial", 33)


def test_an_error_stream_is_an_answer_byte_but_not_the_first_byte_of_the_head() -> None:
    seen = watch((1, CLIENT, b"ask"), (4, SERVER, b"stderr"), (9, SERVER, b"whole"))
    (exchange,) = seen.over
    assert (exchange.answered_at, exchange.first_byte_at) == (4, 9)
    assert bytes(exchange.stderr or b"") == b"oops\n"


def test_an_interim_answer_is_neither_body_nor_head() -> None:
    seen = watch((1, CLIENT, b"post"), (2, SERVER, b"1xx"), (3, CLIENT, b"up"))
    (exchange,) = seen.link.open_exchanges()
    assert (exchange.answered_at, exchange.first_byte_at, exchange.last_at) == (None, None, 3)


def test_bodies_are_kept_up_to_the_limit_only() -> None:
    seen = watch((1, CLIENT, b"post"), (2, CLIENT, b"up"), (3, SERVER, b"whole"), bodies_bytes=2)
    assert (bytes(seen.over[0].request_body or b""), bytes(seen.over[0].response_body or b"")) == (
        b"12",
        b"ab",
    )


def test_remarks_reach_the_newest_request_and_each_code_only_once() -> None:
    seen = watch(
        (1, CLIENT, b"ask"),
        (2, CLIENT, b"confused"),
        (3, CLIENT, b"confused"),
        (4, CLIENT, b"remark"),
    )
    assert [r.code for r in seen.link.open_exchanges()[0].remarks] == ["confused", "odd"]


def test_ids_are_never_reused_and_count_from_one() -> None:
    seen = watch(*((at, CLIENT, b"ask") for at in range(5)))
    assert [e.id for e in seen.began] == [1, 2, 3, 4, 5]


def test_multiplexed_streams_do_not_mix() -> None:
    seen = Watch(
        {
            b"a": lambda at: [head(at, b"/a", 1), head(at, b"/b", 2)],
            b"b": lambda at: [answer(at, 500, 2), ResponseEnd(2, False)],
            b"c": lambda at: [answer(at, 200, 1), ResponseEnd(1, False)],
        }
    )
    for at, side, data in ((1, CLIENT, b"a"), (2, SERVER, b"b"), (3, SERVER, b"c")):
        seen.link.feed(side, data, at)
    assert [(e.stream, e.target, e.status) for e in seen.over] == [(2, b"/b", 500), (1, b"/a", 200)]


def test_an_answer_without_a_head_has_no_first_byte_and_no_head_size() -> None:
    script = say(head(1), ResponseHead(0, 1, None, 0, b""), Body(0, SERVER, b"abc"))
    seen = Watch(script | {b"close server": lambda at: [ResponseEnd(0, False)]})
    seen.link.feed(SERVER, b"x", 1)
    seen.link.close(SERVER, 2)
    (exchange,) = seen.over
    assert (exchange.first_byte_at, exchange.response_head_bytes, exchange.status) == (None,) * 3
    assert (exchange.answered_at, exchange.response_body_bytes, exchange.outcome) == (1, 3, "done")


def test_an_error_of_a_connection_without_a_request_is_said_and_lesser_words_are_not() -> None:
    remarks = [Remark(None, f"c-{s}", s, "Text.") for s in ("info", "warn", "error")]  # type: ignore[arg-type]
    seen = Watch(say(*remarks))
    seen.link.feed(CLIENT, b"x", 4)
    assert [(remark.code, at) for remark, at in seen.said] == [("c-error", 4)]
    assert seen.over == []


def closing(*events: Event) -> Script:
    return SCRIPT | {b"close server": lambda at: list(events)}


def test_what_a_decoder_says_of_a_refused_request_stands_when_it_is_reset() -> None:
    said = Remark(0, "too-large", "warn", "It was too large.")
    seen = Watch(closing(said, Aborted(0)))
    seen.link.feed(CLIENT, b"ask", 1)
    seen.link.reset(SERVER, 2)
    (exchange,) = seen.over
    assert [r.code for r in exchange.remarks] == ["too-large", "reset-without-answer"]


def test_a_reset_in_an_answer_is_no_close_to_its_decoder() -> None:
    seen = Watch(closing(Remark(0, "short", "warn", "It is short."), ResponseEnd(0, False)))
    seen.link.feed(CLIENT, b"ask", 1)
    seen.link.feed(SERVER, b"head", 2)
    seen.link.reset(SERVER, 3)
    (exchange,) = seen.over
    assert exchange.outcome == "aborted"
    assert [r.code for r in exchange.remarks] == ["reset-in-response"]


def test_a_request_whose_head_a_reset_cuts_was_made() -> None:
    seen = Watch(closing(head(1)))
    seen.link.reset(SERVER, 2)
    (exchange,) = seen.over
    assert exchange.outcome == "aborted"
    assert [r.code for r in exchange.remarks] == ["reset-without-answer"]


def test_a_decoder_that_gives_up_at_the_servers_close_does_not_blame_the_front() -> None:
    seen = Watch(closing(Aborted(0)))
    seen.link.feed(CLIENT, b"ask", 1)
    seen.link.close(SERVER, 2)
    (exchange,) = seen.over
    assert [r.code for r in exchange.remarks] == ["closed-without-answer"]


def test_after_the_servers_close_a_reset_closes_no_decoder_again() -> None:
    seen = Watch(closing(Remark(0, "twice", "error", "Said at each close.")))
    seen.link.close(SERVER, 1)
    seen.link.reset(SERVER, 2)
    assert [at for _, at in seen.said] == [1]


def test_a_refusal_of_what_we_did_not_see_makes_it_partial() -> None:
    seen = watch((1, CLIENT, b"ask"))
    seen.link.close(CLIENT, 2)
    seen.link.reset(CLIENT, 3)
    assert seen.over[0].outcome == "partial"


def test_a_refusal_of_what_we_saw_is_an_abort() -> None:
    seen = watch((1, CLIENT, b"ask"))
    seen.link.close(CLIENT, 2)
    seen.link.feed(SERVER, b"head", 3)
    seen.link.reset(CLIENT, 4)
    assert seen.over[0].outcome == "aborted"


def test_after_a_gap_no_answer_is_given_to_pipelined_requests() -> None:
    script = {**SCRIPT, b"gap": lambda at: [Hole(0, SERVER, 10, False)]}
    seen = Watch(script)
    for at, side, data in ((1, CLIENT, b"ask"), (2, CLIENT, b"ask2"), (3, SERVER, b"gap")):
        seen.link.feed(side, data, at)
    seen.link.feed(SERVER, b"whole", 4)
    seen.link.feed(CLIENT, b"ask", 5)
    seen.link.feed(SERVER, b"whole", 6)
    told = [(one.target, one.status, one.outcome, one.lost_bytes) for one in seen.over]
    assert told[:2] == [(b"/", None, "partial", 10), (b"/2", None, "partial", 0)]
    assert told[2] == (None, 200, "partial", 0)
    # One answer may still be on its way, so whose this one is remains a guess.
    assert told[3][2] == "partial"


def test_a_gap_in_a_body_keeps_pipelined_requests_paired() -> None:
    seen = watch((1, CLIENT, b"ask"), (2, CLIENT, b"ask2"), (3, SERVER, b"head"))
    seen.link.lost(SERVER, 10, 4, left_out=False)
    seen.link.feed(SERVER, b"end", 5)
    seen.link.feed(SERVER, b"whole", 6)
    assert [(one.target, one.outcome) for one in seen.over] == [(b"/", "partial"), (b"/2", "done")]


def test_what_a_gap_left_of_a_message_is_no_word_on_a_request_that_was_spared() -> None:
    lost: Script = {b"lost": lambda at: [Hole(0, CLIENT, 10, False)]}
    seen = Watch({**SCRIPT, **lost, b"found": lambda at: [Resynced(CLIENT)]})
    for at, side, data in ((1, CLIENT, b"ask"), (2, SERVER, b"whole")):
        seen.link.feed(side, data, at)
    assert seen.link.lost(CLIENT, 10, 3, left_out=False) == 10
    seen.link.feed(CLIENT, b"confused", 4)
    assert seen.over[0].remarks == []
    seen.link.feed(CLIENT, b"found", 5)
    seen.link.feed(CLIENT, b"confused", 6)
    assert [r.code for r in seen.over[0].remarks] == ["confused"]
