"""What is said about FastCGI: stable codes, one sentence each."""

import re

import pytest

from gwtop.nouns.events import Remark
from gwtop.nouns.wire import Side
from gwtop.protocols import _fastcgi_remarks as remarks


@pytest.mark.parametrize(
    ("remark", "code", "severity"),
    [
        (remarks.KEEP_CONN_CLOSED, "keep-conn-closed", "info"),
        (remarks.split_pair(1, 2), "split-pair", "warn"),
        (remarks.closed_without_end(1), "stdout-closed-without-end", "info"),
        (remarks.params_too_long(1, 9), "params-too-long", "info"),
        (remarks.over_record(1), "params-over-record", "warn"),
        (remarks.unknown_type(None, 12), "unknown-record-type", "warn"),
        (remarks.refused(1, 1), "fcgi-cant-multiplex", "error"),
        (remarks.refused(1, 2), "fcgi-overloaded", "error"),
        (remarks.refused(1, 3), "fcgi-unknown-role", "error"),
        (remarks.refused(1, 77), "fcgi-unknown-status", "error"),
    ],
)
def test_a_remark_has_a_stable_code_and_one_sentence(
    remark: Remark, code: str, severity: str
) -> None:
    assert (remark.code, remark.severity) == (code, severity)
    assert re.fullmatch(r"[A-Z0-9].*\.", remark.text) and remark.text.count(". ") == 0


@pytest.mark.parametrize(
    ("side", "first", "code"),
    [
        (Side.CLIENT, b"GET / HT", "http-on-gateway-port"),
        (Side.SERVER, b"HTTP/1.1", "gateway-on-http-port"),
        (Side.CLIENT, b"HTTP/1.1", None),
        (Side.SERVER, b"GET / HT", None),
    ],
)
def test_http_is_known_by_who_says_what(side: Side, first: bytes, code: str | None) -> None:
    remark = remarks.spoke_http(side, first)
    assert (remark.code if remark else None) == code
