"""The client of the matrix: a mix of requests from a fixed seed, and what came back for each.

In: a front's port, the application's log. Out: one `Seen` for each request, by a bare socket and
http.client's reader of answers; never by gwtop. Four threads, each with a connection that it keeps
as long as the front does.
"""

import http.client
import json
import random
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

DEADLINE_S = 30.0
N_THREADS = 4


@dataclass(frozen=True)
class Ask:
    kind: str
    """Which of the mix; oddities are listed by it."""
    method: str
    target: bytes
    body: bytes | None = None
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False
    leaves: bool = False
    """The client goes once the application has the request (or half of its body)."""


@dataclass
class Seen:
    """What the client saw of one request; status None: it left before any answer."""

    ask: Ask
    probe: str
    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
BYTES = bytes(range(256))
ODD_TARGETS = {
    "encoded-slash": b"/odd/a%2Fb%2fc",
    "encoded-space": b"/odd/a%20b?q=a%20b+c&r=%26%3d",
    "encoded-utf8": b"/odd/%C3%A9t%C3%A9?price=%E2%82%AC",
    "raw-utf8": "/odd/été?q=é".encode(),
    "dots": b"/odd/x/../y/./z?a=../b",
    "two-slashes": b"/odd//double///slash",
    "semicolon": b"/odd;v=1/p,q:r@s!$&'()*+=~-_.?x=/?:@",
    "empty-query": b"/odd/empty?",
    "two-queries": b"/odd/two?a=1?b=2",
    "long-path": b"/odd/" + b"long/" * 400 + b"end",
    "long-query": b"/odd/query?q=" + b"0123456789" * 300,
}


def mix(longest_header_bytes: int) -> list[Ask]:
    """One of each kind; the small ones of most kinds more often."""
    asks = [
        *[Ask("hello", "GET", b"/status?n=200")] * 6,
        Ask("head", "HEAD", b"/big?n=300"),
        Ask("head-missing", "HEAD", b"/nowhere"),
        Ask("post-form", "POST", b"/echo", b"a=1&b=%20&c=", FORM),
        Ask("post-binary", "POST", b"/echo", BYTES * 20),
        Ask("post-empty", "POST", b"/echo", b""),
        Ask("post-record", "POST", b"/echo", BYTES * 256),
        Ask("post-big", "POST", b"/echo", BYTES * 1200),
        Ask("post-unread", "POST", b"/nowhere/unread", BYTES * 40),
        Ask("post-chunked", "POST", b"/echo", BYTES * 9, chunked=True),
        Ask("put", "PUT", b"/echo", b"put"),
        Ask("delete", "DELETE", b"/odd/delete"),
        Ask("big", "GET", b"/big?n=70000"),
        Ask("very-big", "GET", b"/big?n=900001"),
        Ask("stream", "GET", b"/stream?n=120000"),
        *[Ask("small", "GET", b"/big?n=%d" % n) for n in (0, 1, 7, 8, 4095, 8192, 65535)],
        *[Ask("no-body", "GET", b"/status?n=%d" % n) for n in (204, 304)],
        *[Ask("refused", "GET", b"/status?n=%d" % n) for n in (400, 401, 403, 404, 410)],
        *[Ask("broken", "GET", b"/status?n=%d" % n) for n in (500, 503)],
        Ask("error", "GET", b"/error"),
        Ask("missing", "GET", b"/nowhere/at/all"),
        Ask("moved", "GET", b"/moved"),
        Ask("cookies", "GET", b"/odd/cookie", None, (("Cookie", "a=1; b=2"), ("Accept", "*/*"))),
        Ask("twice", "GET", b"/odd/twice", None, (("X-Twice", "one"), ("X-Twice", "two"))),
        Ask("long-answer-head", "GET", b"/headers?n=3000"),
        *[Ask(kind, "GET", target) for kind, target in ODD_TARGETS.items()],
        Ask("leaves", "GET", b"/held", leaves=True),
        Ask("leaves-in-body", "POST", b"/echo", BYTES * 200, leaves=True),
    ]
    for n_bytes in (2000, 8000, longest_header_bytes):
        asks.append(Ask("long-header", "GET", b"/odd/long", None, (("X-Long", "y" * n_bytes),)))
    return asks


def asks_of(seed: int, n_rounds: int, longest_header_bytes: int = 8000) -> list[Ask]:
    """The mix so many times over, each round in another order, big bodies in the first two."""
    rng = random.Random(seed)
    told: list[Ask] = []
    for n in range(n_rounds):
        one = mix(longest_header_bytes)
        if n > 1:
            one = [ask for ask in one if ask.kind not in ("post-big", "very-big", "leaves")]
        rng.shuffle(one)
        told += one
    return told


def message(ask: Ask, probe: str) -> bytes:
    lines = [f"Host: example.org\r\nX-Probe: {probe}"]
    lines += [f"{name}: {value}" for name, value in ask.headers]
    body = ask.body or b""
    if ask.chunked:
        lines.append("Transfer-Encoding: chunked")
        pieces = [body[at : at + 1000] for at in range(0, len(body), 1000)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"
    elif ask.body is not None:
        lines.append(f"Content-Length: {len(body)}")
    if ask.leaves:
        body = body[: len(body) // 2]
    head = "\r\n".join(lines).encode() + b"\r\n\r\n"
    return ask.method.encode() + b" " + ask.target + b" HTTP/1.1\r\n" + head + body


class AppLog:
    """The application's own lines."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.touch()
        path.chmod(0o666)  # the servers' workers are other users

    def lines(self) -> list[dict[str, Any]]:
        whole = self.path.read_bytes().rpartition(b"\n")[0]  # a reader may see half a write
        return [json.loads(line) for line in whole.splitlines()]

    def has(self, probe: str, event: str) -> bool:
        return any((ln["probe"], ln["event"]) == (probe, event) for ln in self.lines())

    def wait(self, probe: str, event: str, deadline_s: float) -> bool:
        """Until the application has said so; False when it did not in this time."""
        over = threading.Event()
        timer = threading.Timer(deadline_s, over.set)
        timer.start()
        try:
            while not self.has(probe, event):
                if over.wait(0.01):
                    return False
            return True
        finally:
            timer.cancel()

    def ended(self) -> dict[str, dict[str, Any]]:
        return {ln["probe"]: ln for ln in self.lines() if ln["event"] == "end"}


def _ask(peer: socket.socket, seen: Seen) -> bool:
    """One exchange; True: the connection stays."""
    peer.sendall(message(seen.ask, seen.probe))
    answer = http.client.HTTPResponse(peer, method=seen.ask.method)
    answer.begin()
    seen.status = answer.status
    seen.headers = {name.lower(): value for name, value in answer.getheaders()}
    seen.body = answer.read()
    return not answer.will_close


def _leave(port: int, seen: Seen, log: AppLog) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as peer:
        peer.sendall(message(seen.ask, seen.probe))
        # Half a body reaches the application only through a front that does not buffer it.
        log.wait(seen.probe, "begin", DEADLINE_S if seen.ask.body is None else 0.1)


def _drive(port: int, jobs: list[Seen], log: AppLog) -> None:
    """One thread's share, on one connection as long as the front keeps it."""
    peer: socket.socket | None = None
    for seen in jobs:
        if seen.ask.leaves:
            _leave(port, seen, log)
            continue
        if peer is None:
            peer = socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S)
        if not _ask(peer, seen):
            peer.close()
            peer = None
    if peer is not None:
        peer.close()


def drive(port: int, asks: list[Ask], log: AppLog) -> list[Seen]:
    """All of them, each with a tag of its own; returns when the application is done, too."""
    # Of one width: a tag that a short snaplen cuts must not read as another one.
    told = [Seen(ask, f"probe-{n:04}") for n, ask in enumerate(asks)]
    with ThreadPoolExecutor(N_THREADS) as pool:
        shares = [pool.submit(_drive, port, told[n::N_THREADS], log) for n in range(N_THREADS)]
        for share in shares:
            share.result()
    for seen in told:
        # A worker whose reader has gone may die of it before it says so.
        if seen.ask.leaves and log.has(seen.probe, "begin"):
            log.wait(seen.probe, "end", 0.8)
    return told
