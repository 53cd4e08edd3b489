"""Names, units and what is not known."""

import pytest

from gwtop.model.fields import FIELDS, FilterError, comparing, field_named
from gwtop.model.requests import RequestRow, to_row
from tests.screens._facts import MS, T0, request


def row(**other: object) -> RequestRow:
    return to_row(request(7, T0, **other), 0, T0)


def holds(name: str, operator: str, value: str, **other: object) -> bool:
    field = field_named(name)
    assert field is not None
    return comparing(field, operator, value)(row(**other))


@pytest.mark.parametrize(
    ("value", "ns"),
    [
        ("250us", 250_000),
        ("250µs", 250_000),
        ("1.5s", 1_500 * MS),
        ("100ms", 100 * MS),
        ("2m", 120_000 * MS),
        ("7ns", 7),
    ],
)
def test_units_of_time(value: str, ns: int) -> None:
    assert holds("duration", "=", value, duration_ns=ns)
    assert holds("took", ">=", value, duration_ns=ns)
    assert not holds("duration", ">", value, duration_ns=ns)
    assert holds("duration", ">", value, duration_ns=ns + 1)


@pytest.mark.parametrize(
    ("value", "n"),
    [("10kb", 10240), ("10k", 10240), ("1.5MB", 3 << 19), ("512", 512), ("1g", 1 << 30)],
)
def test_units_of_size(value: str, n: int) -> None:
    assert holds("size", "=", value, response_body_bytes=n)
    assert holds("sent", "<=", value, request_body_bytes=n)


def test_a_class_of_statuses() -> None:
    for status, inside in [(499, False), (500, True), (599, True), (600, False)]:
        assert holds("status", "=", "5xx", status=status) is inside
        assert holds("status", "!=", "5xx", status=status) is not inside
    assert holds("status", ">=", "5xx", status=500) and not holds("status", ">", "5xx", status=599)
    assert holds("status", "<", "5xx", status=499) and holds("status", "<=", "5XX", status=599)


def test_what_is_not_known_is_neither_smaller_nor_larger() -> None:
    for operator in ("=", "<", "<=", ">", ">="):
        assert not holds("pid", operator, "5")
    assert holds("pid", "!=", "5") and holds("pid", "=", "none")
    assert not holds("pid", "=", "none", pid=5) and holds("pid", "!=", "none", pid=5)
    assert not holds("target", "~", "x", target=None) and holds("target", "!~", "x", target=None)
    assert holds("evidence", "=", "none") and holds("status", "!=", "5xx", status=None)


def test_texts_notes_and_choices() -> None:
    from gwtop.nouns.facts import NoteText

    said = [NoteText("stderr-text", "warn", "."), NoteText("slow", "info", ".")]
    assert holds("note", "=", "slow", notes=said) and not holds("note", "=", "slo", notes=said)
    assert holds("note", "~", "^std", notes=said) and holds("note", "!=", "other", notes=said)
    assert holds("note", "=", "any", notes=said) and holds("note", "=", "none")
    assert holds("severity", "=", "warn", notes=said)
    assert holds("method", "=", "GET") and holds("method", "=", "get")
    assert holds("target", "~", r"/users/\d+$", target="/users/17")
    assert holds("outcome", "!=", "done", outcome="aborted")
    assert holds("protocol", "!~", "x")


@pytest.mark.parametrize(
    ("name", "operator", "value", "said", "at"),
    [
        ("duration", ">", "100", "a duration has a unit: 100ms, 1.5s, 250us", 0),
        ("duration", ">", "100kb", "no unit kb; a time with its unit, as 100ms, 1.5s, 250us", 3),
        ("size", ">", "5ms", "no unit ms; a size, as 512, 10kb, 1.5mb", 1),
        ("status", ">", "high", "status is a number or a class, as 404 or 5xx", 0),
        ("pid", "=", "1.5", "pid is a whole number", 0),
        ("pid", "~", "1", "pid goes with = != > >= < <=", -1),
        ("outcome", "=", "dome", "outcome is one of done, failed, aborted, partial", 0),
        ("target", "~", "a(b", "not a pattern: missing ), unterminated subpattern", 1),
    ],
)
def test_what_is_wrong_is_said_and_where(
    name: str, operator: str, value: str, said: str, at: int
) -> None:
    with pytest.raises(FilterError) as error:
        holds(name, operator, value)
    assert (error.value.message, error.value.at) == (said, at)


def test_every_field_means_something_and_reads_a_row() -> None:
    for field in FIELDS:
        assert field.meaning and field.operators
        field.get(row())
        for choice in field.choices:
            comparing(field, "=", choice)
