"""What a request can be asked for: names, kinds, units, and how a value is read and compared.

In: the text of an operator and a value. Out: a test of a `RequestRow`, or a `FilterError` that says
what is wrong. Refuses to know grammar; `gwtop.model.filter` does that.

What is not known (a request without a pid) is neither smaller nor larger than anything: only
`=none` and `!=` hold for it.
"""

import re
from collections.abc import Callable, Iterable
from operator import eq, ge, gt, le, lt, ne
from typing import Literal, NamedTuple, TypeAlias

from gwtop.model.requests import RequestRow
from gwtop.nouns.hosts import real_pid

Test: TypeAlias = Callable[[RequestRow], bool]
Kind: TypeAlias = Literal["number", "status", "duration", "size", "text", "choice", "many"]
OPERATORS = (">=", "<=", "!=", "!~", "=", ">", "<", "~")
_COMPARE: dict[str, Callable[[int, int], bool]] = {
    "=": eq,
    "!=": ne,
    ">": gt,
    ">=": ge,
    "<": lt,
    "<=": le,
}
_DURATIONS = {"ns": 1, "us": 1_000, "µs": 1_000, "ms": 1_000_000, "s": 10**9, "m": 60 * 10**9}
_SIZES = {"b": 1, "k": 1 << 10, "kb": 1 << 10, "m": 1 << 20, "mb": 1 << 20, "g": 1 << 30}
_SIZES |= {"gb": 1 << 30}
NONE = "none"


class FilterError(Exception):
    """One line for a person, and the characters it is about."""

    def __init__(self, message: str, at: int = 0, n_characters: int = 1) -> None:
        super().__init__(message)
        self.message, self.at, self.n_characters = message, at, n_characters


class Field(NamedTuple):
    name: str
    kind: Kind
    get: Callable[[RequestRow], object]
    meaning: str
    choices: tuple[str, ...] = ()
    """All there are (choice), or some to offer (others)."""
    folds: bool = False
    """Capital or small letters are one to `=`."""

    @property
    def operators(self) -> tuple[str, ...]:
        if self.kind in ("text", "many"):
            return ("=", "!=", "~", "!~")
        return ("=", "!=") if self.kind == "choice" else ("=", "!=", ">", ">=", "<", "<=")


FIELDS = (
    Field(
        "status", "status", lambda r: r.status, "of the answer; 5xx is 500 to 599", ("5xx", "404")
    ),
    Field("duration", "duration", lambda r: r.duration_ns, "first byte to last", ("100ms", "1s")),
    Field(
        "first", "duration", lambda r: r.first_byte_ns, "until the answer's first byte", ("50ms",)
    ),
    Field("queue", "duration", lambda r: r.queue_ns, "waited before it was read", ("10ms",)),
    Field("target", "text", lambda r: r.target, "path and query; a bare word asks for it"),
    Field(
        "method",
        "text",
        lambda r: r.method,
        "GET, POST, ...",
        ("GET", "POST", "PUT", "DELETE"),
        True,
    ),
    Field("pid", "number", lambda r: real_pid(r.pid), "the process that answered"),
    Field("note", "many", lambda r: r.notes, "code of a note that stands on it"),
    Field(
        "severity", "choice", lambda r: r.severity, "of its gravest note", ("error", "warn", "info")
    ),
    Field(
        "outcome",
        "choice",
        lambda r: r.outcome,
        "how it ended; none: it is not over",
        ("done", "failed", "aborted", "partial"),
    ),
    Field(
        "evidence",
        "choice",
        lambda r: r.evidence,
        "how the pid is known",
        ("environ", "kernel", "socket", "relay", "spawn", "sole"),
    ),
    Field("protocol", "text", lambda r: r.protocol, "of the watched hop", (), True),
    Field("size", "size", lambda r: r.response_body_bytes, "of the answer's body", ("100kb",)),
    Field("sent", "size", lambda r: r.request_body_bytes, "of the request's body", ("1kb",)),
    Field(
        "stderr",
        "choice",
        lambda r: None if r.wrote_stderr is None else "yes" if r.wrote_stderr else "no",
        "whether its worker wrote to stderr meanwhile",
        ("yes", "no"),
    ),
    Field("births", "number", lambda r: r.n_births, "processes made for it", ("0", "1")),
    Field("connection", "number", lambda r: r.connection, "its connection's number"),
    Field("sequence", "number", lambda r: r.sequence, "0 is the first of its connection", ("0",)),
)
ALIASES = {
    **dict.fromkeys(("took", "time", "latency", "rt", "ms"), "duration"),
    **dict.fromkeys(("path", "url", "uri", "route"), "target"),
    **dict.fromkeys(("response", "bytes", "length"), "size"),
    **dict.fromkeys(("worker", "process"), "pid"),
    **dict.fromkeys(("conn", "connections"), "connection"),
    "code": "status",
    "notes": "note",
    "request": "sent",
    "verb": "method",
    "wait": "queue",
    "ttfb": "first",
    "proto": "protocol",
}


def field_named(name: str) -> Field | None:
    wanted = ALIASES.get(name, name)
    return next((field for field in FIELDS if field.name == wanted), None)


def comparing(field: Field, operator: str, value: str) -> Test:
    """Raises FilterError, with positions counted from the value's first character."""
    if operator not in field.operators:
        raise FilterError(f"{field.name} goes with {' '.join(field.operators)}", -len(operator))
    if operator in ("=", "!=") and "," in value and field.name != "target":
        return _one_of(field, value, operator == "=")
    if field.kind == "many":
        return _any_of(field, operator, value)
    if value == NONE and operator in ("=", "!="):
        return _none(field.get, operator == "=")
    if field.kind in ("text", "choice"):
        return _text(field, operator, value)
    low, high = _range(field, value, operator in ("=", "!="))
    if low != high and operator in ("=", "!="):
        return _within(field.get, low, high, operator == "=")
    return _number(
        field.get, _COMPARE[operator], high if operator in (">", "<=") else low, operator
    )


def _one_of(field: Field, value: str, wanted: bool) -> Test:
    """`500,502`: one of these, or none of them."""
    tests: list[Test] = []
    at = 0
    for part in value.split(","):
        if not part:
            raise FilterError("a value is missing beside this comma", max(0, at - 1), 1)
        try:
            tests.append(comparing(field, "=", part))
        except FilterError as error:
            raise FilterError(error.message, at + max(0, error.at), error.n_characters) from None
        at += len(part) + 1
    return lambda row: any(test(row) for test in tests) is wanted


def _none(get: Callable[[RequestRow], object], wanted: bool) -> Test:
    return lambda row: (get(row) is None) is wanted


def _number(
    get: Callable[[RequestRow], object], compare: Callable[[int, int], bool], limit: int, how: str
) -> Test:
    def test(row: RequestRow) -> bool:
        value = get(row)
        return compare(value, limit) if isinstance(value, int) else how == "!="

    return test


def _within(get: Callable[[RequestRow], object], low: int, high: int, wanted: bool) -> Test:
    def test(row: RequestRow) -> bool:
        value = get(row)
        return (isinstance(value, int) and low <= value <= high) is wanted

    return test


def _text(field: Field, operator: str, value: str) -> Test:
    get, wanted = field.get, not operator.startswith("!")
    if field.kind == "choice" and value not in field.choices:
        raise FilterError(f"{field.name} is one of {', '.join(field.choices)}", 0, len(value))
    if operator in ("=", "!=") and "*" in value[1:] + value[:-1]:  # more than a lone star
        search = _pattern(r"\A" + ".*".join(map(re.escape, value.split("*"))) + r"\Z", field.folds)
    elif operator in ("=", "!="):
        return _same(field, value, wanted)
    else:
        search = _pattern(value)

    def test(row: RequestRow) -> bool:
        text = get(row)
        return (isinstance(text, str) and search(text) is not None) is wanted

    return test


def _same(field: Field, value: str, wanted: bool) -> Test:
    get = field.get
    if not field.folds:
        return lambda row: (get(row) == value) is wanted
    small = value.lower()

    def test(row: RequestRow) -> bool:
        text = get(row)
        return (isinstance(text, str) and text.lower() == small) is wanted

    return test


def _any_of(field: Field, operator: str, value: str) -> Test:
    get, wanted = field.get, not operator.startswith("!")
    if value in (NONE, "any") and operator in ("=", "!="):
        return lambda row: (bool(get(row)) is (value == "any")) is wanted
    exact = operator in ("=", "!=")
    search = _pattern(r"\A" + re.escape(value) + r"\Z" if exact else value)

    def test(row: RequestRow) -> bool:
        texts = get(row)
        assert isinstance(texts, Iterable)  # by the field's kind
        return any(search(text) is not None for text in texts) is wanted

    return test


def _pattern(value: str, folds: bool = False) -> Callable[[str], re.Match[str] | None]:
    try:
        return re.compile(value, re.IGNORECASE if folds else 0).search
    except re.error as error:
        at = min(error.pos or 0, max(0, len(value) - 1))
        raise FilterError(f"not a pattern: {error.msg}", at, 1) from None
    except (RecursionError, OverflowError):
        raise FilterError("the pattern is too large", 0, len(value)) from None


def is_class(word: str) -> bool:
    """ "5xx"."""
    return re.fullmatch(r"[1-9][xX]{2}", word) is not None


def unit_of(field: Field, text: str) -> str | None:
    """The unit at the beginning of what follows a number, with the spaces before it."""
    units = {"duration": _DURATIONS, "size": _SIZES}.get(field.kind, {})
    match = re.match(r"\s+([A-Za-zµ]+)(?=[\s()]|\Z)", text)
    return match[0] if match is not None and match[1].lower() in units else None


def _range(field: Field, value: str, may_span: bool) -> tuple[int, int]:
    """The numbers that a value stands for; "5xx" stands for a hundred, "200-299" and "1s..2s" for
    what lies between."""
    if field.kind == "status" and is_class(value):
        low = int(value[0]) * 100
        return low, low + 99
    span = re.fullmatch(r"([^-]+?)(?:-|\.\.)([^-]+)", value) if may_span else None
    if span is not None:
        low, high = _amount(field, span[1]), _amount(field, span[2])
        if low > high:
            raise FilterError("nothing lies between these", 0, len(value))
        return low, high
    number = _amount(field, value)
    return number, number


def _amount(field: Field, value: str) -> int:
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{0,9})?)([A-Za-zµ]*)", value)
    units = {"duration": _DURATIONS, "size": _SIZES}.get(field.kind)
    if match is None:
        raise FilterError(f"{field.name} is {_wanted(field)}", 0, len(value))
    number, unit = match[1], match[2].lower()
    if units is None:
        if unit or not number.isdigit():
            raise FilterError(f"{field.name} is {_wanted(field)}", 0, len(value))
        return int(number)
    if field.kind == "duration" and not unit and number.strip("0."):
        raise FilterError("a duration has a unit: 100ms, 1.5s, 250us", 0, len(value))
    if unit and unit not in units:
        raise FilterError(f"no unit {match[2]}; {_wanted(field)}", len(number), len(unit))
    whole, _, fraction = number.partition(".")
    scale = units.get(unit or "b", 1)
    return int(whole) * scale + int(fraction or 0) * scale // int("1" + "0" * len(fraction))


def _wanted(field: Field) -> str:
    return {
        "number": "a whole number",
        "status": "a number or a class, as 404 or 5xx",
        "duration": "a time with its unit, as 100ms, 1.5s, 250us",
        "size": "a size, as 512, 10kb, 1.5mb",
    }[field.kind]
