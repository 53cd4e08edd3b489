"""Redaction: which names are secret, in which spelling, and what is left alone."""

import pytest

from gwtop.redaction import (
    REDACTED,
    masked,
    masked_body,
    masked_unknown,
    redact_pairs,
    redact_target,
)


@pytest.mark.parametrize(
    "name",
    [
        b"Cookie",
        b"set-cookie",
        b"HTTP_COOKIE",
        b"Authorization",
        b"REDIRECT_HTTP_AUTHORIZATION",
        b"proxy-authorization",
        b"HTTP_PROXY_AUTHORIZATION",
        b"x-api-key",
        b"HTTP_X_API_KEY",
        b"PHP_AUTH_PW",
        b"DB_PASSWORD",
        b"passwd",
        b"client_secret",
        b"X-CSRF-Token",
    ],
)
def test_a_secret_name_loses_its_value_in_any_spelling(name: bytes) -> None:
    assert redact_pairs([(name, b"v")]) == [(name, REDACTED)]


@pytest.mark.parametrize(
    "name", [b"REMOTE_ADDR", b"REMOTE_USER", b"AUTH_TYPE", b"CONTENT_LENGTH", b"WWW-Authenticate"]
)
def test_other_names_keep_their_value(name: bytes) -> None:
    assert redact_pairs([(name, b"v")]) == [(name, b"v")]


def test_order_doubles_and_empty_values_stay() -> None:
    pairs = [(b"A", b"1"), (b"Cookie", b""), (b"A", b"2"), (b"Cookie", b"x")]
    assert redact_pairs(pairs) == [*pairs[:3], (b"Cookie", REDACTED)]


@pytest.mark.parametrize(
    ("target", "redacted"),
    [
        (b"/?a=1&b=2", b"/?a=1&b=2"),
        (b"/login?user=x&password=y", b"/login?user=x&password=[redacted]"),
        (b"/cb?access_token=y#frag", b"/cb?access_token=[redacted]#frag"),
        (b"/?Api-Key=y&a=1", b"/?Api-Key=[redacted]&a=1"),
        (b"/?token=", b"/?token="),
        (b"http://u:p@host/", b"http://u:[redacted]@host/"),
        (b"/a:b@c", b"/a:b@c"),
    ],
)
def test_a_query_loses_only_its_secret_values(target: bytes, redacted: bytes) -> None:
    assert redact_target(target) == redacted


def test_a_query_inside_a_variable_is_redacted_too() -> None:
    pairs = [(b"QUERY_STRING", b"token=x&a=1"), (b"HTTP_REFERER", b"http://h/?token=x")]
    assert redact_pairs(pairs) == [
        (b"QUERY_STRING", b"token=[redacted]&a=1"),
        (b"HTTP_REFERER", b"http://h/?token=[redacted]"),
    ]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        pytest.param(b"Cookie", b"a=b", b"***", id="whole"),
        pytest.param(b"Host", b"example.org", b"example.org", id="no secret"),
        pytest.param(b"Referer", b"/a?token=12&b=3", b"/a?token=**&b=3", id="query"),
        pytest.param(b"X", b"http://u:pw@h/", b"http://u:**@h/", id="userinfo"),
        pytest.param(b"Cookie", b"", b"", id="empty"),
    ],
)
def test_what_is_masked_keeps_its_length(name: bytes, value: bytes, shown: bytes) -> None:
    assert masked(name, value) == shown


def test_masking_a_megabyte_of_almost_secrets_ends() -> None:
    for piece in (b"password", b"&password", b'"token":"', b'name="secret"', b"://a:", b'"\\'):
        data = piece * (100_000 // len(piece))
        assert len(masked_unknown(data)) == len(data)


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param(
            b"user=eve&password=hunter2&x=1", b"user=eve&password=*******&x=1", id="a form"
        ),
        pytest.param(
            b'{"api_key" : "k\\"3y", "n": 1}', b'{"api_key" : "*****", "n": 1}', id="JSON"
        ),
        pytest.param(
            b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\nt0ken\r\n--b--\r\n',
            b'--b\r\nContent-Disposition: form-data; name="token"\r\n\r\n*****\r\n--b--\r\n',
            id="multipart",
        ),
        pytest.param(b"passwords=&tokens", b"passwords=&tokens", id="no value"),
    ],
)
def test_a_secret_in_a_body_is_blanked_in_each_way_that_browsers_write_one(
    body: bytes, shown: bytes
) -> None:
    assert masked_body(body) == shown
