"""The WSGI application behind the captures: answers a few paths, and says on UDP what it saw.

In: WSGI requests. Out: answers with X-Worker-Pid, and for each one datagram to 127.0.0.1:LOG_PORT
with what the application itself received and sent: the second witness beside the client.
Knows nothing of the front or of the protocol that brought the request.

Run as a program it serves itself: `app.py wsgiref|waitress|flup-ajp|flup-fcgi|flup-scgi PORT`.
"""

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

Environ = dict[str, Any]
TEXT = ("Content-Type", "text/plain")


def tell(environ: Environ, **seen: Any) -> None:
    line = {
        "probe": environ.get("HTTP_X_PROBE"),
        "method": environ["REQUEST_METHOD"],
        "target": environ.get("REQUEST_URI", environ.get("RAW_URI")),
        "pid": os.getpid(),
        **seen,
    }
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.sendto(json.dumps(line).encode(), ("127.0.0.1", int(os.environ["LOG_PORT"])))


def answer(environ: Environ, body: bytes) -> tuple[str, list[tuple[str, str]], list[bytes]]:
    """Status, headers and the pieces of the answer's body."""
    path = environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", "/")
    query = parse_qs(environ.get("QUERY_STRING", ""))
    if path == "/big":
        return "200 OK", [TEXT], [b"x" * int(query["bytes"][0])]
    if path == "/stream":  # no Content-Length: chunked, or the end of the connection
        return "200 OK", [TEXT], [b"piece %d\n" % n for n in range(3)]
    if path == "/echo":
        return "200 OK", [("Content-Type", "application/octet-stream")], [body]
    if path == "/empty":
        return "204 No Content", [], []
    if path == "/cached":
        return "304 Not Modified", [("ETag", '"1"')], []
    if path == "/error":
        print("the application says: /error was asked for", file=environ["wsgi.errors"])
        return "500 Internal Server Error", [TEXT], [b"error\n"]
    if path == "/":
        return "200 OK", [TEXT], [b"hello\n"]
    if path == "/held":  # until the client has given up
        threading.Event().wait(0.3)
        return "200 OK", [TEXT], [b"too late\n"]
    return "404 Not Found", [TEXT], [b"no such thing\n"]


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    tell(environ, event="begin")
    n_bytes = int(environ.get("CONTENT_LENGTH") or 0)
    body = environ["wsgi.input"].read(n_bytes) if n_bytes else b""
    status, headers, pieces = answer(environ, body)
    sent = sum(map(len, pieces))
    if environ.get("PATH_INFO") != "/stream" and status[:3] not in ("204", "304"):
        headers = [*headers, ("Content-Length", str(sent))]
    start_response(status, [*headers, ("X-Worker-Pid", str(os.getpid()))])
    tell(environ, event="end", status=int(status[:3]), received_bytes=len(body), sent_bytes=sent)
    return pieces if environ.get("PATH_INFO") != "/stream" else one_by_one(pieces)


def one_by_one(pieces: list[bytes]) -> Iterator[bytes]:
    yield from pieces


def serve(how: str, port: int) -> None:
    if how == "wsgiref":
        from wsgiref.simple_server import make_server

        make_server("127.0.0.1", port, application).serve_forever()
    elif how == "waitress":
        import waitress

        waitress.serve(application, listen=f"127.0.0.1:{port}", threads=2, _quiet=True)
    else:
        from importlib import import_module

        module = import_module(f"flup.server.{how.removeprefix('flup-')}")
        module.WSGIServer(application, bindAddress=("127.0.0.1", port)).run()


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
