"""The standard library's WSGI server on an inherited socket: `_wsgiref_server.py FD READY_FILE`."""

import socket
import sys
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from _application import application


class QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass  # a line for each request


def main(fd: str, ready_file: str) -> None:
    listener = socket.socket(fileno=int(fd))
    server = WSGIServer(listener.getsockname(), QuietHandler, bind_and_activate=False)
    server.socket.close()  # the one it made; ours is bound already
    server.socket = listener
    server.server_name, server.server_port = listener.getsockname()
    server.setup_environ()
    server.set_app(application)
    Path(ready_file).touch()
    server.serve_forever(poll_interval=3600)  # it is only asked to stop by a signal


if __name__ == "__main__":
    main(*sys.argv[1:])
