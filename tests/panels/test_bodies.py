"""Bodies as what they say they are, and as text with the reason where they are not."""

import gzip
import zlib

import pytest

from gwtop.model.details import Fetched
from gwtop.nouns.facts import Request
from gwtop.panels import Line
from gwtop.panels._bodies import (
    MAX_LINES,
    MAX_OPENED_BYTES,
    Body,
    Mode,
    body_of,
    lines,
    mode_of,
    opened,
)
from gwtop.panels._body_tab import lines as tab
from tests.screens._facts import T0, request


def text(found: list[Line]) -> list[str]:
    return ["".join(cell.text for cell in line).rstrip() for line in found]


def shown(data: bytes, type: str = "", mode: Mode = "auto", width: int = 60) -> list[str]:
    return text(lines(Body(data, type, ""), mode, width))


@pytest.mark.parametrize(
    ("type", "data", "mode"),
    [
        pytest.param("application/json; charset=utf-8", b"{}", "JSON", id="JSON"),
        pytest.param("application/problem+json", b"{}", "JSON", id="+json"),
        pytest.param("application/x-www-form-urlencoded", b"a=b", "form", id="form"),
        pytest.param("text/html", b"\xff\xfe", "text", id="text"),
        pytest.param("image/svg+xml", b"<svg/>", "text", id="xml"),
        pytest.param("application/octet-stream", b"\0\1\2\3", "hex", id="binary"),
        pytest.param("", b"plain words\n", "text", id="says nothing, is text"),
        pytest.param("", b"\x89PNG\r\n\x1a\n\0\0", "hex", id="says nothing, is not"),
        pytest.param("multipart/form-data; boundary=x", b"--x\r\n", "text", id="multipart"),
    ],
)
def test_a_body_is_shown_as_its_type_says(type: str, data: bytes, mode: str) -> None:
    assert mode_of(Body(data, type, "")) == mode


def test_json_is_indented_and_what_is_none_is_text_with_the_reason() -> None:
    assert shown(b'{"a":[1,"\xc3\xbc"]}', "application/json") == [
        "{",
        '  "a": [',
        "    1,",
        '    "ü"',
        "  ]",
        "}",
    ]
    got = shown(b'{"a":', "application/json")
    assert got[0].startswith("no JSON (") and got[1] == '{"a":'
    deep = shown(b"[" * 100_000, "application/json")
    assert deep[0].startswith("no JSON (")
    assert shown(b"1" * 5_000, "application/json")[0].startswith("no JSON (")


def test_a_form_is_its_decoded_pairs() -> None:
    assert shown(b"name=J%C3%BCrgen+K&empty=&flag&&x=%1b", "", "form") == [
        "name" + " " * 22 + "Jürgen K",
        "empty",
        "flag" + " " * 22 + "(no value)",
        "x" + " " * 25 + "\\x1b",
    ]


def test_text_keeps_its_lines_and_shows_controls() -> None:
    assert shown(b"one\r\n\ttwo\x1b[2J\n") == ["one", "        two\\x1b[2J", ""]
    assert len(shown(b"\n" * 100_000)) == MAX_LINES + 1


def test_hex_is_on_one_key_for_any_body() -> None:
    assert shown(b"AB", "application/json", "hex", 80)[0].startswith("0000  41 42 ")


def test_what_is_compressed_is_opened_up_to_a_limit() -> None:
    plain = b'{"a": 1}'
    for coding, data in (("gzip", gzip.compress(plain)), ("deflate", zlib.compress(plain))):
        body, told = opened(Body(data, "application/json", coding))
        assert body.data == plain and told == f"{coding}, {len(data)}B on the wire"
    bomb, told = opened(Body(gzip.compress(bytes(50 << 20)), "", "gzip"))
    assert len(bomb.data) == MAX_OPENED_BYTES and "the first" in told
    assert opened(Body(b"no gzip", "", "gzip"))[1] == "said to be gzip, and is not"
    assert opened(Body(gzip.compress(plain)[:-9], "", "gzip"))[1].endswith("its end is not there")
    assert "not opened" in opened(Body(b"x", "", "br\x1b"))[1]


def test_the_type_comes_from_headers_or_from_variables() -> None:
    for name in ("Content-Type", "CONTENT_TYPE", "content-type", "HTTP_CONTENT_TYPE"):
        assert body_of(b"", [(name, "text/plain")]).type == "text/plain"


def with_bodies(**other: object) -> Request:
    fields = [("CONTENT_TYPE", "application/x-www-form-urlencoded")]
    answer = [("Content-Type", "text/plain")]
    sizes = {"request_body_bytes": 3, "response_body_bytes": 6}
    return request(1, T0, fields=fields, response_fields=answer, **(sizes | other))


FETCHED = Fetched(1, True, (), b"a=bhello!", 3, (("client", 0, 3), ("server", 3, 6)))


def test_both_bodies_stand_one_under_the_other() -> None:
    assert text(tab(with_bodies(), FETCHED, "auto", 60, ())) == [
        "request body: 3B  application/x-www-form-urlencoded, as form",
        "a" + " " * 25 + "b",
        "",
        "answer body: 6B  text/plain, as text",
        "hello!",
    ]


def test_what_is_not_kept_or_was_not_seen_of_a_body_is_said() -> None:
    got = text(tab(with_bodies(response_body_bytes=2_000), FETCHED, "auto", 60, ()))
    assert got[-1] == "… 1.9K more, which is not kept"
    fetched = Fetched(1, True, (), FETCHED.data, 3, FETCHED.bodies, gaps=((5, 2),))
    assert text(tab(with_bodies(), fetched, "auto", 60, ()))[-1].startswith("bytes of it were not")


def test_without_the_bytes_it_says_why_and_how_large_they_were() -> None:
    from gwtop.panels import Cell

    got = text(tab(with_bodies(), None, "auto", 60, (Cell("gone"),)))
    assert got == ["gone", "", "request body: 3B", "", "answer body: 6B"]
    bare = with_bodies(request_body_bytes=0, response_body_bytes=0)
    assert text(tab(bare, None, "auto", 60, ()))[0].startswith("neither the request nor")


def test_bodies_that_the_fact_itself_told_are_shown_too() -> None:
    got = text(tab(with_bodies(response_body="hello!"), None, "auto", 60, ()))
    assert got[-1] == "hello!"
