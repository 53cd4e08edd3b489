"""The WSGI application that every demo serves, unchanged. Its pages stand in PAGES.

A request comes in as PEP 3333 says; every answer carries the pid of the process that made it in
X-Worker-Pid. It does not know which gateway runs it. Under CGI it is loaded again for each
request, so it imports next to nothing (urllib.parse alone would cost 3 ms).
"""

import os
import signal
import time
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
Query = dict[str, str]
Page = Callable[[Environ, Query], tuple[str, list[bytes]]]

PIECE = b"x" * 65536
MOST_BYTES = 1 << 30


def hello(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    return "200 OK", [b"Hello from process %d\n" % os.getpid()]


def slow(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    time.sleep(min(int(query.get("ms", "200")), 60_000) / 1000)
    return "200 OK", [b"slow\n"]


def big(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    n_pieces, rest = divmod(min(int(query.get("bytes", "100000")), MOST_BYTES), len(PIECE))
    return "200 OK", [PIECE] * n_pieces + [PIECE[:rest]]


def echo(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    # A server may give no end of file after the body (PEP 3333): never read past its length.
    n_bytes = int(environ.get("CONTENT_LENGTH") or 0)
    return "200 OK", [environ["wsgi.input"].read(n_bytes)]


def status(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    code = int(query.get("code", "204"))
    if not 200 <= code <= 599:
        raise ValueError(code)
    return f"{code} As Asked", [] if code in (204, 304) else [b"status\n"]


def error(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    environ["wsgi.errors"].write(f"demo: /error was asked of process {os.getpid()}\n")
    environ["wsgi.errors"].flush()
    return "500 Internal Server Error", [b"error\n"]


def crash(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    os.kill(os.getpid(), signal.SIGKILL)  # as the OOM killer does: no handler, no core file
    raise AssertionError("a process outlived SIGKILL")


def missing(environ: Environ, query: Query) -> tuple[str, list[bytes]]:
    return "404 Not Found", [b"not found\n"]


PAGES: dict[str, Page] = {
    "/": hello,
    "/slow": slow,
    "/big": big,
    "/stream": big,  # the same without a Content-Length
    "/echo": echo,
    "/status": status,
    "/error": error,
    "/crash": crash,
}


def application(environ: Environ, start_response: Callable[..., object]) -> Iterable[bytes]:
    path = environ.get("PATH_INFO") or "/"
    query = dict(pair.partition("=")[::2] for pair in environ.get("QUERY_STRING", "").split("&"))
    try:
        line, body = PAGES.get(path, missing)(environ, query)
    except ValueError:  # ?ms=abc
        line, body = "400 Bad Request", [b"not a number\n"]
    headers = [("Content-Type", "text/plain"), ("X-Worker-Pid", str(os.getpid()))]
    if path != "/stream" and line[:3] not in ("204", "304"):
        headers.append(("Content-Length", str(sum(map(len, body)))))
    start_response(line, headers)
    return [] if environ["REQUEST_METHOD"] == "HEAD" else body
