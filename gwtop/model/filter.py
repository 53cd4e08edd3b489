"""The filter language: which requests one wants to see, as a line of text.

In: text such as `status>=500 and (duration>100ms or target~/api)`. Out: a `Filter`, a test of a
`RequestRow`; or a `FilterError` with the characters it is about. And what could be typed next.

    any      = all { "or" all }
    all      = one { ["and"] one }
    one      = ("not" | "!" | "-") one | "(" any ")" | name operator value | word
    operator = "=" "!=" ">" ">=" "<" "<=" "~" "!~"
    value    = word | '"' anything but '"' '"'

A word alone is looked for in the target; one in quotes too, with its spaces; of a URL, what stands
behind its host. Two sorts of words mean what they say: methods (GET) and classes (5xx). `=` takes
several values (500,502), a span (200-299), stars in a text. What other languages write (`==`, `<>`,
`status:500`) is taken for what it means there. Nothing else is guessed: a name that does not exist
is an error with the nearest one that does.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal, NamedTuple, TypeAlias

from gwtop.model.fields import (
    ALIASES,
    FIELDS,
    OPERATORS,
    Field,
    FilterError,
    Test,
    comparing,
    field_named,
    is_class,
    unit_of,
)
from gwtop.model.requests import RequestRow

__all__ = ["EVERYTHING", "Completion", "Filter", "FilterError", "complete", "parse"]

STATUS, METHOD = (next(f for f in FIELDS if f.name == name) for name in ("status", "method"))
MAX_DEPTH = 50
MAX_OFFERED = 12
WORDS = ("and", "or", "not")
_SIGNS = {"&&": "and", "||": "or", "!": "not", "-": "not"}
_SPELLINGS = {"==": "=", "<>": "!=", "=~": "~", ":": "="}
"""What other languages write, and what it is here."""
_TURNED = {"=>": ">=", "=<": "<="}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")
"""RFC 9110 9.3, RFC 5789: as words alone, for nobody looks for them in a target."""
_URL_HOST = re.compile(r"\Ahttps?://[^/?#]*")

Sort: TypeAlias = Literal["word", "quoted", "operator", "(", ")", "and", "or", "not", "end"]
_TOKEN = re.compile(
    r"""\s*(?:(?P<quoted>"[^"]*"?)|(?P<sign>&&|\|\|)|(?P<paren>[()])"""
    r"""|(?P<operator>>=|<=|!=|!~|==|<>|=~|=>|=<|=|>|<|~|(?<=[A-Za-z]):)|(?P<bang>!|-(?=[^\s()]))"""
    r"""|(?P<url>(?:https?://|/)(?:[^\s()"]|\([^\s()]*\))*)|(?P<word>[^\s()<>=!~"]+))"""
)
_VALUE = re.compile(r"""\s*(?:(?P<quoted>"[^"]*"?)|(?P<word>(?:[^\s()]|\([^\s()]*\))+))""")
"""After an operator a word may hold signs, and brackets in pairs: `target~/(a|b)=`."""


class Token(NamedTuple):
    sort: Sort
    text: str
    """Without quotes."""
    at: int
    end: int


@dataclass(frozen=True, slots=True)
class Filter:
    text: str
    test: Test

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.text)


EVERYTHING = Filter("", lambda row: True)


def parse(text: str) -> Filter:
    """Raises FilterError."""
    if not text.strip():
        return EVERYTHING
    return Filter(text.strip(), _Parser(text).whole())


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.depth = 0

    def whole(self) -> Test:
        test = self.any()
        token = self.peek()
        if token.sort != "end":
            raise FilterError(f"{token.text!r} is not expected here", token.at, len(token.text))
        return test

    def peek(self) -> Token:
        return _next(self.text, self.place)

    def take(self) -> Token:
        token = self.peek()
        self.place = token.end
        return token

    def any(self) -> Test:
        test = self.all()
        while self.peek().sort == "or":
            self.take()
            test = _either(test, self.all())
        return test

    def all(self) -> Test:
        test = self.one()
        while (sort := self.peek().sort) not in ("or", ")", "end"):
            if sort == "and":
                self.take()
            test = _both(test, self.one())
        return test

    def one(self) -> Test:
        token = self.take()
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise FilterError("too deep", token.at)
        match token.sort:
            case "not":
                test = _inverse(self.one())
            case "(":
                test = self.any()
                if self.take().sort != ")":
                    raise FilterError("this bracket is not closed", token.at)
            case "word" if self.peek().sort == "operator":
                test = self.comparison(token)
            case "word" if self.peek().text.lower() == "in" and field_named(token.text.lower()):
                why = f"several values are written {token.text}=A,B"
                raise FilterError(why, self.peek().at, 2)
            case "word" if is_class(token.text):
                test = comparing(STATUS, "=", token.text)
            case "word" if token.text in METHODS:
                test = comparing(METHOD, "=", token.text)
            case "word" | "quoted":
                test = _contains(token.text)
            case "operator":
                raise FilterError("a name belongs before this", token.at, len(token.text))
            case "end":
                raise FilterError("something is missing here", token.at)
            case _:
                raise FilterError("something is missing before this", token.at, len(token.text))
        self.depth -= 1
        return test

    def comparison(self, name: Token) -> Test:
        field = field_named(name.text.lower())
        if field is None:
            raise FilterError(_no_such(name.text), name.at, len(name.text))
        operator = self.operator(field)
        value = _value(self.text, self.place, field)
        if value is None:
            hint = ", as " + field.choices[0] if field.choices else ""
            raise FilterError(f"a value belongs after this{hint}", operator.at, len(operator.text))
        self.place = value.end
        try:
            return comparing(field, operator.text, value.text)
        except FilterError as error:
            if error.at < 0:
                raise FilterError(error.message, operator.at, len(operator.text)) from None
            first = value.at + (value.sort == "quoted") + error.at
            raise FilterError(error.message, first, max(1, error.n_characters)) from None

    def operator(self, field: Field) -> Token:
        """As it is called here, whatever it is called elsewhere."""
        token = self.take()
        if token.text in _TURNED:
            right = _TURNED[token.text]
            raise FilterError(f"no {token.text}; is it {right}?", token.at, len(token.text))
        if token.text == ":" and field.kind in ("text", "many"):
            return token._replace(text="~")
        return token._replace(text=_SPELLINGS.get(token.text, token.text))


def _next(text: str, place: int) -> Token:
    match = _TOKEN.match(text, place)
    if match is None:
        return Token("end", "", len(text), len(text))
    kind = match.lastgroup or ""
    shown, at, end = match[kind], match.start(kind), match.end(kind)
    if kind == "quoted":
        return Token("quoted", _unquoted(shown, at), at, end)
    if kind in ("sign", "bang"):
        return Token(_SIGNS[shown], shown, at, end)  # type: ignore[arg-type]  # by the pattern
    if kind == "paren":
        return Token("(" if shown == "(" else ")", shown, at, end)
    if kind == "url":
        return Token("word", _URL_HOST.sub("", shown) or "/", at, end)
    name = shown.partition(":")[0]
    if kind == "word" and name != shown and field_named(name.lower()) is not None:
        return Token("word", name, at, at + len(name))
    if kind == "word" and shown.lower() in WORDS:
        return Token(shown.lower(), shown, at, end)  # type: ignore[arg-type]  # by WORDS
    return Token("operator" if kind == "operator" else "word", shown, at, end)


def _value(text: str, place: int, field: Field) -> Token | None:
    """Of a number whose unit stands apart (`100 ms`), both."""
    match = _VALUE.match(text, place)
    if match is None:
        return None
    kind = match.lastgroup or ""
    shown, at, end = match[kind], match.start(kind), match.end(kind)
    if kind == "quoted":
        return Token("quoted", _unquoted(shown, at), at, end)
    unit = None if not shown.isdigit() else unit_of(field, text[end:])
    if unit is not None:
        return Token("word", shown + unit.strip(), at, end + len(unit))
    return Token("word", shown, at, end)


def _unquoted(shown: str, at: int) -> str:
    if len(shown) < 2 or not shown.endswith('"'):
        raise FilterError("this quote is not closed", at)
    return shown[1:-1]


def _no_such(name: str) -> str:
    near = get_close_matches(name.lower(), [*(f.name for f in FIELDS), *ALIASES], 1, 0.7)
    if near:
        return f"no name {name!r}; is it {near[0]}?"
    return f"no name {name!r}; there are {', '.join(f.name for f in FIELDS)}"


def _both(one: Test, other: Test) -> Test:
    return lambda row: one(row) and other(row)


def _either(one: Test, other: Test) -> Test:
    return lambda row: one(row) or other(row)


def _inverse(test: Test) -> Test:
    return lambda row: not test(row)


def _contains(word: str) -> Test:
    def test(row: RequestRow) -> bool:
        return row.target is not None and word in row.target

    return test


class Completion(NamedTuple):
    text: str
    """What would stand in place of the characters `at` .. the cursor."""
    at: int
    meaning: str


def complete(
    text: str, cursor: int, known: Mapping[str, Iterable[str]] | None = None
) -> list[Completion]:
    """What may stand at the cursor: names, operators, values, words. [] if nothing can be said.

    `known`: values that were seen, by the name of the field.
    """
    before = text[:cursor]
    value = re.search(r"([A-Za-z]+)\s*(>=|<=|!=|!~|=|>|<|~)\s*([^\s()\"]*)$", before)
    if value is not None:
        field = field_named(value[1].lower())
        return [] if field is None else _values(field, value[3], value.start(3), known or {})
    word = re.search(r"([A-Za-z&|!]*)$", before)
    begun = "" if word is None else word[1]
    at = len(before) - len(begun)
    field = field_named(begun.lower())
    if field is not None:
        return [Completion(begun + op, at, field.meaning) for op in field.operators]
    return _names(begun, at, _is_after_one(before[:at]))


def _values(
    field: Field, begun: str, at: int, known: Mapping[str, Iterable[str]]
) -> list[Completion]:
    seen = [value for value in known.get(field.name, ()) if value not in field.choices]
    offered = dict.fromkeys([*field.choices, *seen])
    found = [value for value in offered if value.lower().startswith(begun.lower())]
    return [
        Completion(value if re.fullmatch(r"[^\s()\"]+", value) else f'"{value}"', at, field.meaning)
        for value in found
        if '"' not in value and value != begun and value.isprintable()
    ][:MAX_OFFERED]


def _names(begun: str, at: int, after_one: bool) -> list[Completion]:
    names = [(f.name, f.meaning) for f in FIELDS]
    words = [("and", "both"), ("or", "either")] if after_one else []
    offered = [*words, *names, ("not", "the opposite of what follows")]
    return [
        Completion(name, at, meaning)
        for name, meaning in offered
        if name.startswith(begun.lower()) and name != begun
    ][:MAX_OFFERED]


def _is_after_one(before: str) -> bool:
    """Whether something complete stands before, so that "and" makes sense."""
    last = before.rstrip().split()[-1:] or ["("]
    return last[0].lower() not in (*WORDS, "&&", "||", "!") and not last[0].endswith(
        ("(", *OPERATORS)
    )
