"""The WSGI application behind the captures of notes: it does what one should not.

In: WSGI requests. Out: answers that are wrong in the way their path names. Run as a program it
serves itself: `app.py flup|flup-overloaded|tornado PORT`.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Environ = dict[str, Any]
LENGTH_100 = [("Content-Type", "text/plain"), ("Content-Length", "100")]


def application(environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
    path = environ.get("PATH_INFO", "/")
    if path == "/headless":
        return [b"this is no head"]  # start_response was never called
    if path == "/short":
        start_response("200 OK", LENGTH_100)
        return [b"short"]
    if path == "/die":
        os.kill(os.getpid(), signal.SIGKILL)
    if path == "/die-mid":
        start_response("200 OK", LENGTH_100)
        return die_in_answer()
    if path == "/slow":
        threading.Event().wait(0.6)
    if path == "/error":
        print("Traceback: the application says why", file=environ["wsgi.errors"])
        start_response("500 Internal Server Error", [("Content-Length", "0")])
        return []
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\n"]


def die_in_answer() -> Iterator[bytes]:
    yield b"the first half"
    os.kill(os.getpid(), signal.SIGKILL)


def serve_flup(port: int, overloaded: bool) -> None:
    """flup's threaded server, which multiplexes when `overloaded`: then no thread for a request
    can be started, which is when flup says FCGI_OVERLOADED."""
    import _thread

    from flup.server import fcgi, fcgi_base

    server = fcgi.WSGIServer(
        application, bindAddress=("127.0.0.1", port), multiplexed=overloaded, debug=False
    )
    if overloaded:
        # flup 1.0.3 catches `thread.error` and imports no `thread`: its port to Python 3 forgot.
        fcgi_base.thread = _thread
        threading.stack_size(1 << 46)  # no address space for another thread's stack
    server.run()


def serve_tornado(port: int) -> None:
    """A WebSocket that says one word and closes."""
    from tornado.ioloop import IOLoop
    from tornado.web import Application
    from tornado.websocket import WebSocketHandler

    class Talk(WebSocketHandler):
        async def open(self, *args: str, **kwargs: str) -> None:
            await self.write_message("hello")
            self.close()

    Application([("/socket", Talk)]).listen(port, "127.0.0.1")
    IOLoop.current().start()


if __name__ == "__main__":
    how, where = sys.argv[1], int(sys.argv[2])
    if how == "tornado":
        serve_tornado(where)
    else:
        serve_flup(where, how == "flup-overloaded")
