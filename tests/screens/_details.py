"""A fixed detail for screens: a FastCGI request with a form, answered in JSON.

Out: the pool's facts, the last but one of its requests with everything one may see of it. Bytes
are dissected by the same code as in the engine, so that what is shown is what would be.
"""

from gwtop.nouns.facts import Detail, Request
from gwtop.protocols import discover
from gwtop.tracker.details import detail_fact
from gwtop.tracker.exchange import Hop
from gwtop.tracker.kept import Raw, Reel
from tests.screens._facts import MS, T0, pool

FORM = b"name=J.+Doe&password=hunter"
JSON = b'{"answer": 42, "words": ["queue", "of the pool"]}'
FIELDS = [
    ("REQUEST_METHOD", "POST"),
    ("QUERY_STRING", "q=queue+of+the+pool"),
    ("CONTENT_TYPE", "application/x-www-form-urlencoded"),
    ("CONTENT_LENGTH", str(len(FORM))),
    ("REQUEST_URI", "/search?q=queue+of+the+pool"),
    ("SERVER_PROTOCOL", "HTTP/1.1"),
    ("HTTP_HOST", "example.org"),
    ("HTTP_COOKIE", "sid=0123456789"),
]
ANSWER = [("Status", "500 Internal Server Error"), ("Content-Type", "application/json")]


def record(kind: int, content: bytes, padding: int = 0) -> bytes:
    header = bytes((1, kind, 0, 1)) + len(content).to_bytes(2, "big") + bytes((padding, 0))
    return header + content + bytes(padding)


def request_bytes() -> bytes:
    block = b"".join(
        bytes((len(name), len(value))) + name.encode() + value.encode() for name, value in FIELDS
    )
    begin = record(1, b"\0\1\1\0\0\0\0\0")
    return (
        begin
        + record(4, block, -len(block) % 8)
        + record(4, b"")
        + record(5, FORM)
        + record(5, b"")
    )


def answer_bytes() -> bytes:
    head = b"".join(f"{name}: {value}\r\n".encode() for name, value in ANSWER)
    stderr = record(7, b"Traceback\n  boom\n", 7)
    return stderr + record(6, head + b"\r\n" + JSON) + record(3, bytes(8))


def fastcgi_detail(id: int) -> Detail:
    hop = Hop(id, "127.0.0.1:50038", "127.0.0.1:3031", discover()["fastcgi"])
    at = T0 + 9_459 * MS
    asked, answered = request_bytes(), answer_bytes()
    client: list[Raw] = [(0, at, asked, len(asked))]
    server: list[Raw] = [(0, at + 37 * MS, answered, len(answered))]
    return detail_fact(Reel(id, hop, 1, client, server, 0, 0, 0), False)


def with_details() -> list[object]:
    """The pool; its request 38 is the one of the bytes."""
    facts: list[object] = []
    for fact in pool():
        if isinstance(fact, Request):
            told = {name: getattr(fact, name) for name in Request.__struct_fields__}
            told["fields"] = [(n, "[redacted]" if n == "HTTP_COOKIE" else v) for n, v in FIELDS]
            if fact.id == 38:
                told |= {"method": "POST", "target": FIELDS[4][1], "response_fields": ANSWER}
                told |= {"request_body_bytes": len(FORM), "response_body_bytes": len(JSON)}
            fact = Request(**told)
        facts.append(fact)
    return [*facts, fastcgi_detail(38)]
