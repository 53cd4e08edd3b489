"""Twisted: an event loop that reads and writes, and a pool of threads that runs the application.

    client --HTTP--> twisted's reactor --> a thread of its pool

One thread owns all the sockets; a whole request goes to another, and the answer comes back in
pieces. So nobody waits for a /slow, and still the thread that reads is always the same: what is
seen from outside is one process that reads in one thread. It has no master, so after /crash the
keeper starts it again.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import alone_or_behind, python

DEMO: Demo = {
    "name": "twisted",
    "summary": "WSGI behind an event loop, in its threads: Twisted",
    "protocol": "http",
    "process_model": "single-process",
    "explain": "wsgi",
    "fronts": ["none", "nginx", "apache", "lighttpd"],
    "needs": ["twisted"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    server = "_twisted_server.py"
    return alone_or_behind(keeper, options, lambda port: python(keeper, server, port, restart=True))


if __name__ == "__main__":
    main(DEMO, build)
