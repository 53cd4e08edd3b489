"""waitress: a loop that reads requests, and four threads that run the application.

    client --HTTP--> waitress' loop --> one of four threads

One thread owns all the sockets and reads each request to its end, so a slow client holds nobody;
only then a thread gets it, runs the application and writes what the socket takes at once. Who reads
is always the same thread: what is seen from outside is one process that reads in one thread. It has
no master, so after /crash the keeper starts it again.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import alone_or_behind, python

DEMO: Demo = {
    "name": "waitress",
    "summary": "WSGI behind a reading loop, in threads: waitress",
    "protocol": "http",
    "process_model": "single-process",
    "explain": "wsgi",
    "fronts": ["none", "nginx", "apache", "lighttpd"],
    "needs": ["waitress"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    server = "_waitress_server.py"
    return alone_or_behind(keeper, options, lambda port: python(keeper, server, port, restart=True))


if __name__ == "__main__":
    main(DEMO, build)
