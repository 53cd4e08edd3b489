"""A fact as lines that repeat it: what they lack is said in them, safely."""

import json
import shutil
import subprocess

import msgspec
import pytest

from gwtop import journal
from gwtop.nouns.facts import Request
from gwtop.outputs.repeat import again_of, asked_of, curl_of, lines_of, warnings
from tests._replay import replay


def fact(capture: str = "uwsgi/nginx-uwsgi", **other: object) -> Request:
    line = next(line for line in replay(capture) if b'"type":"request"' in line)
    told = journal.decode(line)
    assert isinstance(told, Request)
    return msgspec.structs.replace(told, **other)


def test_a_secret_that_was_taken_out_is_named_in_front_of_the_line() -> None:
    pairs = [("HTTP_COOKIE", "[redacted]"), ("HTTP_X", "1"), ("BAD\x1b[2J`id`", "a[redacted]")]
    [line] = lines_of(fact(fields=pairs))
    first, rest = line.text.split("\n", 1)
    assert first.startswith(": '[redacted] stands for secrets in HTTP_COOKIE, BAD?[2J`id`; ")
    assert rest.startswith("python3 - <<")
    done = subprocess.run(["sh", "-c", first], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_a_body_that_was_not_kept_is_said_and_its_length_is_what_is_sent() -> None:
    pairs = [("CONTENT_LENGTH", "5"), ("REQUEST_METHOD", "POST")]
    told = fact(fields=pairs, request_body_bytes=5, request_body="ab")
    assert asked_of(told).fields[0] == (b"CONTENT_LENGTH", b"2")
    assert warnings(told) == [
        "2 bytes of its body of 5 were kept, and the length says so; --bodies 5 keeps all"
    ]
    whole = fact(fields=pairs, request_body_bytes=5, request_body="abcde")
    assert asked_of(whole).fields[0] == (b"CONTENT_LENGTH", b"5")
    assert warnings(whole) == []


def test_what_was_not_told_cannot_be_repeated() -> None:
    assert lines_of(fact(fields=msgspec.UNSET)) == []
    assert again_of(fact(protocol="of-next-year")) is None
    assert curl_of(fact(fields=msgspec.UNSET)) is None


def test_a_gateway_request_has_a_line_for_curl_at_its_front() -> None:
    pairs = [("HTTP_HOST", "127.0.0.1:8080"), ("HTTP_USER_AGENT", "x")]
    line = curl_of(fact(fields=pairs, target="/a?b=1", method="GET"))
    assert line is not None and line.tool == "curl"
    assert line.text.endswith("'http://127.0.0.1:8080/a?b=1'")
    assert "-H 'User-Agent: x'" in line.text
    assert curl_of(fact(fields=[("A", "b")])) is None, "nobody said where"


@pytest.mark.parametrize("text", ["\u2028x", "\U0001f600", "\ud800"])
def test_text_of_a_foreign_file_that_is_no_latin_1_fails_nothing(text: str) -> None:
    told = fact(fields=[(text, text)], target=text, method=text, request_body=text)
    assert [line.text.isascii() for line in lines_of(told)] == [True]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_every_line_of_every_capture_is_good_syntax_for_a_shell() -> None:
    for capture in ("fastcgi/apache-php-fpm", "ajp/apache-flup", "scgi/nginx-uwsgi", "http/uwsgi"):
        for raw in replay(capture):
            if json.loads(raw)["type"] == "request":
                told = journal.decode(raw)
                assert isinstance(told, Request)
                for line in [*lines_of(told), curl_of(told)]:
                    assert line is not None
                    done = subprocess.run(["bash", "-n"], input=line.text.encode("ascii"))
                    assert done.returncode == 0
