"""Twisted's web server with a WSGI application: `_twisted_server.py FD READY_FILE`.

The listening socket FD is inherited. WSGIResource gives each request to a thread of the pool.
"""

import os
import socket
import sys
from pathlib import Path

from _application import application
from twisted.internet import reactor
from twisted.web.server import Site
from twisted.web.wsgi import WSGIResource


def main(fd: str, ready_file: str) -> None:
    number = int(fd)
    os.set_blocking(number, False)  # the reactor accepts until nobody is left
    threads = reactor.getThreadPool()  # type: ignore[attr-defined]  # whichever reactor it is
    resource = WSGIResource(reactor, threads, application)
    # It duplicates the descriptor.
    reactor.adoptStreamPort(number, socket.AF_INET, Site(resource))  # type: ignore[attr-defined]
    os.close(number)
    reactor.callWhenRunning(Path(ready_file).touch)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
