"""The gate: nothing that a terminal acts on gets through, and nothing else is touched."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gwtop.panels import escape, safe
from tests.screens._facts import HOSTILE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("/plain?x=[red]1[/red]", "/plain?x=[red]1[/red]", id="markup is only text"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="escape"),
        pytest.param("a\r\n\tb\x7f", "a\\x0d\\x0a\\x09b\\x7f", id="C0 and DEL"),
        pytest.param("\x9b31m", "\\x9b31m", id="C1 as a byte"),
        pytest.param("\xc2\x9b31m", "\\x9b31m", id="C1 as UTF-8"),
        pytest.param("caf\xc3\xa9", "café", id="UTF-8 is shown as what it is"),
        pytest.param("caf\xe9", "café", id="latin-1 byte that is no UTF-8"),
        pytest.param("\xe6\x97\xa5\xe6\x9c\xac", "日本", id="wide"),
        pytest.param("\xe2\x80\xaegpj", "\\u202egpj", id="right-to-left override"),
        pytest.param("\xe2\x81\xa6x\xe2\x80\x8b", "\\u2066x\\u200b", id="isolate, zero width"),
        pytest.param("a\ufe0f\u3164\u2800", "a\\ufe0f\\u3164\\u2800", id="no cell of their own"),
        pytest.param("\ud800x", "\\ud800x", id="surrogate"),
        pytest.param("\xa0x", "\\xa0x", id="a space that is none of ours"),
        pytest.param("\U000e0041", "\\U000e0041", id="tag character"),
        pytest.param("≈ – ⚑", "≈ – ⚑", id="our own signs"),
        pytest.param("", "", id="empty"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_piled_marks_are_told_apart() -> None:
    assert safe("e" + "\u0301" * 4) == "e\u0301\u0301" + "\\u0301" * 2


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_no_hostile_text_keeps_a_control(text: str) -> None:
    for shown in (safe(text), escape(text)):
        kinds = {unicodedata.category(c) for c in shown}
        assert not kinds & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@given(st.text(max_size=60))
def test_escaping_twice_changes_nothing(text: str) -> None:
    once = escape(text)
    assert escape(once) == once
    assert once.isprintable()
    assert safe(text).isprintable()
