"""Takes a capture of one pair of the matrix: servers, load and tcpdump beside them.

In: the names of a front and a back end. Out: `Taken`, the capture with what client and application
saw. tcpdump writes to a pipe and the end is marked by a datagram: tcpdump stopped "soon enough
after" loses its last block without a word.
"""

import shutil
import socket
import struct
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.captures._machine import settle
from tests.live._asking import AppLog, Ask, Seen, asks_of, drive
from tests.live._backs import BACKS
from tests.live._fronts import FRONTS
from tests.live._running import need_program, need_root

MARK = b"here ends the capture"
DEADLINE_S = 30.0


@dataclass
class Taken:
    pair: str
    """ "nginx-uwsgi/fastcgi": front, back end, the protocol between them."""
    port: int
    """The back end's."""
    pcap: bytes
    seen: list[Seen]
    app: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The application's word at the end of each request, by the client's tag."""

    @property
    def protocol(self) -> str:
        return self.pair.rpartition("/")[2]


class Dump:
    """tcpdump on loopback, from the first packet after the start to the last before `stop`."""

    def __init__(self, *ports: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            self._marker: int = probe.getsockname()[1]
        # Not in immediate mode: a slot of its ring is a whole snaplen, and a burst fills them all.
        command = ["tcpdump", "-i", "lo", "-U", "-B", "65536"]
        command += ["-w", "-", f"{_any_of(ports)} or (udp port {self._marker})"]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._process.stderr
        while b"listening on" not in (line := self._process.stderr.readline()):
            assert line, "tcpdump does not listen"
        self._data = bytearray()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        assert self._process.stdout
        while data := self._process.stdout.read1(1 << 20):  # type: ignore[attr-defined]
            self._data += data
            if MARK in self._data[-len(data) - 100 :]:
                self._over.set()

    def stop(self) -> bytes:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mark:
            mark.sendto(MARK, ("127.0.0.1", self._marker))
        assert self._over.wait(DEADLINE_S), "tcpdump did not see the mark"
        self.kill()
        assert self._process.stderr
        said = self._process.stderr.read().decode()
        assert "\n0 packets dropped by kernel" in said, said
        return _without_mark(bytes(self._data))

    def kill(self) -> None:
        self._process.terminate()
        self._process.wait()
        self._thread.join()


def _any_of(ports: tuple[int, ...]) -> str:
    return " or ".join(f"(tcp port {port})" for port in ports)


def records(pcap: bytes) -> Iterator[tuple[int, int, int]]:
    """(start, end, at in µs) of each record of a little-endian pcap; see pcap-savefile(5)."""
    at = 24
    while at < len(pcap):
        seconds, micros, n_bytes = struct.unpack_from("<III", pcap, at)
        yield at, at + 16 + n_bytes, seconds * 1_000_000 + micros
        at += 16 + n_bytes


def _without_mark(pcap: bytes) -> bytes:
    for start, end, _ in records(pcap):
        if end - start < 200 and MARK in pcap[start:end]:
            return pcap[:start]
    raise AssertionError("no mark in the capture")


@contextmanager
def served(pair: str) -> Iterator[tuple[Path, AppLog, int, int]]:
    """Both servers of a pair: their folder, the application's log, front's and back end's port."""
    need_root()
    need_program("tcpdump", "tcpdump")
    names, _, protocol = pair.rpartition("/")
    front, _, back = names.partition("-")
    folder = Path(tempfile.mkdtemp(prefix="gwtop-matrix-"))
    folder.chmod(0o755)  # the servers' workers are other users
    log = AppLog(folder / "app.log")
    try:
        with ExitStack() as servers:
            port = servers.enter_context(BACKS[f"{back}/{protocol}"](folder, log.path))
            through = servers.enter_context(FRONTS[front](folder, port, protocol, back))
            yield folder, log, through, port
    finally:
        shutil.rmtree(folder)


def take(pair: str, asks: list[Ask], beside: Callable[[], None] | None = None) -> Taken:
    with served(pair) as (_, log, front, port):
        dump = Dump(port)
        try:
            seen = drive(front, asks, log)
            settle(port)
            pcap = dump.stop()
        finally:
            dump.kill()
        return Taken(pair, port, pcap, seen, log.ended())


def usual_asks(pair: str, n_rounds: int) -> list[Ask]:
    """The mix; headers as long as the pair carries them."""
    # Apache drops a FastCGI pair of more than 16 KiB (AH02536) and goes on without it.
    longest = 12_000 if pair.startswith(("apache-", "mod_jk-")) else 20_000
    return asks_of(len(pair), n_rounds, longest)
