"""Remarks that several protocols make: codes are stable, sentences say what was found."""

import re

import pytest

from gwtop.nouns.events import Remark
from gwtop.protocols import _remarks


@pytest.mark.parametrize(
    ("remark", "code", "says"),
    [
        (_remarks.http_on_gateway_port("X"), "http-on-gateway-port", "HTTP"),
        (_remarks.same_length_remark(1, "answer", 5, 3), "content-length-mismatch", "5 bytes"),
        (_remarks.no_answer_header(1, "Why"), "no-answer-header", "Why"),
        (_remarks.duplicate_variable(1, [(b"A", b"1"), (b"A", b"2")]), "duplicate-variable", "A"),
        (
            _remarks.duplicate_variable(1, [(b"A", b"1"), (b"A", b"1")]),
            "duplicate-variable",
            "same",
        ),
        (_remarks.answered_in_http("X"), "gateway-on-http-port", "answers in HTTP"),
        (_remarks.malformed_variables(1, 7), "params-malformed", "7 bytes"),
    ],
)
def test_a_remark_has_a_stable_code_and_one_sentence(remark: Remark, code: str, says: str) -> None:
    assert remark.code == code and re.fullmatch(r"[a-z]+(-[a-z]+)*", code)
    assert says in remark.text and remark.text.endswith(".")


@pytest.mark.parametrize(
    ("prefix", "is_http"),
    [
        (b"GET / HT", True),
        (b"PROPFIND", True),
        (b"POST", True),
        (b"GE", False),
        (b"\1\1\0\1", False),
    ],
)
def test_an_http_request_is_known_by_its_method(prefix: bytes, is_http: bool) -> None:
    assert _remarks.is_http_request(prefix) == is_http
