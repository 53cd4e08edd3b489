"""Telling: what a fact says of an exchange, and what it leaves out."""

from gwtop.nouns.events import ErrorText, RequestHead, ResponseEnd, ResponseHead
from gwtop.nouns.facts import UNSET
from gwtop.nouns.plan import Plan
from gwtop.nouns.times import SECOND_NS
from gwtop.nouns.wire import Side
from gwtop.tracker.exchange import Exchange
from gwtop.tracker.telling import in_flight, request_fact, stderr_remark
from tests.tracker._scripted import Script, Watch

T0 = 1_800_000_000 * SECOND_NS

SCRIPT: Script = {
    b"ask": lambda at: [RequestHead(0, at, b"G\x1bT", b"/\xff\xe4", None, 3, b"")],
    b"error": lambda at: [
        ErrorText(0, b"Traceback\nValueError: no\n"),
        ResponseHead(0, at, 500, 6, b""),
        ResponseEnd(0, False),
    ],
}


def asked(*answers: bytes) -> Exchange:
    seen = Watch(SCRIPT)
    seen.link.feed(Side.CLIENT, b"ask", T0)
    for answer in answers:
        seen.link.feed(Side.SERVER, answer, T0 + 5)
    return seen.began[0]


def test_bytes_become_latin_1_and_nothing_is_lost() -> None:
    fact = request_fact(asked(b"error"), Plan())
    assert (fact.method, fact.target) == ("G\x1bT", "/\xff\xe4")
    assert fact.target is not None and fact.target.encode("latin-1") == b"/\xff\xe4"


def test_an_unanswered_request_has_no_duration_and_no_status() -> None:
    fact = request_fact(asked(), Plan())
    assert (fact.duration_ns, fact.first_byte_ns, fact.status) == (None, None, None)


def test_what_was_not_asked_for_is_left_out() -> None:
    fact = request_fact(asked(b"error"), Plan())
    assert fact.fields is UNSET and fact.request_body is UNSET
    asked_for = request_fact(asked(b"error"), Plan(details=True, bodies_bytes=5))
    assert (asked_for.fields, asked_for.request_body) == ([], "")


def test_a_password_in_a_body_is_told_only_where_secrets_are_asked_for() -> None:
    exchange = asked(b"error")
    exchange.request_body = bytearray(b"user=eve&password=hunter2")
    told = request_fact(exchange, Plan(bodies_bytes=99))
    assert told.request_body == "user=eve&password=*******"
    assert request_fact(exchange, Plan(bodies_bytes=99, show_secrets=True)).request_body == (
        "user=eve&password=hunter2"
    )


def test_a_server_error_with_its_reason_is_remarked_with_the_last_line() -> None:
    remark = stderr_remark(asked(b"error"))
    assert remark is not None and remark.code == "server-error-stderr"
    assert remark.text.endswith("ValueError: no")
    assert stderr_remark(asked()) is None


def test_a_worker_that_gave_no_answer_may_have_said_why() -> None:
    silent = asked()
    silent.stderr = bytearray(b"SyntaxError: invalid syntax\n")
    remark = stderr_remark(silent)
    assert remark is not None
    assert remark.text.startswith("The worker gave no answer") and "SyntaxError" in remark.text


def test_in_flight_tells_what_is_known_so_far() -> None:
    fact = in_flight(asked(), None)
    assert (fact.id, fact.connection, fact.pid) == (1, 7, None)
