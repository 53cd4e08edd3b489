"""Packets per CPU second of each step of a replay: walk, link, tcp; beside a bare struct loop.

    python tests/bench/wire.py [requests]

Builds two captures in a temporary directory: a connection a request (18 packets, half of them
pure ACKs, as behind nginx and uWSGI) and kept connections (2 packets a request). The frames come
from scapy, once each, and are then repeated with other ports and stamps. What is printed is CPU
time of this process, the best of three, and stands in the closing notes, not in a test.
"""

import struct
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from time import process_time

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames
from gwtop.nouns.wire import Segment
from gwtop.taps.files import open_capture
from gwtop.wire.link import Unpacked, unpack
from gwtop.wire.tcp import Reassembler

N_CLIENT_PORTS = 28_000


def _scripted(script: list[tuple[bool, str, int]]) -> list[bytes]:
    """Frames of one connection: (from the client, flags, payload bytes)."""
    from scapy.layers.inet import IP, TCP
    from scapy.layers.l2 import Ether
    from scapy.packet import Raw

    seqs = {True: 1000, False: 2000}
    frames = []
    for is_client, flags, n_bytes in script:
        ports = (40000, 9000) if is_client else (9000, 40000)
        tcp = TCP(sport=ports[0], dport=ports[1], flags=flags, seq=seqs[is_client])
        tcp.options = [("NOP", None), ("NOP", None), ("Timestamp", (1, 2))]
        tcp.ack = seqs[not is_client] if "A" in flags else 0
        packet = Ether() / IP(src="127.0.0.1", dst="127.0.0.1") / tcp
        frames.append(bytes(packet / Raw(b"x" * n_bytes)) if n_bytes else bytes(packet))
        seqs[is_client] += n_bytes + ("S" in flags or "F" in flags)
    return frames


SHORT = [
    *((True, "S", 0), (False, "SA", 0), (True, "A", 0), (True, "PA", 700), (False, "A", 0)),
    *((False, "PA", 90), (True, "A", 0), (False, "PA", 28), (True, "A", 0)),
    *((False, "PA", 8), (True, "A", 0), (False, "PA", 8), (True, "A", 0), (False, "PA", 16)),
    *((True, "A", 0), (False, "FA", 0), (True, "FA", 0), (False, "A", 0)),
]
KEPT_OPENING = [(True, "S", 0), (False, "SA", 0), (True, "A", 0)]
KEPT = [(True, "PA", 700), (False, "PA", 150)]


def _write(path: Path, frames: Iterator[bytes]) -> int:
    """A pcap of microseconds; the number of frames in it."""
    n_frames = 0
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, 1))
        for n_frames, frame in enumerate(frames, 1):
            second, micro = divmod(n_frames * 7, 1_000_000)
            file.write(struct.pack("<IIII", 1_700_000_000 + second, micro, len(frame), len(frame)))
            file.write(frame)
    return n_frames


def _short(n_requests: int) -> Iterator[bytes]:
    script = [
        (is_client, bytearray(frame))
        for (is_client, _, _), frame in zip(SHORT, _scripted(SHORT), strict=True)
    ]
    for n in range(n_requests):
        port = (32768 + n % N_CLIENT_PORTS).to_bytes(2, "big")
        isn = (n // N_CLIENT_PORTS) << 20
        for is_client, frame in script:
            yield _readdress(frame, is_client, port, isn, isn)


def _kept(n_requests: int) -> Iterator[bytes]:
    opening = list(zip(KEPT_OPENING, _scripted(KEPT_OPENING), strict=True))
    frames = [bytearray(frame) for frame in _scripted(KEPT_OPENING + KEPT)[3:]]
    for n in range(16):
        for (is_client, _, _), frame in opening:
            yield _readdress(bytearray(frame), is_client, (50000 + n).to_bytes(2, "big"), 0, 0)
    for n in range(n_requests):
        port, turn = (50000 + n % 16).to_bytes(2, "big"), n // 16
        yield _readdress(frames[0], True, port, turn * 700, turn * 150)
        yield _readdress(frames[1], False, port, turn * 700, turn * 150)


def _readdress(frame: bytearray, is_client: bool, port: bytes, client: int, server: int) -> bytes:
    fresh = bytearray(frame)
    fresh[34 if is_client else 36 : 36 if is_client else 38] = port
    seq, ack = struct.unpack_from(">II", frame, 38)
    own, other = (client, server) if is_client else (server, client)
    struct.pack_into(
        ">II", fresh, 38, seq + own & 0xFFFFFFFF, ack + other & 0xFFFFFFFF if ack else 0
    )
    return bytes(fresh)


def _batches(path: Path) -> Iterator[Frames]:
    tap = open_capture(str(path), Plan())
    while not tap.ended:
        yield from (record for record in tap.read(0) if isinstance(record, Frames))
    tap.close()


def bare(path: Path) -> None:
    """What nothing in Python beats: the record headers, and no more."""
    data = path.read_bytes()
    unpack, at, n_bytes = struct.Struct("<IIII").unpack_from, 24, len(data)
    while at < n_bytes:
        _, _, n_captured, _ = unpack(data, at)
        at += 16 + n_captured


def walk(path: Path) -> None:
    for _ in _batches(path):
        pass


def segments(frames: Frames) -> list[Segment]:
    got = unpack(frames)
    assert isinstance(got, Unpacked)
    return got.segments


def link(path: Path) -> None:
    for batch in _batches(path):
        segments(batch)


def tcp(path: Path) -> None:
    reassembler = Reassembler((9000,))
    for batch in _batches(path):
        reassembler.feed_all(segments(batch))


def _best(step: Callable[[Path], None], path: Path) -> float:
    best = float("inf")
    for _ in range(3):
        before = process_time()
        step(path)
        best = min(best, process_time() - before)
    return best


def main() -> None:
    n_requests = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        for name, make, n in (("short", _short, n_requests), ("kept", _kept, n_requests * 5)):
            path = Path(folder) / f"{name}.pcap"
            n_frames = _write(path, make(n))
            print(f"{name}: {n_frames} frames, {path.stat().st_size >> 20} MiB, {n} requests")
            for step in (bare, walk, link, tcp):
                seconds = _best(step, path)
                rate, each_us = n_frames / seconds, seconds / n_frames * 1e6
                print(f"  to {step.__name__:5s}{rate:12,.0f} packets/s {each_us:7.2f} us a packet")


if __name__ == "__main__":
    main()
