"""uWSGI without a front: its workers speak HTTP themselves.

    client --HTTP--> uWSGI master and workers

--http-socket gives the port to the workers; --http would put a process of its own before them. It
is meant for a proxy, and keeps no connection: try --front nginx.
"""

import socket
from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper, Server
from _servers import alone_or_behind, uwsgi

DEMO: Demo = {
    "name": "uwsgi-http",
    "summary": "WSGI in a pool of processes that speak HTTP: uWSGI without a front",
    "protocol": "http",
    "process_model": "worker-pool",
    "explain": "uWSGI",
    "fronts": ["none", "nginx", "apache", "lighttpd"],
    "needs": ["pyuwsgi"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    def server(port: socket.socket) -> Server:
        made = uwsgi(port, "http-socket", options.workers)
        # It closes after every answer and does not say so: who keeps connections would send the
        # next request into the void.
        made.argv += ["--add-header", "Connection: close"]
        return made

    return alone_or_behind(keeper, options, server)


if __name__ == "__main__":
    main(DEMO, build)
