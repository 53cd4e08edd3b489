"""Frames through libpcap, for systems without the kernel's packet ring, and on request.

In: an interface, ports. Out: `Frames`, one batch a read; `Missed` when libpcap's buffer was full.
It refuses to know what is inside a frame beyond the filter.

scapy brings the declarations of libpcap's functions; its own reader is not used, because it cuts
frames at 65,535 bytes (loopback's reach 65,550) and makes a float of each stamp. A call a frame
makes this three times as costly as `ring`, which is why it stands second.
An interface that is removed is an error of every read from then on; one that goes down is one in
libpcap 1.9, and waited for by itself since 1.10. Elsewhere than on Linux a read may fail for other
reasons: it is tried again once a second.
Source: pcap(3PCAP); pcap-linktype(7).
"""

import socket
import sys
from collections.abc import Collection, Sequence
from ctypes import byref, c_char_p, create_string_buffer, string_at
from typing import Any

from gwtop.nouns.plan import Plan
from gwtop.nouns.records import Frames, Missed, Record, TapState
from gwtop.nouns.times import SECOND_NS, Nanos
from gwtop.taps import interfaces
from gwtop.taps.privilege import needed
from gwtop.taps.shut import Shut

NAME = "libpcap"
SNAPLEN = 0x40000  # libpcap's MAXIMUM_SNAPLEN
BUFFER_BYTES = 32 << 20  # 0.2 s of loopback at full speed; libpcap's own 2 MiB lose frames
TIMEOUT_MS = 10
MAX_FRAMES_PER_READ = 4096
ERROR_BYTES = 256  # PCAP_ERRBUF_SIZE
PERM_DENIED, PROMISC_PERM_DENIED = -8, -11  # PCAP_ERROR_*
ANY = "any"
"""Linux: all interfaces; none of that name is there."""
LINK_OF_DLT = {0: 0, 1: 1, 12: 101, 14: 101, 108: 108, 113: 113, 276: 276}
"""DLT_* to LINKTYPE_*: the same but for raw IP."""


class Libpcap:
    """The open tap; `open_tap` builds it."""

    name = NAME

    def __init__(self, plan: Plan, now: Nanos) -> None:
        """Raises OSError; PermissionError where the rights are missing."""
        self._host, self._interface = plan.host, plan.interface
        self._again_at: Nanos | None = None
        """The last read failed. None: it did not."""
        self._pcap: Any = _library()
        self._handle = self._activate(plan.interface)
        self._header = self._pcap.POINTER(self._pcap.pcap_pkthdr)()
        self._data = self._pcap.POINTER(self._pcap.c_ubyte)()
        self._n_dropped = 0
        self._is_open = True
        kind = self._pcap.pcap_datalink(self._handle)
        self.link = LINK_OF_DLT.get(kind, -1)
        if self.link < 0:
            self.close()
            raise OSError(f"link type {kind} of {plan.interface} is unknown")
        self.set_ports(plan.ports)
        self.state = TapState(now, NAME, "open", None, ("frames",))
        self.behind_at: Nanos | None = None

    def _activate(self, interface: str) -> Any:
        pcap, error = self._pcap, create_string_buffer(ERROR_BYTES)
        handle = pcap.pcap_create(interface.encode(), error)
        if not handle:
            raise OSError(error.value.decode("utf-8", "replace"))
        pcap.pcap_set_snaplen(handle, SNAPLEN)
        pcap.pcap_set_timeout(handle, TIMEOUT_MS)
        pcap.pcap_set_buffer_size(handle, BUFFER_BYTES)
        status = pcap.pcap_activate(handle)
        if status < 0:
            why = c_char_p(pcap.pcap_geterr(handle)).value or pcap.pcap_statustostr(status)
            pcap.pcap_close(handle)
            text = (why or b"").decode("utf-8", "replace")
            if status in (PERM_DENIED, PROMISC_PERM_DENIED):
                raise PermissionError(text)
            raise OSError(text)
        pcap.pcap_setnonblock(handle, 1, error)
        return handle

    def set_ports(self, ports: Sequence[int]) -> None:
        """From now on these ports; needs no privilege."""
        program = self._pcap.bpf_program()
        words = expression(ports, self._host).encode("ascii")
        failed = self._pcap.pcap_compile(self._handle, byref(program), words, 1, 0xFFFFFFFF) < 0
        if not failed:
            failed = self._pcap.pcap_setfilter(self._handle, byref(program)) < 0
            self._pcap.pcap_freecode(byref(program))
        if failed:
            why = c_char_p(self._pcap.pcap_geterr(self._handle)).value or b""
            raise OSError(why.decode("utf-8", "replace"))

    def fileno(self) -> int:
        if self._again_at is not None or self.state.state != "open":
            return -1
        return int(self._pcap.pcap_get_selectable_fd(self._handle))

    def due_at(self) -> Nanos | None:
        return self._again_at

    def read(self, now: Nanos) -> list[Record]:
        next_frame, handle = self._pcap.pcap_next_ex, self._handle
        header, data = byref(self._header), byref(self._data)
        parts: list[bytes] = []
        spans: list[tuple[Nanos, int, int, int]] = []
        start = 0
        status = 0
        while len(spans) < MAX_FRAMES_PER_READ:
            status = next_frame(handle, header, data)
            if status <= 0:
                break
            about = self._header.contents
            at = about.ts.tv_sec * SECOND_NS + about.ts.tv_usec * 1000
            parts.append(string_at(self._data, about.caplen))
            spans.append((at, start, start + about.caplen, about.len))
            start += about.caplen
        failed = self._failed(now) if status < 0 else []
        if status >= 0:
            self._again_at = None
        if not spans:
            self.behind_at = None
            return failed
        self.behind_at = spans[-1][0] if len(spans) == MAX_FRAMES_PER_READ else None
        records: list[Record] = [Frames(NAME, self.link, b"".join(parts), spans)]
        self._count_missed(records, now)
        return records + failed

    def _failed(self, now: Nanos) -> list[Record]:
        """Told once, however often it fails until it does not."""
        known, self._again_at = self._again_at is not None, now + interfaces.RETRY_NS
        why = (c_char_p(self._pcap.pcap_geterr(self._handle)).value or b"").decode(
            "utf-8", "replace"
        )
        if not _is_there(self._interface):
            self._again_at = None
            self.state = TapState(now, NAME, "absent", f"{self._interface}: {why}")
            return interfaces.went_away(now, NAME, self._interface, "gwtop is started again")
        return [] if known else interfaces.went_down(now, NAME, self._interface, why)

    def _count_missed(self, records: list[Record], now: Nanos) -> None:
        found = self._pcap.pcap_stat()
        if self._pcap.pcap_stats(self._handle, byref(found)) != 0:
            return
        n_dropped = found.ps_drop
        if n_dropped > self._n_dropped:
            records.append(Missed(now, NAME, "frames", n_dropped - self._n_dropped))
            self._n_dropped = n_dropped

    def follow(self, pids: Collection[int]) -> None:
        """Frames know no pid."""

    def close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._pcap.pcap_close(self._handle)


def expression(ports: Sequence[int], host: str | None) -> str:
    """The filter, in pcap-filter(7). Fragments have no ports, and are not asked for."""
    words = "tcp and (" + " or ".join(f"port {port}" for port in ports) + ")"
    return words if host is None else f"{words} and host {host}"


def _is_there(interface: str) -> bool:
    try:
        socket.if_nametoindex(interface)
    except OSError:
        return interface == ANY
    return True


def _library() -> Any:
    """scapy's declarations of libpcap; 0.4 s. Raises OSError where there is no libpcap."""
    from scapy.libs import winpcapy  # named after Windows, but it loads libpcap elsewhere

    return winpcapy


def open_tap(plan: Plan, now: Nanos) -> Libpcap | Shut | None:
    """None: no ports, or this system has a ring and nobody asked for another tap."""
    wanted = plan.capture == NAME or (plan.capture == "ring" and sys.platform != "linux")
    if not plan.ports or not wanted:
        return None
    try:
        return Libpcap(plan, now)
    except PermissionError:
        return Shut(TapState(now, NAME, "refused", needed("ring", plan)))
    except OSError as error:  # no libpcap (libpcap0.8), no such interface
        return Shut(TapState(now, NAME, "absent", f"{plan.interface}: {error}"))
