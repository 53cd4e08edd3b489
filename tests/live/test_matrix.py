"""Every front before every back end it can have: what gwtop reads is what both ends saw.

In: a capture of the hop between them, made here. The witnesses are the client, which tagged each
request, and the application, which wrote down what it got and gave. Where they differ from each
other, or from the wire, it is a habit of a server: each stands in ODDITIES with its reason.
"""

import json
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote_to_bytes

import pytest

from tests.live._asking import Seen, drive
from tests.live._running import Fact, gwtop_command, of_type, running
from tests.live._taking import Taken, served, take, usual_asks

pytestmark = [pytest.mark.live, pytest.mark.timeout(120)]

BEHIND = {
    "nginx": ("fastcgi", "uwsgi", "scgi"),
    "apache": ("fastcgi", "uwsgi", "scgi", "ajp"),
    "mod_jk": ("ajp",),
    "lighttpd": ("fastcgi", "uwsgi", "scgi"),
    # No lighttpd before AJP: its mod_ajp13 1.4.69 writes a NUL behind a null string and an empty
    # packet behind each request. Tomcat answers that packet, too (500); flup calls it a protocol
    # error; and neither gets a body.
}
SPEAKERS = {
    "fastcgi": ("php-fpm", "uwsgi", "fcgiwrap", "flup"),
    "uwsgi": ("uwsgi", "gunicorn"),
    "scgi": ("uwsgi", "flup"),
    "ajp": ("flup", "tomcat"),
}
PAIRS = [
    f"{front}-{back}/{protocol}"
    for front, protocols in BEHIND.items()
    for protocol in protocols
    for back in SPEAKERS[protocol]
]
N_ROUNDS = {"fcgiwrap": 3}
"""Rounds of the mix (some 56 requests each), where not 4: a CGI process costs 30 ms."""


class Oddity(NamedTuple):
    pair: str
    kind: str
    what: str
    reason: str


_NGINX_BUFFERS = "reads a request's whole body before it connects to the back end"
_LATE = "notices that its client has left when it writes to it: it reads the whole answer first"
ODDITIES = [
    # A client that leaves.
    Oddity("nginx-*", "leaves-in-body", "told", _NGINX_BUFFERS),
    Oddity("lighttpd-*", "leaves-in-body", "told", _NGINX_BUFFERS),
    Oddity("lighttpd-*", "leaves", "outcome", _LATE),
    Oddity("apache-*", "leaves*", "outcome", _LATE),
    Oddity("mod_jk-*", "leaves*", "outcome", _LATE),
    Oddity("nginx-*", "head*", "outcome", "closes once it has the head of an answer to HEAD"),
    # Refused by the front itself: the back end never heard of it.
    Oddity("apache-*/uwsgi", "post-chunked", "told", "mod_proxy_uwsgi wants a length: 411"),
    Oddity("apache-*/scgi", "post-chunked", "told", "mod_proxy_scgi wants a length: 411"),
    Oddity("apache-*/uwsgi", "encoded-slash", "told", "mod_proxy_uwsgi fails to unescape it: 500"),
    # Chunked bodies where the protocol asks for them.
    Oddity("*-flup/ajp", "post-chunked", "client's sent", "flup asks for no body without a length"),
    # Targets that the front rebuilds.
    Oddity("apache-*/ajp", "raw-utf8", "target", "mod_proxy_ajp escapes the path anew"),
    Oddity("apache-*/ajp", "dots", "other target", "mod_proxy_ajp sends the path resolved"),
    # Answers that Tomcat makes before the application is asked.
    *[
        Oddity("*-tomcat/ajp", kind, what, "a JSP allows GET, HEAD and POST alone: 405")
        for kind in ("put", "delete")
        for what in ("no word of the application", "pid", "probe")
    ],
]
"""What a server does, by pair, kind of request and the fact in which it shows."""


class Difference(NamedTuple):
    kind: str
    what: str
    fact: object
    witness: object

    def is_known(self, pair: str) -> bool:
        return any(
            fnmatch(pair, odd.pair) and fnmatch(self.kind, odd.kind) and self.what == odd.what
            for odd in ODDITIES
        )


def read_facts(pcap: bytes, folder: Path) -> list[Fact]:
    file = folder / "a.pcap"
    file.write_bytes(pcap)
    command = gwtop_command("read", str(file), "--json", "--details")
    done = subprocess.run(command, capture_output=True, timeout=60, check=True, cwd="/")
    return [json.loads(line) for line in done.stdout.splitlines()]


def probe_of(fact: Fact) -> str | None:
    fields = {name.lower().replace("_", "-"): value for name, value in fact["fields"]}
    probe: str | None = fields.get("http-x-probe", fields.get("x-probe"))
    return probe


def by_probe(facts: Iterable[Fact]) -> dict[str | None, list[Fact]]:
    told: dict[str | None, list[Fact]] = defaultdict(list)
    for fact in facts:
        told[probe_of(fact)].append(fact)
    return told


def on_the_wire(target: bytes) -> str:
    return target.decode("latin-1")


def same_resource(target: str, asked: bytes) -> bool:
    """Equal once percent-escapes are undone: fronts that rebuild a target escape it anew."""
    return unquote_to_bytes(target.encode("latin-1")) == unquote_to_bytes(asked)


def differences(taken: Taken, told: dict[str | None, list[Fact]]) -> Iterator[Difference]:
    for probe in set(told) - {seen.probe for seen in taken.seen}:
        yield Difference("", "invented", told[probe], None)
    for seen in taken.seen:
        kind, facts, app = seen.ask.kind, told.get(seen.probe, []), taken.app.get(seen.probe)
        if len(facts) != 1:
            yield Difference(kind, "told", len(facts), seen.status)
        for fact in facts:
            yield from wrong_request(fact, seen)
            if seen.ask.leaves:
                yield from wrong_abort(fact, app)
            else:
                yield from wrong_answer(fact, seen, app)


def wrong_request(fact: Fact, seen: Seen) -> Iterator[Difference]:
    ask = seen.ask
    if fact["method"] != ask.method:
        yield Difference(ask.kind, "method", fact["method"], ask.method)
    if fact["target"] != on_the_wire(ask.target):
        what = "target" if same_resource(fact["target"], ask.target) else "other target"
        yield Difference(ask.kind, what, fact["target"], ask.target)
    if fact["lost_bytes"] or fact["outcome"] == "partial":
        yield Difference(ask.kind, "loss", fact["lost_bytes"], 0)


def wrong_abort(fact: Fact, app: dict[str, Any] | None) -> Iterator[Difference]:
    """The client left: what the application got all the same, it got over this hop."""
    if fact["outcome"] != "aborted":
        yield Difference("leaves", "outcome", fact["outcome"], "aborted")
    if app is not None and fact["request_body_bytes"] < app["received_bytes"]:
        yield Difference("leaves", "sent", fact["request_body_bytes"], app["received_bytes"])


def wrong_answer(fact: Fact, seen: Seen, app: dict[str, Any] | None) -> Iterator[Difference]:
    kind, headers = seen.ask.kind, {k.lower(): v for k, v in fact["response_fields"]}
    if app is None:
        yield Difference(kind, "no word of the application", fact["status"], seen.status)
        app = {
            "received_bytes": len(seen.ask.body or b""),
            "sent_bytes": len(seen.body),
            "status": seen.status,
            "pid": seen.headers.get("x-worker-pid"),
        }
    expected = {
        "outcome": "done",
        "status": app["status"],
        "request_body_bytes": app["received_bytes"],
        "response_body_bytes": app["sent_bytes"],
        "pid": str(app["pid"]),
        "probe": seen.probe,
    }
    found = {**fact, "pid": headers.get("x-worker-pid"), "probe": headers.get("x-probe")}
    for what, witness in expected.items():
        if found[what] != witness:
            yield Difference(kind, what, found[what], witness)
    yield from wrong_to_the_client(found, seen)


def wrong_to_the_client(found: Fact, seen: Seen) -> Iterator[Difference]:
    kind, ask = seen.ask.kind, seen.ask
    if found["status"] != seen.status:
        yield Difference(kind, "client's status", found["status"], seen.status)
    if found["request_body_bytes"] != len(ask.body or b""):
        yield Difference(kind, "client's sent", found["request_body_bytes"], len(ask.body or b""))
    if ask.method != "HEAD" and found["response_body_bytes"] != len(seen.body):
        yield Difference(kind, "client's got", found["response_body_bytes"], len(seen.body))


def assert_as_seen(taken: Taken, facts: list[Fact]) -> None:
    told = by_probe(of_type(facts, "request"))
    found = list(differences(taken, told))
    known = Counter((d.kind, d.what) for d in found if d.is_known(taken.pair))
    print(f"{taken.pair}: {len(taken.seen)} asked, {sum(map(len, told.values()))} told, {known}")
    assert [d for d in found if not d.is_known(taken.pair)] == []
    long_headers(taken, told)
    # The mix is what it says: a server that refuses all of it would agree with itself.
    answered = {seen.ask.kind: seen.status for seen in taken.seen if not seen.ask.leaves}
    for kind in ("hello", "post-big", "very-big", "long-path", "cookies"):
        assert answered[kind] == 200


def long_headers(taken: Taken, told: dict[str | None, list[Fact]]) -> None:
    """To the last byte."""
    for seen in taken.seen:
        sent = dict(seen.ask.headers).get("X-Long")
        if sent is not None:
            (fact,) = told[seen.probe]
            fields = {name.lower().replace("_", "-"): value for name, value in fact["fields"]}
            assert fields.get("http-x-long", fields.get("x-long")) == sent


@pytest.mark.parametrize("pair", PAIRS)
def test_facts_of_a_capture_are_what_both_ends_saw(pair: str, tmp_path: Path) -> None:
    taken = take(pair, usual_asks(pair, N_ROUNDS.get(pair.partition("-")[2].split("/")[0], 4)))
    assert_as_seen(taken, read_facts(taken.pcap, tmp_path))


@pytest.mark.parametrize("pair", ["nginx-php-fpm/fastcgi", "apache-tomcat/ajp"])
def test_facts_of_a_live_watch_are_what_both_ends_saw(pair: str) -> None:
    with served(pair) as (_, log, front, port):
        with running("attach", "--port", str(port), "--json", "--details") as gwtop:
            gwtop.await_type("hello")
            seen = drive(front, usual_asks(pair, 2), log)
            # What is in flight when it is interrupted is counted and not told.
            while not set(log.ended()) <= {probe_of(f) for f in of_type(gwtop.facts, "request")}:
                gwtop.await_type("request")
            assert gwtop.interrupt() == 130
        assert_as_seen(Taken(pair, port, b"", seen, log.ended()), gwtop.facts)
