"""What a poller sees of a thousand CGI processes of a millisecond each, beside gwtop's births.

    python -m tests.bench.short_processes [--requests N] [--concurrency N]      (as root)

In: nginx before fcgiwrap before a C program (tests/live/_short_cgi.py), asked at full speed by ab,
anew for each observer, so that none is slowed down by another. Out: a table. psutil's poller looks
at every new pid's name (its cheapest question that tells a program from another) each 100 ms, each
10 ms, or without a pause; gwtop's row counts its `process_born` facts, and how many of its requests
name the process that the answer names in X-Worker-Pid.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.live import _short_cgi as short
from tests.live._running import of_type, running

POLLER = """
import select, sys, psutil
pause_s, name = float(sys.argv[1]), sys.argv[2]
known = set(psutil.pids())
seen = named = 0
print("ready", flush=True)
while not select.select([sys.stdin], [], [], pause_s)[0]:
    pids = set(psutil.pids())
    for pid in pids - known:
        seen += 1
        try:
            named += psutil.Process(pid).name() == name
        except psutil.NoSuchProcess:
            pass
    known = pids
print(seen, named, flush=True)
"""


class Row(NamedTuple):
    observer: str
    n_seen: int
    n_named: int
    n_matched: int | None
    """Requests with the pid that answered; None: the observer knows no requests."""


def polled(front: int, n: int, concurrency: int, pause_s: float) -> tuple[int, int]:
    command = [sys.executable, "-c", POLLER, str(pause_s), short.NAME]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as poller:
        assert poller.stdin is not None and poller.stdout is not None
        poller.stdout.readline()
        short.load(front, n, concurrency)
        poller.stdin.write(b"stop\n")
        poller.stdin.flush()
        seen, named = poller.stdout.readline().split()
    return int(seen), int(named)


def polling(what: str, pause_s: float) -> Callable[[int, int, int, int], Row]:
    def observe(front: int, watched: int, n: int, concurrency: int) -> Row:
        return Row(f"psutil.pids(), {what}", *polled(front, n, concurrency, pause_s), None)

    return observe


def gwtop(front: int, watched: int, n: int, concurrency: int) -> Row:
    with running("attach", "--port", str(watched), "--json", "--details") as attached:
        attached.await_type("hello")
        short.load(front, n, concurrency)
        attached.await_fact(lambda f: f["type"] == "tick" and f["requests"] >= n)
        attached.interrupt()
    born, requests = of_type(attached.facts, "process_born"), of_type(attached.facts, "request")
    named = sum(f["name"] == short.NAME for f in born)
    told = [(r["pid"], dict(r["response_fields"]).get("X-Worker-Pid")) for r in requests]
    return Row("gwtop attach", len(born), named, sum(str(pid) == own for pid, own in told))


OBSERVERS = (polling("each 100 ms", 0.1), polling("each 10 ms", 0.01), polling("busy", 0.0), gwtop)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--concurrency", type=int, default=8)
    options = parser.parse_args()
    print(f"| of {options.requests} CGI processes | seen | with their name | with their request |")
    print("|---|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # nginx' workers must get at it
        with short.fcgiwrap(Path(folder)) as (front, watched):
            for observe in OBSERVERS:
                row = observe(front, watched, options.requests, options.concurrency)
                matched = "–" if row.n_matched is None else row.n_matched
                print(f"| {row.observer} | {row.n_seen} | {row.n_named} | {matched} |", flush=True)


if __name__ == "__main__":
    main()
