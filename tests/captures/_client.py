"""The client of the captures: a fixed mix of requests, and what came back for each.

In: a front's port. Out: one line per request with what the client sent and received, by http.client
or by a bare socket, never by gwtop. Knows nothing of what is behind the front.
"""

import http.client
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from _machine import DEADLINE_S, Log

SECRET = "sekrit-of-the-capture"


@dataclass(frozen=True)
class Ask:
    method: str
    target: str
    body: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)


MIX = (
    Ask("GET", "/"),
    Ask("GET", "/?q=a%20b&name=%C3%A9", headers={"Cookie": f"session={SECRET}"}),
    Ask("HEAD", "/"),
    Ask("POST", "/echo", b"a=1&b=%20", {"Content-Type": "application/x-www-form-urlencoded"}),
    Ask("POST", "/echo", bytes(range(256)) * 18),
    Ask("GET", "/big?bytes=3000"),
    Ask("GET", "/nowhere/at/all"),
    Ask("GET", "/error"),
    Ask("GET", "/empty"),
    Ask("GET", "/cached", headers={"If-None-Match": '"1"'}),
    Ask("PUT", "/echo", b""),
    Ask("GET", "/stream"),
    Ask("GET", "/", headers={"X-Long": "y" * 2000, "Authorization": f"Bearer {SECRET}"}),
)

Seen = dict[str, Any]


def head(ask: Ask, probe: str) -> dict[str, str]:
    return {"X-Probe": probe, **ask.headers}


def seen(ask: Ask, probe: str, status: int | None, body: bytes | None, pid: str | None) -> Seen:
    return {
        "probe": probe,
        "method": ask.method,
        "target": ask.target,
        "sent_bytes": len(ask.body or b""),
        "status": status,
        "received_bytes": None if body is None else len(body),
        "pid": None if pid is None else int(pid),
    }


def one(connection: http.client.HTTPConnection, ask: Ask, probe: str) -> Seen:
    connection.request(ask.method, ask.target, ask.body, head(ask, probe))
    answer = connection.getresponse()
    body = answer.read()
    return seen(ask, probe, answer.status, body, answer.getheader("X-Worker-Pid"))


def drive(port: int, log: Log) -> list[Seen]:
    """The mix on one connection where the server keeps it, with one that gives up beside it."""
    told = []
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE_S)
    for n, ask in enumerate(MIX):
        told.append(one(connection, ask, f"p{n}"))
        log.wait(f"p{n}", "end")
    told.append(give_up(port, Ask("GET", "/held"), f"p{len(MIX)}", log))
    # One more, so that what came too late is not cut off by the end of the capture.
    told.append(one(connection, MIX[0], f"p{len(MIX) + 1}"))
    log.wait(f"p{len(MIX) + 1}", "end")
    connection.close()
    return told


def give_up(port: int, ask: Ask, probe: str, log: Log) -> Seen:
    """Sends a request and closes as soon as the application has it."""
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
        client.sendall(raw(ask, probe))
        log.wait(probe, "begin")
    log.wait(probe, "end")
    return seen(ask, probe, None, None, None)


def raw(ask: Ask, probe: str, chunked: bool = False) -> bytes:
    lines = [f"{ask.method} {ask.target} HTTP/1.1", "Host: example.org", f"X-Probe: {probe}"]
    body = ask.body or b""
    if chunked:
        lines.append("Transfer-Encoding: chunked")
        body = b"".join(
            b"%x\r\n%s\r\n" % (len(body[at:][:7]), body[at:][:7]) for at in range(0, len(body), 7)
        )
        body += b"0\r\n\r\n"
    elif ask.body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def pipeline(port: int, log: Log) -> list[Seen]:
    """Five requests in one write, one of them with a chunked body; answers in order."""
    asks = [
        Ask("GET", "/"),
        Ask("POST", "/echo", b"one in chunks, please"),
        Ask("GET", "/big?bytes=700"),
        Ask("GET", "/nowhere"),  # no HEAD: waitress sends the body that the application gives it
        Ask("GET", "/stream"),  # last: waitress closes after an answer in chunks
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as client:
        client.sendall(b"".join(raw(a, f"p{n}", a.body is not None) for n, a in enumerate(asks)))
        told = []
        log.wait(f"p{len(asks) - 1}", "end")
        reader = client.makefile("rb")
        for n, ask in enumerate(asks):
            answer = http.client.HTTPResponse(_Given(reader), method=ask.method)  # type: ignore[arg-type]
            answer.begin()
            body = answer.read()
            told.append(seen(ask, f"p{n}", answer.status, body, answer.getheader("X-Worker-Pid")))
        return told


class _Given:
    """A socket whose file is there already: answers follow one another in it."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader

    def makefile(self, mode: str) -> Any:
        return _Unclosed(self.reader)


class _Unclosed:
    """http.client closes its file after each answer; the next answer is in the same one."""

    def __init__(self, reader: Any) -> None:
        self.read, self.readline, self.readinto = reader.read, reader.readline, reader.readinto
        self.read1, self.peek, self.flush = reader.read1, reader.peek, reader.flush

    def close(self) -> None:
        return None


Drive = Callable[[int, Log], list[Seen]]
