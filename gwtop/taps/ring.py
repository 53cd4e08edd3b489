"""The packet ring: frames of the watched ports, from the kernel's own memory.

In: an interface, ports. Out: `Frames`, one batch a ring block, each span with the kernel's stamp;
`Missed` when the ring was full. It refuses to know what is inside a frame beyond the filter.

AF_PACKET with TPACKET_V3: the kernel fills blocks of a shared ring and hands each over when it is
full or 10 ms old, so a busy gateway costs one wake-up a block and an idle one none at all (the
kernel keeps an empty block to itself). The descriptor is born deaf (protocol 0), gets a filter
that drops everything, then the ring, then the interface, and the real filter last: no frame of
anybody else's is ever in the ring. The filter can be swapped later without any privilege.

An interface that goes down is an error on the socket that stays until it is asked for (poll would
return at once, for ever); the socket hears it again when it is up. One that is removed takes the
binding with it: one of the same name is looked for once a second, which needs no right either.

A block handed out stays ours until the next `read`, which gives it back: nothing is copied.
On loopback each frame passes twice, out and in; PACKET_IGNORE_OUTGOING leaves one. Elsewhere it
would hide one direction, so it is set on loopback only.
"""

import array
import errno
import mmap
import socket
import struct
import sys
from collections.abc import Collection, Sequence

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames, Missed, Record, Spanned, TapState
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import bpf, interfaces
from gwtop.taps.privilege import needed
from gwtop.taps.shut import Shut

NAME = "ring"

# linux/if_packet.h
SOL_PACKET = 263  # linux/socket.h
PACKET_RX_RING, PACKET_STATISTICS, PACKET_VERSION, PACKET_IGNORE_OUTGOING = 5, 6, 10, 23
TPACKET_V3 = 2
TP_STATUS_KERNEL, TP_STATUS_USER = 0, 1
RING_REQUEST = struct.Struct("=7I")  # struct tpacket_req3
STATISTICS = struct.Struct("=3I")  # struct tpacket_stats_v3: packets, drops, freezes
BLOCK = struct.Struct("=8xIII")  # struct tpacket_block_desc: status, n packets, first packet
FRAME = struct.Struct("=IIIII4xH")  # struct tpacket3_hdr: next, sec, nsec, snaplen, len, mac
STATUS_AT = 8
"""Offset of block_status in a block (version and priv offset stand before it)."""

ETH_P_ALL = 3  # linux/if_ether.h
SO_ATTACH_FILTER = 26  # asm-generic/socket.h
ARPHRD_LOOPBACK = 772  # linux/if_arp.h
LINK_OF_ARPHRD = {1: 1, ARPHRD_LOOPBACK: 1, 519: 101, 65534: 101, 768: 101, 776: 101, 778: 101}
"""linux/if_arp.h to pcap-linktype(7). Ethernet frames on lo too; tunnels carry bare IP."""

BLOCK_BYTES = 1 << 18  # a frame must fit one block; 64 KiB frames waste 25 % of this at worst
# 64 MiB: 0.3 s of 190,000 packets/s at full loopback frames. Light traffic takes a block each
# time-out, so the number is also how long we may be kept from the processor: 2.5 s. With 64
# blocks (0.6 s) and six others at work on two cores, 1,000 CGI requests lost 1,600 frames.
N_BLOCKS = 256
FRAME_BYTES = 2048  # V3 packs frames anyhow; only has to divide the block
BLOCK_TIMEOUT_MS = 10
MAX_BLOCKS_PER_READ = 16  # a block of small frames is 1,500 of them, 2.5 ms of our work


class Ring:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(
        self,
        plan: Plan,
        now: Nanos,
        *,
        n_blocks: int = N_BLOCKS,
        block_bytes: int = BLOCK_BYTES,
        block_timeout_ms: int = BLOCK_TIMEOUT_MS,
    ) -> None:
        """Raises OSError (EPERM, ENODEV, ENOMEM ...) when the kernel refuses."""
        self._host, self._interface, self._ports = plan.host, plan.interface, plan.ports
        self._look_for_it_at: Nanos | None = None
        """The interface has gone. None: it is there."""
        self._n_blocks, self._block_bytes = n_blocks, block_bytes
        self._next, self._n_held = 0, 0
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        try:
            self._attach(bpf.drop_all())
            self._map(block_timeout_ms)
            self._bind(plan.interface)
            self.set_ports(plan.ports)
        except (OSError, ValueError):
            self._socket.close()
            raise
        self.state = TapState(now, NAME, "open", None, ("frames",))
        self.behind_at: Nanos | None = None

    def _map(self, block_timeout_ms: int) -> None:
        self._socket.setsockopt(SOL_PACKET, PACKET_VERSION, TPACKET_V3)
        n_frames = self._n_blocks * (self._block_bytes // FRAME_BYTES)
        request = (self._block_bytes, self._n_blocks, FRAME_BYTES, n_frames)
        self._socket.setsockopt(
            SOL_PACKET, PACKET_RX_RING, RING_REQUEST.pack(*request, block_timeout_ms, 0, 0)
        )
        self._ring = mmap.mmap(self._socket.fileno(), self._n_blocks * self._block_bytes)
        self._view = memoryview(self._ring)

    def _bind(self, interface: str) -> None:
        """Deaf until here; the kind of link is known from here on."""
        self._socket.bind((interface, 0))
        kind: int = self._socket.getsockname()[3]
        self.link = LINK_OF_ARPHRD.get(kind, -1)
        if self.link < 0:
            raise OSError(errno.EPROTONOSUPPORT, f"link type {kind} of {interface} is unknown")
        if kind == ARPHRD_LOOPBACK:
            self._socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self._socket.bind((interface, ETH_P_ALL))

    def _attach(self, program: Sequence[bpf.Instruction]) -> None:
        code = array.array("B", bpf.pack(program))
        where = struct.pack("@HP", len(program), code.buffer_info()[0])  # struct sock_fprog
        self._socket.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, where)

    def set_ports(self, ports: Sequence[int]) -> None:
        """From now on these ports; one swap in the kernel, needs no privilege."""
        self._ports = tuple(ports)
        net = bpf.ETHERNET_BYTES if self.link == 1 else 0
        self._attach(bpf.port_filter(ports, self._host, net))

    def fileno(self) -> int:
        return self._socket.fileno()

    def due_at(self) -> Nanos | None:
        return self._look_for_it_at

    def read(self, now: Nanos) -> list[Record]:
        """Up to MAX_BLOCKS_PER_READ batches; gives back the blocks of the read before."""
        self._give_back()
        records: list[Record] = []
        while len(records) < MAX_BLOCKS_PER_READ and self._n_held < self._n_blocks:
            base = self._next * self._block_bytes
            status, n_frames, first = BLOCK.unpack_from(self._view, base)
            if not status & TP_STATUS_USER:
                break
            spans = spans_of(self._view, base + first, n_frames)
            records.append(Frames(NAME, self.link, self._view, spans))
            self._next = (self._next + 1) % self._n_blocks
            self._n_held += 1
        self.behind_at = _newest_at(records) if self._block_is_ready() else None
        if records:  # a full ring means full blocks, so a drop never waits for long to be told
            self._count_missed(records, now)
        elif self._look_for_it_at is None:
            records += self._trouble(now)
        elif now >= self._look_for_it_at:
            records += self._look_for_it(now)
        return records

    def _trouble(self, now: Nanos) -> list[Record]:
        """Why we were woken without a frame. To ask takes the error off the socket."""
        if self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
            return []
        name: str = self._socket.getsockname()[0]
        if name:
            return interfaces.went_down(now, NAME, self._interface)
        self._look_for_it_at = now + interfaces.RETRY_NS
        return interfaces.went_away(now, NAME, self._interface, "it is there again")

    def _look_for_it(self, now: Nanos) -> list[Record]:
        try:
            self._attach(bpf.drop_all())
            self._bind(self._interface)
            self.set_ports(self._ports)
        except OSError:  # not there yet; not up yet; another kind of link that we cannot read
            self._look_for_it_at = now + interfaces.RETRY_NS
            return []
        self._look_for_it_at = None
        return [interfaces.came_back(now, self._interface)]

    def _block_is_ready(self) -> bool:
        base = self._next * self._block_bytes
        status: int = BLOCK.unpack_from(self._view, base)[0]
        return self._n_held < self._n_blocks and bool(status & TP_STATUS_USER)

    def _count_missed(self, records: list[Record], now: Nanos) -> None:
        raw = self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, STATISTICS.size)
        _, n_dropped, _ = STATISTICS.unpack(raw)  # reading sets them back to 0
        if n_dropped:
            records.append(Missed(now, NAME, "frames", n_dropped))

    def _give_back(self) -> None:
        first = self._next - self._n_held
        for i in range(first, self._next):
            at = (i % self._n_blocks) * self._block_bytes + STATUS_AT
            struct.pack_into("=I", self._ring, at, TP_STATUS_KERNEL)
        self._n_held = 0

    def follow(self, pids: Collection[int]) -> None:
        """Frames know no pid."""

    def close(self) -> None:
        self._socket.close()
        if not self._ring.closed:
            try:
                self._view.release()
                self._ring.close()
            except BufferError:
                pass  # somebody still holds a batch: the map goes with the last of them


def spans_of(view: memoryview, at: int, n_frames: int) -> list[Spanned]:
    """The frames of one block, whose first header is at `at`; 0.35 us each."""
    unpack = FRAME.unpack_from
    spans: list[Spanned] = []
    for _ in range(n_frames):
        step, sec, nsec, kept, length, mac = unpack(view, at)
        start = at + mac
        spans.append((sec * SECOND_NS + nsec, start, start + kept, length))
        at += step
    return spans


def _newest_at(records: list[Record]) -> Nanos | None:
    """The instant of the last frame of the batches; None when there is none."""
    spans = [r.spans for r in records if isinstance(r, Frames) and r.spans]
    return spans[-1][-1][0] if spans else None


def open_tap(plan: Plan, now: Nanos) -> Ring | Shut | None:
    """None: no ports, or another packet tap was chosen."""
    if plan.capture != NAME or not plan.ports:
        return None
    if sys.platform != "linux":
        return Shut(TapState(now, NAME, "absent", "the packet ring needs Linux"))
    try:
        return Ring(plan, now)
    except PermissionError:
        return Shut(TapState(now, NAME, "refused", needed(NAME, plan)))
    except (OSError, ValueError) as error:  # no such interface, no memory, a host that is none
        return Shut(TapState(now, NAME, "absent", f"{plan.interface}: {_why(error)}"))


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENODEV:
        return "there is no such interface; `ip -br link` lists those there are"
    return str(error)
