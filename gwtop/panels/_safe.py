"""What came from outside, made fit for a terminal: the one gate that every such string passes.

In: text of facts, which is the latin-1 of bytes that anybody may have sent. Out: text without a
character that a terminal acts on, reorders by, or draws in a width that nobody knows.

`str.isprintable` is the whole fast path: it is false for C0, DEL and C1, for bidi and zero-width
controls, surrogates, private and unassigned characters and every space but ours, and costs some
ten nanoseconds for a row's cell. What it lets through and a terminal draws in no cell or in a
wrong one (fillers, variation selectors, piles of combining marks) is named below.
"""

import re
from contextlib import suppress
from functools import lru_cache

_WIDTHLESS = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe00-\ufe0f\uffa0\u2800]")
"""Grapheme joiner, Hangul and Khmer fillers, variation selectors, the blank braille cell:
printable to Python, and blank or of an unknown width to terminals."""
_MARKS_PILED = re.compile(
    "(?<=[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
    "{2})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]"
)
"""The third and later of a row of combining marks: letters have two at most."""


def safe(text: str) -> str:
    """Text from outside as a screen may show it: valid UTF-8 as what it is, controls as \\x1b."""
    if text.isascii():
        return text if text.isprintable() else escape(text)
    return _safe_wide(text)


@lru_cache(maxsize=2048)
def _safe_wide(text: str) -> str:
    with suppress(UnicodeError):  # a sentence of our own, or bytes that are no UTF-8
        text = text.encode("latin-1").decode("utf-8")
    return escape(text)


def escape(text: str) -> str:
    """Controls made visible; nothing else changes, and a second pass changes nothing."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else _escaped(c) for c in text)
    if not text.isascii():
        text = _WIDTHLESS.sub(lambda m: _escaped(m[0]), text)
        text = _MARKS_PILED.sub(lambda m: _escaped(m[0]), text)
    return text


def _escaped(character: str) -> str:
    code = ord(character)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
