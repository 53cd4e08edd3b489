"""What a hop through gwtop's relay costs, beside other ways to stand in the path.

In: nothing. A FastCGI gateway that answers each connection once and ends it, and 16 clients of it,
are made here. Out: a table of requests per second, and of the share of what is possible without a
hop, each way for the same time, in turns, `--rounds` times, the median of each.

    python tests/bench/relay.py [--seconds 3] [--rounds 3] [--tcp]

Peers, run in the same turns: a minimal asyncio forwarder; socat where it is installed
(`-t1 ...,fork`: a process for each connection). Nothing here is asserted: a busy machine is slower.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

HEAD = b"\x01\x01\x00\x01\x00\x08\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00"  # FCGI_BEGIN_REQUEST
PARAMS = b"\x0e\x03REQUEST_METHODGET" + b"\x0b\x40REQUEST_URI" + b"/" * 64
REQUEST = (
    HEAD
    + b"\x01\x04\x00\x01" + len(PARAMS).to_bytes(2, "big") + b"\x00\x00" + PARAMS
    + b"\x01\x04\x00\x01\x00\x00\x00\x00" + b"\x01\x05\x00\x01\x00\x00\x00\x00"
)  # fmt: skip
BODY = b"Content-Type: text/plain\r\n\r\n" + b"x" * 500
ANSWER = (
    b"\x01\x06\x00\x01" + len(BODY).to_bytes(2, "big") + b"\x00\x00" + BODY
    + b"\x01\x06\x00\x01\x00\x00\x00\x00"
    + b"\x01\x03\x00\x01\x00\x08\x00\x00" + bytes(8)
)  # fmt: skip
N_CLIENTS = 16
WAITING = threading.Event()
Address = str | tuple[str, int]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--tcp", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gw") as folder:
        measure(Path(folder), given.seconds, given.rounds, given.tcp)


def measure(folder: Path, seconds: float, rounds: int, tcp: bool) -> None:
    gateway = address(folder, "gateway", tcp)
    ways: dict[str, Callable[[], contextlib.AbstractContextManager[Address]]] = {
        "no hop": lambda: contextlib.nullcontext(gateway),
        "asyncio": lambda: asyncio_hop(address(folder, "a", tcp), gateway),
        "gwtop tap": lambda: gwtop_hop(address(folder, "g", tcp), gateway),
    }
    if shutil.which("socat"):
        ways["socat"] = lambda: socat_hop(address(folder, "s", tcp), gateway)
    rates: dict[str, list[float]] = {name: [] for name in ways}
    with child(serve, gateway):
        for _ in range(rounds):
            for name, way in ways.items():
                with way() as there:
                    rates[name].append(load(there, seconds))
    alone = statistics.median(rates["no hop"])
    print(f"{'':12}{'requests/s':>12}{'of no hop':>12}   (load {os.getloadavg()[0]:.1f})")
    for name, found in rates.items():
        rate = statistics.median(found)
        print(f"{name:12}{rate:12,.0f}{rate / alone:12.2f}")


def address(folder: Path, name: str, tcp: bool) -> Address:
    if not tcp:
        return str(folder / name)
    with socket.create_server(("127.0.0.1", 0)) as one:
        return ("127.0.0.1", int(one.getsockname()[1]))


def listening(at: Address) -> socket.socket:
    one = socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind(at)
    one.listen(1024)
    return one


def connected(at: Address) -> socket.socket:
    one = socket.socket(socket.AF_UNIX if isinstance(at, str) else socket.AF_INET)
    one.connect(at)
    return one


@contextlib.contextmanager
def child(work: Callable[..., None], *arguments: object) -> Iterator[None]:
    """Runs it in a process of its own, which listens before this goes on."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        work(*arguments, lambda: os.close(writing))
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def serve(at: Address, ready: Callable[[], None]) -> None:
    """A gateway: one request on each connection, answered and closed."""
    listener = listening(at)
    ready()
    while True:
        one, _ = listener.accept()
        with one:
            one.recv(65536)
            with contextlib.suppress(OSError):
                one.sendall(ANSWER)


def load(there: Address, seconds: float) -> float:
    """Requests per second of `N_CLIENTS` that ask, read to the end, and ask again."""
    late = time.monotonic() + seconds
    done = [0] * N_CLIENTS

    def ask(number: int) -> None:
        while time.monotonic() < late:
            with connected(there) as one:
                one.sendall(REQUEST)
                n_bytes = 0
                while data := one.recv(65536):
                    n_bytes += len(data)
                assert n_bytes == len(ANSWER), n_bytes
            done[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(N_CLIENTS)]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.monotonic() - began)


@contextlib.contextmanager
def asyncio_hop(here: Address, gateway: Address) -> Iterator[Address]:
    with child(_asyncio, here, gateway):
        yield here


def _asyncio(here: Address, gateway: Address, ready: Callable[[], None]) -> None:
    async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.write_eof()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(gateway, str):
            far_reader, far_writer = await asyncio.open_unix_connection(gateway)
        else:
            far_reader, far_writer = await asyncio.open_connection(*gateway)
        await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        far_writer.close()
        writer.close()

    async def run() -> None:
        if isinstance(here, str):
            await asyncio.start_unix_server(relay, here)
        else:
            await asyncio.start_server(relay, *here)
        ready()
        await asyncio.Event().wait()

    asyncio.run(run())


@contextlib.contextmanager
def started(command: list[str], here: Address) -> Iterator[Address]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        await_listener(here)
        yield here
    finally:
        process.terminate()
        process.wait()


def await_listener(here: Address) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError):
            connected(here).close()
            return
        WAITING.wait(0.02)
    raise SystemExit(f"nobody listens at {here}")


@contextlib.contextmanager
def gwtop_hop(here: Address, gateway: Address) -> Iterator[Address]:
    """Facts are made and written, to nobody."""
    command = [sys.executable, "-m", "gwtop", "tap"]
    if isinstance(here, str):  # it takes the place of the gateway's own name
        before = Path(str(gateway)).stat().st_ino
        with started([*command, f"unix:{gateway}", "--json"], gateway):
            while Path(str(gateway)).stat().st_ino == before:
                WAITING.wait(0.02)
            yield gateway
        return
    with started([*command, f"{here[1]}:{gateway[1]}", "--json"], here):
        yield here


@contextlib.contextmanager
def socat_hop(here: Address, gateway: Address) -> Iterator[Address]:
    if isinstance(here, str):
        ends = [f"UNIX-LISTEN:{here},fork,backlog=1024", f"UNIX-CONNECT:{gateway}"]
    else:
        ends = [
            f"TCP-LISTEN:{here[1]},bind=127.0.0.1,fork,reuseaddr,backlog=1024",
            f"TCP:127.0.0.1:{gateway[1]}",
        ]
    with started(["socat", "-t1", *ends], here):
        yield here


if __name__ == "__main__":
    main()
