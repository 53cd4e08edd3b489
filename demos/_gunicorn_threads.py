"""gunicorn's configuration for `demo gunicorn-threads`: all threads are there from the start.

A pool starts a thread when work finds none idle, so with one client there would be one for long.
"""

from threading import Barrier
from typing import Any


def post_worker_init(worker: Any) -> None:
    """gunicorn calls it in each worker before that takes requests."""
    together = Barrier(worker.cfg.threads)
    for _ in range(worker.cfg.threads):
        worker.tpool.submit(together.wait)  # each keeps its thread until all have one
