"""HAR 1.2: each required name with its type, as the draft says; what has no name underscored."""

import json

import msgspec
import pytest
from jsonschema import Draft202012Validator

from gwtop import journal
from gwtop.nouns.facts import Request
from gwtop.outputs.har import encode, entry
from tests._replay import replay
from tests.screens._facts import T0, hostile, request

TEXT, NUMBER, SIZE = {"type": "string"}, {"type": "number", "minimum": -1}, {"type": "integer"}


def exactly(required: dict[str, object], **optional: object) -> dict[str, object]:
    """An object of HAR 1.2: these names, perhaps those, and names with an underscore."""
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "patternProperties": {"^_": {}},
        "additionalProperties": False,
    }


def listed(items: object) -> dict[str, object]:
    return {"type": "array", "items": items}


PAIR = exactly({"name": TEXT, "value": TEXT})
COOKIE = exactly({"name": TEXT, "value": TEXT}, path=TEXT, domain=TEXT, expires=TEXT)
REQUEST = exactly(  # 4.2.6
    {
        "method": TEXT,
        "url": {"type": "string", "format": "uri", "pattern": "^https?://[!-~]*$"},
        "httpVersion": TEXT,
        "cookies": listed(COOKIE),
        "headers": listed(PAIR),
        "queryString": listed(PAIR),
        "headersSize": SIZE,
        "bodySize": SIZE,
    },
    postData=exactly({"mimeType": TEXT, "text": TEXT}, params=listed(PAIR)),
)
RESPONSE = exactly(  # 4.2.7
    {
        "status": {"type": "integer"},
        "statusText": TEXT,
        "httpVersion": TEXT,
        "cookies": listed(COOKIE),
        "headers": listed(PAIR),
        "content": exactly({"size": SIZE, "mimeType": TEXT}, text=TEXT, encoding=TEXT),
        "redirectURL": TEXT,
        "headersSize": SIZE,
        "bodySize": SIZE,
    }
)
TIMINGS = exactly(  # 4.2.16
    {"send": {"type": "number", "minimum": 0}, "wait": NUMBER, "receive": NUMBER},
    blocked=NUMBER,
    dns=NUMBER,
    connect=NUMBER,
    ssl=NUMBER,
)
ENTRY = exactly(  # 4.2.4
    {
        "startedDateTime": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$",
        },
        "time": {"type": "number", "minimum": 0},
        "request": REQUEST,
        "response": RESPONSE,
        "cache": {"type": "object"},
        "timings": TIMINGS,
    },
    serverIPAddress=TEXT,
    connection=TEXT,
)
HAR = exactly(
    {
        "log": exactly(
            {
                "version": {"const": "1.2"},
                "creator": exactly({"name": TEXT, "version": TEXT}),
                "entries": listed(ENTRY),
            }
        )
    }
)


def requests(capture: str, **options: bool) -> list[Request]:
    told = [journal.decode(line) for line in replay(capture, **options)]  # type: ignore[arg-type]
    return [fact for fact in told if isinstance(fact, Request)]


@pytest.mark.parametrize(
    "capture",
    ["http/waitress-pipelined", "fastcgi/nginx-php-fpm", "ajp/apache-flup", "scgi/nginx-uwsgi"],
)
def test_every_entry_obeys_the_format(capture: str) -> None:
    facts = requests(capture)
    har = json.loads(encode(facts))
    Draft202012Validator(HAR).validate(har)
    assert len(har["log"]["entries"]) == len(facts) > 0
    for one in har["log"]["entries"]:
        spent = sum(value for value in one["timings"].values() if value > 0)
        assert spent == pytest.approx(one["time"], abs=0.001)
        assert one["request"]["url"].startswith("http://")


def test_hostile_and_empty_facts_obey_it_too() -> None:
    facts = [fact for fact in hostile() if isinstance(fact, Request)]
    bare = msgspec.structs.replace(
        facts[0], fields=msgspec.UNSET, method=None, target=None, status=None, duration_ns=None
    )
    odd = msgspec.structs.replace(
        facts[0],
        protocol="http",
        status=999,
        target="//[::1\ud800",
        server="unix:/x",
        fields=[("Cookie", "a=b; c"), ("Content-Type", "x/y")],
        request_body="\xff",
        response_body="\xff\xfe",
        queue_ns=10**12,
    )
    har = json.loads(encode([*facts, bare, odd]))
    Draft202012Validator(HAR).validate(har)
    last = har["log"]["entries"][-1]
    assert last["response"]["content"]["encoding"] == "base64"
    assert last["request"]["cookies"] == [
        {"name": "a", "value": "b"},
        {"name": "c", "value": ""},
    ]
    assert "serverIPAddress" not in last


def test_a_gateway_request_is_the_http_request_it_was_made_of() -> None:
    [fact] = requests("uwsgi/nginx-uwsgi")[1:2]
    one = json.loads(json.dumps(entry(fact)))
    names = {header["name"] for header in one["request"]["headers"]}
    assert "Host" in names and not any(name.startswith("HTTP") for name in names)
    assert one["_protocol"] == "uwsgi"
    assert one["request"]["queryString"] or "?" not in str(fact.target)
    assert one["response"]["status"] == fact.status


def test_valid_utf_8_is_text_and_the_status_field_is_no_header() -> None:
    [fact] = requests("fastcgi/nginx-php-fpm")[:1]
    fact = msgspec.structs.replace(
        fact, response_body="caf\xc3\xa9", response_fields=[("Status", "404"), ("X", "\xc3\xa9")]
    )
    response = entry(fact)["response"]
    assert isinstance(response, dict)
    assert response["content"]["text"] == "café"
    assert response["headers"] == [{"name": "X", "value": "é"}]


MS = 1_000_000


@pytest.mark.parametrize(
    ("told", "time", "blocked", "wait", "receive"),
    [
        pytest.param({"queue_ns": 2 * MS, "first_byte_ns": 9 * MS}, 12, 2, 7, 3, id="all known"),
        pytest.param({"queue_ns": None, "first_byte_ns": 9 * MS}, 12, -1, 9, 3, id="no queue"),
        pytest.param({"queue_ns": 2 * MS, "first_byte_ns": None}, 12, 2, 10, 0, id="no first byte"),
        pytest.param({"queue_ns": 20 * MS, "first_byte_ns": 9 * MS}, 12, 12, 0, 0, id="read late"),
        pytest.param({"duration_ns": None, "queue_ns": 2 * MS}, 0, 0, 0, 0, id="no answer"),
    ],
)
def test_the_time_of_a_request_is_the_sum_of_where_it_was(
    told: dict[str, object], time: float, blocked: float, wait: float, receive: float
) -> None:
    one = json.loads(json.dumps(entry(request(1, T0, **told))))
    assert one["time"] == time
    assert one["timings"] == {
        "blocked": blocked,
        "dns": -1,
        "connect": -1,
        "ssl": -1,
        "send": 0,
        "wait": wait,
        "receive": receive,
    }


def test_sizes_that_are_not_known_are_minus_one() -> None:
    one = json.loads(json.dumps(entry(request(1, T0, response_head_bytes=None))))
    assert (one["request"]["headersSize"], one["response"]["headersSize"]) == (412, -1)
    assert (one["request"]["bodySize"], one["response"]["bodySize"]) == (0, 1024)


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ({}, "http://127.0.0.1:3031/s?a=&b=1"),
        ({"server": "unix:/run/app.sock"}, "http://localhost/s?a=&b=1"),
        (
            {"fields": [("HTTP_HOST", "example.org"), ("REQUEST_METHOD", "GET")]},
            "http://example.org/s?a=&b=1",
        ),
    ],
)
def test_the_url_has_the_host_that_was_asked_or_the_server(
    told: dict[str, object], url: str
) -> None:
    one = json.loads(json.dumps(entry(request(1, T0, target="/s?a=&b=1", **told))))
    assert one["request"]["url"] == url
    assert one["request"]["queryString"] == [
        {"name": "a", "value": ""},
        {"name": "b", "value": "1"},
    ]
