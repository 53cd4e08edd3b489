"""The journal: a fact in, one line of JSON out, and back.

In: facts (`gwtop.nouns.facts`). Out: compact JSON with `type` first, ending in a newline; or facts
from such lines; or the JSON Schema of all of them. Wishes, the other direction, likewise. It
refuses to know where lines go or come from.

A line must be lossless and yet safe to `cat` on a terminal. JSON encoders escape C0 and leave DEL
and C1 as they are, and a terminal takes U+009B for ESC [. So those two are escaped here, in the
encoded bytes: in valid UTF-8 a C1 character is C2 followed by 80..9F, and C2 is never a second
byte, so the pattern cannot break another character in two. Most lines are ASCII, for which that
costs one scan (measured: 1.15 us for a request in all, 0.75 without; 4.5 when
it has bytes to escape).

A reader is meant to outlive its writer: unknown keys are passed over, a line of an unknown type is
an `Unknown`. Only a later `format` is refused, because there known keys mean something else.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import msgspec

from gwtop.errors import GwtopError
from gwtop.nouns.facts import FORMAT, Fact, Hello
from gwtop.nouns.hosts import plain
from gwtop.nouns.wishes import BadWish, Wish

_ENCODER = msgspec.json.Encoder(enc_hook=plain)
_BROKEN = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What msgspec raises for a line that is no JSON, no UTF-8, or nested too deeply."""
_ACTED_ON = re.compile(rb"\x7f|\xc2[\x80-\x9f]")


@dataclass(frozen=True, slots=True)
class Unknown:
    """A line of a type that this version does not know: well-formed, from a newer gwtop."""

    type: str
    line: bytes


Told: TypeAlias = Fact | Unknown


class _Typed(msgspec.Struct):
    type: str
    format: int = FORMAT


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\\u00%02x" % match[0][-1]


def encode(fact: Fact) -> bytes:
    """The fact's line, newline included."""
    return encode_all((fact,))


def encode_all(facts: Sequence[Fact]) -> bytes:
    """The lines of all facts; for a batch one call and one scan."""
    lines = _ENCODER.encode_lines(facts)
    if not lines.isascii() or b"\x7f" in lines:
        return _ACTED_ON.sub(_escape, lines)
    return lines


@lru_cache(maxsize=1)
def _decoder() -> msgspec.json.Decoder[Fact]:
    return msgspec.json.Decoder(Fact)


def decode(line: bytes) -> Told:
    """The fact of a line. Raises GwtopError for what is no fact or has a later format."""
    try:
        fact = _decoder().decode(line)
    except msgspec.ValidationError as wrong:
        return _decode_foreign(line, str(wrong))
    except _BROKEN as wrong:
        raise _no_line(wrong) from None
    if isinstance(fact, Hello):
        _check_format(fact.format)
    return fact


def _no_line(wrong: Exception) -> GwtopError:
    return GwtopError(f"not a line of facts ({wrong})", "give what `gwtop ... --json` wrote")


def _decode_foreign(line: bytes, why: str) -> Unknown:
    """None of our facts: newer than us, not ours, or broken behind what is wrong with it."""
    try:
        typed = msgspec.json.decode(line, type=_Typed)
    except msgspec.ValidationError:
        raise GwtopError(
            f"JSON, but not a fact ({why})", "give what `gwtop ... --json` wrote"
        ) from None
    except _BROKEN as wrong:
        raise _no_line(wrong) from None
    _check_format(typed.format)
    if typed.type in known_types():
        raise GwtopError(f"a {typed.type} fact that is not well-formed ({why})")
    return Unknown(typed.type, line)


def _check_format(format_number: int) -> None:
    if format_number > FORMAT:
        raise GwtopError(
            f"these facts have format {format_number}, this gwtop reads up to {FORMAT}",
            "update gwtop",
        )


@lru_cache(maxsize=1)
def known_types() -> frozenset[str]:
    """The `type`s this version knows."""
    return frozenset(str(member.__struct_config__.tag) for member in Fact.__args__)


def encode_wish(wish: Wish) -> bytes:
    return _ENCODER.encode(wish) + b"\n"


@lru_cache(maxsize=1)
def _wish_decoder() -> msgspec.json.Decoder[Wish]:
    return msgspec.json.Decoder(Wish)


def decode_wish(line: bytes) -> Wish | BadWish:
    """The wish of a line; never raises, for who wishes badly must not stop an engine."""
    try:
        return _wish_decoder().decode(line)
    except _BROKEN as wrong:
        return BadWish(str(wrong))


def schema() -> dict[str, object]:
    """JSON Schema (2020-12) of one line."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of gwtop's facts, format {FORMAT}",
        **msgspec.json.schema(Fact),
    }
