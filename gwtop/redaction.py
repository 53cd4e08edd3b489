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
