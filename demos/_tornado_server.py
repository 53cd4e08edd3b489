"""Tornado's server with a WSGI application: `_tornado_server.py FD READY_FILE`.

The listening socket FD is inherited.
"""

import socket
import sys
from pathlib import Path

from _application import application
from tornado.httpserver import HTTPServer
from tornado.ioloop import IOLoop
from tornado.wsgi import WSGIContainer


def main(fd: str, ready_file: str) -> None:
    listener = socket.socket(fileno=int(fd))
    listener.setblocking(False)  # the loop must not sleep in accept
    # The container calls the application in the loop itself; an executor would be its second
    # argument. It waits for the whole request body and for the whole answer.
    server = HTTPServer(WSGIContainer(application))
    server.add_sockets([listener])
    Path(ready_file).touch()
    IOLoop.current().start()


if __name__ == "__main__":
    main(*sys.argv[1:])
