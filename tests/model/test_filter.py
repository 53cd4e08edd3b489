"""The filter language: grammar, errors and where they are, completion; no input breaks it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gwtop.model.fields import FIELDS, OPERATORS
from gwtop.model.filter import EVERYTHING, FilterError, complete, parse
from gwtop.model.requests import RequestRow, to_row
from tests.screens._facts import MS, T0, request

NAMES = ", ".join(field.name for field in FIELDS)
ROWS = {
    "good": {"status": 200, "target": "/api/users?q=a b", "duration_ns": 5 * MS, "pid": 7},
    "slow": {"status": 200, "target": "/slow", "duration_ns": 900 * MS, "pid": 8},
    "bad": {"status": 500, "target": "/api/pay", "duration_ns": 300 * MS, "method": "POST"},
    "none": {"status": None, "target": None, "duration_ns": None, "outcome": "aborted"},
}


def row(name: str) -> RequestRow:
    return to_row(request(1, T0, **dict(ROWS[name])), 0, T0)


def chosen(text: str) -> str:
    test = parse(text).test
    return " ".join(name for name in ROWS if test(row(name)))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", "good slow bad none"),
        ("status>=500", "bad"),
        ("status>=500 and duration>100ms and target~/api", "bad"),
        ("status>=500 or duration>100ms", "slow bad"),
        ("status = 200  duration > 100ms", "slow"),
        ("not status=200", "bad none"),
        ("not not status=200", "good slow"),
        ("! status=200 && duration>1ms", "bad"),
        ("(status=500 || pid=7) and target~^/api", "good bad"),
        ("status=500 or pid=7 and target~/slow", "bad"),
        ("(status=500 or pid=7) and target~/slow", ""),
        ("/api", "good bad"),
        ("api pay", "bad"),
        ('"a b"', "good"),
        ('target~"q=a b"', "good"),
        ("target~/(users|pay)", "good bad"),
        ("(target~/(users|pay))", "good bad"),
        ("target~q=a", "good"),
        ("outcome=aborted or method=POST", "bad none"),
        ("STATUS=500 OR pid=8", "slow bad"),
        ("status==500", "bad"),
        ("status<>200", "bad none"),
        ("status:500 or target:^/slow", "slow bad"),
        ("target=~^/slow", "slow"),
        ("status=200,500 -target:users", "slow bad"),
        ("status!=200,404", "bad none"),
        ("status=200-299", "good slow"),
        ("duration=100ms..1s", "slow bad"),
        ("duration>100 ms and status=200", "slow"),
        ("5xx", "bad"),
        ("not 5xx", "good slow none"),
        ("POST /api", "bad"),
        ("method=post", "bad"),
        ("target=/api/*", "good bad"),
        ("target!=*pay", "good slow none"),
        ("/api/users?q=a", "good"),
        ("http://127.0.0.1:8080/slow", "slow"),
        ("https://h or /x", "good slow bad"),
        ("-/api", "slow none"),
        ("(/slow)", "slow"),
        ("queue>0 or url=/slow", "slow"),
        ("stderr=no 2xx", "good slow"),
        ("a:b or :80", ""),
    ],
)
def test_what_a_filter_lets_through(text: str, names: str) -> None:
    assert chosen(text) == names


@pytest.mark.parametrize(
    ("text", "said", "at", "n"),
    [
        ("stauts=500", "no name 'stauts'; is it status?", 0, 6),
        ("a and qqq=1", f"no name 'qqq'; there are {NAMES}", 6, 3),
        ("status>", "a value belongs after this, as 5xx", 6, 1),
        ("status>=500 and", "something is missing here", 15, 1),
        ("and x", "something is missing before this", 0, 3),
        (">5", "a name belongs before this", 0, 1),
        ("(a or b", "this bracket is not closed", 0, 1),
        ("a) b", "')' is not expected here", 1, 1),
        ('a "b', "this quote is not closed", 2, 1),
        ("x duration>5", "a duration has a unit: 100ms, 1.5s, 250us", 11, 1),
        ("x duration>5kb", "no unit kb; a time with its unit, as 100ms, 1.5s, 250us", 12, 2),
        ("pid~5", "pid goes with = != > >= < <=", 3, 1),
        ("target~a(b", "this bracket is not closed", 8, 1),
        ("target~[a", "not a pattern: unterminated character set", 7, 1),
        ('target~"a(b"', "not a pattern: missing ), unterminated subpattern", 9, 1),
        ("(" * 60, "too deep", 50, 1),
        ("status=>500", "no =>; is it >=?", 6, 2),
        ("status in (1)", "several values are written status=A,B", 7, 2),
        ("status=200,x", "status is a number or a class, as 404 or 5xx", 11, 1),
        ("pid=9-1", "nothing lies between these", 4, 3),
        ("duration>5", "a duration has a unit: 100ms, 1.5s, 250us", 9, 1),
        ("method=GET,", "a value is missing beside this comma", 10, 1),
    ],
)
def test_an_error_says_what_and_where(text: str, said: str, at: int, n: int) -> None:
    with pytest.raises(FilterError) as error:
        parse(text)
    assert (error.value.message, error.value.at, error.value.n_characters) == (said, at, n)


def test_no_text_lets_everything_through() -> None:
    assert parse("   ") is EVERYTHING and not EVERYTHING
    assert parse("x") and parse(" x ").text == "x"


PIECES = [f.name for f in FIELDS] + list(OPERATORS)
PIECES += [
    "-",
    ":",
    ",",
    "..",
    "*",
    "http://h",
    "5xx",
    "GET",
    "in",
    "and",
    "or",
    "not",
    "(",
    ")",
    '"',
    "5",
    "100ms",
    "/a",
    " ",
    "&&",
    "!",
    "[",
    "\x1b",
    "é",
]


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join), st.integers(0, 40))
@settings(max_examples=400, deadline=None)
def test_any_text_is_a_filter_or_an_error_within_it(text: str, cursor: int) -> None:
    for offered in complete(text, cursor):
        assert 0 <= offered.at <= min(cursor, len(text)) and offered.text
    try:
        test = parse(text).test
    except FilterError as error:
        assert 0 <= error.at <= len(text) and error.n_characters >= 1 and error.message
    else:
        assert all(test(row(name)) in (True, False) for name in ROWS)


def offered(text: str, known: dict[str, list[str]] | None = None) -> list[str]:
    return [text[: c.at] + c.text for c in complete(text, len(text), known)]


def test_names_are_offered_then_operators_then_values() -> None:
    assert "status" in offered("") and "not" in offered("n") and "and" not in offered("")
    assert offered("st") == ["status", "stderr"]
    assert offered("status")[:3] == ["status=", "status!=", "status>"]
    assert offered("status=") == ["status=5xx", "status=404"]
    assert offered("a and dur") == ["a and duration"]
    assert offered("outcome=a") == ["outcome=aborted"]
    assert offered("status>=500 a") == ["status>=500 and"]
    assert offered("(ev") == ["(evidence"]


def test_values_that_were_seen_are_offered() -> None:
    known = {"note": ["stderr-text", "slow start"], "method": ["PURGE", "\x1b["]}
    assert offered("note=s", known) == ["note=stderr-text", 'note="slow start"']
    assert "method=PURGE" in offered("method=P", known)
    assert not any("\x1b" in text for text in offered("method=", known))


def test_what_is_offered_can_be_parsed() -> None:
    for field in FIELDS:
        for value in complete(f"{field.name}=", len(field.name) + 1):
            parse(f"{field.name}={value.text}")
