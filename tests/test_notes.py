"""Notes: what an expert would say of each capture in which a real server was provoked, and silence
where nothing is wrong.

In: tests/captures/notes/*.pcap.gz (make_notes.py made them; the .txt beside each says with what)
and the captures of clean conversations. Out: a request with a note too many or too few.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from gwtop.explain import codes
from tests._replay import CAPTURES, replay
from tests.test_captures import NAMES, without_the_run

Row = tuple[str, str | None, str, tuple[str, ...]]
"""Protocol, target, outcome, codes in the order in which they were earned."""

PHP = "no-empty-stdout"
CLOSED, RESET = "closed-without-answer", "reset-without-answer"
SHORT = "content-length-mismatch"
TWICE = "duplicate-variable"
HEADLESS = "no-answer-header"

EXPECTED: dict[str, list[Row]] = {
    "php-fpm-odd": [
        ("fastcgi", "/fine", "done", (PHP,)),
        ("fastcgi", "/split", "aborted", ("split-pair", RESET)),
        ("fastcgi", "/twice", "done", (TWICE, PHP)),
        ("fastcgi", "/twice-the-same", "done", (TWICE, PHP)),
        ("fastcgi", "/less", "aborted", (SHORT, PHP, "aborted-by-front")),
        ("fastcgi", "/short", "done", (PHP, SHORT)),
        ("fastcgi", "/unknown-type", "done", ("unknown-record-type", PHP)),
        ("fastcgi", "/malformed", "aborted", ("params-malformed", RESET)),
        ("http", "/http", "aborted", (RESET, "other-protocol")),
        ("fastcgi", "/fine", "done", (PHP,)),
        ("fastcgi", "/fine", "done", (PHP,)),
    ],
    "php-fpm-dying": [
        ("fastcgi", "/error", "done", (PHP, "server-error-stderr")),
        ("fastcgi", "/die", "aborted", (RESET,)),
        ("fastcgi", "/die-mid", "aborted", ("reset-in-response",)),
        ("fastcgi", "/die?unread", "aborted", (RESET,)),
        ("fastcgi", "/die-mid?unread", "aborted", ("reset-in-response",)),
    ],
    "php-fpm-over-record": [
        ("fastcgi", "/padding-0", "done", (PHP,)),
        ("fastcgi", "/padding-6", "aborted", ("params-over-record", RESET)),
    ],
    "php-fpm-many-params": [("fastcgi", "/many", "done", ("params-too-long", PHP))],
    "fcgiwrap-headless": [
        ("fastcgi", "/headless", "done", (HEADLESS,)),
        ("fastcgi", "/silent", "done", ()),  # fcgiwrap makes a 502 of it by itself
    ],
    "uwsgi-fastcgi": [
        ("fastcgi", "/keep", "done", ("keep-conn-closed",)),
        ("fastcgi", "/headless", "done", (HEADLESS,)),
        ("fastcgi", "/short", "done", (SHORT,)),
    ],
    "flup": [
        ("fastcgi", "/fine", "done", ()),
        ("fastcgi", "/error", "done", ("server-error-stderr",)),
        ("fastcgi", "/unknown-role", "failed", ("fcgi-unknown-role",)),
        ("fastcgi", "/two", "failed", ("fcgi-cant-multiplex",)),
        ("fastcgi", "/one", "done", ()),
    ],
    "flup-overloaded": [("fastcgi", "/overloaded", "failed", ("fcgi-overloaded",))],
    "by-hand": [
        ("fastcgi", "/unknown-status", "failed", ("fcgi-unknown-status",)),
        ("fastcgi", "/no-end", "done", ("stdout-closed-without-end",)),
    ],
    "uwsgi-odd": [
        ("uwsgi", "/fine", "done", ()),
        ("uwsgi", "/long", "aborted", ("uwsgi-block-over-4096", RESET)),
        ("uwsgi", None, "aborted", ("size-big-endian", CLOSED)),
        ("uwsgi", "/big-endian-size", "aborted", ("size-big-endian", CLOSED)),
        ("uwsgi", "/twice", "done", (TWICE,)),
        ("uwsgi", "/headless", "done", (HEADLESS,)),
        ("uwsgi", "/short", "aborted", (SHORT, "closed-in-response")),
        ("uwsgi", "/less", "done", ()),  # uWSGI did not read the body, so nobody was hurt
        ("uwsgi", "/no-number", "done", (TWICE, "content-length-unusable")),
        ("http", "/http", "aborted", (CLOSED, "other-protocol")),
        ("uwsgi", "/die", "aborted", (CLOSED,)),
        ("uwsgi", "/die-mid", "aborted", (SHORT, "closed-in-response")),
        ("uwsgi", "/die?unread", "aborted", (CLOSED,)),
        ("uwsgi", "/die-mid?unread", "aborted", (SHORT, "closed-in-response")),
        ("uwsgi", "/unread", "done", ()),
    ],
    "uwsgi-larger": [("uwsgi", "/long", "done", ("uwsgi-block-over-4096",))],
    "uwsgi-scgi": [
        ("scgi", "/fine", "done", ()),
        ("scgi", "/late", "done", ("scgi-length-not-first",)),
        ("scgi", "/not-marked", "done", ("scgi-not-marked",)),
        ("scgi", "/twice", "done", (TWICE,)),
        ("scgi", "/headless", "done", (HEADLESS,)),
        ("scgi", "/short", "done", (SHORT,)),
        ("scgi", "/more", "done", ("confused",)),
        ("scgi", "/malformed", "done", ("params-malformed",)),
        ("http", "/http", "aborted", (CLOSED, "other-protocol")),
        ("scgi", "/die", "aborted", (CLOSED,)),
    ],
    "gunicorn-http": [
        ("http", "/fine", "done", ()),
        ("http", "/length-and-chunked", "done", ("length-and-chunked",)),
        ("http", "/no-number", "done", ("content-length-unusable",)),
        ("http", "/less", "done", ()),
        ("http", "/short", "aborted", (SHORT, "closed-in-response")),
        ("uwsgi", "/uwsgi", "aborted", (CLOSED, "other-protocol")),
        ("fastcgi", "/fastcgi", "aborted", ("aborted-by-front", "other-protocol")),
        ("scgi", "/scgi", "aborted", ("aborted-by-front", "other-protocol")),
        ("http", "/die", "aborted", (CLOSED,)),
        ("http", "/die-mid", "aborted", (SHORT, "closed-in-response")),
        ("http", "/die?unread", "aborted", (RESET,)),
        ("http", "/die-mid?unread", "aborted", ("reset-in-response",)),
    ],
    "uwsgi-http": [
        ("http", "/fine", "done", ()),
        ("http", "/headless", "done", (HEADLESS,)),
        ("http", "/unread", "done", ()),
    ],
    "tornado": [("http", "/socket", "done", ("upgraded",))],
    "apache-connect": [("http", "127.0.0.1:PORT", "done", ("connected",))],
    "nginx-http-php-fpm": [
        ("fastcgi", "/fine", "done", (PHP,)),
        ("http", "/misled", "aborted", (RESET, "other-protocol")),
    ],
    "nginx-uwsgi-gunicorn": [
        ("http", "/fine", "done", ()),
        ("uwsgi", "/misled", "aborted", (CLOSED, "other-protocol")),
    ],
    "nginx-fastcgi-nginx": [
        ("http", "/fine", "done", ()),
        (
            "fastcgi",
            "/misled",
            "aborted",
            ("gateway-on-http-port", "confused", CLOSED, "other-protocol"),
        ),
    ],
    "nginx-scgi-unread": [("scgi", "/unread", "done", ())],
    "nginx-impatient-php-fpm": [
        ("fastcgi", "/slow", "aborted", (TWICE, PHP, "aborted-by-front")),
    ],
    "one-port": [
        *[("fastcgi", f"/{n}", "done", (PHP,)) for n in (1, 2, 3)],
        ("fastcgi", "/fastcgi-closed", "aborted", (CLOSED,)),
        ("fastcgi", "/fastcgi-half", "aborted", ("closed-in-response",)),
        *[("uwsgi", f"/{n}", "done", ()) for n in (1, 2, 3)],
        ("uwsgi", "/uwsgi-reset", "aborted", (RESET,)),
        ("uwsgi", "/uwsgi-garbage", "done", (HEADLESS,)),
        *[("scgi", f"/{n}", "done", ()) for n in (1, 2, 3)],
        ("scgi", "/scgi-closed", "aborted", (CLOSED,)),
        ("scgi", "/scgi-half", "aborted", ("closed-in-response",)),
        *[("http", f"/{n}", "done", ()) for n in (1, 2, 3)],
        ("http", "/http-closed", "aborted", (CLOSED,)),
        ("http", "/http-half", "aborted", (SHORT, "closed-in-response")),
        ("fastcgi", "/again", "done", (PHP,)),
    ],
}
OF_CONNECTIONS = {"gunicorn-http": ["tls-on-http-port"]}
"""Notes on connections that carried no request."""

FORCED = [
    ("php-fpm-odd", "fastcgi", "http-on-gateway-port"),
    ("uwsgi-odd", "uwsgi", "http-on-gateway-port"),
    ("uwsgi-scgi", "scgi", "http-on-gateway-port"),
    ("gunicorn-http", "http", "gateway-on-http-port"),
]
"""Read with --protocol: what the decoder says of a client that speaks another one."""

NOT_OF_THE_WIRE = {
    "all-workers-busy": "processes and queues",
    "queue-while-idle": "processes and queues",
    "worker-killed": "processes",
    **dict.fromkeys(("script-not-executable", "script-not-run"), "processes"),
    **dict.fromkeys(("script-interpreter-missing", "script-not-a-program"), "processes"),
    "script-sent-as-text": "a live watch: a capture may hold a file that somebody wanted",
    "listener-awaited": "a live watch",
    "owner-hidden": "a live watch",
    "births-polled": "a live watch",
    **dict.fromkeys(("tree-listens", "tree-silent", "tree-hidden"), "a live watch"),
    **dict.fromkeys(("network-hidden", "packets-refused"), "a live watch"),
    **dict.fromkeys(("calls-go", "calls-static", "calls-io-uring"), "a live watch"),
    **dict.fromkeys(("calls-no-site", "calls-no-arrivals", "calls-refused"), "a live watch"),
    **dict.fromkeys(("authorization-dropped", "proxy-header-passed"), "processes"),
    **dict.fromkeys(("relay-rebound", "relay-refused", "relay-full"), "a relay: tests/taps"),
    **dict.fromkeys(("relay-bypassed", "relay-credentials", "relay-cut"), "a relay: tests/taps"),
    **dict.fromkeys(("relay-broken", "relay-descriptors"), "a relay: tests/taps"),
    "relay-recovered": "a relay: tests/taps",
    **dict.fromkeys(("interface-back", "interface-down", "cpu-uncounted"), "a live watch"),
    "capture-cut": "the file: tests/taps",
    "capture-damaged": "the file: tests/taps",
    "unknown-link": "the file: tests/tracker",
    "unknown-protocol": "needs --port: tests/tracker",
    "connections-dropped": "more connections than a small capture has",
    "engine-failed": "a defect of ours",
    "bad-wish": "who drives the engine",
    "wish-unmet": "who drives the engine",
}
"""Codes that no capture can earn, and what they are of."""

each_capture = pytest.mark.parametrize("name", sorted(EXPECTED))


def facts(name: str, protocol: str | None = None) -> list[dict[str, Any]]:
    lines = replay(f"notes/{name}", details=False, protocol=protocol)
    return [json.loads(line) for line in lines]


def of_type(told: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    return [fact for fact in told if fact["type"] == kind]


def row(fact: dict[str, Any]) -> Row:
    earned = tuple(note["code"] for note in fact["notes"])
    target = fact["target"]
    if fact["method"] == "CONNECT":
        target = target.partition(":")[0] + ":PORT"
    return fact["protocol"], target, fact["outcome"], earned


def test_every_capture_of_notes_is_expected_to_say_something() -> None:
    there = {path.name.removesuffix(".pcap.gz") for path in (CAPTURES / "notes").glob("*.pcap.gz")}
    assert there == set(EXPECTED)
    assert sum(path.stat().st_size for path in (CAPTURES / "notes").iterdir()) < 150 * 1024


@each_capture
def test_a_capture_of_notes_is_small_and_says_where_it_is_from(name: str) -> None:
    assert (CAPTURES / f"notes/{name}.pcap.gz").stat().st_size < 8 * 1024
    text = (CAPTURES / f"notes/{name}.txt").read_text(encoding="utf-8")
    assert text.startswith("made by: ") and "\nwhat: " in text and "tcpdump version" in text


@each_capture
def test_each_request_has_exactly_the_notes_it_earned(name: str) -> None:
    told = facts(name)
    # Facts settle in order of their end; here each request begins after the former's end, but for
    # the two that went to flup at once and those that a worker answers late.
    rows = [row(fact) for fact in sorted(of_type(told, "request"), key=lambda f: f["id"])]
    assert Counter(rows) == Counter(EXPECTED[name])
    noted = [fact["code"] for fact in of_type(told, "note")]
    assert noted == OF_CONNECTIONS.get(name, [])


@each_capture
def test_a_replay_of_a_capture_of_notes_gives_its_golden_facts(name: str) -> None:
    golden = (CAPTURES / f"notes/{name}.jsonl").read_bytes().splitlines(keepends=True)
    for batch_frames in (1, 1000):
        lines = replay(f"notes/{name}", batch_frames, details=False)
        assert without_the_run(lines) == without_the_run(golden)


@each_capture
def test_an_answer_without_a_head_has_neither_first_byte_nor_head_size(name: str) -> None:
    for fact in of_type(facts(name), "request"):
        if HEADLESS in row(fact)[3]:
            assert (fact["status"], fact["first_byte_ns"]) == (None, None)
            assert fact["response_head_bytes"] is None and fact["response_body_bytes"] > 0


@pytest.mark.parametrize(("name", "protocol", "code"), FORCED)
def test_a_client_of_another_protocol_is_said_where_the_protocol_was_named(
    name: str, protocol: str, code: str
) -> None:
    told = facts(name, protocol)
    noted = [fact for fact in of_type(told, "note") if fact["code"] == code]
    assert noted and all(fact["severity"] == "error" and fact["listen"] for fact in noted)
    assert {fact["protocol"] for fact in of_type(told, "request")} == {protocol}


def test_every_code_that_a_wire_can_earn_is_earned_in_a_capture() -> None:
    earned = {code for rows in EXPECTED.values() for *_, codes_of in rows for code in codes_of}
    earned |= {code for noted in OF_CONNECTIONS.values() for code in noted}
    earned |= {code for *_, code in FORCED}
    assert set(codes()) - earned == set(NOT_OF_THE_WIRE)


def severe(fact: dict[str, Any]) -> set[str]:
    return {note["code"] for note in fact["notes"] if note["severity"] != "info"}


@pytest.mark.parametrize("name", NAMES)
def test_no_warning_stands_on_a_clean_exchange(name: str) -> None:
    lines = [json.loads(line) for line in replay(name, details=False)]
    for fact in of_type(lines, "request"):
        if fact["outcome"] == "done" and (fact["status"] or 0) < 500:
            assert severe(fact) == set(), fact["target"]
        elif fact["outcome"] == "aborted":  # the client gave up: that is what is to be said
            assert severe(fact) == {"aborted-by-front"}, fact["target"]
        else:
            assert severe(fact) <= {"server-error-stderr"}, fact["target"]
    assert of_type(lines, "note") == []


@each_capture
def test_what_was_fine_among_the_provoked_is_not_blamed(name: str) -> None:
    for fact in of_type(facts(name), "request"):
        if fact["target"] in ("/fine", "/1", "/2", "/3", "/again", "/unread", "/keep"):
            assert (fact["outcome"], fact["status"], severe(fact)) == ("done", 200, set())


def test_one_port_that_speaks_four_protocols_is_read_with_the_right_counts() -> None:
    summary = facts("one-port")[-1]
    assert summary["requests"] == 21
    assert summary["outcomes"]["done"] == 14 and summary["outcomes"]["aborted"] == 7
    protocols = Counter(fact["protocol"] for fact in of_type(facts("one-port"), "request"))
    assert protocols == {"fastcgi": 6, "uwsgi": 5, "scgi": 5, "http": 5}


def test_make_notes_makes_each_of_them() -> None:
    text = Path(CAPTURES / "_scenes.py").read_text(encoding="utf-8")
    assert all(f'"{name}": Scene(' in text for name in EXPECTED)
