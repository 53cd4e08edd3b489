"""gunicorn's gthread worker: one process that answers in four threads.

    client --HTTP--> gunicorn arbiter --> one worker, four threads

Connections stay: the worker's main thread waits for all of them and hands each request to a thread
of a pool, which reads it and runs the application. While one sleeps in /slow three others answer.
There is one worker, however many --workers are asked for.
"""

from typing import Any

from _demo import HERE, Demo, Options, main
from _gunicorn import gunicorn
from _keeper import Keeper
from _servers import alone_or_behind

DEMO: Demo = {
    "name": "gunicorn-threads",
    "summary": "WSGI in one process with four threads: gunicorn's gthread",
    "protocol": "http",
    "process_model": "threaded",
    "explain": "wsgi",
    "fronts": ["none", "nginx", "apache", "lighttpd"],
    "needs": ["gunicorn"],
    "install": "pip install 'gwtop[demos]'",
    "unix": True,
}


def build(keeper: Keeper, options: Options) -> dict[str, Any]:
    threads = ("--worker-class", "gthread", "--threads", "4")
    configuration = ("--config", str(HERE / "_gunicorn_threads.py"))
    return alone_or_behind(
        keeper, options, lambda port: gunicorn(port, 1, *threads, *configuration)
    )


if __name__ == "__main__":
    main(DEMO, build)
