"""The application behind the matrix's back ends that speak Python: answers, and tells a file.

In: WSGI requests. Out: answers that name the worker and give the client's tag back, and two lines
in $MATRIX_LOG for each request ("begin", "end"): what the application itself received and sent.
Knows nothing of the front, of the back end or of the protocol between them.

Run as a program it serves itself: `app.py cgi`, or `app.py flup.server.fcgi PORT`.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

Environ = dict[str, Any]
Answer = tuple[str, bytes, list[tuple[str, str]]]


def tell(environ: Environ, **seen: Any) -> None:
    line = {
        "probe": environ.get("HTTP_X_PROBE"),
        "method": environ["REQUEST_METHOD"],
        "target": environ.get("REQUEST_URI", environ.get("RAW_URI")),
        "pid": os.getpid(),
        **seen,
    }
    # One write on a file opened for appending: lines of several processes do not mix.
    log = os.open(os.environ["MATRIX_LOG"], os.O_WRONLY | os.O_APPEND)
    try:
        os.write(log, json.dumps(line).encode() + b"\n")
    finally:
        os.close(log)


def read_body(environ: Environ) -> bytes:
    left = int(environ.get("CONTENT_LENGTH") or 0)
    pieces = []
    while left > 0:
        try:
            piece = environ["wsgi.input"].read(left)
        except OSError:  # uWSGI's way to say that the front has gone
            break
        if not piece:
            break
        pieces.append(piece)
        left -= len(piece)
    return b"".join(pieces)


def answer(environ: Environ, path: str, body: bytes) -> Answer:
    query = environ.get("QUERY_STRING", "")
    number = int(query.partition("=")[2]) if query.startswith("n=") else 0
    match path:
        case "/echo":
            return "200 OK", body, []
        case "/big" | "/stream":
            return "200 OK", b"0123456789abcdef" * (number // 16) + b"x" * (number % 16), []
        case "/moved":
            return "302 Found", b"", [("Location", "http://example.org/elsewhere")]
        case "/status":
            return f"{number} As Asked", b"" if number in (204, 304) else b"as asked\n", []
        case "/error":
            return "500 Internal Server Error", b"error\n", []
        case "/held":
            import threading  # a fifth of a CGI process's life, so only here

            threading.Event().wait(0.4)
            return "200 OK", b"too late\n", []
        case "/headers":
            return "200 OK", b"headers\n", [("X-Long", "v" * number)]
    if path.startswith("/odd"):
        return "200 OK", b"odd\n", []
    return "404 Not Found", b"no such thing\n", []


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    tell(environ, event="begin")
    uri = environ.get("REQUEST_URI", environ.get("RAW_URI", ""))
    body = read_body(environ)
    status, sent, headers = answer(environ, uri.partition("?")[0], body)
    code = int(status[:3])
    if code not in (204, 304) and not uri.startswith("/stream"):
        headers.append(("Content-Length", str(len(sent))))
    if code not in (204, 304):
        headers.append(("Content-Type", "text/plain"))
    headers += [
        ("X-Worker-Pid", str(os.getpid())),
        ("X-Probe", environ.get("HTTP_X_PROBE", "")),
    ]
    if environ["REQUEST_METHOD"] == "HEAD":
        sent = b""
    start_response(status, headers)
    tell(environ, event="end", status=code, received_bytes=len(body), sent_bytes=len(sent))
    return [sent[at : at + 50_000] for at in range(0, len(sent), 50_000)]


def serve(how: str) -> None:
    if how == "cgi":
        from wsgiref.handlers import CGIHandler

        CGIHandler().run(application)
        return
    from importlib import import_module

    address = ("127.0.0.1", int(sys.argv[2]))
    import_module(how).WSGIServer(application, bindAddress=address).run()


if __name__ == "__main__":
    serve(sys.argv[1])
