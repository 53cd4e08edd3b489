"""Redaction: named values in, the same with what nobody should read over a shoulder blanked.

In: names and values as they stood on the wire or in an environ. Out: the same names in the same
order, with secret values replaced. It refuses to know where the pairs came from.

A screen is shared, a journal is mailed with a bug report. So what a person would not paste is
blanked where facts are made, not where they are shown, and `--show-secrets` turns that off at
the same place. A header, its CGI spelling (`HTTP_COOKIE`) and Apache's `REDIRECT_HTTP_...` are one
name here. What cannot be recognised by its name is not found: this keeps accidents small, it is
no vault.
"""

import re
from functools import lru_cache

REDACTED = b"[redacted]"
MASK = b"*"
"""Of a secret that stands among bytes, for each byte."""

_SECRET_NAME = re.compile(
    # RFC 6265 and RFC 9110 11.6.2, 11.7.2; PHP_AUTH_PW and _DIGEST: PHP manual, "HTTP auth".
    rb"(?:^|_)(?:(?:SET_)?COOKIE2?|(?:PROXY_)?AUTHORIZATION|PHP_AUTH_(?:PW|DIGEST))$"
    rb"|API_?KEY|PASSWORD|PASSWD|SECRET|TOKEN"
)
_QUERY_SECRET = re.compile(
    rb"((?:^|[?&;])[^=&;?\s]*(?:password|passwd|secret|token|api[_-]?key)[^=&;?\s]*=)[^&;#\s]+",
    re.IGNORECASE,
)
_USERINFO = re.compile(rb"(://[^/?#\s:@]*:)[^/?#\s@]+(?=@)")  # RFC 3986 3.2.1

# The same for bytes as they came, which may be many and are anybody's: every run has its limit.
_WORD = rb"(?:password|passwd|secret|token|api[_-]?key)"
_FORM_SECRET = re.compile(
    rb"((?:^|[?&;])[^=&;?\s]{0,64}" + _WORD + rb"[^=&;?\s]{0,64}=)([^&;#\s]{1,4096})",
    re.IGNORECASE,
)
_USERINFO_LIKE = re.compile(rb"(://[^/?#\s:@]{0,256}:)([^/?#\s@]{1,256})(?=@)")
_JSON_SECRET = re.compile(
    rb'("[^"\\]{0,64}' + _WORD + rb'[^"\\]{0,64}"\s{0,8}:\s{0,8}")((?:[^"\\]|\\.){1,4096})',
    re.IGNORECASE | re.DOTALL,
)
_MULTIPART_SECRET = re.compile(  # RFC 7578 4.2
    rb'(name="[^"\r\n]{0,64}' + _WORD + rb'[^"\r\n]{0,64}"[^\r\n]{0,256}'
    rb"(?:\r\n[^\r\n]{1,256}){0,4}\r\n\r\n)([^\r\n]{1,4096})",
    re.IGNORECASE,
)
_NAMED_SECRET = re.compile(
    rb"((?:cookie2?|authorization|auth_pw|auth_digest|"
    + _WORD[3:]
    + rb"[\x00-\x20:=\"]{0,8})([^\r\n\x00]{1,4096})",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def _is_secret(name: bytes) -> bool:
    return _SECRET_NAME.search(name.upper().replace(b"-", b"_")) is not None


def redact_target(target: bytes) -> bytes:
    """The target with the values of secret query parameters and a userinfo password blanked."""
    if b"=" not in target and b"@" not in target:
        return target
    target = _QUERY_SECRET.sub(rb"\1" + REDACTED, target)
    return _USERINFO.sub(rb"\1" + REDACTED, target)


def redact_pairs(pairs: list[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The pairs, same order and number; an empty secret stays empty, for that is no secret."""
    return [
        (name, REDACTED if value and _is_secret(name) else redact_target(value))
        for name, value in pairs
    ]


def masked(name: bytes, value: bytes) -> bytes:
    """The value as it may be shown among the bytes around it: of its own length."""
    if _is_secret(name):
        return MASK * len(value)
    if b"=" not in value and b"@" not in value:
        return value
    value = _masked_parts(_FORM_SECRET, value)
    return _masked_parts(_USERINFO_LIKE, value)


def masked_body(body: bytes) -> bytes:
    """A body with the values of secret form fields and JSON members blanked, of its own length."""
    for pattern in (_FORM_SECRET, _JSON_SECRET, _MULTIPART_SECRET):
        body = _masked_parts(pattern, body)
    return body


def masked_unknown(data: bytes) -> bytes:
    """Bytes of which nobody knows what they are: what follows the name of a secret is blanked."""
    return _masked_parts(_NAMED_SECRET, masked_body(data))


def _masked_parts(pattern: re.Pattern[bytes], data: bytes) -> bytes:
    """Blanks the second group of each match."""
    return pattern.sub(lambda m: m[1] + MASK * len(m[2]), data)
