"""Requests per CPU second of `gwtop read --json` beside other readers of the same captures.

    python tests/bench/decode.py [--cache FOLDER] [--requests N] [--rounds N] [--slice PACKETS]
                                 [--gwtop NAME=PYTHON ...] [--kind short|kept]

In: large captures (`_big.py` makes them once; root). Out: a table. Each reader is a process of its
own and its CPU time and peak memory are those of `wait4`; the readers take turns, so that a busy
machine is busy for all of them, and the best round of each counts. Output goes to /dev/null.

tshark keeps every packet's state and slows down with the file, so it gets the first packets only
(`--slice`, 0: all), which flatters it. dpkt and scapy only walk the packets: dpkt makes its objects
down to TCP, scapy reads raw records; they know no request. `--gwtop` adds the gwtop of another
interpreter, such as one with the compiled wheel.
"""

import argparse
import os
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from _big import KINDS, capture

BEGIN = b"\1\1\0\1\0\x08\0\0\0\1"  # FastCGI 3.3 and 5.1: a request of id 1 to a responder
DPKT = """
import dpkt, sys
for at, data in dpkt.pcap.Reader(open(sys.argv[1], "rb")):
    dpkt.ethernet.Ethernet(data)
"""
SCAPY = """
import sys
from scapy.utils import RawPcapReader
for packet in RawPcapReader(sys.argv[1]):
    pass
"""
FIELDS = ("version", "type", "id", "content.length", "padding.length", "nv_name")
FIELDS += ("begin_request.role", "begin_request.flags")
FIELDS += ("end_request.app_status", "end_request.protocol_status")


@dataclass
class Reader:
    name: str
    command: list[str]
    n_requests: int
    """0: it knows none."""
    n_packets: int
    cpu_s: float = float("inf")
    peak_kib: int = 0

    def run(self) -> None:
        """One round; the best of all rounds stays."""
        with open(os.devnull, "wb") as nowhere:
            process = subprocess.Popen(self.command, stdout=nowhere, stderr=nowhere)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self.name} failed: {self.command}")
        self.cpu_s = min(self.cpu_s, used.ru_utime + used.ru_stime)
        self.peak_kib = max(self.peak_kib, used.ru_maxrss)


def frames(path: Path) -> Iterator[tuple[int, bytes]]:
    """Where each frame of a pcap of this machine ends, and its bytes."""
    with path.open("rb") as file:
        end = len(file.read(24))
        while header := file.read(16):
            data = file.read(struct.unpack("<IIII", header)[2])
            end += 16 + len(data)
            yield end, data


def count(path: Path, max_packets: int) -> tuple[int, int, int, int]:
    """Requests and packets of all the file, then of its first `max_packets`; by no decoder."""
    n_requests = n_packets = first_requests = 0
    for _, data in frames(path):
        n_packets += 1
        n_requests += data.count(BEGIN)
        if n_packets == max_packets:
            first_requests = n_requests
    if not max_packets or n_packets < max_packets:
        return n_requests, n_packets, n_requests, n_packets
    return n_requests, n_packets, first_requests, max_packets


def server_port(path: Path) -> int:
    """The first frame is a client's."""
    _, first = next(frames(path))
    return int.from_bytes(first[36:38], "big")


def readers(path: Path, options: argparse.Namespace) -> list[Reader]:
    n_requests, n_packets, first_requests, first_packets = count(path, options.slice)
    file = str(path)
    gwtops = dict(named.split("=", 1) for named in options.gwtop)
    found = [
        Reader(name, [python, "-P", "-m", "gwtop", "read", file, "--json"], n_requests, n_packets)
        for name, python in {"gwtop": sys.executable, **gwtops}.items()
    ]
    tshark = ["tshark", "-n", "-r", file, "-d", f"tcp.port=={server_port(path)},fcgi"]
    tshark += ["-c", str(options.slice)] if options.slice else []
    tshark += ["-Y", "fcgi", "-T", "fields", "-e", "frame.time_epoch"]
    for field in FIELDS:
        tshark += ["-e", f"fcgi.{field}"]
    found.append(Reader("tshark", tshark, first_requests, first_packets))
    found.append(Reader("tcpdump", ["tcpdump", "-n", "-r", file], 0, n_packets))
    walks = [("dpkt", DPKT, options.dpkt), ("scapy raw", SCAPY, sys.executable)]
    for name, program, python in walks:
        command = [python, "-c", program]
        probe = [python, "-c", f"import {name.split()[0]}"]
        if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
            found.append(Reader(name, [*command, file], 0, n_packets))
    return found


def table(kind: str, path: Path, rows: list[Reader]) -> None:
    tshark = next(row for row in rows if row.name == "tshark")
    base = tshark.n_requests / tshark.cpu_s
    print(f"\n{kind}: {path.name}, {path.stat().st_size >> 20} MiB, {rows[0].n_requests} requests")
    print(f"{'':16}{'CPU s':>8}{'requests/s':>12}{'packets/s':>12}{'peak MiB':>10}{'x tshark':>10}")
    for row in rows:
        rate = row.n_requests / row.cpu_s
        requests, ratio = (f"{rate:,.0f}", f"{rate / base:.1f}") if row.n_requests else ("-", "-")
        packets = f"{row.n_packets / row.cpu_s:,.0f}"
        peak = row.peak_kib / 1024
        print(f"{row.name:16}{row.cpu_s:8.2f}{requests:>12}{packets:>12}{peak:10.0f}{ratio:>10}")
    print(f"tshark read {tshark.n_packets} of {rows[0].n_packets} packets.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    default = Path(tempfile.gettempdir()) / "gwtop-bench"
    parser.add_argument("--cache", type=Path, default=default, help="where captures are kept")
    parser.add_argument("--requests", type=int, default=220_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slice", type=int, default=300_000, help="packets for tshark; 0: all")
    parser.add_argument("--gwtop", action="append", default=[], metavar="NAME=PYTHON")
    parser.add_argument("--dpkt", default=sys.executable, help="an interpreter that has dpkt")
    parser.add_argument("--kind", choices=KINDS, action="append")
    options = parser.parse_args()
    options.cache.mkdir(parents=True, exist_ok=True)
    for kind in options.kind or KINDS:
        path = capture(kind, options.cache, options.requests)
        rows = readers(path, options)
        for _ in range(options.rounds):
            for row in rows:
                row.run()
        table(kind, path, rows)


if __name__ == "__main__":
    main()
