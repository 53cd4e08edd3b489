"""uWSGI without a front: its workers speak HTTP themselves.

    client --HTTP--> uWSGI master and workers

--http-socket gives the port to the workers; --http would put a process of its own before them. It
is meant for a proxy behind which nobody else can reach it: it keeps no connection.
"""

from typing import Any

from _demo import Demo, Options, main
from _keeper import Keeper
from _servers import address, uwsgi

DEMO: Demo = {
    "name": "uwsgi-http",
    "summary": "WSGI in a pool of processes that speak HTTP: uWSGI without a front",
    "protocol": "http",
    "process_model": "worker-pool",
    "explain": "uWSGI",
    "fronts": [],
    "needs": ["pyuwsgi"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listener = keeper.listener()
    where = address(listener)
    server = uwsgi(listener, "http-socket", options.workers)
    # It closes after every answer and does not say so: a client would send its next into the void.
    server.argv += ["--add-header", "Connection: close"]
    keeper.start(server)
    return {"url": f"http://{where}/", "listen": where, "front": None}


if __name__ == "__main__":
    main(DEMO, build)
