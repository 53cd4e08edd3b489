"""Captures that tcpdump made of a real conversation on loopback, read back by gwtop.

The witnesses are the two ends of the conversation, who know what they sent, and Wireshark's own
tools, which turn the capture into other formats.
"""

import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames, Observed, Record
from gwtop.nouns.wire import Chunk, Closed, Lost, Opened, Side
from gwtop.taps.files import FileTap, open_capture
from gwtop.wire.half import Told
from gwtop.wire.link import Unpacked, unpack
from gwtop.wire.tcp import Reassembler

pytestmark = pytest.mark.live

ASK = bytes(range(256)) * 500
ANSWER = bytes(reversed(range(256))) * 2000


@pytest.fixture(autouse=True)
def _parts() -> None:
    missing = [tool for tool in ("tcpdump", "editcap", "mergecap") if shutil.which(tool) is None]
    if os.geteuid() != 0:
        missing.append("root, for tcpdump")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


def serve(listener: socket.socket) -> None:
    """Reads one ask, tells one answer, closes."""
    with listener.accept()[0] as peer:
        n_bytes = 0
        while n_bytes < len(ASK):
            n_bytes += len(peer.recv(1 << 20))
        peer.sendall(ANSWER)


def converse(listener: socket.socket, family: socket.AddressFamily) -> None:
    worker = threading.Thread(target=serve, args=(listener,))
    worker.start()
    with socket.socket(family) as client:
        client.connect(listener.getsockname())
        client.sendall(ASK)
        answer = b""
        while data := client.recv(1 << 20):
            answer += data
    worker.join()
    assert answer == ANSWER


class Replay:
    """A replay in progress: what has been told so far."""

    def __init__(self, port: int) -> None:
        self.told: list[Told] = []
        self.notes: list[str] = []
        self.links: set[int] = set()
        self._reassembler = Reassembler((port,))

    def take(self, records: list[Record]) -> None:
        for record in records:
            if isinstance(record, Observed):
                self.notes.append(record.code)
            if isinstance(record, Frames):
                unpacked = unpack(record)
                assert isinstance(unpacked, Unpacked)
                self.links.add(record.link)
                self.told += self._reassembler.feed_all(unpacked.segments)

    @property
    def n_fins(self) -> int:
        return sum(isinstance(one, Closed) and one.how == "fin" for one in self.told)

    def stream(self, side: Side, conn: int = 1) -> bytes:
        chunks = (one for one in self.told if isinstance(one, Chunk))
        return b"".join(one.data for one in chunks if one.side is side and one.conn == conn)

    def n_lost(self, side: Side) -> int:
        losses = (one for one in self.told if isinstance(one, Lost))
        return sum(one.n_bytes for one in losses if one.side is side)


def replay(path: Path, port: int) -> Replay:
    told = Replay(port)
    tap = open_capture(str(path), Plan())
    while not tap.ended:
        told.take(tap.read(0))
    tap.close()
    return told


def is_whole(told: Replay) -> bool:
    opened = [one for one in told.told if isinstance(one, Opened)]
    return (
        len(opened) == 1
        and opened[0].from_start
        and told.stream(Side.CLIENT) == ASK
        and told.stream(Side.SERVER) == ANSWER
        and (told.n_lost(Side.CLIENT), told.n_lost(Side.SERVER), told.n_fins) == (0, 0, 2)
    )


def listening(family: socket.AddressFamily = socket.AF_INET) -> socket.socket:
    listener = socket.socket(family)
    listener.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
    listener.listen()
    return listener


def capture(
    path: Path, family: socket.AddressFamily, options: list[str], see: Callable[[Replay], bool]
) -> int:
    """Runs tcpdump into a pipe, reads it live until `see`, and keeps what came; the port."""
    with listening(family) as listener:
        port = listener.getsockname()[1]
        command = ["tcpdump", "-U", "--immediate-mode", "-B", "16384", *options]
        command += ["-w", "-", "tcp", "port", str(port)]
        dump = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert dump.stdout is not None and dump.stderr is not None
        try:
            while b"listening on" not in dump.stderr.readline():
                assert dump.poll() is None
            converse(listener, family)
            _copy_until(dump.stdout.fileno(), path, port, see)
        finally:
            dump.terminate()
            dump.communicate()
    return port


def _copy_until(source: int, path: Path, port: int, see: Callable[[Replay], bool]) -> None:
    """Through gwtop's own tap, a second pipe between: what it was given is what is kept."""
    reading, writing = os.pipe()
    tap, told = FileTap(reading, "tcpdump", 1000), Replay(port)
    with path.open("wb") as file:
        while not see(told):
            data = os.read(source, 32 * 1024)
            assert data, "tcpdump ended before the conversation was seen"
            file.write(data)
            os.write(writing, data)
            told.take(tap.read(0))
    os.close(writing)
    tap.close()


def fins(n: int) -> Callable[[Replay], bool]:
    return lambda told: told.n_fins == n


@pytest.mark.parametrize(
    ("family", "options", "link"),
    [
        pytest.param(socket.AF_INET, ["-i", "lo"], 1, id="lo"),
        pytest.param(socket.AF_INET6, ["-i", "lo"], 1, id="lo over IPv6"),
        pytest.param(socket.AF_INET, ["-i", "lo", "--nano"], 1, id="nanoseconds"),
        pytest.param(socket.AF_INET, ["-i", "any", "-y", "LINUX_SLL"], 113, id="any, cooked v1"),
        pytest.param(socket.AF_INET, ["-i", "any", "-y", "LINUX_SLL2"], 276, id="any, cooked v2"),
        pytest.param(socket.AF_INET6, ["-i", "any", "-y", "LINUX_SLL2"], 276, id="v2 over IPv6"),
    ],
)
def test_both_streams_come_out_of_tcpdump_live_and_again_from_the_file(
    tmp_path: Path, family: socket.AddressFamily, options: list[str], link: int
) -> None:
    path = tmp_path / "a.pcap"
    port = capture(path, family, options, fins(2))
    told = replay(path, port)
    assert told.links == {link}
    assert is_whole(told)


def test_every_format_that_editcap_writes_gives_the_same(tmp_path: Path) -> None:
    path, other = tmp_path / "a.pcap", tmp_path / "b"
    port = capture(path, socket.AF_INET, ["-i", "lo", "--nano"], fins(2))
    told = replay(path, port).told
    for form in ("nsecpcap", "pcapng"):
        subprocess.run(["editcap", "-F", form, path, other], check=True)
        assert replay(other, port).told == told
        subprocess.run(["gzip", "-kf", other], check=True)
        assert replay(other.with_name("b.gz"), port).told == told
    subprocess.run(["editcap", "-F", "pcap", path, other], check=True)
    assert [one.at for one in replay(other, port).told] == [one.at // 1000 * 1000 for one in told]


def test_merged_captures_of_two_link_types_give_both_connections(tmp_path: Path) -> None:
    first, second, both = tmp_path / "1", tmp_path / "2", tmp_path / "both"
    port = capture(first, socket.AF_INET, ["-i", "lo"], fins(2))
    capture(second, socket.AF_INET6, ["-i", "any", "-y", "LINUX_SLL2"], fins(2))
    subprocess.run(["mergecap", "-F", "pcapng", "-w", both, first, second], check=True)
    told = replay(both, port)
    assert told.links == {1, 276}
    for conn in (1, 2):
        assert sorted(
            map(len, (told.stream(Side.CLIENT, conn), told.stream(Side.SERVER, conn)))
        ) == [
            len(ASK),
            len(ANSWER),
        ]
    assert told.n_fins == 4


def test_what_snaplen_cut_is_lost_to_the_byte(tmp_path: Path) -> None:
    path, cut = tmp_path / "a.pcap", tmp_path / "cut.pcap"
    port = capture(path, socket.AF_INET, ["-i", "lo"], fins(2))
    subprocess.run(["editcap", "-s", "128", path, cut], check=True)
    told = replay(cut, port)
    for side, stream in ((Side.CLIENT, ASK), (Side.SERVER, ANSWER)):
        position = 0
        for one in told.told:
            if isinstance(one, Chunk) and one.side is side:
                assert one.data == stream[position : position + len(one.data)]
                position += len(one.data)
            elif isinstance(one, Lost) and one.side is side:
                position += one.n_bytes
        assert position == len(stream)
        assert told.n_lost(side) > 0
    assert told.n_fins == 2


def test_a_file_that_was_cut_is_read_to_its_last_whole_frame(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    port = capture(path, socket.AF_INET, ["-i", "lo"], fins(2))
    os.truncate(path, path.stat().st_size * 2 // 3)
    told = replay(path, port)
    assert told.notes == ["capture-cut"]
    assert ANSWER.startswith(told.stream(Side.SERVER))
