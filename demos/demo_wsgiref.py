"""wsgiref: the standard library's WSGI server, one process that answers one client at a time.

    client --HTTP--> wsgiref.simple_server

There is no gateway protocol: server and application share a process and call each other. While it
sleeps in /slow everybody waits in the listening socket's queue. It has no master, so after /crash
the keeper starts it again, on the same socket.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import alone_or_behind, python

DEMO: Demo = {
    "name": "wsgiref",
    "summary": "WSGI in one process: the standard library's wsgiref",
    "protocol": "http",
    "process_model": "single-process",
    "explain": "wsgi",
    "fronts": ["none", "nginx", "apache", "lighttpd"],
    "needs": [],
    "install": None,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    server = "_wsgiref_server.py"
    return alone_or_behind(keeper, options, lambda port: python(keeper, server, port, restart=True))


if __name__ == "__main__":
    main(DEMO, build)
