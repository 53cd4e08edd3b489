"""The ring on the real loopback: every frame once, losses counted, nothing when idle, and refused.

Needs CAP_NET_RAW; skips without it.
"""

import select
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing

import pytest
from scapy.layers.inet import TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether

from gwtop import clock
from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames, Missed
from gwtop.taps import ring
from gwtop.taps.ring import Ring

pytestmark = pytest.mark.live

ROUND_BYTES = 100_000  # fits the socket buffers, so one thread can be both ends
LOOPBACKS = [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")]


@pytest.fixture
def port() -> Iterator[int]:
    """A free port; nobody else's traffic is on it."""
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        yield reserved.getsockname()[1]


def opened(port: int, **geometry: int) -> Ring:
    try:
        return Ring(Plan(ports=(port,)), clock.now(), **geometry)
    except PermissionError:
        pytest.skip("needs CAP_NET_RAW")


def frames_of(tap: Ring, quiet_s: float = 0.2) -> tuple[list[bytes], int]:
    """Everything until it has been quiet for a while, and how many were missed."""
    frames: list[bytes] = []
    n_missed = 0
    while select.select([tap], [], [], quiet_s)[0]:
        for record in tap.read(clock.now()):
            if isinstance(record, Missed):
                n_missed += record.n or 0
            else:
                assert isinstance(record, Frames) and record.link == 1
                frames += [bytes(record.buffer[start:end]) for _, start, end, _ in record.spans]
    return frames, n_missed


def talk(family: int, host: str, port: int, n_bytes: int) -> None:
    """One connection: so many bytes to the server, five back, closed by the client first."""
    with socket.create_server((host, port), family=family, reuse_port=True) as server:
        client = socket.create_connection((host, port))
        peer, _ = server.accept()
        with closing(client), closing(peer):
            for sent in range(0, n_bytes, ROUND_BYTES):
                left = min(ROUND_BYTES, n_bytes - sent)
                client.sendall(b"q" * left)
                while left:
                    left -= len(peer.recv(left))
            peer.sendall(b"reply")
            assert client.recv(5) == b"reply"
            client.shutdown(socket.SHUT_WR)
            assert peer.recv(1) == b""


@pytest.mark.parametrize(("family", "host"), LOOPBACKS)
def test_every_frame_of_a_connection_is_seen_once(family: int, host: str) -> None:
    with socket.create_server((host, 0), family=family, reuse_port=True) as reserved:
        port = reserved.getsockname()[1]
    with closing(opened(port)) as tap:
        talk(family, host, port, 200_000)
        frames, n_missed = frames_of(tap)
    segments = [Ether(frame)[TCP] for frame in frames]
    sent = {s.seq: bytes(s.payload) for s in segments if s.dport == port and s.payload}
    assert n_missed == 0
    assert sum(map(len, sent.values())) == 200_000
    assert len(sent) == len([s for s in segments if s.dport == port and s.payload])
    assert b"".join(bytes(s.payload) for s in segments if s.sport == port) == b"reply"
    assert [str(s.flags) for s in segments if "S" in s.flags] == ["S", "SA"]
    assert not [s for s in segments if str(s.flags) == "A" and not s.payload]
    assert (IPv6 in Ether(frames[0])) == (family == socket.AF_INET6)


def test_stamps_are_the_kernels_and_in_order(port: int) -> None:
    with closing(opened(port)) as tap:
        before = clock.now()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.2", port))
        after = clock.now()
        assert select.select([tap], [], [], 5)[0]
        batch = tap.read(clock.now())[0]
        assert isinstance(batch, Frames)
        stamps = [at for at, *_ in batch.spans]
    assert len(stamps) == 2 and before <= stamps[0] <= stamps[1] <= after


def test_other_ports_and_an_idle_port_wake_nobody(port: int) -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as reserved:
        other = reserved.getsockname()[1]
    with closing(opened(port)) as tap:
        talk(socket.AF_INET, "127.0.0.1", other, 1000)
        assert select.select([tap], [], [], 0.2)[0] == []
        assert tap.due_at() is None


def test_the_ports_of_an_open_ring_can_be_changed_without_rights(port: int) -> None:
    script = (
        "import socket\n"
        "from gwtop import clock\nfrom gwtop.nouns.plan import Plan\n"
        "from gwtop.nouns.records import Frames\n"
        "from gwtop.taps import privilege, ring\nimport select, sys\n"
        "port = int(sys.argv[1])\n"
        "tap = ring.Ring(Plan(ports=(1,)), clock.now(), n_blocks=4)\n"
        "assert not privilege.drop()\n"
        "tap.set_ports([port])\n"
        "try: socket.create_connection(('127.0.0.2', port))\n"
        "except ConnectionRefusedError: pass\n"
        "select.select([tap], [], [], 5)\n"
        "print(sum(len(r.spans) for r in tap.read(clock.now()) if isinstance(r, Frames)))\n"
    )
    opened(port, n_blocks=1).close()
    done = subprocess.run([sys.executable, "-c", script, str(port)], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("2\n", "")


def test_a_ring_too_small_for_a_burst_counts_what_it_missed() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as reserved:
        port = reserved.getsockname()[1]
    with closing(opened(port, n_blocks=2, block_bytes=1 << 17)) as tap:
        talk(socket.AF_INET, "127.0.0.1", port, 4_000_000)
        _, n_missed = frames_of(tap)
        assert n_missed > 0
        talk(socket.AF_INET, "127.0.0.1", port, 1000)  # and it goes on
        more, n_more_missed = frames_of(tap)
    assert n_more_missed == 0
    assert any(bytes(Ether(frame)[TCP].payload) == b"reply" for frame in more)


def test_a_held_batch_survives_close() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as reserved:
        port = reserved.getsockname()[1]
    tap = opened(port)
    talk(socket.AF_INET, "127.0.0.1", port, 10)
    assert select.select([tap], [], [], 5)[0]
    batch = tap.read(clock.now())[0]
    assert isinstance(batch, Frames)
    _, start, end, wire_bytes = batch.spans[0]
    kept = batch.buffer[start:end]
    tap.close()
    tap.close()
    assert len(kept) == wire_bytes


def test_an_interface_that_is_not_there_is_told() -> None:
    opened(1, n_blocks=1).close()
    tap = ring.open_tap(Plan(ports=(1,), interface="nowhere0"), 5)
    assert tap and tap.state.state == "absent"
    assert (tap.state.needs or "").startswith("nowhere0: there is no such interface; `ip")


def test_without_rights_the_ring_is_refused_in_one_line() -> None:
    script = (
        "from gwtop.nouns.plan import Plan\nfrom gwtop.taps import privilege, ring\n"
        "privilege.drop()\n"
        "print(*ring.open_tap(Plan(ports=(3031,)), 5).state.__getstate__())\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stderr == ""
    assert done.stdout.startswith(
        "5 ring refused CAP_NET_RAW shows the requests on the wire: sudo "
    )
