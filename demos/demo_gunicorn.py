"""gunicorn: a pool of processes that speak HTTP themselves.

    client --HTTP--> gunicorn arbiter and workers

An arbiter forks the workers and replaces those that die; it never touches a request. A "sync"
worker answers one client at a time and closes every connection, so a slow client holds a whole
process: gunicorn wants a buffering web server before it.
"""

from typing import Any

from _demo import Demo, Options, main
from _gunicorn import gunicorn
from _keeper import Keeper
from _servers import address

DEMO: Demo = {
    "name": "gunicorn",
    "summary": "WSGI in a pool of processes that speak HTTP: gunicorn",
    "protocol": "http",
    "process_model": "worker-pool",
    "explain": "wsgi",
    "fronts": [],
    "needs": ["gunicorn"],
    "install": "pip install 'gwtop[demos]'",
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    listener = keeper.listener()
    where = address(listener)
    keeper.start(gunicorn(listener, options.workers))
    return {"url": f"http://{where}/", "listen": where, "front": None}


if __name__ == "__main__":
    main(DEMO, build)
