"""What a capture needs of the machine: free ports, servers, tcpdump, the application's log.

In: commands. Out: processes that are there when told and gone when told, and the bytes of a
capture that is whole. Knows no protocol.

tcpdump writes to a pipe and the end of a capture is marked by a datagram of our own: tcpdump
stopped "soon enough after" loses its last block without a word, so nothing here waits for a time.
"""

import json
import os
import select
import socket
import struct
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DEADLINE_S = 20.0
QUIET_S = 0.3  # Nagle waits 40 ms for a delayed ACK where a server writes in small pieces
SENTINEL = b"here ends the capture"


def free_port(kind: int = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def server(command: list[str], port: int, folder: Path, **environ: str) -> Iterator[int]:
    """Its pid once something listens on `port`; the whole group is gone afterwards."""
    with open(folder / f"{Path(command[0]).name}.log", "ab") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=os.environ | environ,
            start_new_session=True,
        )
    try:
        await_listener(process, port, Path(log.name))
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(5)
        finally:
            kill_group(process.pid)


def await_listener(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Until the port answers. Each round waits for the server's death, an instant at most."""
    died = os.pidfd_open(process.pid)
    until = time.monotonic() + DEADLINE_S
    try:
        while not listens(port):
            gone = bool(select.select([died], [], [], 0.02)[0])
            if gone or time.monotonic() > until:
                raise SystemExit(f"{process.args!r} does not serve:\n{log.read_text()}")
    finally:
        os.close(died)


def settle(port: int) -> None:
    """Until no connection of this port is half closed: who was given up has noticed, too."""
    until = time.monotonic() + DEADLINE_S
    suffix = f":{port:04X}"
    while time.monotonic() < until:
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        states = {row[3] for row in rows if row[1].endswith(suffix) or row[2].endswith(suffix)}
        if states <= {"01", "06", "0A"}:  # ESTABLISHED, TIME_WAIT, LISTEN: include/net/tcp_states.h
            return
        select.select([], [], [], 0.02)
    raise SystemExit(f"connections of port {port} stay half closed")


def kill_group(pid: int) -> None:
    try:
        os.killpg(pid, 9)
    except ProcessLookupError:
        return  # nobody of the group outlived its leader


class Log:
    """The datagrams of the application."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(DEADLINE_S)
        self.lines: list[dict[str, Any]] = []

    @property
    def port(self) -> int:
        return int(self.socket.getsockname()[1])

    def wait(self, probe: str, event: str) -> dict[str, Any]:
        """The application's word on this probe, as soon as it is there."""
        for line in self.lines:
            if (line["probe"], line["event"]) == (probe, event):
                return line
        while True:
            line = json.loads(self.socket.recv(65536))
            self.lines.append(line)
            if (line["probe"], line["event"]) == (probe, event):
                return line


class Capture:
    """tcpdump of one port, from the first packet after `start` to the last before `stop`."""

    def __init__(self, port: int) -> None:
        self.marker = free_port(socket.SOCK_DGRAM)
        what = f"(tcp port {port}) or (udp port {self.marker})"
        # -B: in immediate mode a slot of the ring is a whole snaplen, and 2 MiB are eight slots.
        self.command = [
            "tcpdump",
            "-i",
            "lo",
            "-U",
            "--immediate-mode",
            "-B",
            "65536",
            "-w",
            "-",
            what,
        ]
        self.process = subprocess.Popen(
            self.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        assert self.process.stderr
        while b"listening on" not in (line := self.process.stderr.readline()):
            if not line:
                raise SystemExit("tcpdump does not listen; is this root?")

    def stop(self) -> bytes:
        """The whole pcap, without the marker."""
        assert self.process.stdout
        pipe, data = self.process.stdout.fileno(), b""
        while select.select([pipe], [], [], QUIET_S)[0]:
            data += os.read(pipe, 1 << 20)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mark:
            mark.sendto(SENTINEL, ("127.0.0.1", self.marker))
        while SENTINEL not in data:
            data += os.read(pipe, 1 << 20)
        self.process.terminate()
        said = self.process.communicate()[1].decode()
        assert "\n0 packets dropped by kernel" in said, said
        return without_marker(data)


def without_marker(pcap: bytes) -> bytes:
    """The file up to the record that holds the marker (records: pcap-savefile(5))."""
    at = 24
    while True:
        captured = struct.unpack_from("<I", pcap, at + 8)[0]
        if SENTINEL in pcap[at + 16 : at + 16 + captured]:
            return pcap[:at]
        at += 16 + captured
