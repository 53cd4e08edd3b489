"""Tornado: an event loop that calls a WSGI application between two events.

    client --HTTP--> tornado, one process and one thread

Thousands of connections cost it next to nothing, and yet while the application sleeps in /slow
everybody waits: WSGI has no way to wait without holding the loop. Tornado's own handlers, which are
coroutines, have one. It has no master, so after /crash the keeper starts it again.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import alone_or_behind, python

DEMO: Demo = {
    "name": "tornado",
    "summary": "WSGI in an event loop: Tornado",
    "protocol": "http",
    "process_model": "single-process",
    "explain": "wsgi",
    "fronts": ["none", "nginx", "apache", "lighttpd"],
    "needs": ["tornado"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    server = "_tornado_server.py"
    return alone_or_behind(keeper, options, lambda port: python(keeper, server, port, restart=True))


if __name__ == "__main__":
    main(DEMO, build)
