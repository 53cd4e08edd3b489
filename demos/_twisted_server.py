"""Twisted's web server with a WSGI application: `_twisted_server.py FD READY_FILE`.

The listening socket FD is inherited. WSGIResource gives each request to a thread of the pool.
"""

import os
import socket
import sys
from pathlib import Path
from typing import Any

from _application import application
from twisted.internet import reactor
from twisted.logger import FileLogObserver, LogLevel, formatEvent, globalLogBeginner
from twisted.web.http import HTTPChannel
from twisted.web.server import Site
from twisted.web.wsgi import WSGIResource


def said(event: Any) -> str | None:
    """What the application and the server complain of; not the line for each request."""
    return f"{formatEvent(event).strip()}\n" if event["log_level"] >= LogLevel.warn else None


def main(fd: str, ready_file: str) -> None:
    # wsgi.errors is its log, which nobody sees until it is begun.
    globalLogBeginner.beginLoggingTo([FileLogObserver(sys.stderr, said)], redirectStandardIO=False)
    HTTPChannel.totalHeadersSize = 65_536  # 16,384 by default
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
