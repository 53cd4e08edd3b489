"""What it costs everybody else that arrivals are told: messages between two ends that nobody
watches, with gwtop's programs at the kernel's places and without; and where the reader is watched
(what else that costs him is not in it).

In: how many runs. Out: ns a message (a write and a read of 64 bytes by one thread) and ns a round
(there and back between two processes), of each the best of many short runs, on a unix socket and on
TCP over loopback. Python's own part is in both figures; the difference is the programs'. As root.

    python -m tests.bench.arrivals
"""

import os
import socket
import sys
import time
from collections.abc import Callable

from gwtop.taps.kernelside import KernelSide

N_RUNS, N_ROUNDS = 200, 100
DATA = bytes(64)


def tcp_pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        here = socket.create_connection(listener.getsockname())
        there, _ = listener.accept()
    for one in (here, there):
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return here, there


PAIRS: dict[str, Callable[[], tuple[socket.socket, socket.socket]]] = {
    "unix": socket.socketpair,
    "tcp": tcp_pair,
}


def best_ns(write_to: int, read_from: int, n_runs: int) -> float:
    best = float("inf")
    for _ in range(n_runs):
        start = time.perf_counter_ns()
        for _ in range(N_ROUNDS):
            os.write(write_to, DATA)
            os.read(read_from, 64)
        best = min(best, (time.perf_counter_ns() - start) / N_ROUNDS)
    return best


def measure(n_runs: int) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, make in PAIRS.items():
        here, there = make()
        found[f"{name} message"] = best_ns(here.fileno(), there.fileno(), n_runs)
        child = os.fork()
        if child == 0:
            here.close()
            while data := os.read(there.fileno(), 64):
                os.write(there.fileno(), data)
            os._exit(0)
        there.close()
        found[f"{name} round"] = best_ns(here.fileno(), here.fileno(), n_runs)
        here.close()
        os.waitpid(child, 0)
    return found


def main(n_runs: int) -> None:
    tables = {"without": measure(n_runs)}
    kernel = KernelSide(0)
    assert kernel.follow_arrivals(unix=True), "needs Linux 6.3"
    tables["with"] = measure(n_runs)
    kernel.owned.concern([os.getpid()])
    tables["as a reader"] = measure(n_runs)
    kernel.close()
    tables["again without"] = measure(n_runs)
    for name, table in tables.items():
        print(f"{name:14}" + "".join(f"{what}: {ns:7.0f} ns  " for what, ns in table.items()))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else N_RUNS)
