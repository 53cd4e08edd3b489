"""Requests as HAR 1.2, the format of browsers' network panes.

In: `request` facts; gateway requests as the HTTP requests they were made of. Out: JSON text.
Refuses to know protocols: each one's own file says what its request is as HTTP.

Spec: "HTTP Archive (HAR) format" 1.2, W3C Web Performance draft of 2012-08-14, section 4. What HAR
has no name for stands under names with an underscore (section 3), so that no reader stumbles. HAR
wants numbers where we may know nothing: -1 is its word for that (4.2.6, 4.2.16).
"""

import json
from base64 import b64encode
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from urllib.parse import parse_qsl, quote, urlsplit

from gwtop import __version__
from gwtop.nouns.facts import Request
from gwtop.nouns.repeat import Http
from gwtop.nouns.times import MILLISECOND_NS
from gwtop.outputs.repeat import again_of, asked_of, pairs

UNKNOWN = -1
NO_MIME = "application/octet-stream"
_TOKEN_SAFE = "/?#[]@!$&'()*+,;=:%~-._"


def encode(facts: Iterable[Request]) -> str:
    """A whole HAR; facts of which the fields were not told have none."""
    log = {
        "version": "1.2",
        "creator": {"name": "gwtop", "version": __version__},
        "entries": [entry(fact) for fact in facts],
    }
    return json.dumps({"log": log}, indent=1, ensure_ascii=True) + "\n"


def entry(fact: Request) -> dict[str, object]:
    again = again_of(fact)
    http = Http(b"GET", "http://", b"", b"/", ()) if again is None else again.http
    host, _, _ = fact.server.rpartition(":")
    told: dict[str, object] = {
        "startedDateTime": fact.began_at,
        "time": _ms(fact.duration_ns or 0),
        "request": _request(fact, http),
        "response": _response(fact),
        "cache": {},
        "timings": _timings(fact),
        "connection": str(fact.connection),
        "_protocol": fact.protocol,
        "_server": fact.server,
        "_client": fact.client,
        "_id": fact.id,
        "_outcome": fact.outcome,
        "_pid": fact.pid,
        "_evidence": fact.evidence,
        "_queueNanoseconds": fact.queue_ns,
        "_notes": [note.code for note in fact.notes],
    }
    if not fact.server.startswith("unix:"):
        told["serverIPAddress"] = host.strip("[]")
    return told


def _request(fact: Request, http: Http) -> dict[str, object]:
    url = _url(fact, http)
    told: dict[str, object] = {
        "method": fact.method or "",
        "url": url,
        "httpVersion": "HTTP/1.1",
        "cookies": _cookies(http.headers),
        "headers": [_pair(_text(name), _text(value)) for name, value in http.headers],
        "queryString": _query(url),
        "headersSize": _known(fact.request_head_bytes),
        "bodySize": fact.request_body_bytes,
    }
    body = asked_of(fact).body
    if body:
        kind = next((v for n, v in http.headers if n.lower() == b"content-type"), b"")
        told["postData"] = {"mimeType": _text(kind) or NO_MIME, "text": _text(body)}
    return told


def _response(fact: Request) -> dict[str, object]:
    headers = [(n, v) for n, v in pairs(fact.response_fields) if n.lower() != "status"]
    said = {name.lower(): value for name, value in headers}
    content: dict[str, object] = {
        "size": fact.response_body_bytes,
        "mimeType": said.get("content-type", ""),
    }
    if isinstance(fact.response_body, str):
        content |= _content(fact.response_body.encode("latin-1", "replace"))
    return {
        "status": fact.status or 0,
        "statusText": _phrase(fact.status),
        "httpVersion": "HTTP/1.1",
        "cookies": [],
        "headers": [_pair(_told(name), _told(value)) for name, value in headers],
        "content": content,
        "redirectURL": said.get("location", ""),
        "headersSize": _known(fact.response_head_bytes),
        "bodySize": fact.response_body_bytes,
    }


def _timings(fact: Request) -> dict[str, float]:
    """HAR 1.2 4.2.16: `time` is the sum of them; the queue is the time a request was blocked."""
    total_ns = fact.duration_ns or 0
    queue_ns = min(fact.queue_ns or 0, total_ns)
    first_ns = total_ns if fact.first_byte_ns is None else min(fact.first_byte_ns, total_ns)
    return {
        "blocked": UNKNOWN if fact.queue_ns is None else _ms(queue_ns),
        "dns": UNKNOWN,
        "connect": UNKNOWN,
        "ssl": UNKNOWN,
        "send": 0,
        "wait": _ms(max(first_ns - queue_ns, 0)),
        "receive": _ms(total_ns - max(first_ns, queue_ns)),
    }


def _url(fact: Request, http: Http) -> str:
    target = fact.target or "/"
    if target.startswith(("http://", "https://")):
        return quote(target, safe=_TOKEN_SAFE, encoding="latin-1", errors="replace")
    host = _text(http.authority) or ("localhost" if "unix:" in fact.server else fact.server)
    path = target if target.startswith("/") else "/" + target
    return quote(
        f"{http.scheme}{host}{path}", safe=_TOKEN_SAFE, encoding="latin-1", errors="replace"
    )


def _query(url: str) -> list[dict[str, str]]:
    try:
        query = urlsplit(url).query
    except ValueError:  # a host such as "[::1"
        query = url.partition("?")[2]
    return [_pair(name, value) for name, value in parse_qsl(query, keep_blank_values=True)]


def _cookies(headers: Sequence[tuple[bytes, bytes]]) -> list[dict[str, str]]:
    found = []
    for name, value in headers:
        if name.lower() == b"cookie":
            for part in _text(value).split(";"):
                key, _, told = part.strip().partition("=")
                found.append(_pair(key, told))
    return found


def _pair(name: str, value: str) -> dict[str, str]:
    return {"name": name, "value": value}


def _content(body: bytes) -> dict[str, object]:
    """HAR 1.2 4.2.11: text, or base64 of what is none."""
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": b64encode(body).decode("ascii"), "encoding": "base64"}


def _text(raw: bytes) -> str:
    """UTF-8 where it is; else each byte as a character."""
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _told(text: str) -> str:
    return _text(text.encode("latin-1", "replace"))


def _known(size_bytes: int | None) -> int:
    return UNKNOWN if size_bytes is None else size_bytes


def _ms(duration_ns: int) -> float:
    return duration_ns / MILLISECOND_NS


def _phrase(status: int | None) -> str:
    try:
        return "" if status is None else HTTPStatus(status).phrase
    except ValueError:  # no status that has a name
        return ""
