"""gunicorn: a pool of processes that speak HTTP themselves.

    client --HTTP--> gunicorn arbiter and workers

An arbiter forks the workers and replaces those that die; it never touches a request. A "sync"
worker answers one client at a time and closes every connection, so a slow client holds a whole
process: gunicorn wants a buffering web server before it, as with --front nginx.
"""

from typing import Any

from _demo import Demo, Options, main
from _gunicorn import gunicorn
from _keeper import Keeper
from _servers import alone_or_behind

DEMO: Demo = {
    "name": "gunicorn",
    "summary": "WSGI in a pool of processes that speak HTTP: gunicorn",
    "protocol": "http",
    "process_model": "worker-pool",
    "explain": "wsgi",
    "fronts": ["none", "nginx", "apache", "lighttpd"],
    "needs": ["gunicorn"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    return alone_or_behind(keeper, options, lambda port: gunicorn(port, options.workers))


if __name__ == "__main__":
    main(DEMO, build)
